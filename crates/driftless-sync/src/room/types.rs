//! What goes into a room and what comes out of it.

use std::sync::Arc;

use driftless_model::{
    BoardId, BoardState, Check, ClientId, Cursor, EditId, Effect, RecordId, Role, UserId, Version,
    limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{
    ChangedLeaf, Event, Push, RemovedRecord, Resume, ServerMessage, Settled, WholeRecord,
};

/// A connection, as the shell numbers it. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What moves a room.
#[derive(Debug, Clone)]
pub enum Input {
    /// Answers [`Output::Load`].
    Loaded(Box<BoardImage>),
    /// [`Output::Load`] failed: those who wait are refused as transient; the next input tries
    /// again.
    LoadFailed,
    /// A connection follows the board. Following again starts over.
    Subscribe {
        /// Which.
        connection: ConnectionId,
        /// Who, and what they may do.
        member: Member,
        /// Where the replica stands.
        cursor: Option<Cursor>,
    },
    /// A connection no longer follows the board, or is gone.
    Unsubscribe {
        /// Which.
        connection: ConnectionId,
    },
    /// What the user of a connection may do on the board is something else from here on, for what
    /// the connection has pushed and is not decided yet, too; even where it is gone meanwhile.
    Role {
        /// Which.
        connection: ConnectionId,
        /// What they may do now.
        role: Role,
    },
    /// An edit.
    Push {
        /// From which connection.
        connection: ConnectionId,
        /// In its envelope.
        push: Push,
    },
    /// Somebody asks on how many screens of others a version is.
    AskScreens {
        /// From which connection; ignored where it does not follow.
        connection: ConnectionId,
        /// The version.
        version: Version,
    },
    /// A version that was asked about is on a screen.
    Shown {
        /// Whose.
        connection: ConnectionId,
        /// The version.
        version: Version,
        /// For how long, at least, in milliseconds.
        ago_ms: u64,
    },
    /// Answers [`Output::LookUp`]; `check` is absent where the version does not exist (any more).
    Looked {
        /// For which connection.
        connection: ConnectionId,
        /// Which version.
        version: Version,
        /// The check up to it.
        check: Option<Check>,
    },
    /// Answers [`Output::Find`].
    Found {
        /// Which look.
        number: u64,
        /// The edit's place in the log.
        found: Found,
    },
    /// Answers [`Output::Commit`].
    Stored(Stored),
}

/// What the log says about an edit's id.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// It was applied.
    Applied(Box<LogRow>),
    /// It was not.
    Nowhere,
    /// The log cannot be read now.
    Unknown,
}

/// Who a connection is on this board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The replica.
    pub client: ClientId,
    /// Its user, as the server knows them.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is durable.
    Committed,
    /// The head was not where the room thought: nothing was written.
    Conflict,
    /// Nothing was written.
    Failed,
    /// Nobody knows: it may or may not be there.
    Unknown,
}

/// What a room asks for. Carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Read the whole board in one consistent read.
    Load,
    /// Read the check at a version.
    LookUp {
        /// For which connection.
        connection: ConnectionId,
        /// Which version.
        version: Version,
    },
    /// Look in the log, above a version, for an edit that may have been applied under another
    /// client id.
    Find {
        /// The look's number: an answer to one that is no longer waited for says nothing about
        /// now.
        number: u64,
        /// Which edit.
        id: EditId,
        /// Where to begin.
        above: Version,
    },
    /// Write all of it in one transaction, or nothing. One at a time.
    Commit(Box<Append>),
    /// Put an item at the end of the stream that every following connection reads in order.
    Stream(Box<StreamItem>),
    /// A connection starts, or starts over, at the end of the stream as it is now, after this
    /// message.
    Resume {
        /// Which.
        connection: ConnectionId,
        /// The message.
        resume: SharedResume,
    },
    /// Send a message outside the stream.
    Send {
        /// To which.
        connection: ConnectionId,
        /// A refusal, an `Expect`, an error, or what is said of screens.
        message: Box<ServerMessage>,
    },
    /// A connection follows the board no more, since its user may not read it: it reads nothing on
    /// in the stream, and of what waits to be sent to it no event, outcome or resume of this board
    /// goes out. It is told by this message. The room expects no `Unsubscribe` for it, and ignores
    /// one.
    Withdraw {
        /// Which; it may be gone.
        connection: ConnectionId,
        /// An error.
        message: Box<ServerMessage>,
    },
    /// Forget the stream and close every connection that follows, with
    /// [`driftless_protocol::CloseCode::Reset`]. They resume. The room expects no `Unsubscribe`
    /// for them, and ignores one.
    CutAll,
}

