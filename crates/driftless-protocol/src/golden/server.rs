//! What a server sends.

use driftless_model::{Replaced, StaleLeaf, Value, Version};

use crate::codec::Codec;
use crate::codes::Code;
use crate::feed::{FeedFrame, Run, SeriesName, pack};
use crate::golden::parts::{
    CURSOR, EDIT, at, board, cell, every_effect, every_value, kind, leaf, record, user,
};
use crate::golden::{Sample, assert_covered, assert_golden, variants};
use crate::message::{
    ChangedLeaf, Event, Outcome, RemovedRecord, Resume, Screens, ServerMessage, Settled, Welcome,
    WholeRecord,
};

variants! { name_of, NAMES: ServerMessage,
    ServerMessage::Welcome(_) => "welcome",
    ServerMessage::Resume(_) => "resume",
    ServerMessage::Event(_) => "event",
    ServerMessage::Outcome(Settled { outcome: Outcome::Applied { .. }, .. }) => "outcome.applied",
    ServerMessage::Outcome(Settled { outcome: Outcome::Conflict { .. }, .. }) => "outcome.conflict",
    ServerMessage::Outcome(Settled { outcome: Outcome::Rejected { .. }, .. }) => "outcome.rejected",
    ServerMessage::Refused { .. } => "refused",
    ServerMessage::Expect { .. } => "expect",
    ServerMessage::Error { .. } => "error",
    ServerMessage::Look { .. } => "look",
    ServerMessage::Screens(_) => "screens",
    ServerMessage::Feed(_) => "feed",
    ServerMessage::Ping { .. } => "ping",
    ServerMessage::Pong { .. } => "pong",
    ServerMessage::Goodbye { .. } => "goodbye",
}

pub fn settled(seq: u64, outcome: Outcome) -> Settled {
    Settled {
        board: board(),
        seq,
        id: EDIT,
        outcome,
    }
}

/// Nothing skipped, nothing replaced.
pub fn applied() -> Outcome {
    Outcome::Applied {
        version: Version(413),
        check: CURSOR.check,
        skipped: vec![],
        replaced: vec![],
        effects: None,
    }
}

pub fn applied_in_part() -> Outcome {
    Outcome::Applied {
        version: Version(413),
        check: CURSOR.check,
        skipped: vec![at(Some("title")), at(None)],
        replaced: vec![replaced(Some(Value::Null)), replaced(None)],
        effects: None,
    }
}

fn applied_renamed() -> Outcome {
    Outcome::Applied {
        version: Version(413),
        check: CURSOR.check,
        skipped: vec![],
        replaced: vec![],
        effects: Some(every_effect()),
    }
}

fn replaced(value: Option<Value>) -> Replaced {
    Replaced {
        at: at(Some("layout/lg")),
        value,
        version: Version(7),
        author: user(),
    }
}

pub fn conflict() -> Outcome {
    let stale = |path, theirs| StaleLeaf {
        at: at(path),
        theirs,
        version: Version(411),
        author: Some(user()),
    };
    let forgotten = StaleLeaf {
        author: None,
        ..stale(None, None)
    };
    let theirs = [Some(every_value()), Some(Value::Null), None];
    let mut all: Vec<_> = theirs.map(|theirs| stale(Some("title"), theirs)).into();
    all.push(forgotten);
    Outcome::Conflict {
        at: Version(412),
        stale: all,
    }
}

pub fn rejected() -> Outcome {
    Outcome::Rejected {
        code: Code::Forbidden,
        detail: "Zoë may read this board but not edit it".into(),
    }
}

pub fn screens(shown: u32, ago_ms: Option<u64>) -> Screens {
    Screens {
        board: board(),
        version: Version(412),
        asked: 3,
        shown,
        ago_ms,
    }
}

fn welcome(asks_screens: bool) -> ServerMessage {
    ServerMessage::Welcome(Welcome {
        protocol: 1,
        protocol_min: 1,
        session: "3f2a".into(),
        user: user(),
        build: "driftless 0.1.0".into(),
        heartbeat_ms: 15_000,
        now_ms: 1_794_000_000_000,
        asks_screens,
    })
}

fn ping(ahead: u64) -> ServerMessage {
    ServerMessage::Ping { nonce: 0, ahead }
}

fn resume(full: bool) -> Resume {
    Resume {
        board: board(),
        cursor: CURSOR,
        full,
        diverged: full,
        since: None,
        floor: Version(0),
        last_seq: 0,
        last_id: None,
        outcomes: vec![],
        removed: vec![],
        records: vec![],
        leaves: vec![],
    }
}

fn delta() -> Resume {
    Resume {
        since: Some(Version(400)),
        ..resume(false)
    }
}

