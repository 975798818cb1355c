//! Every message. One frame carries one message, as a map with one entry: its name and its fields.

use driftless_model::value::present;
use driftless_model::{
    BoardId, Cell, Check, ClientId, Cursor, EditId, Effect, KindName, LeafPath, LeafRef, RecordId,
    Replaced, SortedMap, StaleLeaf, UserId, Value, Version, limits,
};
use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::feed::{FeedFrame, Query};
use crate::payload::Payload;
use crate::tree::{document_enum, document_struct};

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClientMessage {
    /// The first message.
    Hello(Hello),
    /// Follow a board from a cursor.
    Subscribe(Subscribe),
    /// Stop following a board.
    Unsubscribe {
        /// Which.
        board: BoardId,
    },
    /// One sealed edit.
    Push(Push),
    /// Follow a feed. A number that is in use is replaced.
    OpenFeed {
        /// The client's number for it.
        feed: u32,
        /// What to see.
        query: Query,
    },
    /// Stop following a feed.
    CloseFeed {
        /// The client's number for it.
        feed: u32,
    },
    /// A fresh token, without a reconnect.
    Token {
        /// The token.
        token: String,
    },
    /// Asks on how many screens of others a version of a board is: answered by
    /// [`ServerMessage::Screens`], where [`Welcome::asks_screens`].
    AskScreens {
        /// Which board.
        board: BoardId,
        /// The version.
        version: Version,
    },
    /// Answers a [`ServerMessage::Look`], once the version or a later one is on screen.
    Shown {
        /// Which board.
        board: BoardId,
        /// The version that was asked about.
        version: Version,
        /// For how long it has been on screen, at least, in milliseconds.
        ago_ms: u64,
    },
    /// Asks for a [`ServerMessage::Pong`].
    Ping {
        /// Echoed.
        nonce: u64,
    },
    /// Answers a [`ServerMessage::Ping`].
    Pong {
        /// Echoed.
        nonce: u64,
    },
}

/// Who connects, and where they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The newest protocol version that the client speaks.
    pub protocol: u32,
    /// The replica.
    pub client: ClientId,
    /// Who it is. Never in the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The client's build, for the operator.
    #[serde(default)]
    pub build: String,
    /// The boards to follow at once.
    #[serde(default)]
    pub boards: Vec<Subscribe>,
}

/// Follow a board from where the replica stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Which.
    pub board: BoardId,
    /// Where it stands; absent for a replica that has nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
}

/// One sealed edit in its envelope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Push {
    /// Which board.
    pub board: BoardId,
    /// Its place among this client's edits of the board, from 1 without gaps.
    pub seq: u64,
    /// Its id, the same as in the payload.
    pub id: EditId,
    /// The client has the outcomes of all edits up to this seq: the server may forget them.
    pub settled: u64,
    /// The edit: JSON text.
    pub payload: Payload,
    /// Present where it may have been applied before, under another client id: the server then
    /// looks for its id first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
}

/// Where an edit may have been applied already: its replica took a new client id while the edit was
/// under way, or while a copy of the replica's storage had it too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Again {
    /// If it was, then above this version.
    pub above: Version,
    /// The client ids under which it may have been sent, oldest first; at most
    /// [`driftless_model::limits::FORMER_CLIENTS_MAX`]. They are retired: whoever still uses one of
    /// them takes a new id as well.
    pub clients: Vec<ClientId>,
}

