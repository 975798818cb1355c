//! An axum application with routes, sessions and rights of its own, and live boards beside them.

use std::error::Error;

use axum::{Router, routing::get, serve::ListenerExt as _};
use driftless_model::{BoardId, Schema, UserId};
use driftless_server::{AuthError, Authenticator, Driftless, Role, SignedIn, SqliteBoards, router};
use existing_axum::Valve;

/// What the application had before: sessions, and who may do what.
#[derive(Clone)]
struct Plant([(&'static str, &'static str); 2]);

impl Authenticator for Plant {
    async fn authenticate(&self, session: Option<&str>) -> Result<SignedIn, AuthError> {
        let known = self.0.iter().find(|(own, _)| session == Some(own));
        let (_, name) = known.ok_or_else(|| AuthError::unauthorised("sign in to the plant"))?;
        let user = UserId::new(*name);
        let user = user.map_err(|error| AuthError::unauthorised(error.to_string()))?;
        Ok(user.into())
    }

    async fn role(&self, user: &UserId, board: &BoardId) -> Result<Role, AuthError> {
        Ok(match (user.as_str(), board.as_str()) {
            (_, "payroll") => Role::None,
            ("Ann", _) => Role::Editor,
            _ => Role::Viewer,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let plant = Plant([("session-of-ann", "Ann"), ("session-of-bo", "Bo")]);
    let file = std::env::args().nth(1).unwrap_or("plant.db".to_owned());
    let store = SqliteBoards::open(file).await?;
    let live = Driftless::builder()
        .schema(Schema::builtin().register::<Valve>()?)
        .auth(plant.clone())
        .store(store.clone());
    let live = live.start().await?;
    let app = Router::new()
        .route("/", get(async || "the plant"))
        .nest("/plant/live", router(live.clone()))
        .with_state(plant);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let stopping = async move {
        tokio::signal::ctrl_c().await.ok();
        live.shutdown().await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stopping)
        .await?;
    store.close().await;
    Ok(())
}