/// A resume with something in every field.
pub fn resume_with_everything() -> Resume {
    let changed = |value| ChangedLeaf {
        record: record("cpu"),
        leaf: leaf("title"),
        value,
        version: Version(412),
        author: user(),
    };
    let whole = WholeRecord {
        record: record("disk"),
        kind: kind(),
        created: Version(400),
        leaves: [
            (leaf("title"), cell(Some(every_value()))),
            (leaf("unit"), cell(None)),
        ]
        .into(),
    };
    let removed = RemovedRecord {
        record: record("memory"),
        version: Version(410),
        author: user(),
    };
    let outcomes = [applied(), applied_in_part(), conflict(), rejected()];
    Resume {
        floor: Version(3),
        last_seq: 9,
        last_id: Some(EDIT),
        outcomes: (6..)
            .zip(outcomes)
            .map(|(seq, it)| settled(seq, it))
            .collect(),
        removed: vec![removed],
        records: vec![whole],
        leaves: vec![changed(Some(Value::Null)), changed(None)],
        ..resume(false)
    }
}

fn event(replaced: Vec<Replaced>) -> ServerMessage {
    ServerMessage::Event(Event {
        board: board(),
        version: Version(413),
        check: CURSOR.check,
        id: EDIT,
        author: user(),
        time_ms: 1_794_000_000_123,
        label: "Rename".into(),
        effects: every_effect(),
        replaced,
    })
}

fn error(is_about_something: bool) -> ServerMessage {
    ServerMessage::Error {
        code: Code::Unavailable,
        detail: "the board cannot be read now; it is tried again".into(),
        board: is_about_something.then(board),
        feed: is_about_something.then_some(3),
    }
}

fn feed(full: bool) -> ServerMessage {
    let series = |name: &str, labels: &[(&str, &str)]| SeriesName {
        name: name.to_owned(),
        labels: labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect(),
    };
    let names = vec![series("cpu", &[]), series("disk", &[("mount", "/")])];
    let run = Run {
        series: 1,
        first_bucket: 1_794_000_000,
        values: vec![1.5, f64::NAN, -0.0],
    };
    ServerMessage::Feed(FeedFrame {
        feed: 1,
        full,
        now_ms: 1_794_000_000_000,
        step_s: 1,
        series: if full { names } else { vec![] },
        points: pack(&[run]),
    })
}

/// At least one of each variant.
pub fn samples() -> Vec<Sample<ServerMessage>> {
    let outcome = |outcome| ServerMessage::Outcome(settled(7, outcome));
    let refused = ServerMessage::Refused {
        board: board(),
        seq: 7,
        code: Code::RateLimited,
        detail: "too many at once".into(),
        retry_after_ms: 2_000,
    };
    let goodbye = ServerMessage::Goodbye {
        close: 4000,
        reason: "the server restarts".into(),
        reconnect_after_ms: 1_500,
    };
    let expect = ServerMessage::Expect {
        board: board(),
        seq: 5,
    };
    vec![
        ("welcome", welcome(false)),
        ("welcome.asks_screens", welcome(true)),
        (
            "resume",
            ServerMessage::Resume(Box::new(resume_with_everything())),
        ),
        (
            "resume.empty",
            ServerMessage::Resume(Box::new(resume(true))),
        ),
        ("resume.since", ServerMessage::Resume(Box::new(delta()))),
        ("event", event(vec![])),
        ("event.replacing", event(vec![replaced(None)])),
        ("outcome.applied", outcome(applied())),
        ("outcome.applied.in_part", outcome(applied_in_part())),
        ("outcome.applied.renamed", outcome(applied_renamed())),
        ("outcome.conflict", outcome(conflict())),
        ("outcome.rejected", outcome(rejected())),
        ("refused", refused),
        ("expect", expect),
        ("error", error(true)),
        ("error.general", error(false)),
        ("feed", feed(true)),
        ("feed.increment", feed(false)),
        ("ping", ping(0)),
        ("ping.ahead", ping(1_234_567)),
        ("pong", ServerMessage::Pong { nonce: u64::MAX }),
        (
            "look",
            ServerMessage::Look {
                board: board(),
                version: Version(412),
            },
        ),
        ("screens", ServerMessage::Screens(screens(1, Some(84)))),
        ("screens.none", ServerMessage::Screens(screens(0, None))),
        ("goodbye", goodbye),
    ]
}

#[test]
fn server_messages_are_golden_in_both_encodings() {
    assert_covered(samples(), name_of, NAMES);
    for (file, message) in samples() {
        for (codec, form) in [(Codec::Json, "json"), (Codec::MessagePack, "hex")] {
            assert_golden(
                &format!("server/{file}.{form}"),
                &message,
                |message| codec.encode_server(message),
                |bytes| {
                    codec
                        .decode_server(bytes)
                        .map_err(|error| error.to_string())
                },
            );
        }
    }
}
