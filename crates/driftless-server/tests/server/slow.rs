//! Slow networks: what takes long to arrive is announced, and holds the connection.

use std::time::Duration;

use driftless_model::limits::UNANNOUNCED_BYTES_MAX;
use driftless_model::{Change, KindName, LeafPath, Op, RecordId, Value, Version};
use driftless_protocol::message::{Outcome, Push, Subscribe};
use driftless_protocol::{ClientMessage, Codec, ServerMessage};
use driftless_server::Driftless;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::person::{PATIENCE, Person, Server, home, sealed, titled, written};

const HEARTBEAT: Duration = Duration::from_millis(300);

/// The next message with its bytes, heartbeats included.
async fn raw(person: &mut Person, codec: Codec) -> (ServerMessage, usize) {
    let next = tokio::time::timeout(PATIENCE, person.socket.next()).await;
    let bytes = match next.expect("something comes").expect("a frame") {
        Ok(Frame::Text(text)) => text.as_str().as_bytes().to_vec(),
        Ok(Frame::Binary(bytes)) => bytes.to_vec(),
        other => panic!("no message: {other:?}"),
    };
    let message = codec.decode_server(&bytes);
    (message.expect("a message"), bytes.len())
}

fn announcement(bytes: usize) -> ServerMessage {
    let ahead = bytes.try_into().expect("a size");
    ServerMessage::Ping { nonce: 0, ahead }
}

/// A push with values of about 200 KB.
fn large(seq: u64) -> Push {
    let change = |part: u64| Change {
        record: RecordId::new(format!("chart-{seq}-{part}")).expect("an id"),
        seen: Version(0),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(
                LeafPath::new("options/large").expect("a path"),
                Value::from("x".repeat(50_000)),
            )]
            .into(),
        },
    };
    sealed(seq, seq.into(), (0..4).map(change).collect())
}

/// Several of these pass before what is slow is through.
async fn server_with_short_heartbeats() -> Server {
    Server::start(Driftless::builder().heartbeat(HEARTBEAT)).await
}

#[tokio::test]
async fn a_large_message_is_announced_and_no_other() {
    for codec in Codec::ALL {
        let server = Server::start(Driftless::builder()).await;
        let mut ann = server.follower(1, "Ann").await;
        let (mut bo, _) = server.person_with(codec, 2, "Bo").await;
        bo.subscribe(None).await;
        // An event: one value less than what is announced, and one that is more.
        let options = ("cpu", "options/large");
        let texts = [UNANNOUNCED_BYTES_MAX - 1_000, UNANNOUNCED_BYTES_MAX];
        for (seq, bytes) in (1..).zip(texts) {
            let push = written(seq, seq.into(), seq - 1, options, &"x".repeat(bytes));
            ann.settle(push).await;
        }
        let (event, _) = raw(&mut bo, codec).await;
        assert!(matches!(event, ServerMessage::Event(_)), "{event:?}");
        let (announced, _) = raw(&mut bo, codec).await;
        let (event, bytes) = raw(&mut bo, codec).await;
        assert_eq!(announced, announcement(bytes));
        assert!(matches!(event, ServerMessage::Event(_)), "{event:?}");
        // A resume, whose bytes others share; and again nothing before what is small.
        let (board, cursor) = (home(), None);
        let subscribe = Subscribe { board, cursor };
        bo.send(ClientMessage::Subscribe(subscribe)).await;
        let (announced, _) = raw(&mut bo, codec).await;
        let (resume, bytes) = raw(&mut bo, codec).await;
        assert_eq!(announced, announcement(bytes));
        assert!(matches!(resume, ServerMessage::Resume(_)), "{resume:?}");
        bo.send(ClientMessage::Ping { nonce: 7 }).await;
        let (pong, _) = raw(&mut bo, codec).await;
        assert_eq!(pong, ServerMessage::Pong { nonce: 7 });
    }
}

#[tokio::test]
async fn who_reads_a_large_resume_slowly_and_only_answers_stays() {
    let server = server_with_short_heartbeats().await;
    let mut ann = server.follower(1, "Ann").await;
    for seq in 1..=6 {
        ann.settle(large(seq)).await;
    }
    let mut bo = server.small_socket(2, "Bo").await;
    let (board, cursor) = (home(), None);
    let subscribe = Subscribe { board, cursor };
    bo.send(ClientMessage::Subscribe(subscribe)).await;
    tokio::time::sleep(4 * HEARTBEAT).await;
    assert_eq!(bo.resume().await.records.len(), 24);
    let settled = bo.settle(titled(1, 100, 0, "cpu", "CPU")).await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}

#[tokio::test]
async fn a_push_that_takes_several_heartbeats_to_arrive_is_taken() {
    let server = server_with_short_heartbeats().await;
    let mut ann = server.follower(1, "Ann").await;
    let bytes = Codec::Json.encode_client(&ClientMessage::Push(large(1)));
    let (first, rest) = bytes.split_at(bytes.len() / 2);
    let part = |bytes: &[u8], data, is_last| {
        Frame::Frame(RawFrame::message(
            bytes.to_vec(),
            OpCode::Data(data),
            is_last,
        ))
    };
    let sent = ann.socket.send(part(first, Data::Text, false)).await;
    sent.expect("sends");
    tokio::time::sleep(4 * HEARTBEAT).await;
    let sent = ann.socket.send(part(rest, Data::Continue, true)).await;
    sent.expect("sends");
    let settled = ann.outcome().await;
    assert!(matches!(settled.outcome, Outcome::Applied { .. }));
}