/// The last seq of a client id that is retired: no copy of a replica can go on with it. The largest
/// integer that every JSON reader keeps.
pub const RETIRED_SEQ: u64 = (1 << 53) - 1;

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ServerMessage {
    /// Answers `Hello`.
    Welcome(Welcome),
    /// Answers `Subscribe`: what the replica lacks.
    Resume(Box<Resume>),
    /// Somebody else's applied edit.
    Event(Event),
    /// What became of one of this client's edits.
    Outcome(Settled),
    /// An edit is not taken now; this client's stream on the board pauses.
    Refused {
        /// Which board.
        board: BoardId,
        /// The first seq that was not taken.
        seq: u64,
        /// Why. Never the client's fault.
        code: Code,
        /// In words.
        detail: String,
        /// When to try again, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// A push was above the next seq, or the connection starts: send from this one on.
    Expect {
        /// Which board.
        board: BoardId,
        /// The next seq.
        seq: u64,
    },
    /// A request cannot be served.
    Error {
        /// Why.
        code: Code,
        /// In words: what happened, to what, what to do.
        detail: String,
        /// The board it is about, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        board: Option<BoardId>,
        /// The feed it is about, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feed: Option<u32>,
    },
    /// Somebody wants to know whether others see a version of a board. Whoever shows it to a person
    /// answers with [`ClientMessage::Shown`], now or when it does.
    Look {
        /// Which board.
        board: BoardId,
        /// The version.
        version: Version,
    },
    /// Answers a [`ClientMessage::AskScreens`]: at once, when others come who are asked as well,
    /// and with every screen that the version is on.
    Screens(Screens),
    /// Samples.
    Feed(FeedFrame),
    /// Asks for a [`ClientMessage::Pong`].
    Ping {
        /// Echoed.
        nonce: u64,
        /// The bytes of the message that comes next, where it is a large one: until they are there,
        /// nothing else can be heard. 0 where none is announced.
        #[serde(default, skip_serializing_if = "is_zero")]
        ahead: u64,
    },
    /// Answers a [`ClientMessage::Ping`].
    Pong {
        /// Echoed.
        nonce: u64,
    },
    /// The last message before a close.
    Goodbye {
        /// The number that the close has.
        close: u16,
        /// In words.
        reason: String,
        /// The earliest time to come back, in milliseconds from now.
        reconnect_after_ms: u64,
    },
}

impl ServerMessage {
    /// What a server writes before a message of so many bytes, if that is a large one.
    ///
    /// ```
    /// use driftless_model::limits::UNANNOUNCED_BYTES_MAX;
    /// use driftless_protocol::ServerMessage;
    ///
    /// assert_eq!(ServerMessage::announcing(UNANNOUNCED_BYTES_MAX), None);
    /// assert!(ServerMessage::announcing(UNANNOUNCED_BYTES_MAX + 1).is_some());
    /// ```
    pub fn announcing(bytes: usize) -> Option<Self> {
        (bytes > limits::UNANNOUNCED_BYTES_MAX).then(|| Self::Ping {
            nonce: 0,
            ahead: u64::try_from(bytes).unwrap_or(u64::MAX),
        })
    }
}

/// The server's side of the handshake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol version that both speak from here on.
    pub protocol: u32,
    /// The oldest version that the server still understands.
    pub protocol_min: u32,
    /// The connection, for logs.
    pub session: String,
    /// Who the server takes the client to be.
    pub user: UserId,
    /// The server's build.
    pub build: String,
    /// A peer that is silent for this long is gone, in milliseconds. Ping at a third of it.
    pub heartbeat_ms: u64,
    /// The server's time, in milliseconds since 1970.
    pub now_ms: u64,
    /// Whether the server knows [`ClientMessage::AskScreens`]: those of before end the connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_screens: bool,
}

/// On how many screens of others a version is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screens {
    /// Which board.
    pub board: BoardId,
    /// The version.
    pub version: Version,
    /// How many other replicas were asked: those that follow the board, up to
    /// [`driftless_model::limits::SCREENS_ASKED_MAX`].
    pub asked: u32,
    /// How many of them show it.
    pub shown: u32,
    /// For how long the one that answered just now has shown it, at least, in milliseconds; absent
    /// where none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ago_ms: Option<u64>,
}

/// Everything that a replica lacks, as one unit from one consistent read: stored and shown whole or
/// not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// Which board.
    pub board: BoardId,
    /// Where the replica stands afterwards.
    pub cursor: Cursor,
    /// A snapshot: forget all records first. Otherwise a delta.
    pub full: bool,
    /// The server's check differed at the client's version: what the client saw may never have
    /// been.
    #[serde(default)]
    pub diverged: bool,
    /// Where a delta starts: it has everything above this version. For a replica that stands below
    /// it, it lacks something. Absent in a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Version>,
    /// Whatever is absent without a mark counts as changed at this version.
    pub floor: Version,
    /// The last seq of this client that the server has; 0 for none.
    pub last_seq: u64,
    /// The id at that seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_id: Option<EditId>,
    /// Outcomes of this client's edits above the settled mark, by seq.
    #[serde(default)]
    pub outcomes: Vec<Settled>,
    /// Records removed since.
    #[serde(default)]
    pub removed: Vec<RemovedRecord>,
    /// Records created since, whole: they replace what is there.
    #[serde(default)]
    pub records: Vec<WholeRecord>,
    /// Leaves of other records changed since.
    #[serde(default)]
    pub leaves: Vec<ChangedLeaf>,
}

/// A record that is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedRecord {
    /// Which.
    pub record: RecordId,
    /// Since when.
    pub version: Version,
    /// By whom.
    pub author: UserId,
}

