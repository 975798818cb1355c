//! Serves the page and its boards: `existing-leptos-server PAGES BOARDS [ADDRESS]`. PAGES is a
//! folder, BOARDS the file that keeps them. Nobody signs in, so it is for this machine. Beside the
//! boards there could be any route that the application has.
#![forbid(unsafe_code)]

use std::error::Error;

use axum::{Router, serve::ListenerExt as _};
use driftless_server::{Driftless, SqliteBoards, router};
use existing_leptos::thermostat::schema;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(pages), Some(boards)) = (arguments.next(), arguments.next()) else {
        return Err("usage: existing-leptos-server PAGES BOARDS [ADDRESS]".into());
    };
    let address = arguments.next().unwrap_or("127.0.0.1:4750".to_owned());
    let store = SqliteBoards::open(boards).await?;
    let live = Driftless::builder()
        .schema(schema())
        .store(store)
        .start()
        .await?;
    let app = Router::new()
        .nest("/rt", router(live))
        .fallback_service(ServeDir::new(pages));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    Ok(axum::serve(listener, app).await?)
}
