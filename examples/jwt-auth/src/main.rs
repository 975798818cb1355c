//! Runs the application: `jwt-auth BOARDS SECRET [ADDRESS]`.

use std::error::Error;

use axum::serve::ListenerExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(boards), Some(secret)) = (arguments.next(), arguments.next()) else {
        return Err("usage: jwt-auth BOARDS SECRET [ADDRESS]".into());
    };
    let address = arguments.next().unwrap_or("127.0.0.1:4748".to_owned());
    let app = jwt_auth::app(boards.as_ref(), secret.as_ref()).await?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}
