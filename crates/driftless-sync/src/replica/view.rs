//! What a person sees: the confirmed state with the active outbox folded over it, the outbox
//! itself, and the state of connection and storage. Values, cheap to clone and compare.

use driftless_model::{
    BoardId, EditId, KindName, LeafPath, LeafRef, RecordId, SortedMap, UserId, Value, Version,
};
use driftless_protocol::Code;
use serde::Serialize;

/// A record as it is shown.
///
/// ```
/// use driftless_model::{KindName, LeafPath, SortedMap, Value};
/// use driftless_sync::replica::view::{LeafView, RecordView};
///
/// let title = LeafPath::new("title")?;
/// // A person has just written it: there is no version yet.
/// let lunch = LeafView { value: "Lunch".into(), version: None, author: None };
/// let record = RecordView {
///     kind: KindName::new("note")?,
///     leaves: SortedMap::from_iter([(title.clone(), lunch)]),
///     is_pending: true,
///     conflicts: vec![],
/// };
/// assert_eq!(record.value(&title), Some(&Value::from("Lunch")));
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
    ///
    /// ```
    /// use driftless_model::{KindName, LeafPath, SortedMap, Value};
    /// use driftless_sync::replica::view::{LeafView, RecordView};
    ///
    /// let title = LeafPath::new("title")?;
    /// let record = RecordView {
    ///     kind: KindName::new("note")?,
    ///     leaves: SortedMap::new(),
    ///     is_pending: false,
    ///     conflicts: vec![],
    /// };
    /// assert_eq!(record.value(&title), None);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn value(&self, leaf: &LeafPath) -> Option<&Value> {
        self.leaves.get(leaf).map(|leaf| &leaf.value)
    }
}

/// A leaf as it is shown.
///
/// ```
/// use driftless_model::{IdError, UserId, Version};
/// use driftless_sync::replica::view::LeafView;
///
/// /// Whose word stands there.
/// fn by(leaf: &LeafView) -> &str {
///     leaf.author.as_ref().map_or("you, just now", UserId::as_str)
/// }
///
/// let mut leaf = LeafView { value: "Lunch".into(), version: None, author: None };
/// assert_eq!(by(&leaf), "you, just now");
/// (leaf.version, leaf.author) = (Some(Version(7)), Some(UserId::new("Bob")?));
/// assert_eq!(by(&leaf), "Bob");
/// # Ok::<(), IdError>(())
/// ```
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
///
/// ```
/// use driftless_model::{BoardId, EditId, RecordId};
/// use driftless_sync::replica::view::{EntryProgress, EntryView};
///
/// /// A line of a list of what waits.
/// fn line(entry: &EntryView) -> String {
///     let saved = if entry.is_stored { "" } else { ", not saved yet" };
///     format!("{} (tried {} times{saved})", entry.label, entry.attempts)
/// }
///
/// let entry = EntryView {
///     board: BoardId::new("home")?,
///     number: 1,
///     id: EditId(1),
///     label: "Rename".to_owned(),
///     made_at_ms: 0,
///     is_stored: true,
///     attempts: 3,
///     state: EntryProgress::Queued { after: vec![] },
///     records: vec![RecordId::new("note")?],
///     edits: 1,
/// };
/// assert_eq!(line(&entry), "Rename (tried 3 times)");
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// use driftless_sync::replica::view::EntryProgress;
///
/// /// Whether taking it back is sure to keep it from others.
/// fn is_here_alone(progress: &EntryProgress) -> bool {
///     !matches!(progress, EntryProgress::Sealed { .. })
/// }
///
/// assert!(is_here_alone(&EntryProgress::Queued { after: vec![] }));
/// assert!(!is_here_alone(&EntryProgress::Sealed { seq: 1, take_back: false }));
/// ```
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
    ///
    /// ```
    /// use driftless_protocol::Code;
    /// use driftless_sync::replica::view::EntryProgress;
    ///
    /// let code = Code::Forbidden;
    /// let (detail, hint) = (code.cause().to_owned(), code.hint().to_owned());
    /// assert!(EntryProgress::Quarantined { code, detail, hint }.waits_for_person());
    /// assert!(!EntryProgress::Queued { after: vec![] }.waits_for_person());
    /// ```
    pub fn waits_for_person(&self) -> bool {
        matches!(self, Self::Conflicted(_) | Self::Quarantined { .. })
    }
}

/// A conflict, leaf by leaf.
///
/// ```
/// use driftless_sync::replica::view::{ConflictView, RemovedView};
/// # use driftless_model::{RecordId, UserId, Version};
///
/// /// What a person has to decide on.
/// fn questions(conflict: &ConflictView) -> usize {
///     conflict.leaves.iter().filter(|leaf| leaf.is_stale).count() + conflict.removed.len()
/// }
///
/// # let removed = RemovedView {
/// #     record: RecordId::new("note")?,
/// #     title: None,
/// #     author: Some(UserId::new("Bob")?),
/// #     version: Version(7),
/// # };
/// let conflict = ConflictView { leaves: vec![], removed: vec![removed] };
/// assert_eq!(questions(&conflict), 1);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConflictView {
    /// Every leaf that the entry writes. Those that are stale are what the person decides on.
    pub leaves: Vec<ConflictLeaf>,
    /// Records that somebody removed: keeping mine restores them.
    pub removed: Vec<RemovedView>,
}

