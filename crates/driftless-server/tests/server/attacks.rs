//! Attacks, each with bystanders who must not notice: one edits, the other follows, and both get
//! what they would get without it, and nothing else.

use std::time::Duration;

use driftless_model::{Change, ClientId, KindName, LeafPath, Op, RecordId, Value, Version, limits};
use driftless_protocol::message::{Outcome, Push, Settled, Subscribe};
use driftless_protocol::{ClientMessage, Code, Codec, Payload, ServerMessage};
use driftless_server::{Allowance, Builder, Driftless, Proxies, Rate, StaticTokens};
use futures::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as RawFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::person::{Heard, PATIENCE, Person, Server, hello, home, sealed, titled};

const ANN: &str = "the-token-of-ann Ann editor";
const BO: &str = "the-token-of-bo- Bo viewer";
const EVE: &str = "the-token-of-eve Eve editor";
const VIV: &str = "the-token-of-viv Viv viewer";

fn token(line: &str) -> &str {
    line.split(' ').next().expect("a token")
}

async fn server() -> Server {
    server_with(Driftless::builder()).await
}

async fn server_with(builder: Builder) -> Server {
    let tokens = [ANN, BO, EVE, VIV].join("\n");
    let tokens = StaticTokens::parse(&tokens).expect("parses");
    Server::start(builder.auth(tokens)).await
}

/// One who edits the board and one who follows it.
struct Bystanders {
    ann: Person,
    bo: Person,
    seq: u64,
    version: u64,
}

impl Bystanders {
    async fn of(server: &Server) -> Self {
        let ann = server.follower(1, token(ANN)).await;
        let bo = server.follower(2, token(BO)).await;
        let mut bystanders = Self {
            ann,
            bo,
            seq: 0,
            version: 0,
        };
        bystanders.notice_nothing().await;
        bystanders
    }

    /// An edit is the next thing that either of them hears of, and makes the next version.
    async fn notice_nothing(&mut self) {
        self.seq += 1;
        self.version += 1;
        let title = format!("title {}", self.seq);
        let (seq, seen) = (self.seq, self.version - 1);
        let mut push = titled(seq, 1_000 + u128::from(seq), seen, "calm", &title);
        push.settled = seq - 1;
        let settled = self.ann.settle(push).await;
        let version = Version(self.version);
        assert!(
            matches!(&settled.outcome, Outcome::Applied { version: own, .. } if *own == version),
            "{settled:?}"
        );
        let event = self.bo.event().await;
        assert_eq!((event.version, event.author.as_str()), (version, "Ann"));
    }
}

/// The error, the close, and when to come back.
async fn end(person: &mut Person) -> (Code, u16, u64) {
    let ServerMessage::Error { code, .. } = person.message().await else {
        panic!("no error");
    };
    let (close, after_ms) = closed(person).await;
    (code, close, after_ms)
}

/// The close, and when to come back.
async fn closed(person: &mut Person) -> (u16, u64) {
    let ServerMessage::Goodbye {
        close,
        reconnect_after_ms,
        ..
    } = person.message().await
    else {
        panic!("no goodbye");
    };
    assert!(matches!(person.heard().await, Heard::Closed(code) if code == close));
    (close, reconnect_after_ms)
}

/// What became of a push, whatever others do meanwhile.
async fn settle(person: &mut Person, push: Push) -> Settled {
    person.push(push).await;
    loop {
        match person.message().await {
            ServerMessage::Event(_) => {}
            ServerMessage::Outcome(settled) => return settled,
            other => panic!("no outcome: {other:?}"),
        }
    }
}

fn rejected(settled: &Settled) -> Code {
    match &settled.outcome {
        Outcome::Rejected { code, .. } => *code,
        other => panic!("not rejected: {other:?}"),
    }
}

fn with_payload(seq: u64, text: String) -> Push {
    let mut push = titled(seq, seq.into(), 0, "eve", "mine");
    push.payload = Payload::from_text(text);
    push
}

