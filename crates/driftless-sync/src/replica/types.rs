//! What goes into a replica and what comes out of it.

use driftless_model::{BoardId, ClientId, EditId, LeafRef, RecordId, UserId, Value, Version};
use driftless_protocol::durable::Row;
use driftless_protocol::message::{ClientMessage, Screens, ServerMessage};
use driftless_protocol::{Code, FeedFrame, Query, TabMessage};

use crate::replica::background_sync::NewEdit;
use crate::replica::journal::Ticket;
use crate::replica::storage::Transaction;
use crate::replica::update_processor::{Attention, Subject};
use crate::replica::view::{AutoResolve, Connection, Resolution, StorageVerdict};

/// The time, as the shell tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Never goes back, in milliseconds since any start.
    pub mono_ms: u64,
    /// The device's clock, in milliseconds since 1970. May jump.
    pub epoch_ms: u64,
}

/// What moves a replica.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// Answers [`Output::Load`].
    Loaded {
        /// Every stored row.
        rows: Vec<Row>,
        /// Why the storage forgets everything with the tab or process, where it does.
        volatile: Option<String>,
    },
    /// [`Output::Load`] failed, or what is stored cannot be used by this build.
    LoadFailed {
        /// Why, and what to do.
        reason: String,
    },
    /// Answers [`Output::Commit`].
    Committed {
        /// Which.
        ticket: Ticket,
        /// What became of it.
        result: CommitResult,
    },
    /// Another tab or process leads this replica now.
    Superseded,
    /// Tabs share this replica, and the shell made this one lead: it got the lock or the lease.
    Elected,
    /// Another tab of this replica told something.
    Told(Box<TabMessage>),
    /// A socket opened.
    SocketOpened {
        /// Which.
        socket: u64,
    },
    /// A message came.
    SocketMessage {
        /// From which socket.
        socket: u64,
        /// The message.
        message: Box<ServerMessage>,
    },
    /// Something came that is no message.
    SocketGarbage {
        /// From which socket.
        socket: u64,
        /// What the decoder found.
        reason: String,
    },
    /// A socket closed, or did not open.
    SocketClosed {
        /// Which.
        socket: u64,
        /// The close code, where there was one.
        code: Option<u16>,
        /// In words.
        reason: String,
    },
    /// The time of [`Output::WakeAt`] came.
    Wake,
    /// Somebody asks for something.
    Command(Command),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitResult {
    /// It is durable.
    Done,
    /// An expectation did not hold: somebody else leads, or another tab wrote the same.
    Conflict,
    /// Nothing was written.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What somebody asks for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Connect now.
    Connect,
    /// Disconnect until asked to connect.
    Disconnect,
    /// Somebody signs in with a token: connects again with it. Where another tab leads, with
    /// another token, the caller has this one elected; until then what is made here is not stored,
    /// since the copy may be another user's.
    SetToken(Option<String>),
    /// A token that nobody signs in with now: one that was kept, or that the tab which leads has.
    AdoptToken(Option<String>),
    /// The device's network came or went.
    Network(bool),
    /// The page is seen, or hidden. Without, nobody looks at what this replica shows.
    Visible(bool),
    /// Follow a board.
    Follow(BoardId),
    /// Stop following a board.
    Unfollow(BoardId),
    /// Follow a feed.
    OpenFeed {
        /// The caller's number for it.
        feed: u32,
        /// What to see.
        query: Query,
    },
    /// Stop following a feed.
    CloseFeed {
        /// The caller's number for it.
        feed: u32,
    },
    /// How much attention a record or feed gets: whether it is on screen, and its pace. Without,
    /// everything is on screen and shown with every flush. Forgotten when the board is unfollowed
    /// or the feed closed.
    Attend {
        /// What.
        subject: Subject,
        /// The attention.
        attention: Attention,
    },
    /// An edit.
    Edit(NewEdit),
    /// Try a quarantined entry again, as a new edit; hurry any other.
    Retry {
        /// The board.
        board: BoardId,
        /// The entry's edit, as it was shown: numbers can get another owner where tabs meet.
        edit: EditId,
        /// The id of the new edit.
        id: EditId,
    },
    /// Take an entry back.
    RollBack {
        /// The board.
        board: BoardId,
        /// The entry's edit, as it was shown.
        edit: EditId,
    },
    /// Undo what the person did last on a board, in this session.
    Undo(BoardId),
    /// Do again what was undone last.
    Redo(BoardId),
    /// What happens to conflicts from now on, those that wait included.
    AutoResolve(AutoResolve),
    /// Settle a conflict.
    Resolve {
        /// The board.
        board: BoardId,
        /// The entry's edit, as it was shown.
        edit: EditId,
        /// How many edits it held when the person looked: what joined it since was not decided on,
        /// and nothing happens.
        edits: usize,
        /// How.
        resolution: Resolution,
        /// The board's version that the person saw when deciding.
        seen: Version,
        /// The id of the new edit.
        id: EditId,
    },
    /// Find out on how many screens of others a version is: [`Notice::Screens`].
    AskScreens {
        /// The board.
        board: BoardId,
        /// The version.
        version: Version,
    },
    /// "Use here": lead this replica.
    TakeOver,
}