/// One leaf of a conflict.
///
/// ```
/// use driftless_model::{LeafPath, LeafRef, RecordId, UserId, Version};
/// use driftless_sync::replica::view::ConflictLeaf;
///
/// let leaf = ConflictLeaf {
///     at: LeafRef { record: RecordId::new("note")?, leaf: Some(LeafPath::new("title")?) },
///     base: Some("Lunch".into()),
///     theirs: Some("Dinner".into()),
///     mine: Some("Supper".into()),
///     is_stale: true,
///     author: Some(UserId::new("Bob")?),
///     version: Version(7),
/// };
/// assert!(leaf.is_stale && leaf.theirs != leaf.base && leaf.mine != leaf.theirs);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// use driftless_model::{RecordId, UserId, Version};
/// use driftless_sync::replica::view::RemovedView;
///
/// /// What a person is told.
/// fn told(removed: &RemovedView) -> String {
///     let title = removed.title.as_deref().unwrap_or(removed.record.as_str());
///     let author = removed.author.as_ref().map_or("somebody", UserId::as_str);
///     format!("{author} removed {title}")
/// }
///
/// let record = RecordId::new("note")?;
/// let removed = RemovedView { record, title: None, author: None, version: Version(7) };
/// assert_eq!(told(&removed), "somebody removed note");
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// use driftless_model::{LeafPath, LeafRef, RecordId};
/// use driftless_sync::replica::view::Resolution;
///
/// let title = LeafRef {
///     record: RecordId::new("note")?,
///     leaf: Some(LeafPath::new("title")?),
/// };
/// let merged = Resolution::Merge(vec![(title, Some("Lunch or dinner".into()))]);
/// assert_ne!(merged, Resolution::KeepMine);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// use driftless_sync::replica::view::AutoResolve;
///
/// assert_eq!(AutoResolve::default(), AutoResolve::Never);
/// ```
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
///
/// ```
/// use driftless_sync::replica::view::Connection;
///
/// let reason = "it does not answer".to_owned();
/// let waiting = Connection::Waiting { attempt: 3, retry_at_ms: 8_000, reason };
/// assert_eq!((waiting.name(), waiting.attempt()), ("waiting", Some(3)));
/// assert_eq!(waiting.reason(), Some("it does not answer"));
/// ```
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
    ///
    /// ```
    /// use driftless_sync::replica::view::Connection;
    ///
    /// assert_eq!(Connection::Connecting { attempt: 1 }.name(), "connecting");
    /// ```
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
    ///
    /// ```
    /// use driftless_sync::replica::view::Connection;
    ///
    /// assert_eq!(Connection::Handshaking { attempt: 2 }.attempt(), Some(2));
    /// assert_eq!(Connection::Offline.attempt(), None);
    /// ```
    pub fn attempt(&self) -> Option<u32> {
        match self {
            Self::Connecting { attempt }
            | Self::Handshaking { attempt }
            | Self::Waiting { attempt, .. } => Some(*attempt),
            _ => None,
        }
    }

    /// Why the connection is not up, where there is a reason.
    ///
    /// ```
    /// use driftless_sync::replica::view::Connection;
    ///
    /// let reason = "the token has expired".to_owned();
    /// let refused = Connection::Unauthorised { reason };
    /// assert_eq!(refused.reason(), Some("the token has expired"));
    /// assert_eq!(Connection::Idle.reason(), None);
    /// ```
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
///
/// ```
/// use driftless_sync::replica::view::StorageVerdict;
///
/// /// Whether a person may close the page.
/// fn may_close(storage: &StorageVerdict) -> bool {
///     matches!(storage, StorageVerdict::Durable)
/// }
///
/// assert!(!may_close(&StorageVerdict::default()));
/// ```
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
    ///
    /// ```
    /// use driftless_sync::replica::view::StorageVerdict;
    ///
    /// assert_eq!(StorageVerdict::OpenElsewhere.name(), "open_elsewhere");
    /// ```
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
    ///
    /// ```
    /// use driftless_sync::replica::view::StorageVerdict;
    ///
    /// let reason = "it is full".to_owned();
    /// assert_eq!(StorageVerdict::NotSaved { reason }.reason(), Some("it is full"));
    /// assert_eq!(StorageVerdict::Durable.reason(), None);
    /// ```
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::MemoryOnly { reason } | Self::NotSaved { reason } | Self::Unusable { reason } => {
                Some(reason)
            }
            _ => None,
        }
    }
}
