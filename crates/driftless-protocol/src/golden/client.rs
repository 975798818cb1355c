//! What a client sends.

use driftless_model::{Change, ClientId, Edit, OnStale, Version};

use crate::codec::Codec;
use crate::feed::{Aggregate, Query};
use crate::golden::parts::{self, CURSOR, EDIT, board, every_op, record};
use crate::golden::{Sample, assert_covered, assert_golden, variants};
use crate::message::{Again, ClientMessage, Hello, Push, Subscribe};
use crate::payload::Payload;

variants! { name_of, NAMES: ClientMessage,
    ClientMessage::Hello(_) => "hello",
    ClientMessage::Subscribe(_) => "subscribe",
    ClientMessage::Unsubscribe { .. } => "unsubscribe",
    ClientMessage::Push(_) => "push",
    ClientMessage::OpenFeed { .. } => "open_feed",
    ClientMessage::CloseFeed { .. } => "close_feed",
    ClientMessage::Token { .. } => "token",
    ClientMessage::AskScreens { .. } => "ask_screens",
    ClientMessage::Shown { .. } => "shown",
    ClientMessage::Ping { .. } => "ping",
    ClientMessage::Pong { .. } => "pong",
}

/// An edit with every op.
pub fn edit(on_stale: OnStale) -> Edit {
    let change = |op| Change {
        record: record("cpu"),
        seen: Version(412),
        op,
    };
    Edit {
        id: EDIT,
        label: "Rename “CPU”".into(),
        on_stale,
        changes: every_op().into_iter().map(change).collect(),
    }
}

fn subscribe(cursor: bool) -> Subscribe {
    Subscribe {
        board: board(),
        cursor: cursor.then_some(CURSOR),
    }
}

fn hello(token: Option<&str>, boards: Vec<Subscribe>) -> ClientMessage {
    ClientMessage::Hello(Hello {
        protocol: 1,
        client: ClientId(1),
        token: token.map(str::to_owned),
        build: "my-client 1.0".into(),
        boards,
    })
}

fn push(payload: Payload) -> ClientMessage {
    ClientMessage::Push(Push {
        board: board(),
        seq: 7,
        id: EDIT,
        settled: 6,
        payload,
        again: None,
    })
}

/// It may have been applied before, under one of two former client ids.
fn push_again(payload: Payload) -> ClientMessage {
    let ClientMessage::Push(mut again) = push(payload) else {
        unreachable!("a push is a push")
    };
    again.again = Some(Again {
        above: CURSOR.version,
        clients: vec![ClientId(1), ClientId(u128::MAX)],
    });
    ClientMessage::Push(again)
}

fn open_feed(aggregate: Aggregate) -> ClientMessage {
    ClientMessage::OpenFeed {
        feed: 1,
        query: Query {
            selector: "disk_used_percent{mount=\"/\"}".into(),
            window_s: 300,
            step_s: 1,
            aggregate,
        },
    }
}

/// At least one of each variant.
pub fn samples() -> Vec<Sample<ClientMessage>> {
    let sealed = Payload::seal(&edit(OnStale::Policy)).expect("fits");
    let nonce = u64::MAX;
    let token = "t".to_owned();
    vec![
        ("hello", hello(Some("Ann"), vec![subscribe(true)])),
        ("hello.first", hello(None, vec![])),
        ("subscribe", ClientMessage::Subscribe(subscribe(true))),
        (
            "subscribe.first",
            ClientMessage::Subscribe(subscribe(false)),
        ),
        ("unsubscribe", ClientMessage::Unsubscribe { board: board() }),
        ("push", push(sealed.clone())),
        ("push.again", push_again(sealed)),
        ("push.undecodable", push(Payload::from_text("not an edit"))),
        ("open_feed", open_feed(Aggregate::Avg)),
        ("open_feed.last", open_feed(Aggregate::Last)),
        ("close_feed", ClientMessage::CloseFeed { feed: u32::MAX }),
        ("token", ClientMessage::Token { token }),
        ("ping", ClientMessage::Ping { nonce }),
        ("pong", ClientMessage::Pong { nonce: 0 }),
        (
            "ask_screens",
            ClientMessage::AskScreens {
                board: board(),
                version: Version(412),
            },
        ),
        (
            "shown",
            ClientMessage::Shown {
                board: board(),
                version: Version(412),
                ago_ms: 84,
            },
        ),
    ]
}

#[test]
fn client_messages_are_golden_in_both_encodings() {
    assert_covered(samples(), name_of, NAMES);
    for (file, message) in samples() {
        for (codec, form) in [(Codec::Json, "json"), (Codec::MessagePack, "hex")] {
            assert_golden(
                &format!("client/{file}.{form}"),
                &message,
                |message| codec.encode_client(message),
                |bytes| {
                    codec
                        .decode_client(bytes)
                        .map_err(|error| error.to_string())
                },
            );
        }
    }
}

#[test]
fn the_sealed_sample_opens_as_the_edit_that_it_is() {
    for on_stale in [OnStale::Policy, OnStale::Skip] {
        let edit = edit(on_stale);
        assert_eq!(Payload::seal(&edit).expect("fits").open(), Ok(edit));
    }
    assert_eq!(parts::every_op().len(), 4);
}
