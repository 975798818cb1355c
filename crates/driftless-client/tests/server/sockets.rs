//! What becomes of the sockets of a client.

use std::time::Duration;

use driftless_client::realtime_config::Setting;
use driftless_client::{Client, RealtimeConfig};
use futures::StreamExt;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_mins(1);

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    (listener, format!("ws://{address}/rt"))
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.expect("the client comes").0
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_is_given_up_with_its_socket() {
    let (listener, url) = listener().await;
    let mut config = RealtimeConfig::default();
    let set = config.set(Setting::HandshakeTimeoutMs, 100_u64);
    set.expect("in range");
    let client = Client::builder(url).config(config).start();
    let mut stream = accept(&listener).await;
    let mut request = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut request)).await;
    assert!(ended.is_ok(), "it is open for ever");
    assert!(request.starts_with(b"GET /rt"));
    client.shutdown().await;
}

#[tokio::test]
#[allow(
    clippy::result_large_err,
    reason = "the callback's type is the library's"
)]
async fn a_shutdown_takes_its_leave_of_the_server() {
    let (listener, url) = listener().await;
    let client = Client::builder(url).start();
    let agree = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let protocol = request.headers()[SEC_WEBSOCKET_PROTOCOL].clone();
        let headers = response.headers_mut();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        Ok(response)
    };
    let peer = accept_hdr_async(accept(&listener).await, agree).await;
    let mut peer = peer.expect("a handshake");
    let hello = peer.next().await.expect("it says who it is");
    assert!(hello.expect("a frame").is_binary());
    client.shutdown().await;
    // It is on its way when the shutdown is done.
    let leave = tokio::time::timeout(PATIENCE, peer.next()).await;
    let leave = leave.expect("the client is gone");
    assert!(matches!(leave, Some(Ok(Message::Close(_)))), "{leave:?}");
}