/// A push that sets a value, as text that nobody has checked.
fn with_value(seq: u64, value: &str) -> Push {
    let id = format!("{seq:032x}");
    with_payload(
        seq,
        format!(
            r#"{{"id":"{id}","label":"x","changes":[{{"record":"eve","seen":0,"op":
            {{"create":{{"kind":"chart","leaves":{{"options/x":{value}}}}}}}}}]}}"#
        ),
    )
}

/// What a server answers to bytes, until it closes.
async fn raw(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).await.expect("connects");
    // It may close before everything is sent.
    stream.write_all(bytes).await.ok();
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(PATIENCE, reading).await;
    read.expect("is closed").ok();
    answer
}

#[tokio::test]
async fn oversized_frames_and_payloads_end_typed() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let large = " ".repeat(limits::FRAME_BYTES_MAX + 1);
    let mut stranger = server.socket(Codec::Json).await;
    stranger.socket.send(Frame::text(large.clone())).await.ok();
    assert_eq!(end(&mut stranger).await, (Code::TooLarge, 4301, 0));
    bystanders.notice_nothing().await;

    // In parts, each of which is small enough.
    let mut eve = server.follower(3, token(EVE)).await;
    let part = |data, is_last| {
        let bytes = vec![b' '; limits::FRAME_BYTES_MAX / 2 + 1];
        Frame::Frame(RawFrame::message(bytes, OpCode::Data(data), is_last))
    };
    eve.socket
        .send(part(Data::Text, false))
        .await
        .expect("sends");
    eve.socket.send(part(Data::Continue, true)).await.ok();
    assert_eq!(end(&mut eve).await, (Code::TooLarge, 4301, 0));
    bystanders.notice_nothing().await;

    // An edit that is too large is kept for its author, and the connection goes on.
    let mut eve = server.follower(3, token(EVE)).await;
    let payload = "x".repeat(limits::PAYLOAD_BYTES_MAX + 1);
    let settled = settle(&mut eve, with_payload(1, payload)).await;
    assert_eq!(rejected(&settled), Code::TooLarge);
    let value = format!("\"{}\"", "x".repeat(limits::VALUE_BYTES_MAX + 1));
    let settled = settle(&mut eve, with_value(2, &value)).await;
    assert_eq!(rejected(&settled), Code::TooLarge);
    bystanders.notice_nothing().await;

    // A request whose head does not end.
    let head = format!("GET /rt HTTP/1.1\r\nX: {}\r\n", "x".repeat(1 << 20));
    let answer = raw(&server, head.as_bytes()).await;
    assert!(answer.starts_with(b"HTTP/1.1 431") || answer.is_empty());
    bystanders.notice_nothing().await;
}

#[tokio::test]
async fn deep_messages_and_values_end_typed() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let depth = 100_000;
    let json = format!("{{\"ping\":{{\"deep\":{}", "[".repeat(depth));
    let mut message_pack = b"\x81\xa4ping\x81\xa4deep".to_vec();
    message_pack.extend(std::iter::repeat_n(0x91, depth));
    for (codec, frame) in [
        (Codec::Json, Frame::text(json)),
        (Codec::MessagePack, Frame::binary(message_pack)),
    ] {
        let (mut eve, _) = server.person_with(codec, 3, token(EVE)).await;
        eve.socket.send(frame).await.expect("sends");
        assert_eq!(end(&mut eve).await, (Code::Malformed, 4301, 0));
        bystanders.notice_nothing().await;
    }
    let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
    let mut eve = server.follower(3, token(EVE)).await;
    for (seq, depth) in [(1, depth), (2, limits::VALUE_DEPTH_MAX + 1)] {
        let settled = settle(&mut eve, with_value(seq, &nested(depth))).await;
        let code = rejected(&settled);
        let is_typed = matches!(code, Code::Undecodable | Code::Invalid | Code::TooLarge);
        assert!(is_typed, "{code:?} at depth {depth}");
        bystanders.notice_nothing().await;
    }
}

