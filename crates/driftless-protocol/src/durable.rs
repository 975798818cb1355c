//! Durable records: what a replica keeps in its storage, and how values are written in a server's.
//!
//! A replica's storage is an ordered map from [`Key`] to [`Row`]. Keys are text, so that every
//! backend sorts them alike; rows carry the format's version.

use std::fmt;

use driftless_model::value::present;
use driftless_model::{
    BoardId, ClientId, Cursor, EditId, KindName, LeafPath, LeafRef, OnStale, Op, RecordId,
    Replaced, Slot, SortedMap, StaleLeaf, UserId, Value, Version,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::is_default;
use crate::codes::Code;
use crate::message::{Again, Settled};
use crate::payload::Payload;
use crate::tree::{
    Document, Faults, Fields, Give, Made, Take, Tree, TreeError, document_enum, document_struct,
};

/// The version of the storage format that this build writes.
///
/// 1: the first one. 2: applied edits are kept. 3: several tabs write. A row says the first format
/// that has its kind, so that a build which knows only format 1 still reads what has nothing new.
pub const FORMAT: u32 = 3;

/// Where a row lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The replica itself.
    Replica,
    /// What tabs that do not lead wrote.
    Tabs,
    /// A board.
    Board(BoardId),
    /// A record of a board.
    Record(BoardId, RecordId),
    /// An outbox entry of a board, by its local number.
    Entry(BoardId, u64),
    /// An applied edit of a board, by the number that it had in the outbox.
    Applied(BoardId, u64),
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica => formatter.write_str("replica"),
            Self::Tabs => formatter.write_str("tabs"),
            Self::Board(board) => write!(formatter, "board/{board}"),
            Self::Record(board, record) => write!(formatter, "record/{board}/{record}"),
            Self::Entry(board, number) => write!(formatter, "entry/{board}/{number:016x}"),
            Self::Applied(board, number) => write!(formatter, "applied/{board}/{number:016x}"),
        }
    }
}

/// A durable record of a replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Row {
    /// The replica itself.
    Replica(ReplicaRow),
    /// What tabs that do not lead wrote.
    Tabs(TabsRow),
    /// A board.
    Board(BoardRow),
    /// A record of a board.
    Record(RecordRow),
    /// An outbox entry of a board.
    Entry(Box<EntryRow>),
    /// An applied edit of a board.
    Applied(Box<AppliedRow>),
}

/// The replica itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRow {
    /// Its id.
    pub client: ClientId,
    /// The user that it is bound to, once a server has said who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// A mark of the token that they were let in with last, or of whose it says to be: whoever
    /// comes with another one may be somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
    /// Whose it was before another token came, until a server has said who has that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<UserId>,
    /// Who leads: raised by each new leader, checked by each of its transactions.
    pub term: u64,
    /// How often the server's history turned out not to be the one on screen, since several tabs
    /// share the replica.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: u32,
}

/// What tabs that do not lead wrote. Each of their transactions counts it up, and whoever changes
/// the [`ReplicaRow`] expects it as they know it: so no edit comes in unseen while the replica
/// changes its leader, its user, its client id or its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabsRow {
    /// How many transactions.
    pub writes: u64,
}

/// A board as the replica knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRow {
    /// Which.
    pub board: BoardId,
    /// Where the replica stands; absent before the first resume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// See [`driftless_model::BoardState::floor`].
    pub floor: Version,
    /// The next seq to seal with, from 1.
    pub next_seq: u64,
    /// The outcomes of all edits up to this seq are stored.
    pub settled: u64,
    /// Where the copy stood that was deleted since the user may not read the board: what is pending
    /// rests on the history up to there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Cursor>,
    /// Why the user may not read the board, as the server said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A record of a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRow {
    /// The board.
    pub board: BoardId,
    /// The record.
    pub record: RecordId,
    /// Live or removed.
    pub slot: Slot,
}

