//! Any message, well formed.

use driftless_model::{Cell, Check, ClientId, Replaced, StaleLeaf, Version};
use driftless_protocol::feed::{Aggregate, FeedFrame, Query, SeriesName};
use driftless_protocol::message::{
    Again, ChangedLeaf, ClientMessage, Event, Hello, Outcome, Push, RemovedRecord, Resume, Screens,
    ServerMessage, Settled, Subscribe, Welcome, WholeRecord,
};
use driftless_protocol::{Code, Packed, Payload};

use crate::content::{
    any_board, cursor, edit, edit_id, effect, kind, leaf, leaf_ref, record, user, value, version,
};
use crate::source::Source;

/// Anything that a client sends.
pub fn client(source: &mut Source<'_>) -> ClientMessage {
    let board = any_board(source);
    let (feed, nonce) = (source.narrow(), source.wide());
    match source.below(11) {
        0 => ClientMessage::Hello(Hello {
            protocol: source.narrow(),
            client: ClientId(u128::from(source.wide()) << 7),
            token: source.maybe(Source::text),
            build: source.text(),
            boards: source.list(3, subscribe),
        }),
        1 => ClientMessage::Subscribe(subscribe(source)),
        2 => ClientMessage::Unsubscribe { board },
        3 => ClientMessage::Push(push(source)),
        4 => ClientMessage::OpenFeed {
            feed,
            query: query(source),
        },
        5 => ClientMessage::CloseFeed { feed },
        6 => ClientMessage::Token {
            token: source.text(),
        },
        7 => ClientMessage::Ping { nonce },
        8 => ClientMessage::AskScreens {
            board,
            version: version(source),
        },
        9 => ClientMessage::Shown {
            board,
            version: version(source),
            ago_ms: nonce,
        },
        _ => ClientMessage::Pong { nonce },
    }
}

fn subscribe(source: &mut Source<'_>) -> Subscribe {
    Subscribe {
        board: any_board(source),
        cursor: source.maybe(cursor),
    }
}

/// Any push, of an edit as a rule.
pub fn push(source: &mut Source<'_>) -> Push {
    let id = edit_id(source);
    Push {
        board: any_board(source),
        seq: source.wide(),
        id,
        settled: source.wide(),
        payload: payload(source, id),
        again: source.maybe(again),
    }
}

/// Any memory of other client ids.
pub fn again(source: &mut Source<'_>) -> Again {
    let clients = 0..source.below(3);
    Again {
        above: Version(source.below(16) as u64),
        clients: clients.map(|_| ClientId(source.below(4) as u128)).collect(),
    }
}

/// An edit of this id, or now and then something else.
pub fn payload(source: &mut Source<'_>, id: driftless_model::EditId) -> Payload {
    if source.once_in(8) {
        return Payload::from_text(source.text());
    }
    let edit = edit(source, id);
    Payload::seal(&edit).unwrap_or_else(|_| Payload::from_text(""))
}

/// Any query.
pub fn query(source: &mut Source<'_>) -> Query {
    Query {
        selector: source.text(),
        window_s: source.narrow(),
        step_s: source.narrow(),
        aggregate: source.pick(&Aggregate::NAMED).1,
    }
}

/// Any outcome.
pub fn outcome(source: &mut Source<'_>) -> Outcome {
    match source.below(4) {
        0 | 1 => Outcome::Applied {
            version: version(source),
            check: Check(source.wide()),
            skipped: source.list(2, leaf_ref),
            replaced: source.list(2, replaced),
            effects: source.maybe(|source| source.list(2, effect)),
        },
        2 => Outcome::Conflict {
            at: version(source),
            stale: source.list(3, |source| StaleLeaf {
                at: leaf_ref(source),
                theirs: source.maybe(|source| value(source, 2)),
                version: version(source),
                author: source.maybe(user),
            }),
        },
        _ => Outcome::Rejected {
            code: source.pick(Code::ALL),
            detail: source.text(),
        },
    }
}

/// What became of some edit.
pub fn settled(source: &mut Source<'_>) -> Settled {
    Settled {
        board: any_board(source),
        seq: source.wide(),
        id: edit_id(source),
        outcome: outcome(source),
    }
}