#[tokio::test]
async fn malformed_input_ends_typed() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let frames = [
        Frame::text("{"),
        Frame::text("[]"),
        Frame::text(r#"{"ping":{"nonce":-1}}"#),
        Frame::text(r#"{"ping":{"nonce":1}}{"ping":{"nonce":2}}"#),
        Frame::text(r#"{"subscribe":{"board":"../../etc/passwd"}}"#),
        Frame::text(r#"{"launch":{}}"#),
        Frame::binary(vec![0xc1; 64]),
        Frame::Frame(RawFrame::message(
            vec![0xff, 0xfe],
            OpCode::Data(Data::Text),
            true,
        )),
    ];
    for frame in frames {
        let mut eve = server.follower(3, token(EVE)).await;
        eve.socket.send(frame.clone()).await.expect("sends");
        assert_eq!(end(&mut eve).await, (Code::Malformed, 4301, 0), "{frame:?}");
        bystanders.notice_nothing().await;
    }
    // What is no WebSocket, and no HTTP: nobody to tell in words, so it is only closed.
    let upgrade = "GET /rt HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\
         Sec-WebSocket-Protocol: driftless.v1.json\r\n\r\n";
    let unmasked = b"\x81\x02{}";
    let reserved = b"\xf1\x80\0\0\0\0";
    for frame in [&unmasked[..], &reserved[..]] {
        let answer = raw(&server, &[upgrade.as_bytes(), frame].concat()).await;
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{answer:?}");
        bystanders.notice_nothing().await;
    }
    let answer = raw(&server, b"\x16\x03\x01 no HTTP\r\n\r\n").await;
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    bystanders.notice_nothing().await;
}

#[tokio::test]
async fn who_is_slow_is_closed_and_holds_up_nobody() {
    let builder = Driftless::builder().heartbeat(Duration::from_millis(400));
    let server = server_with(builder).await;
    let mut bystanders = Bystanders::of(&server).await;
    // A hello that never ends: it keeps coming, and is none in time.
    let mut slow = server.socket(Codec::Json).await;
    let part = |data| Frame::Frame(RawFrame::message(vec![b' '], OpCode::Data(data), false));
    let mut data = Data::Text;
    while slow.socket.send(part(data)).await.is_ok() {
        data = Data::Continue;
        bystanders.notice_nothing().await;
    }
}

#[tokio::test]
async fn replayed_pushes_have_no_second_effect() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let mut eve = server.follower(3, token(EVE)).await;
    let push = titled(1, 7, 0, "eve", "once");
    let first = settle(&mut eve, push.clone()).await;
    bystanders.version += 1;
    assert_eq!(bystanders.ann.event().await.author.as_str(), "Eve");
    assert_eq!(bystanders.bo.event().await.author.as_str(), "Eve");
    for _ in 0..100 {
        assert_eq!(settle(&mut eve, push.clone()).await, first);
    }
    // On another connection, too.
    let mut again = server.follower(3, token(EVE)).await;
    assert_eq!(settle(&mut again, push).await, first);
    bystanders.notice_nothing().await;
}

#[tokio::test]
async fn nobody_burns_the_seqs_of_anothers_client_id() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    for (line, client) in [(EVE, 1), (VIV, 1), (EVE, 2)] {
        // Under the client ids of Ann and of Bo, who has not edited.
        let mut eve = server.person(client, token(line)).await;
        let subscribe = Subscribe {
            board: home(),
            cursor: None,
        };
        eve.send(ClientMessage::Subscribe(subscribe)).await;
        let answer = eve.message().await;
        let is_refused = matches!(
            answer,
            ServerMessage::Error {
                code: Code::WrongUser,
                ..
            }
        );
        assert_eq!(is_refused, client == 1, "{answer:?}");
        if client == 1 {
            for seq in 1..10 {
                eve.push(titled(seq, seq.into(), 0, "eve", "burned")).await;
                let answer = eve.message().await;
                assert!(
                    matches!(
                        answer,
                        ServerMessage::Error {
                            code: Code::NotSubscribed,
                            ..
                        }
                    ),
                    "{answer:?}"
                );
            }
        }
        bystanders.notice_nothing().await;
    }
}

#[tokio::test]
async fn a_viewer_that_edits_changes_nothing() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let mut viv = server.follower(4, token(VIV)).await;
    for seq in 1..=20 {
        let settled = settle(&mut viv, titled(seq, seq.into(), 9, "calm", "mine")).await;
        assert_eq!(rejected(&settled), Code::Forbidden);
    }
    bystanders.notice_nothing().await;
}