/// One thing in the outbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryRow {
    /// The board.
    pub board: BoardId,
    /// Its local number: the order in which edits were made.
    pub number: u64,
    /// The edit's id.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// When, in milliseconds since 1970 by the device's clock.
    pub made_at_ms: u64,
    /// The gesture that it belongs to, for squashing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gesture: Option<u64>,
    /// What happens to stale leaves.
    #[serde(default)]
    pub on_stale: OnStale,
    /// The changes.
    pub changes: Vec<LocalChange>,
    /// What the person saw of each leaf that the changes write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base: Vec<BaseLeaf>,
    /// Records that the changes remove, or that somebody removed meanwhile, as they were last seen:
    /// enough to restore them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<BaseRecord>,
    /// Edits that were joined to this one: squashed, or waiting for it when it was set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folded: Vec<EditId>,
    /// Where it may have been applied already, under another client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// The same mark of the token that it was made with, where no server had said yet whose that
    /// is: it is not sent for whoever is let in with another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<u64>,
    /// How far it is.
    pub state: EntryState,
}

impl EntryRow {
    /// Its edits: those that were joined to it, and at last the one that it is.
    #[allow(clippy::range_plus_one, reason = "an inclusive range is more code")]
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = EditId> {
        // As one step: a chain of two is much code, wherever it is gone through.
        let folded = &self.folded;
        (0..folded.len() + 1).map(|at| folded.get(at).copied().unwrap_or(self.id))
    }
}

/// An own edit that was applied, kept for a while: should the server be restored from a backup that
/// lacks it, it is offered to its author again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedRow {
    /// The client id under which it was sent.
    pub client: ClientId,
    /// Its seq.
    pub seq: u64,
    /// The version that it made.
    pub version: Version,
    /// How much device time had passed when it was applied, in milliseconds since the first one
    /// that is kept. Between two edits at most a day counts, so that a clock that jumps ages
    /// nothing.
    pub aged_ms: u64,
    /// The device's clock then, in milliseconds since 1970.
    pub epoch_ms: u64,
    /// The edit as it was in the outbox.
    pub entry: EntryRow,
    /// What the server left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<LeafRef>,
    /// Whose values it replaced unseen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// What it wrote over, where that is known: the versions of leaves, and of records as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub over: Vec<(LeafRef, Version)>,
    /// The edit that undoes it, where its author had taken it back before its outcome was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_by: Option<EditId>,
}

/// A change as its author made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalChange {
    /// The record.
    pub record: RecordId,
    /// What it does.
    pub op: Op,
    /// What the author had seen.
    pub seen: Seen,
}

/// What a person had on screen when they began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The board's version then.
    pub version: Version,
    /// The person's own unsettled edits whose values were on screen: the change waits for them, and
    /// counts the versions that they get as seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<EditId>,
}

/// How far an entry is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryState {
    /// Made, not yet sealed.
    Queued,
    /// Final, with its place in the sequence; perhaps sent.
    Sealed {
        /// Its seq.
        seq: u64,
        /// The content, as it is sent.
        payload: Payload,
        /// The person took it back: it is undone once its outcome is known.
        #[serde(default)]
        take_back: bool,
    },
    /// Somebody changed the same: a person decides.
    Conflicted(Box<Conflicted>),
    /// Refused for good: a person decides.
    Quarantined {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
}

/// A conflict as it is kept. "Mine" are the entry's changes, "base" is beside them, "theirs" is the
/// confirmed state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflicted {
    /// The board's version when it was decided.
    pub at: Version,
    /// The leaves that changed, with their values then.
    pub stale: Vec<StaleLeaf>,
}

/// What a leaf was before the edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseLeaf {
    /// The record.
    pub record: RecordId,
    /// The leaf.
    pub leaf: LeafPath,
    /// The value as the person saw it; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub value: Option<Value>,
}

/// A record as it was before it was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseRecord {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: KindName,
    /// Its values.
    pub leaves: SortedMap<LeafPath, Value>,
}

/// Why a stored row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A newer build wrote it.
    #[error(
        "storage has format {found}, this build knows {FORMAT}; update this build, nothing is lost"
    )]
    Newer {
        /// The format found.
        found: u32,
    },
    /// Not a row.
    #[error(
        "a stored row cannot be read: {reason}; export what is readable, then clear the storage"
    )]
    Corrupt {
        /// What the decoder found.
        reason: String,
    },
}

/// What a row is written in.
struct StoredRef<'a> {
    format: u32,
    row: &'a Row,
}

