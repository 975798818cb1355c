//! No token is ever logged, at whatever level.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use driftless_model::ClientId;
use driftless_protocol::message::Hello;
use driftless_protocol::{ClientMessage, Codec, PROTOCOL};
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message as Frame};

use crate::process::{Running, serve};

const KNOWN: &str = "known-0123456789abcdef";
const UNKNOWN: &str = "unknown-0123456789abcdef";

/// Sends these on a socket of its own, and hears everything until the server closes it.
async fn says(server: &Running, frames: Vec<Frame>) -> Vec<String> {
    let uri = format!("ws://{}/rt", server.address);
    let uri = uri.parse().expect("a URL");
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(Codec::Json.subprotocol());
    let connecting = tokio_tungstenite::connect_async(request).await;
    let (mut socket, _) = connecting.expect("connects");
    for frame in frames {
        socket.send(frame).await.expect("sends");
    }
    // The server may have closed it already.
    socket.close(None).await.ok();
    let mut heard = Vec::new();
    while let Some(Ok(frame)) = socket.next().await {
        heard.extend(frame.into_text().map(|text| text.to_string()));
    }
    heard
}

fn text(message: &ClientMessage) -> Frame {
    let bytes = Codec::Json.encode_client(message);
    Frame::text(String::from_utf8(bytes).expect("text"))
}

fn hello(token: &str) -> Frame {
    text(&ClientMessage::Hello(Hello {
        protocol: PROTOCOL,
        client: ClientId(1),
        token: Some(token.to_owned()),
        build: "test".to_owned(),
        boards: vec![],
    }))
}

fn asks(server: &Running, token: &str) -> String {
    let mut stream = TcpStream::connect(server.address).expect("connects");
    let host = server.address;
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

#[tokio::test]
async fn a_token_is_in_no_line_of_the_log_even_at_its_finest() {
    let folder = tempfile::tempdir().expect("a folder");
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, format!("{KNOWN} Ann owner\n")).expect("writes");
    let tokens = tokens.to_str().expect("text");
    // The longest target that fits is the strongest part of a filter.
    let filter = "trace,tungstenite=trace,tungstenite::protocol=trace,hyper::proto=trace";
    let arguments = ["--tokens", tokens, "--log", filter, "--log-format", "json"];
    let path = folder.path().join("log.txt");
    let log = File::create(&path).expect("a file");
    let server = Running::launch(serve(folder.path(), &arguments).stderr(log));
    let welcome = says(&server, vec![hello(KNOWN)]).await;
    assert!(welcome[0].starts_with(r#"{"welcome":"#), "{welcome:?}");
    let token = UNKNOWN.to_owned();
    let renewal = text(&ClientMessage::Token { token });
    for frames in [
        vec![hello(KNOWN), renewal],
        vec![hello(UNKNOWN)],
        vec![Frame::text(format!(
            r#"{{"hello":{{"token":"{UNKNOWN}","client":7}}}}"#
        ))],
        vec![hello(&UNKNOWN.repeat(1_000))],
    ] {
        let heard = says(&server, frames).await.concat();
        assert!(heard.contains(r#"{"goodbye":"#), "{heard}");
        assert!(!heard.contains(UNKNOWN), "{heard}");
    }
    assert!(asks(&server, KNOWN).starts_with("HTTP/1.1 200"));
    assert!(asks(&server, UNKNOWN).starts_with("HTTP/1.1 401"));
    server.kill();
    let log = std::fs::read_to_string(path).expect("text");
    assert!(log.lines().count() > 10, "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    let told = log.lines().find(|line| line.contains("0123456789abcdef"));
    assert_eq!(told, None);
}