#[tokio::test]
async fn hostile_content_is_refused_or_kept_as_the_text_that_it_is() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    let mut eve = server.follower(3, token(EVE)).await;
    let mut seq = 0;
    let mut next = || {
        seq += 1;
        seq
    };
    // Names that would be paths, markup or headers elsewhere are none here.
    for record in [
        "../x",
        "<script>",
        "a b",
        "a\u{0}b",
        "a\r\nset-cookie: x",
        "",
    ] {
        let seq = next();
        let record = serde_json::to_string(record).expect("text");
        let text = format!(
            r#"{{"id":"{seq:032x}","label":"x","changes":[{{"record":{record},"seen":0,"op":"remove"}}]}}"#
        );
        let settled = settle(&mut eve, with_payload(seq, text)).await;
        assert_eq!(rejected(&settled), Code::Undecodable, "{record}");
    }
    // Numbers that are none, and values of the wrong shape.
    for value in ["1e999", "NaN", "{\"a\":1,\"a\":"] {
        let settled = settle(&mut eve, with_value(next(), value)).await;
        assert_eq!(rejected(&settled), Code::Undecodable, "{value}");
    }
    let text = r#"{"id":"ID","label":"x","changes":[{"record":"eve","seen":0,"op":{"create":{"kind":"chart","leaves":{"title":{"__proto__":1}}}}}]}"#;
    let seq = next();
    let text = text.replace("ID", &format!("{seq:032x}"));
    let settled = settle(&mut eve, with_payload(seq, text)).await;
    assert_eq!(rejected(&settled), Code::Invalid);
    bystanders.notice_nothing().await;

    // Markup is text: it reaches others as it is, and no page takes it for its own.
    let hostile = "<img src=x onerror=alert(1)>\u{202e}\u{0}javascript:alert(1)";
    let leaf = LeafPath::new("text").expect("a path");
    let change = Change {
        record: RecordId::new("note").expect("an id"),
        seen: Version(0),
        op: Op::Create {
            kind: KindName::new("note").expect("a kind"),
            leaves: [(leaf, Value::from(hostile))].into(),
        },
    };
    settle(&mut eve, sealed(next(), 99, vec![change])).await;
    bystanders.version += 1;
    let event = bystanders.ann.event().await;
    let written = event.effects[0].op.writes()[0].1;
    assert_eq!(written, Some(&Value::from(hostile)));
    bystanders.bo.event().await;
    bystanders.notice_nothing().await;
}

/// So slow that nothing more is allowed while a test runs.
fn at_once(at_once: u32) -> Rate {
    Rate { per_s: 1, at_once }
}