/// A record, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeRecord {
    /// Which.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindName,
    /// The version that created it.
    pub created: Version,
    /// Its leaves, those taken away included.
    pub leaves: SortedMap<LeafPath, Cell>,
}

/// A leaf that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedLeaf {
    /// Its record.
    pub record: RecordId,
    /// Which.
    pub leaf: LeafPath,
    /// Its value; absent where it was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub value: Option<Value>,
    /// The version that wrote it.
    pub version: Version,
    /// By whom.
    pub author: UserId,
}

/// An applied edit, as everybody but its author's replica sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Which board.
    pub board: BoardId,
    /// The version it made.
    pub version: Version,
    /// The check up to it.
    pub check: Check,
    /// Its id.
    pub id: EditId,
    /// Whose edit.
    pub author: UserId,
    /// The server's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// What the author did, in words.
    pub label: String,
    /// What it did to the records.
    pub effects: Vec<Effect>,
    /// Whose values it replaced without its author having seen them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

/// What became of one edit of this client's: final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// Which board.
    pub board: BoardId,
    /// Its seq.
    pub seq: u64,
    /// Its id.
    pub id: EditId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It made a version.
    Applied {
        /// Which.
        version: Version,
        /// The check up to it.
        check: Check,
        /// What was left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        skipped: Vec<LeafRef>,
        /// Whose values it replaced unseen.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        replaced: Vec<Replaced>,
        /// What it did, where that is not its ops without what was skipped: the author's build
        /// knows a leaf by a former name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effects: Option<Vec<Effect>>,
    },
    /// It was not applied: somebody changed the same.
    Conflict {
        /// The board's version when that was decided.
        at: Version,
        /// What changed, with their values.
        stale: Vec<StaleLeaf>,
    },
    /// It can never be applied as it is.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

document_enum!(ClientMessage {
    "hello" => Hello(_),
    "subscribe" => Subscribe(_),
    "unsubscribe" => Unsubscribe { board },
    "push" => Push(_),
    "open_feed" => OpenFeed { feed, query },
    "close_feed" => CloseFeed { feed },
    "token" => Token { token },
    "ask_screens" => AskScreens { board, version },
    "shown" => Shown { board, version, ago_ms },
    "ping" => Ping { nonce },
    "pong" => Pong { nonce },
});
document_struct!(Hello {
    protocol,
    client,
    token: optional,
    build: defaulted,
    boards: defaulted
});
document_struct!(Subscribe {
    board,
    cursor: optional
});
document_struct!(Push {
    board,
    seq,
    id,
    settled,
    payload,
    again: optional
});
document_struct!(Again { above, clients });
document_enum!(ServerMessage {
    "welcome" => Welcome(_),
    "resume" => Resume(_),
    "event" => Event(_),
    "outcome" => Outcome(_),
    "refused" => Refused { board, seq, code, detail, retry_after_ms },
    "expect" => Expect { board, seq },
    "error" => Error { code, detail, board: optional, feed: optional },
    "look" => Look { board, version },
    "screens" => Screens(_),
    "feed" => Feed(_),
    "ping" => Ping { nonce, ahead: optional },
    "pong" => Pong { nonce },
    "goodbye" => Goodbye { close, reason, reconnect_after_ms },
});
document_struct!(Welcome {
    protocol,
    protocol_min,
    session,
    user,
    build,
    heartbeat_ms,
    now_ms,
    asks_screens: optional,
});
document_struct!(Screens {
    board,
    version,
    asked,
    shown,
    ago_ms: optional
});
document_struct!(Resume {
    board,
    cursor,
    full,
    diverged: defaulted,
    since: optional,
    floor,
    last_seq,
    last_id: optional,
    outcomes: defaulted,
    removed: defaulted,
    records: defaulted,
    leaves: defaulted,
});
document_struct!(RemovedRecord {
    record,
    version,
    author
});
document_struct!(WholeRecord {
    record,
    kind,
    created,
    leaves
});
document_struct!(ChangedLeaf {
    record,
    leaf,
    value: present,
    version,
    author
});
document_struct!(Event {
    board,
    version,
    check,
    id,
    author,
    time_ms,
    label,
    effects,
    replaced: optional,
});
document_struct!(Settled {
    board,
    seq,
    id,
    outcome
});
document_enum!(Outcome {
    "applied" => Applied {
        version, check, skipped: optional, replaced: optional, effects: optional,
    },
    "conflict" => Conflict { at, stale },
    "rejected" => Rejected { code, detail },
});
