//! Several tabs over one storage: what this one knows of the others, when the storage has to be
//! read again, and what was asked for and is not durable yet.
//!
//! What counts is stored. A message of another tab is a hint to read again, so that one which is
//! lost, doubled or late does no harm: each tab counts its writes, and whoever hears of a higher
//! count than before reads.

use driftless_model::{BoardId, EditId, SortedMap, SortedSet, UserId};
use driftless_protocol::durable::{EntryRow, ReplicaRow, Row};
use driftless_protocol::{TabId, TabMessage};

use crate::replica::background_sync::{NewEdit, Saw};
use crate::replica::board::StoredBoard;
use crate::replica::journal::Ticket;
use crate::replica::view::Connection;

/// Something that a person asked for and that is not durable yet. It is done again where another
/// tab wrote the same rows first.
#[derive(Debug, Clone)]
pub struct Deed {
    /// The transaction that makes it durable.
    pub ticket: Ticket,
    /// On which board.
    pub board: BoardId,
    /// What.
    pub what: What,
}

/// See [`Deed`]. Entries are named by an edit: their numbers change.
#[derive(Debug, Clone)]
pub enum What {
    /// An edit was made.
    Made {
        /// As it was made, with what it rests on.
        edit: Box<NewEdit>,
        /// What its author saw.
        saw: Box<Saw>,
        /// To whom the copy belonged.
        user: Option<UserId>,
        /// The set-aside edit that it was made of.
        instead_of: Option<EditId>,
    },
    /// An entry was taken back.
    RolledBack {
        /// The edit that the entry was.
        edit: EditId,
        /// All edits that are gone: the entry's, unless it is sealed and only marked, and those of
        /// what waited for it.
        gone: Vec<EditId>,
    },
    /// An entry that had been taken back counts again.
    TakenAnew(EditId),
    /// A set-aside entry was let go, or became another edit: as it was when that was decided.
    Discarded(Box<EntryRow>),
}

/// Reading the storage again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// What is known is what is stored, as far as anybody said.
    Settled,
    /// It has to be read.
    Wanted,
    /// It is being read; and has to be read again afterwards, or not.
    UnderWay {
        /// Whether something changed since.
        again: bool,
    },
}

/// The replica as it is stored.
#[derive(Debug, Default)]
pub struct StoredReplica {
    /// Its own row.
    pub row: Option<ReplicaRow>,
    /// Its boards.
    pub boards: SortedMap<BoardId, StoredBoard>,
}

impl StoredReplica {
    /// Sorts the rows.
    pub fn new(rows: Vec<Row>) -> Self {
        let mut stored = Self::default();
        for row in rows {
            stored.take(row);
        }
        stored
    }

    fn take(&mut self, row: Row) {
        match row {
            Row::Replica(row) => self.row = Some(row),
            Row::Board(row) => {
                let board = self.boards.entry(row.board.clone()).or_default();
                board.outbox.counters = Some(row);
            }
            Row::Record(row) => {
                let board = self.boards.entry(row.board).or_default();
                board.records.insert(row.record, row.slot);
            }
            Row::Entry(row) => {
                let board = self.boards.entry(row.board.clone()).or_default();
                board.outbox.entries.insert(row.number, *row);
            }
            Row::Applied(row) => {
                let board = self.boards.entry(row.entry.board.clone()).or_default();
                board.outbox.applied.push(*row);
            }
            _ => {}
        }
    }

    /// The term in which somebody leads.
    pub fn term(&self) -> u64 {
        self.row.as_ref().map_or(0, |row| row.term)
    }
}