#[tokio::test]
async fn who_floods_is_closed_and_told_when_to_come_back() {
    let mut allowance = Allowance::default();
    allowance.messages = at_once(200);
    allowance.requests = at_once(5);
    let server = server_with(Driftless::builder().allowance(allowance)).await;
    let mut bystanders = Bystanders::of(&server).await;
    let mut eve = server.person(3, token(EVE)).await;
    for nonce in 0..201 {
        eve.send(ClientMessage::Ping { nonce }).await;
    }
    // Of what she may send, the last may get no answer any more.
    let mut pongs = 0..200;
    let code = loop {
        match eve.message().await {
            ServerMessage::Pong { nonce } => assert_eq!(Some(nonce), pongs.next()),
            ServerMessage::Error { code, .. } => break code,
            other => panic!("no answer: {other:?}"),
        }
    };
    let (close, after_ms) = closed(&mut eve).await;
    assert_eq!((code, close), (Code::RateLimited, 4100));
    assert!(after_ms >= limits::OVERLOADED_RETRY_MS, "{after_ms}");
    bystanders.notice_nothing().await;

    let mut eve = server.person(3, token(EVE)).await;
    for _ in 0..5 {
        eve.subscribe(None).await;
    }
    let subscribe = Subscribe {
        board: home(),
        cursor: None,
    };
    eve.send(ClientMessage::Subscribe(subscribe.clone())).await;
    assert_eq!(end(&mut eve).await.0, Code::RateLimited);
    bystanders.notice_nothing().await;

    // All of it in the first message.
    let mut eve = server.socket(Codec::Json).await;
    let mut hello = hello(ClientId(3), Some(token(EVE)));
    hello.boards = vec![subscribe; limits::BOARDS_PER_CONNECTION_MAX + 1];
    eve.send(ClientMessage::Hello(hello)).await;
    assert_eq!(end(&mut eve).await, (Code::TooLarge, 4301, 0));
    bystanders.notice_nothing().await;
}

/// Whether somebody from an address can open a socket; if not, the answer and when to try again.
async fn connect_from(server: &Server, address: &str) -> Result<Person, (u16, u64)> {
    server.socket_from(address).await.map_err(|response| {
        let after = response.headers().get("retry-after");
        let after = after.and_then(|after| after.to_str().ok()?.parse().ok());
        (response.status().as_u16(), after.unwrap_or(0))
    })
}

#[tokio::test]
async fn an_address_that_connects_too_often_is_told_to_wait_and_others_get_in() {
    let proxies = Proxies::default().trust("127.0.0.1").expect("an address");
    let mut allowance = Allowance::default();
    allowance.connects = at_once(5);
    allowance.connections_per_address = 3;
    allowance.connections_per_user = 2;
    let builder = Driftless::builder().proxies(proxies).allowance(allowance);
    let server = server_with(builder).await;
    let mut bystanders = Bystanders::of(&server).await;

    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(connect_from(&server, "192.0.2.1").await.expect("gets in"));
    }
    // Too many at the same time, then too many within a short time.
    for is_open in [true, true, false] {
        if !is_open {
            open.clear();
        }
        let refused = connect_from(&server, "192.0.2.1").await;
        let (status, after_s) = refused.err().expect("is refused");
        assert_eq!(status, 429);
        assert!((1..=5).contains(&after_s), "{after_s}");
        bystanders.notice_nothing().await;
    }

    // One user from many addresses.
    let mut sockets = Vec::new();
    for number in 1..=3 {
        let from = connect_from(&server, &format!("198.51.100.{number}")).await;
        let mut eve = from.expect("gets in");
        let client = ClientId(10 + number);
        eve.send(ClientMessage::Hello(hello(client, Some(token(EVE)))))
            .await;
        if number <= 2 {
            assert!(matches!(eve.message().await, ServerMessage::Welcome(_)));
        } else {
            let (code, close, after_ms) = end(&mut eve).await;
            assert_eq!((code, close), (Code::RateLimited, 4100));
            assert_eq!(after_ms, limits::OVERLOADED_RETRY_MS);
        }
        sockets.push(eve);
    }
    bystanders.notice_nothing().await;
}

#[tokio::test]
async fn pages_of_elsewhere_get_nothing() {
    let server = server().await;
    let mut bystanders = Bystanders::of(&server).await;
    for origin in ["http://evil.test", "null", "file://", "http://127.0.0.1"] {
        for path in ["/rt", "/api/boards", "/metrics"] {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\n\
                 Authorization: Bearer {}\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\
                 Sec-WebSocket-Protocol: driftless.v1.json\r\n\r\n",
                server.address,
                token(ANN)
            );
            let answer = raw(&server, request.as_bytes()).await;
            assert!(answer.starts_with(b"HTTP/1.1 403"), "{origin} at {path}");
        }
        bystanders.notice_nothing().await;
    }
}
