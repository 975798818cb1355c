//! Plain HTTP: health checks and metrics for whoever runs the server, and the list of boards.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::get;
use driftless_model::{BoardId, UserId, Version};
use serde::Serialize;

use crate::auth::{AuthError, SignedIn};
use crate::driftless::Driftless;
use crate::metrics::CONTENT_TYPE;
use crate::proxies::Remote;

/// `/healthz` (the process runs), `/readyz` (the store answers and it is not stopping),
/// `/api/boards` (the boards that the caller may read, as JSON) and `/metrics` (for whom
/// [`crate::Authenticator::may_see_metrics`] allows, in the text format of Prometheus). The last
/// two take the token in `Authorization: Bearer`.
pub fn ops_router<S: Clone + Send + Sync + 'static>(driftless: Driftless) -> Router<S> {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/api/boards", get(boards))
        .route("/metrics", get(metrics))
        .with_state(driftless)
}

async fn ready(State(driftless): State<Driftless>) -> Response {
    if driftless.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    let board = BoardId::new("readyz").expect("a valid id");
    match driftless.store().check_at(&board, Version(1)).await {
        Ok(_) => "ready".into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &driftless_store::server::StoreError) -> Response {
    tracing::warn!(%error, "a request is answered as unavailable");
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response()
}

/// A board in the list.
#[derive(Serialize)]
struct Listed {
    board: BoardId,
    title: Option<String>,
    version: Version,
}

async fn boards(
    State(driftless): State<Driftless>,
    remote: Remote,
    headers: HeaderMap,
) -> Response {
    match caller(&driftless, remote, &headers).await {
        Ok(signed_in) => list(&driftless, &signed_in.user).await,
        Err(refusal) => *refusal,
    }
}

async fn list(driftless: &Driftless, user: &UserId) -> Response {
    let summaries = match driftless.store().boards().await {
        Ok(summaries) => summaries,
        Err(error) => return unavailable(&error),
    };
    let mut listed = Vec::new();
    for summary in summaries {
        let role = match driftless.role(user, &summary.board).await {
            Ok(role) => role,
            Err(error) => return no_sign_in(&error),
        };
        if role.may_read() {
            listed.push(Listed {
                board: summary.board,
                title: summary.title,
                version: summary.head.version,
            });
        }
    }
    Json(listed).into_response()
}

async fn metrics(
    State(driftless): State<Driftless>,
    remote: Remote,
    headers: HeaderMap,
) -> Response {
    let user = match caller(&driftless, remote, &headers).await {
        Ok(signed_in) => signed_in.user,
        Err(refusal) => return *refusal,
    };
    let may_see = match driftless.auth().may_see_metrics(&user).await {
        Ok(may_see) => may_see,
        Err(error) => return no_sign_in(&error),
    };
    if !may_see {
        let text = format!("{user} may not read the metrics; use the token of an owner");
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, CONTENT_TYPE)];
    (content_type, driftless.metrics_text()).into_response()
}

/// Who asks, or the answer to somebody who may not.
pub async fn caller(
    driftless: &Driftless,
    remote: Remote,
    headers: &HeaderMap,
) -> Result<SignedIn, Box<Response>> {
    if !driftless.origins().allow(headers) {
        let text = "pages of this origin may not read it; add it to the allowed origins";
        return Err(Box::new((StatusCode::FORBIDDEN, text).into_response()));
    }
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    driftless
        .authenticate(token, remote)
        .await
        .map_err(|error| Box::new(no_sign_in(&error)))
}

/// The answer where it cannot be told who asks, or what they may do.
pub fn no_sign_in(error: &AuthError) -> Response {
    match error {
        AuthError::Unauthorised { .. } => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, error.to_string()).into_response()
        }
        AuthError::Unavailable { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response()
        }
    }
}
