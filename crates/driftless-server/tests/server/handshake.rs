use std::time::Duration;

use driftless_model::{ClientId, limits};
use driftless_protocol::{ClientMessage, Code, Codec, PROTOCOL, PROTOCOL_MIN, ServerMessage};
use driftless_server::{Driftless, StaticTokens};
use futures::SinkExt as _;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{self, ClientRequestBuilder, Message as Frame};

use crate::person::{Heard, Person, Server, hello, home};

async fn server() -> Server {
    Server::start(Driftless::builder()).await
}

/// The error, then the goodbye and the close.
async fn end(person: &mut Person) -> (Code, u16) {
    let ServerMessage::Error { code, .. } = person.message().await else {
        panic!("no error");
    };
    (code, person.goodbye().await.0)
}

#[tokio::test]
async fn a_hello_is_welcomed_in_both_encodings() {
    let server = server().await;
    for (client, codec) in [(1, Codec::Json), (2, Codec::MessagePack)] {
        let (_, welcome) = server.person_with(codec, client, "Ann").await;
        assert_eq!(welcome.user.as_str(), "Ann");
        assert_eq!(
            (welcome.protocol, welcome.protocol_min),
            (PROTOCOL, PROTOCOL_MIN)
        );
        assert_eq!(welcome.heartbeat_ms, 15_000);
    }
}

#[tokio::test]
async fn a_first_frame_that_is_no_message_is_answered_and_closed() {
    let server = server().await;
    for garbage in [
        Frame::text("{\"hello\":"),
        Frame::text("hi"),
        Frame::binary(vec![0x81]),
    ] {
        let mut person = server.socket(Codec::Json).await;
        person.socket.send(garbage).await.expect("sends");
        assert_eq!(end(&mut person).await, (Code::Malformed, 4301));
    }
}

#[tokio::test]
async fn a_first_message_that_is_no_hello_is_answered_and_closed() {
    let server = server().await;
    let mut person = server.socket(Codec::Json).await;
    person.send(ClientMessage::Ping { nonce: 1 }).await;
    assert_eq!(end(&mut person).await, (Code::Malformed, 4301));
}

#[tokio::test]
async fn a_second_hello_is_answered_and_closed() {
    let server = server().await;
    let mut person = server.person(1, "Ann").await;
    person.hello("Ann").await;
    assert_eq!(end(&mut person).await, (Code::Malformed, 4301));
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let builder = Driftless::builder().heartbeat(Duration::from_millis(50));
    let server = Server::start(builder).await;
    let mut person = server.socket(Codec::Json).await;
    assert_eq!(person.goodbye().await.0, 4001);
}

#[tokio::test]
async fn a_client_that_is_too_old_is_told_to_update() {
    let server = server().await;
    let mut person = server.socket(Codec::Json).await;
    let mut old = hello(ClientId(1), None);
    old.protocol = PROTOCOL_MIN - 1;
    person.send(ClientMessage::Hello(old)).await;
    assert_eq!(end(&mut person).await, (Code::Protocol, 4302));
}

#[tokio::test]
async fn a_client_that_is_newer_speaks_the_servers_version() {
    let server = server().await;
    let mut person = server.socket(Codec::Json).await;
    let mut new = hello(ClientId(1), None);
    new.protocol = PROTOCOL + 5;
    person.send(ClientMessage::Hello(new)).await;
    let ServerMessage::Welcome(welcome) = person.message().await else {
        panic!("no welcome");
    };
    assert_eq!(welcome.protocol, PROTOCOL);
}

#[tokio::test]
async fn a_frame_holds_at_its_limit_and_not_one_past_it() {
    let server = server().await;
    let mut person = server.person(1, "Ann").await;
    let padded = |bytes: usize| {
        let ping = r#"{"ping":{"nonce":7}}"#;
        Frame::text(format!("{ping}{}", " ".repeat(bytes - ping.len())))
    };
    let largest = padded(limits::FRAME_BYTES_MAX);
    person.socket.send(largest).await.expect("sends");
    assert_eq!(person.message().await, ServerMessage::Pong { nonce: 7 });
    let larger = padded(limits::FRAME_BYTES_MAX + 1);
    person.socket.send(larger).await.expect("sends");
    assert_eq!(end(&mut person).await, (Code::TooLarge, 4301));
}

