//! Sign-in by JSON Web Tokens: the application issues short ones, its live boards take them, and a
//! page gets a fresh one without losing its connection.
//!
//! A server that only runs `driftless serve` needs no code for this: `--jwt-secret`, `--jwt-key`
//! and `--jwt-jwks` take tokens of a sign-in that is there already (docs/operations.md). This is
//! for an application that decides about roles itself.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{Query, State};
use axum::{Router, http::StatusCode, routing::post};
use driftless_model::{BoardId, UserId};
use driftless_server::auth::{JwtKeys, JwtRules};
use driftless_server::{AuthError, Authenticator, Driftless, Role, SignedIn, SqliteBoards, router};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

/// How long a token counts, in seconds: it cannot be called back, so it is short.
pub const TOKEN_S: u64 = 300;

/// Who may sign in with which password, and what they may do then. Yours asks its own tables.
const PEOPLE: [(&str, &str, Role); 2] = [
    ("Ann", "correct horse", Role::Editor),
    ("Bo", "battery staple", Role::Viewer),
];

/// Checks tokens, and knows the roles.
struct Boards(JwtKeys);

impl Authenticator for Boards {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        let token = token.ok_or_else(|| AuthError::unauthorised("sign in first"))?;
        self.0.verify(token)
    }

    async fn role(&self, user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        let known = PEOPLE.iter().find(|(name, _, _)| *name == user.as_str());
        Ok(known.map_or(Role::None, |(_, _, role)| *role))
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    /// In seconds since 1970.
    exp: u64,
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    for_s: Option<u64>,
}

/// Answers a token, which the page hands to `DashboardRealtimeProvider`'s property `token`, or a
/// native client to `Client::set_token`.
async fn sign_in(
    State(key): State<Arc<EncodingKey>>,
    Query(credentials): Query<Credentials>,
    password: String,
) -> Result<String, StatusCode> {
    let known = PEOPLE
        .iter()
        .any(|(name, secret, _)| *name == credentials.name && *secret == password);
    if !known {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let lasts_s = credentials.for_s.unwrap_or(TOKEN_S).min(TOKEN_S);
    let claims = Claims {
        sub: &credentials.name,
        exp: now.unwrap_or_default().as_secs() + lasts_s,
    };
    let token = encode(&Header::default(), &claims, &key);
    token.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// The application: `/sign-in` issues tokens, `/rt` has the boards, in a file. `secret` is a file
/// with at least 32 bytes, which both share.
pub async fn app(boards: &Path, secret: &Path) -> Result<Router, Box<dyn Error>> {
    let key = EncodingKey::from_secret(std::fs::read(secret)?.trim_ascii_end());
    let auth = Boards(JwtKeys::secret(secret, JwtRules::default())?);
    let live = Driftless::builder()
        .auth(auth)
        .store(SqliteBoards::open(boards).await?)
        .start()
        .await?;
    Ok(Router::new()
        .route("/sign-in", post(sign_in))
        .with_state(Arc::new(key))
        .nest("/rt", router(live)))
}