/// A resume, in what is for its client alone and what it shares with others.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedResume {
    /// All but the news: `removed`, `records` and `leaves` are empty.
    pub head: Box<Resume>,
    /// What the client lacks of the board. Everybody who is answered while the board does not
    /// change, and stands at the same version, gets the same one, as long as one of them is there.
    pub news: Arc<Delta>,
}

impl SharedResume {
    /// The message, with its own copy of the news.
    pub fn message(&self) -> ServerMessage {
        let news = (*self.news).clone();
        let mut resume = self.head.clone();
        resume.removed = news.removed;
        resume.records = news.records;
        resume.leaves = news.leaves;
        ServerMessage::Resume(resume)
    }
}

/// One item of the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// An applied edit: its author's connections get the outcome, all others the event.
    Applied {
        /// Whose edit.
        client: ClientId,
        /// For the others.
        event: Event,
        /// For its author.
        outcome: Settled,
    },
    /// For one client only.
    Private {
        /// Which.
        client: ClientId,
        /// What.
        outcome: Settled,
    },
}

impl StreamItem {
    /// Where a replica stands that has read it, if it changed the board.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Applied { event, .. } => Some(Cursor {
                version: event.version,
                check: event.check,
            }),
            Self::Private { .. } => None,
        }
    }

    /// Whose edit it is about.
    pub fn author(&self) -> ClientId {
        let (Self::Applied { client, .. } | Self::Private { client, .. }) = self;
        *client
    }

    /// What a client gets of it: its own outcome, or somebody else's event.
    pub fn into_message(self, reader: ClientId) -> Option<ServerMessage> {
        match self {
            Self::Applied {
                client, outcome, ..
            }
            | Self::Private { client, outcome }
                if client == reader =>
            {
                Some(ServerMessage::Outcome(outcome))
            }
            Self::Applied { event, .. } => Some(ServerMessage::Event(event)),
            Self::Private { .. } => None,
        }
    }
}

/// Whether a room no longer counts a connection in that it sends this to.
pub fn ends_following(message: &ServerMessage) -> bool {
    matches!(
        message,
        ServerMessage::Error {
            code: Code::Unavailable | Code::WrongUser | Code::Forbidden | Code::Cloned,
            ..
        }
    )
}

/// A board as it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoardImage {
    /// The newest version, with its check.
    pub head: Cursor,
    /// All records.
    pub state: BoardState,
    /// What is known of each client.
    pub ledger: Vec<LedgerRow>,
    /// The log has every edit above this version; those up to it were pruned.
    pub pruned: Version,
}

/// One transaction on a board. Refused whole where the stored head is not `expect`.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Which board.
    pub board: BoardId,
    /// Where the head has to be.
    pub expect: Cursor,
    /// Where it is afterwards; the same where no edit was applied and only the ledger changes.
    pub head: Cursor,
    /// The applied edits, one a version, in order.
    pub log: Vec<LogRow>,
    /// What changed: each record and leaf once, as it is afterwards.
    pub delta: Delta,
    /// The ledger rows that changed, whole.
    pub ledger: Vec<LedgerRow>,
    /// What goes, once all of this is written.
    pub prune: Prune,
}

/// How much of the past a board keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Marks of removed records.
    pub marks_max: usize,
    /// Applied edits in the log. At least 1.
    pub log_rows_max: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            marks_max: limits::REMOVAL_MARKS_MAX,
            log_rows_max: limits::LOG_ROWS_MAX,
        }
    }
}

/// What a board no longer keeps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prune {
    /// The records whose marks go, with whatever the store has of these records.
    pub marks: Vec<RecordId>,
    /// The version of the newest mark that ever went: [`BoardState::floor`] from here on.
    pub floor: Version,
    /// The log's rows up to this version go; 0 where none do.
    pub log: Version,
}

/// An applied edit as it is logged.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// The version that it made.
    pub version: Version,
    /// The check up to it.
    pub check: Check,
    /// Its id.
    pub id: EditId,
    /// From which replica.
    pub client: ClientId,
    /// Whose.
    pub user: UserId,
    /// The server's time, in milliseconds since 1970.
    pub time_ms: u64,
    /// What the author did, in words.
    pub label: String,
    /// What it did.
    pub effects: Vec<Effect>,
}

/// What changed on a board since a version. To be taken in this order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    /// Records removed since: their leaves go, a mark stays.
    pub removed: Vec<RemovedRecord>,
    /// Records created since, whole: they replace leaves and marks.
    pub records: Vec<WholeRecord>,
    /// Leaves of other records changed since.
    pub leaves: Vec<ChangedLeaf>,
}
