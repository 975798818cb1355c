//! The WebSocket endpoint.

mod stream;
mod wire;
mod outgoing;
mod viewer;
mod session;
mod handshake;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use driftless_model::limits;
use driftless_protocol::Codec;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::driftless::Driftless;
use crate::pace::TooFast;
use crate::proxies::Remote;
use crate::socket::stream::SharedStream;
use crate::socket::wire::Wire;

/// The buffer that a connection reads into, in bytes: it is there as long as the connection is, and
/// the default is 128 KiB.
const READ_BUFFER_BYTES: usize = 2 * 1024;
/// What a connection gathers for one write, in bytes. Takes room only while something is written.
const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// The WebSocket endpoint, at `/`: to be nested wherever the application wants it, `/rt` for the
/// web app. Sub-protocols are `driftless.v1.msgpack` and `driftless.v1.json`. Starts nothing by
/// itself.
///
/// Small answers are fast only where the listener sets `TCP_NODELAY` on the sockets it accepts. A
/// peer that stops reading in the middle of a large message is closed after
/// [`Driftless::heartbeat`] only where the listener sets that as `TCP_USER_TIMEOUT`; else it has
/// the time that the whole message would take at 8 KB/s besides.
pub fn router<S: Clone + Send + Sync + 'static>(driftless: Driftless) -> Router<S> {
    Router::new().route("/", any(upgrade)).with_state(driftless)
}

async fn upgrade(
    State(driftless): State<Driftless>,
    remote: Remote,
    headers: HeaderMap,
    // Shared with `upgrade`, which takes it: the bytes below its WebSocket are needed.
    upgraded: Option<Extension<OnUpgrade>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(Extension(upgraded)) = upgraded else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    if !driftless.origins().allow(&headers) {
        let text = "pages of this origin may not connect; add it to the allowed origins";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    if driftless.is_draining() {
        let text = "the server is stopping; connect again in a moment";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let upgrade = upgrade.protocols(Codec::ALL.map(Codec::subprotocol));
    let protocol = upgrade.selected_protocol();
    let codec = protocol
        .and_then(|name| name.to_str().ok())
        .and_then(Codec::from_subprotocol);
    let (Some(codec), Some(key)) = (codec, headers.get(header::SEC_WEBSOCKET_KEY)) else {
        let names = Codec::ALL.map(Codec::subprotocol).join(" or ");
        let text = format!("offer the WebSocket sub-protocol {names}");
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    let from = match driftless.enter_address(remote.address) {
        Ok(from) => from,
        Err(wait) => return too_many(wait),
    };
    let answer = switched(codec, key);
    tokio::spawn(async move {
        serve(driftless, codec, upgraded, remote).await;
        drop(from);
    });
    answer
}

/// The answer to an address that has too many connections, or begins them too fast.
fn too_many(wait: TooFast) -> Response {
    let text = "too many connections from this address; connect again later";
    let seconds = wait.retry_after_ms().div_ceil(1_000).to_string();
    let headers = [(header::RETRY_AFTER, seconds)];
    (StatusCode::TOO_MANY_REQUESTS, headers, text).into_response()
}

/// The answer after which the connection is a WebSocket.
fn switched(codec: Codec, key: &HeaderValue) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_ACCEPT,
        accept.expect("base64 is a header value"),
    );
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(codec.subprotocol()),
    );
    answer
}

async fn serve(driftless: Driftless, codec: Codec, upgraded: OnUpgrade, remote: Remote) {
    let upgraded = match upgraded.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "an upgrade failed");
            return;
        }
    };
    let stream = SharedStream::new(TokioIo::new(upgraded));
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_frame_size(Some(limits::FRAME_BYTES_MAX))
        .max_message_size(Some(limits::FRAME_BYTES_MAX));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (patience, metrics) = (driftless.heartbeat(), driftless.metrics().clone());
    let wire = Wire::new(socket, codec, patience, metrics);
    handshake::serve(driftless, wire, remote).await;
}