/// What a tab knows of the others.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is about something else: memory, the lock, the storage, the caller"
)]
#[derive(Debug)]
pub struct Tabs {
    /// This tab.
    pub me: TabId,
    /// How often this tab wrote.
    changed: u64,
    /// How often others said that they wrote.
    heard: SortedMap<TabId, u64>,
    /// Whether the storage has to be read again.
    pub reading: Reading,
    /// When it was read last.
    pub read_at_ms: u64,
    /// Whether a transaction came between: what is in memory was never stored, and is dropped.
    pub is_outdated: bool,
    /// Whether this tab was elected, and leads as soon as the storage is read.
    pub is_elected: bool,
    /// The transaction before was a write, so that reading and writing take turns.
    pub wrote_last: bool,
    /// What is not durable yet, oldest first.
    pub deeds: Vec<Deed>,
    /// What the machine does by itself is not done again: it follows from what the server says, and
    /// does so again.
    pub is_automatic: bool,
    /// Who leads, if that is another tab and it was heard of.
    pub leader: Option<Leader>,
    /// Whether it was asked, and did not answer yet.
    pub asked: Option<Asked>,
    /// When this tab said last what it wants.
    pub said_at_ms: u64,
    /// How many frames of each feed were told here.
    pub frames: SortedMap<u32, u64>,
}

/// The tab that leads, as it says.
#[derive(Debug, Clone)]
pub struct Leader {
    /// Which tab.
    pub tab: TabId,
    /// Its term.
    pub term: u64,
    /// Its connection.
    pub connection: Connection,
    /// The server's build.
    pub server_build: Option<String>,
    /// The device's clock when the server last confirmed anything, in milliseconds since 1970.
    pub last_sync_ms: Option<u64>,
}

/// A question that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// When.
    pub at_ms: u64,
    /// Whether it was repeated: messages get lost.
    pub is_repeated: bool,
}

impl Tabs {
    /// A tab that is about to read the storage for the first time.
    pub fn new(me: TabId) -> Self {
        Self {
            me,
            changed: 0,
            heard: SortedMap::new(),
            reading: Reading::UnderWay { again: false },
            read_at_ms: 0,
            is_outdated: false,
            is_elected: false,
            wrote_last: false,
            deeds: Vec::new(),
            is_automatic: false,
            leader: None,
            asked: None,
            said_at_ms: 0,
            frames: SortedMap::new(),
        }
    }

    /// How often this tab wrote.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// This tab wrote: what to tell the others.
    pub fn wrote(&mut self) -> TabMessage {
        self.changed += 1;
        TabMessage::Changed {
            tab: self.me,
            changed: self.changed,
        }
    }

    /// Another tab says how often it wrote: where that is news, the storage is read.
    pub fn hear(&mut self, tab: TabId, changed: u64) {
        let before = self.heard.get(&tab).copied().unwrap_or_default();
        if tab != self.me && changed > before {
            self.heard.insert(tab, changed);
            self.want_reading();
        }
        while self.heard.len() > driftless_model::limits::TABS_MAX {
            self.heard.pop_first();
        }
    }

    /// What is stored may be news.
    pub fn want_reading(&mut self) {
        self.reading = match self.reading {
            Reading::Settled | Reading::Wanted => Reading::Wanted,
            Reading::UnderWay { .. } => Reading::UnderWay { again: true },
        };
    }

    /// The storage was read.
    pub fn was_read(&mut self, now_ms: u64) {
        self.read_at_ms = now_ms;
        self.wrote_last = false;
        self.reading = match self.reading {
            Reading::UnderWay { again: true } => Reading::Wanted,
            _ => Reading::Settled,
        };
    }

    /// Whether the storage is being read: nothing is written meanwhile.
    pub fn is_reading(&self) -> bool {
        matches!(self.reading, Reading::UnderWay { .. })
    }

    /// What became durable need not be done again.
    pub fn forget_durable(&mut self, is_durable: impl Fn(Ticket) -> bool) {
        self.deeds.retain(|deed| !is_durable(deed.ticket));
    }

    /// The edits that are not durable yet.
    pub fn unsaved(&self) -> SortedSet<EditId> {
        let made = self.deeds.iter().filter_map(|deed| match &deed.what {
            What::Made { edit, .. } => Some(edit.id),
            _ => None,
        });
        made.collect()
    }
}
