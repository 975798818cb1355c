//! Boards in one `SQLite` file: write-ahead log, synced at every commit, one connection that
//! commits on a thread of its own, and a few readers.

mod place;
mod connection;
mod pool;
mod lock;
mod columns;
mod copy;
mod read;
mod schema;
mod statements;
mod sweep;
mod prune;
mod write;
mod writer;
mod accounts;
mod samples;
mod carry;
mod backup;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use driftless_model::{BoardId, Check, EditId, Version};
use driftless_sync::room::{Append, BoardImage, LogRow, Stored};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous};

use crate::server::board_store::{BoardStore, BoardSummary};
use crate::server::error::StoreError;
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::place::{failure, make_private};
use crate::server::sqlite::pool::pool;
use crate::server::sqlite::schema::LookOver;
use crate::server::sqlite::sweep::Sweep;
use crate::server::sqlite::writer::{Place, Writer};

pub use accounts::{Accounts, are_in_use};
pub use backup::{Backup, Restored, backup, look_over, restore};
pub use place::samples_beside;
pub use samples::SqliteSamples;

/// Readers at once: loads and look-ups, which are rare beside commits.
const READERS_MAX: u32 = 4;
/// How long a writer waits for another process that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The size of a page where nobody says otherwise, in bytes.
const PAGE_BYTES: u64 = 4_096;

/// Boards in one `SQLite` file. Clones share the connections.
///
/// A commit is durable when [`BoardStore::append`] answers: `synchronous=FULL` syncs the
/// write-ahead log before. Several processes may open one file; none of them owns a board.
#[derive(Debug, Clone)]
pub struct SqliteBoards {
    /// Makes the tables, and writes who may sign in; edits go through `commits`.
    writer: SqlitePool,
    commits: Arc<Writer>,
    readers: SqlitePool,
    /// Nobody puts another file in its place as long as it is used.
    lock: Arc<Lock>,
}

/// How a file of boards is opened.
#[derive(Debug, Clone, Default)]
pub struct SqliteOptions {
    bytes_max: Option<u64>,
    look_over: LookOver,
}

impl SqliteOptions {
    /// The most that the file may take, in bytes, without its write-ahead log. Past it edits are
    /// refused as on a full disk, until there is room again. Without it, what the disk has.
    #[must_use]
    pub fn bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = Some(bytes_max);
        self
    }

    /// Does not look at every page of the file, unless it is an older one: for a short while beside
    /// a server that did.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.look_over = LookOver::Format;
        self
    }

    /// Opens the file, as [`SqliteBoards::open`] does.
    pub async fn open(&self, path: impl AsRef<Path>) -> Result<SqliteBoards, StoreError> {
        let path = path.as_ref();
        let lock = Arc::new(Lock::take(path)?);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let mut writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        if let Some(bytes_max) = self.bytes_max {
            let pages = (bytes_max / PAGE_BYTES).max(1);
            writing = writing.pragma("max_page_count", pages.to_string());
        }
        make_private(path);
        let writer = pool(1).connect_with(writing).await;
        let writer = writer.map_err(|error| failure(path, &error))?;
        schema::prepare(&writer, path, &lock, self.look_over).await?;
        if self.look_over == LookOver::EveryPage {
            sweep_up(&writer).await;
        }
        let place = Place {
            path: path.to_owned(),
            bytes_max: self.bytes_max,
        };
        let commits = Writer::start(place, lock.clone())?;
        let readers = pool(READERS_MAX).connect_lazy_with(options.read_only(true));
        Ok(SqliteBoards {
            writer,
            commits: Arc::new(commits),
            readers,
            lock,
        })
    }
}

/// Removes what a deletion left that was killed. A disk that is full is no reason not to start.
async fn sweep_up(writer: &SqlitePool) {
    if let Err(error) = Sweep::beside_others(writer).all().await {
        tracing::warn!(%error, "what is left of deleted boards stays until the next start");
    }
}

impl SqliteBoards {
    /// Opens the file, and makes it where there is none. An older file is copied (to
    /// `NAME.format-1-TIME`) and brought up to date; a newer, a damaged or a foreign one is refused
    /// and not touched. Looks at every page once, and removes what is left of deleted boards.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options().open(path).await
    }

    /// How to open a file otherwise.
    pub fn options() -> SqliteOptions {
        SqliteOptions::default()
    }

    /// Closes all connections, once what is under way is done. The write-ahead log is folded into
    /// the file.
    pub async fn close(&self) {
        self.commits.close().await;
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl BoardStore for SqliteBoards {
    async fn load(&self, board: &BoardId) -> Result<BoardImage, StoreError> {
        read::load(&self.readers, board).await
    }

    async fn check_at(
        &self,
        board: &BoardId,
        version: Version,
    ) -> Result<Option<Check>, StoreError> {
        read::check_at(&self.readers, board, version).await
    }

    async fn find(
        &self,
        board: &BoardId,
        id: EditId,
        above: Version,
    ) -> Result<Option<LogRow>, StoreError> {
        read::find(&self.readers, board, id, above).await
    }

    async fn append(&self, batch: Vec<Append>) -> Vec<Stored> {
        self.commits.append(batch).await
    }

    async fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        read::log(&self.readers, board, above, rows_max).await
    }

    async fn is_deleted(&self, board: &BoardId) -> Result<bool, StoreError> {
        read::is_deleted(&self.readers, board).await
    }

    async fn boards(&self) -> Result<Vec<BoardSummary>, StoreError> {
        read::boards(&self.readers).await
    }
}

#[cfg(test)]
mod tests;
