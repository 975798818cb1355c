//! [`Remote`] as an extractor.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use axum::http::request::Parts;

use crate::driftless::Driftless;
use crate::proxies::Remote;

impl<S> FromRequestParts<S> for Remote
where
    S: Send + Sync,
    Driftless: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let remote = peer.map(|ConnectInfo(peer)| {
            let driftless = Driftless::from_ref(state);
            let proxies = driftless.proxies();
            proxies.remote(peer.ip(), &parts.headers)
        });
        Ok(remote.unwrap_or(Self { address: None }))
    }
}
