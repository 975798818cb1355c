//! `serve --demo`: the page `/demo` may kill this server, which whoever started it starts again.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use driftless_server::Origins;
use serde_json::json;

/// How long the answer has to get out, before there is nobody left to send it.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Tells the page whether there is a server to kill and, where there is, kills it when asked to.
pub fn router(may_kill: bool) -> Router {
    let told = get(move || async move { Json(json!({ "kill": may_kill })) });
    let router = Router::new().route("/api/demo", told);
    if may_kill {
        router.route("/api/demo/kill", post(kill))
    } else {
        router
    }
}

/// Only for a page of this server, under a name of this machine: no other page can have a browser
/// send that, and no link can.
async fn kill(headers: HeaderMap) -> Response {
    if !headers.contains_key(header::ORIGIN) || !Origins::Loopback.allow(&headers) {
        let text = "only the page /demo of this server may do that";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    tracing::warn!("killed from the page /demo");
    tokio::spawn(async {
        tokio::time::sleep(LAST_WORDS).await;
        die();
    });
    StatusCode::ACCEPTED.into_response()
}

/// As `kill -9`: nothing is flushed, nobody is told.
fn die() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};

        // Nothing that can be told to nobody: what is left is to end all the same.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}