/// What a replica asks for, or tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Read every row.
    Load,
    /// Carry out a transaction. Never more than one at a time; each is answered.
    Commit {
        /// Its number.
        ticket: Ticket,
        /// What to do.
        transaction: Transaction,
    },
    /// Open a socket and tell its events with this number.
    OpenSocket {
        /// The number.
        socket: u64,
    },
    /// Send a message on the current socket.
    Send(Box<ClientMessage>),
    /// Close a socket. Its events do not matter any more.
    CloseSocket {
        /// The number.
        socket: u64,
    },
    /// Call with [`Input::Wake`] at this monotonic time; replaces what was asked before.
    WakeAt {
        /// When.
        mono_ms: u64,
    },
    /// Tell every other tab of this replica. May get lost.
    Tell(Box<TabMessage>),
    /// Whoever leads is silent, or a person wants this tab to lead: take the lock or the lease from
    /// it, and answer with [`Input::Elected`].
    Elect,
    /// Tell the application.
    Notice(Notice),
}

/// What the application is told.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// [`crate::replica::Replica::status`] changed.
    Status,
    /// A board changed: its version, and the views of these records.
    Board {
        /// Which.
        board: BoardId,
        /// The records whose view changed.
        changed: Vec<RecordId>,
    },
    /// The outbox of a board changed.
    Outbox {
        /// Which.
        board: BoardId,
    },
    /// Samples.
    Feed(FeedFrame),
    /// A feed cannot be served.
    FeedError {
        /// Which.
        feed: u32,
        /// In words.
        detail: String,
    },
    /// An edit is durable on this device.
    EditStored {
        /// Which.
        id: EditId,
    },
    /// An edit is settled, or set aside.
    EditSettled {
        /// The board.
        board: BoardId,
        /// Which.
        id: EditId,
        /// What the person did, in words.
        label: String,
        /// What became of it.
        settlement: Settlement,
    },
    /// An own edit replaced a value that the person had not seen.
    Replaced {
        /// The board.
        board: BoardId,
        /// The leaf.
        at: LeafRef,
        /// The value that is no more.
        value: Option<Value>,
        /// Whose it was.
        author: UserId,
    },
    /// Somebody replaced a value of this user's that they had not seen.
    Overwritten {
        /// The board.
        board: BoardId,
        /// The leaf.
        at: LeafRef,
        /// The value that is no more.
        value: Option<Value>,
        /// Who replaced it.
        by: UserId,
        /// The version that did.
        version: Version,
    },
    /// An own edit left leaves out: somebody changed them since (an undo), or the record is gone (a
    /// move).
    Skipped {
        /// The board.
        board: BoardId,
        /// The edit.
        id: EditId,
        /// What the person did, in words.
        label: String,
        /// What was left out.
        at: Vec<LeafRef>,
    },
    /// On how many screens of others a version is, so far.
    Screens(Screens),
    /// A conflict was settled without asking.
    AutoResolved {
        /// The board.
        board: BoardId,
        /// The entry.
        number: u64,
        /// The edits of the entry, oldest first.
        ids: Vec<EditId>,
        /// What the person had done, in words.
        label: String,
        /// How it was settled.
        resolution: Resolution,
        /// The edit that this became, if any.
        by: Option<EditId>,
    },
    /// Something went wrong that no edit is about.
    Error {
        /// The code.
        code: Code,
        /// In words.
        detail: String,
    },
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It made this version.
    Applied(Version),
    /// It waits in a conflict for a person.
    Conflicted,
    /// It was not taken in: there is no room, or this storage cannot be written. It is nowhere.
    Refused {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
    /// It was refused for good and waits for a person.
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
    /// It was taken back.
    RolledBack,
    /// A person let it go, or decided otherwise.
    Discarded,
}

/// The state of a replica as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplicaStatus {
    /// The connection.
    pub connection: Connection,
    /// Whether this device keeps what is made.
    pub storage: StorageVerdict,
    /// Who the server takes the user to be, or who the copy is bound to.
    pub user: Option<UserId>,
    /// The replica.
    pub client: Option<ClientId>,
    /// The server's build.
    pub server_build: Option<String>,
    /// The device's clock when the server last confirmed anything, in milliseconds since 1970.
    pub last_sync_ms: Option<u64>,
    /// Samples of feeds that were never shown: a whole window replaced them, or too many waited.
    pub dropped_samples: u64,
}
