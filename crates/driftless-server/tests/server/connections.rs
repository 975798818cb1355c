use std::time::Duration;

use driftless_model::Version;
use driftless_protocol::message::{Outcome, Subscribe};
use driftless_protocol::{ClientMessage, Codec, ServerMessage};
use driftless_server::Driftless;
use driftless_store::server::MemoryBoards;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::person::{Heard, PATIENCE, Person, Server, home, titled};

#[tokio::test]
async fn the_newest_connection_of_a_client_wins() {
    let server = Server::start(Driftless::builder()).await;
    let mut old = server.follower(1, "Ann").await;
    let mut new = server.follower(1, "Ann").await;
    assert_eq!(old.goodbye().await.0, 4300);
    let settled = new.settle(titled(1, 1, 0, "cpu", "A")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}

/// The next message, heartbeats included.
async fn raw(person: &mut Person) -> ServerMessage {
    let next = tokio::time::timeout(PATIENCE, person.socket.next()).await;
    let frame = next.expect("something comes");
    let text = frame.expect("a frame").expect("a frame").into_text();
    let text = text.expect("text");
    Codec::Json
        .decode_server(text.as_bytes())
        .expect("a message")
}

fn ping(nonce: u64) -> ServerMessage {
    ServerMessage::Ping { nonce, ahead: 0 }
}

#[tokio::test]
async fn a_silent_peer_is_asked_twice_and_then_closed() {
    let builder = Driftless::builder().heartbeat(Duration::from_millis(300));
    let server = Server::start(builder).await;
    let mut person = server.person(1, "Ann").await;
    for nonce in [1, 2] {
        assert_eq!(raw(&mut person).await, ping(nonce));
    }
    assert_eq!(person.goodbye().await.0, 4001);
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    let builder = Driftless::builder().heartbeat(Duration::from_secs(3));
    let server = Server::start(builder).await;
    let mut person = server.person(1, "Ann").await;
    // A ping at each third of the heartbeat, so this is longer than one.
    for _ in 0..4 {
        assert_eq!(raw(&mut person).await, ping(1));
        person.send(ClientMessage::Pong { nonce: 1 }).await;
    }
}

/// A peer that sends signs of life and reads nothing: its connection ends, others never wait for
/// it, and it finds everything when it comes back.
#[tokio::test]
async fn a_peer_that_reads_nothing_is_closed_and_costs_nobody_else() {
    let builder = Driftless::builder().heartbeat(Duration::from_millis(500));
    let server = Server::start(builder).await;
    let mut ann = server.follower(1, "Ann").await;
    let deaf = server.follower(2, "Bo").await;
    let (mut sink, _unread) = deaf.socket.split();
    let chatter = tokio::spawn(async move {
        let pong = r#"{"pong":{"nonce":1}}"#;
        while sink.send(Frame::text(pong)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let large = "x".repeat(60_000);
    let mut seq = 0;
    let waiting = async {
        while server.driftless.connections() > 1 {
            seq += 1;
            let record = format!("note-{}", seq % 50);
            let mut push = titled(seq, seq.into(), seq, &record, "");
            let text = push.payload.as_str().replace(
                "\"title\":\"\"",
                &format!("\"title\":\"{seq}\",\"options/a\":\"{large}\""),
            );
            push.payload = driftless_protocol::Payload::from_text(text);
            push.settled = seq - 1;
            let settled = ann.settle(push).await;
            assert!(
                matches!(settled.outcome, Outcome::Applied { .. }),
                "{settled:?}"
            );
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("the deaf peer is closed");
    chatter.abort();
    let mut back = server.person(2, "Bo").await;
    let resume = back.subscribe(None).await;
    assert_eq!(resume.cursor.version, Version(seq));
}

#[tokio::test]
async fn a_stopping_server_tells_everybody_when_to_come_back_and_keeps_what_was_pushed() {
    let store = MemoryBoards::new();
    let server = Server::start(Driftless::builder().store(store.clone())).await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.person(2, "Bo").await;
    ann.settle(titled(1, 1, 0, "cpu", "A")).await;
    let stopping = tokio::spawn({
        let driftless = server.driftless.clone();
        async move { driftless.shutdown().await }
    });
    for person in [&mut ann, &mut bo] {
        let ServerMessage::Goodbye {
            close,
            reconnect_after_ms,
            ..
        } = person.message().await
        else {
            panic!("no goodbye");
        };
        assert_eq!(close, 4000);
        assert!((250..2_000).contains(&reconnect_after_ms));
        assert!(matches!(person.heard().await, Heard::Closed(4000)));
    }
    tokio::time::timeout(PATIENCE, stopping)
        .await
        .expect("stops")
        .expect("stops");
    assert_eq!(server.driftless.connections(), 0);
    assert_eq!(store.load_now(&home()).head.version, Version(1));
}

#[tokio::test]
async fn a_board_too_many_is_refused_and_the_connection_stays() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.person(1, "Ann").await;
    let limit = driftless_model::limits::BOARDS_PER_CONNECTION_MAX;
    for number in 0..=limit {
        let board = driftless_model::BoardId::new(format!("b{number}")).expect("an id");
        let subscribe = Subscribe {
            board,
            cursor: None,
        };
        ann.send(ClientMessage::Subscribe(subscribe)).await;
    }
    let mut resumes = 0;
    let mut errors = 0;
    for _ in 0..=limit {
        match ann.message().await {
            ServerMessage::Resume(_) => resumes += 1,
            ServerMessage::Error { .. } => errors += 1,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!((resumes, errors), (limit, 1));
}