#[tokio::test]
async fn a_wrong_token_is_told_apart_from_a_broken_one() {
    let tokens = StaticTokens::parse("0123456789abcdef Ann editor").expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    for token in [None, Some("0123456789abcdeF")] {
        let mut person = server.socket(Codec::Json).await;
        let hello = hello(ClientId(1), token);
        person.send(ClientMessage::Hello(hello)).await;
        assert_eq!(end(&mut person).await, (Code::Unauthorised, 4200));
    }
    let mut person = server.socket(Codec::Json).await;
    let long = "x".repeat(limits::TOKEN_BYTES_MAX + 1);
    person
        .send(ClientMessage::Hello(hello(ClientId(1), Some(&long))))
        .await;
    assert_eq!(end(&mut person).await, (Code::TooLarge, 4301));
    let (_, welcome) = server.person_with(Codec::Json, 1, "0123456789abcdef").await;
    assert_eq!(welcome.user.as_str(), "Ann");
}

#[tokio::test]
async fn a_fresh_token_keeps_the_connection_and_anothers_ends_it() {
    let tokens = "0123456789abcdef Ann editor\nann-with-a-fresh-token Ann editor\n\
                  bo-with-a-token-of-his Bo editor";
    let tokens = StaticTokens::parse(tokens).expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let mut person = server.person(1, "0123456789abcdef").await;
    let token = |token: &str| ClientMessage::Token {
        token: token.to_owned(),
    };
    person.send(token("ann-with-a-fresh-token")).await;
    person.send(ClientMessage::Ping { nonce: 1 }).await;
    assert_eq!(person.message().await, ServerMessage::Pong { nonce: 1 });
    person.send(token("bo-with-a-token-of-his")).await;
    assert_eq!(end(&mut person).await, (Code::WrongUser, 4200));
}

#[tokio::test]
async fn hello_follows_boards_at_once() {
    let server = server().await;
    let mut person = server.socket(Codec::Json).await;
    let mut hello = hello(ClientId(1), Some("Ann"));
    hello.boards.push(driftless_protocol::message::Subscribe {
        board: home(),
        cursor: None,
    });
    person.send(ClientMessage::Hello(hello)).await;
    assert!(matches!(person.message().await, ServerMessage::Welcome(_)));
    assert_eq!(person.resume().await.board, home());
}

async fn refused(server: &Server, header: (&str, &str)) -> (u16, String) {
    let uri = server.url().parse().expect("a URL");
    let request = ClientRequestBuilder::new(uri).with_header(header.0, header.1);
    match connect_async(request).await.expect_err("is refused") {
        tungstenite::Error::Http(response) => {
            let body = response.body().clone().unwrap_or_default();
            let body = String::from_utf8(body).expect("text");
            (response.status().as_u16(), body)
        }
        other => panic!("not an answer: {other}"),
    }
}

#[tokio::test]
async fn pages_of_elsewhere_and_unknown_encodings_are_refused() {
    let server = server().await;
    let (status, _) = refused(&server, ("Origin", "http://evil.test")).await;
    assert_eq!(status, 403);
    let (status, text) = refused(&server, ("Sec-WebSocket-Protocol", "chat")).await;
    assert_eq!(status, 400);
    assert!(text.contains("driftless.v1.msgpack"), "{text}");
    let uri = server.url().parse().expect("a URL");
    let request = ClientRequestBuilder::new(uri)
        .with_sub_protocol(Codec::Json.subprotocol())
        .with_header("Origin", format!("http://{}", server.address));
    assert!(connect_async(request).await.is_ok());
}

#[tokio::test]
async fn one_that_hurts_itself_hurts_nobody_else() {
    let server = server().await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bad = server.follower(2, "Bad").await;
    bad.socket
        .send(Frame::text("garbage"))
        .await
        .expect("sends");
    assert_eq!(end(&mut bad).await, (Code::Malformed, 4301));
    assert!(matches!(bad.heard().await, Heard::Gone));
    ann.send(ClientMessage::Ping { nonce: 3 }).await;
    assert_eq!(ann.message().await, ServerMessage::Pong { nonce: 3 });
}