/// Any resume.
pub fn resume(source: &mut Source<'_>) -> Resume {
    Resume {
        board: any_board(source),
        cursor: cursor(source),
        full: source.once_in(2),
        diverged: source.once_in(4),
        since: source.maybe(version),
        floor: version(source),
        last_seq: source.wide(),
        last_id: source.maybe(edit_id),
        outcomes: source.list(3, settled),
        removed: source.list(2, |source| RemovedRecord {
            record: record(source),
            version: version(source),
            author: user(source),
        }),
        records: source.list(3, whole_record),
        leaves: source.list(3, |source| ChangedLeaf {
            record: record(source),
            leaf: leaf(source),
            value: source.maybe(|source| value(source, 2)),
            version: version(source),
            author: user(source),
        }),
    }
}

fn whole_record(source: &mut Source<'_>) -> WholeRecord {
    let cell = |source: &mut Source<'_>| Cell {
        value: source.maybe(|source| value(source, 2)),
        version: version(source),
        author: user(source),
    };
    WholeRecord {
        record: record(source),
        kind: kind(source),
        created: version(source),
        leaves: source
            .list(3, |source| (leaf(source), cell(source)))
            .into_iter()
            .collect(),
    }
}

/// Somebody's applied edit that made this version.
pub fn event(source: &mut Source<'_>, version: Version) -> Event {
    Event {
        board: any_board(source),
        version,
        check: Check(source.wide()),
        id: edit_id(source),
        author: user(source),
        time_ms: source.wide(),
        label: source.text(),
        effects: source.list(3, effect),
        replaced: source.list(2, replaced),
    }
}

fn replaced(source: &mut Source<'_>) -> Replaced {
    Replaced {
        at: leaf_ref(source),
        value: source.maybe(|source| value(source, 2)),
        version: version(source),
        author: user(source),
    }
}

/// Any welcome.
pub fn welcome(source: &mut Source<'_>) -> Welcome {
    Welcome {
        protocol: source.narrow(),
        protocol_min: source.narrow(),
        session: source.text(),
        user: user(source),
        build: source.text(),
        heartbeat_ms: source.wide(),
        now_ms: source.wide(),
        asks_screens: source.once_in(2),
    }
}

/// Any samples.
pub fn feed(source: &mut Source<'_>) -> FeedFrame {
    FeedFrame {
        feed: source.narrow(),
        full: source.once_in(2),
        now_ms: source.wide(),
        step_s: source.narrow(),
        series: source.list(2, |source| SeriesName {
            name: source.text(),
            labels: source
                .list(2, |source| (source.text(), source.text()))
                .into_iter()
                .collect(),
        }),
        points: Packed(source.list(40, Source::byte)),
    }
}

/// Anything that a server sends.
pub fn server(source: &mut Source<'_>) -> ServerMessage {
    let (seq, nonce) = (source.wide(), source.wide());
    let (board, code) = (any_board(source), source.pick(Code::ALL));
    match source.below(13) {
        0 => ServerMessage::Welcome(welcome(source)),
        1 => ServerMessage::Resume(Box::new(resume(source))),
        2 => {
            let version = version(source);
            ServerMessage::Event(event(source, version))
        }
        3 => ServerMessage::Outcome(settled(source)),
        4 => ServerMessage::Refused {
            board,
            seq,
            code,
            detail: source.text(),
            retry_after_ms: source.wide(),
        },
        5 => ServerMessage::Expect { board, seq },
        6 => ServerMessage::Error {
            code,
            detail: source.text(),
            board: source.maybe(any_board),
            feed: source.maybe(Source::narrow),
        },
        7 => ServerMessage::Feed(feed(source)),
        8 => ServerMessage::Ping {
            nonce,
            ahead: source.wide(),
        },
        9 => ServerMessage::Pong { nonce },
        10 => ServerMessage::Look {
            board,
            version: version(source),
        },
        11 => ServerMessage::Screens(Screens {
            board,
            version: version(source),
            asked: source.narrow(),
            shown: source.narrow(),
            ago_ms: source.maybe(Source::wide),
        }),
        _ => ServerMessage::Goodbye {
            close: 4000,
            reason: source.text(),
            reconnect_after_ms: source.wide(),
        },
    }
}
