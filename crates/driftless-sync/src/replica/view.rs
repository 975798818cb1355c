//! What a person sees: the confirmed state with the active outbox folded over it, the outbox
//! itself, and the state of connection and storage. Values, cheap to clone and compare.

use driftless_model::{
    BoardId, EditId, KindName, LeafPath, LeafRef, RecordId, SortedMap, UserId, Value, Version,
};
use driftless_protocol::Code;
use serde::Serialize;

/// A record as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordView {
    /// Its kind.
    pub kind: KindName,
    /// The leaves that have a value.
    pub leaves: SortedMap<LeafPath, LeafView>,
    /// Whether any change of the record waits to be confirmed.
    pub is_pending: bool,
    /// The outbox entries about this record that wait for a person (conflicts), by number.
    pub conflicts: Vec<u64>,
}

impl RecordView {
    /// The value of a leaf.
    pub fn value(&self, leaf: &LeafPath) -> Option<&Value> {
        self.leaves.get(leaf).map(|leaf| &leaf.value)
    }
}

/// A leaf as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeafView {
    /// Its value.
    pub value: Value,
    /// The version that wrote it; absent while it is a pending local value.
    pub version: Option<Version>,
    /// Who wrote it; absent while it is a pending local value.
    pub author: Option<UserId>,
}

/// An outbox entry as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryView {
    /// The board.
    pub board: BoardId,
    /// Its local number: what commands name it by.
    pub number: u64,
    /// The edit's id.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// When, in milliseconds since 1970 by the device's clock.
    pub made_at_ms: u64,
    /// Whether it is in this device's storage.
    pub is_stored: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// How far it is.
    pub state: EntryProgress,
    /// The records that it changes.
    pub records: Vec<RecordId>,
    /// How many edits it holds: those that joined it count.
    pub edits: usize,
}

/// How far an entry is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryProgress {
    /// Waits to be sent.
    Queued {
        /// For these edits, if any.
        after: Vec<EditId>,
    },
    /// On its way: sealed, perhaps sent.
    Sealed {
        /// Its place in the sequence.
        seq: u64,
        /// The person took it back; it is undone once its outcome is known.
        take_back: bool,
    },
    /// Somebody changed the same.
    Conflicted(ConflictView),
    /// Refused for good.
    Quarantined {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
        /// What to do.
        hint: String,
    },
}

impl EntryProgress {
    /// Whether a person has to decide.
    pub fn waits_for_person(&self) -> bool {
        matches!(self, Self::Conflicted(_) | Self::Quarantined { .. })
    }
}

/// A conflict, leaf by leaf.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConflictView {
    /// Every leaf that the entry writes. Those that are stale are what the person decides on.
    pub leaves: Vec<ConflictLeaf>,
    /// Records that somebody removed: keeping mine restores them.
    pub removed: Vec<RemovedView>,
}

/// One leaf of a conflict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConflictLeaf {
    /// The leaf. Without a path: my change removes the record.
    pub at: LeafRef,
    /// What it was when the person began.
    pub base: Option<Value>,
    /// What it is on the server.
    pub theirs: Option<Value>,
    /// What the person wrote.
    pub mine: Option<Value>,
    /// Whether somebody changed it unseen.
    pub is_stale: bool,
    /// Who wrote theirs.
    pub author: Option<UserId>,
    /// In which version.
    pub version: Version,
}

/// A record that somebody removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemovedView {
    /// Which.
    pub record: RecordId,
    /// Its title, where it had one.
    pub title: Option<String>,
    /// By whom, where anybody still knows.
    pub author: Option<UserId>,
    /// In which version.
    pub version: Version,
}

/// How a person settles a conflict.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Resolution {
    /// My values, on the current version. Removed records are restored.
    KeepMine,
    /// Their values. Final: the entry is gone.
    TakeTheirs,
    /// These values instead of mine, leaf by leaf; leaves that are not named keep mine. `None`
    /// takes the leaf away.
    Merge(Vec<(LeafRef, Option<Value>)>),
}

/// What happens to a conflict without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoResolve {
    /// Nothing: a person decides.
    #[default]
    Never,
    /// Mine is kept, and the application is told.
    Mine,
    /// Theirs is taken, and the application is told.
    Theirs,
}

/// The connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Connection {
    /// Not asked to connect.
    Idle,
    /// Opening a socket.
    Connecting {
        /// From 1; 1 again after each success.
        attempt: u32,
    },
    /// The socket is open, the server has not answered.
    Handshaking {
        /// As in `Connecting`.
        attempt: u32,
    },
    /// Live.
    Online {
        /// The server's name for the connection.
        session: String,
        /// The last measured round trip; absent before the first.
        latency_ms: Option<u64>,
    },
    /// Between two attempts.
    Waiting {
        /// The attempt that comes next.
        attempt: u32,
        /// When, by the time that the machine is given, in milliseconds.
        retry_at_ms: u64,
        /// Why the last one ended.
        reason: String,
    },
    /// The device has no network.
    Offline,
    /// The token is missing, wrong or expired; the queue is untouched.
    Unauthorised {
        /// In words.
        reason: String,
    },
    /// For good, until asked to connect again.
    Closed {
        /// Why.
        reason: String,
    },
}

impl Connection {
    /// What the state is called, for logs and counts: as it is written in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting { .. } => "connecting",
            Self::Handshaking { .. } => "handshaking",
            Self::Online { .. } => "online",
            Self::Waiting { .. } => "waiting",
            Self::Offline => "offline",
            Self::Unauthorised { .. } => "unauthorised",
            Self::Closed { .. } => "closed",
        }
    }

    /// The attempts since the last success, where there were any.
    pub fn attempt(&self) -> Option<u32> {
        match self {
            Self::Connecting { attempt }
            | Self::Handshaking { attempt }
            | Self::Waiting { attempt, .. } => Some(*attempt),
            _ => None,
        }
    }

    /// Why the connection is not up, where there is a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting { reason, .. }
            | Self::Unauthorised { reason }
            | Self::Closed { reason } => Some(reason),
            _ => None,
        }
    }
}

/// Whether this device keeps what is made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StorageVerdict {
    /// Not read yet.
    #[default]
    Loading,
    /// Edits are durable before they show as saved.
    Durable,
    /// Kept in memory only: gone with the tab or process.
    MemoryOnly {
        /// Why.
        reason: String,
    },
    /// The last write failed; it is tried again. Nothing unsaved is sent.
    NotSaved {
        /// Why.
        reason: String,
    },
    /// Another tab or process uses this replica.
    OpenElsewhere,
    /// The stored data cannot be used by this build; nothing is written or deleted.
    Unusable {
        /// Why, and what to do.
        reason: String,
    },
}

impl StorageVerdict {
    /// What the verdict is called, for logs and counts: as it is written in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Durable => "durable",
            Self::MemoryOnly { .. } => "memory_only",
            Self::NotSaved { .. } => "not_saved",
            Self::OpenElsewhere => "open_elsewhere",
            Self::Unusable { .. } => "unusable",
        }
    }

    /// Why what is made is not kept, where there is a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::MemoryOnly { reason } | Self::NotSaved { reason } | Self::Unusable { reason } => {
                Some(reason)
            }
            _ => None,
        }
    }
}