impl Give for StoredRef<'_> {
    fn give(&self, is_text: bool) -> Tree<'static> {
        let mut made = Made::of(&["format", "row"], is_text);
        made.always(&self.format);
        made.always(self.row);
        made.tree()
    }
}

/// What a row is read from.
struct Stored {
    row: Row,
}

impl Take for Stored {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let mut fields = Fields::of(tree, &["row"], faults);
        Self {
            row: fields.needed::<_, IS_TEXT>(),
        }
    }
}

impl Row {
    /// Where it lies.
    pub fn key(&self) -> Key {
        match self {
            Self::Replica(_) => Key::Replica,
            Self::Tabs(_) => Key::Tabs,
            Self::Board(row) => Key::Board(row.board.clone()),
            Self::Record(row) => Key::Record(row.board.clone(), row.record.clone()),
            Self::Entry(row) => Key::Entry(row.board.clone(), row.number),
            Self::Applied(row) => Key::Applied(row.entry.board.clone(), row.entry.number),
        }
    }

    /// The first format that has this kind of row.
    fn format(&self) -> u32 {
        match self {
            Self::Applied(_) => 2,
            Self::Tabs(_) => 3,
            _ => 1,
        }
    }

    /// To bytes. Equal rows give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let stored = StoredRef {
            format: self.format(),
            row: self,
        };
        Document::for_message_pack(&stored).to_message_pack()
    }

    /// From bytes. A newer format is told apart before its content is looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let corrupt = |error: TreeError| RowError::Corrupt {
            reason: error.to_string(),
        };
        let document = Document::from_message_pack(bytes).map_err(corrupt)?;
        let format = document
            .number("format")
            .and_then(|format| u32::try_from(format).ok());
        match format {
            Some(found) if found > FORMAT => return Err(RowError::Newer { found }),
            Some(_) => {}
            None => {
                let reason = "it does not say its format".to_owned();
                return Err(RowError::Corrupt { reason });
            }
        }
        let Stored { row } = document.decode().map_err(corrupt)?;
        Ok(row)
    }
}

/// One column of a server's row as text: JSON.
pub fn to_text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("columns have text keys and finite numbers")
}

/// Reads one column of a server's row.
pub fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| RowError::Corrupt {
        reason: error.to_string(),
    })
}

/// A server's ledger row: what it knows of one client on one board. Lives as long as the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The client.
    pub client: ClientId,
    /// The user that it is bound to.
    pub user: UserId,
    /// The last seq that was used up.
    pub last_seq: u64,
    /// The id at that seq.
    pub last_id: EditId,
    /// The client has all outcomes up to this seq.
    pub settled: u64,
    /// The outcomes above it, by seq.
    pub outcomes: Vec<Settled>,
}

document_enum!(Row {
    "replica" => Replica(_),
    "tabs" => Tabs(_),
    "board" => Board(_),
    "record" => Record(_),
    "entry" => Entry(_),
    "applied" => Applied(_),
});
document_struct!(ReplicaRow {
    client,
    user: optional,
    token: optional,
    former: optional,
    term,
    history: optional
});
document_struct!(TabsRow { writes });
document_struct!(BoardRow {
    board,
    cursor: optional,
    floor,
    next_seq,
    settled,
    left: optional,
    refused: optional,
});
document_struct!(RecordRow {
    board,
    record,
    slot
});
document_struct!(EntryRow {
    board,
    number,
    id,
    label,
    made_at_ms,
    gesture: optional,
    on_stale: defaulted,
    changes,
    base: optional,
    removed: optional,
    folded: optional,
    again: optional,
    token: optional,
    state,
});
document_struct!(AppliedRow {
    client,
    seq,
    version,
    aged_ms,
    epoch_ms,
    entry,
    skipped: optional,
    replaced: optional,
    over: optional,
    undone_by: optional,
});
document_struct!(LocalChange { record, op, seen });
document_struct!(Seen {
    version,
    after: optional
});
document_enum!(EntryState {
    "queued" => Queued(),
    "sealed" => Sealed { seq, payload, take_back: defaulted },
    "conflicted" => Conflicted(_),
    "quarantined" => Quarantined { code, detail },
});
document_struct!(Conflicted { at, stale });
document_struct!(BaseLeaf {
    record,
    leaf,
    value: present
});
document_struct!(BaseRecord {
    record,
    kind,
    leaves
});
