//! [`Remote`] as an extractor.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::driftless::Driftless;
use crate::proxies::Remote;

impl FromRequestParts<Driftless> for Remote {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        driftless: &Driftless,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let remote = peer.map(|ConnectInfo(peer)| {
            let proxies = driftless.proxies();
            proxies.remote(peer.ip(), &parts.headers)
        });
        Ok(remote.unwrap_or(Self { address: None }))
    }
}
