//! Boards in one `SQLite` file: write-ahead log, synced at every commit, one writer connection and
//! a few readers.

mod place;
mod columns;
mod read;
mod schema;
mod statements;
mod prune;
mod write;

use std::path::Path;
use std::time::Duration;

use driftless_model::{BoardId, Check, EditId, Version};
use driftless_sync::room::{Append, BoardImage, LogRow, Stored};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::server::board_store::{BoardStore, BoardSummary};
use crate::server::error::StoreError;
use crate::server::sqlite::place::open_error;

/// Readers at once: loads and look-ups, which are rare beside commits.
const READERS_MAX: u32 = 4;
/// How long a writer waits for another process that writes to the same file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps: a few for each power of two of rows.
const STATEMENTS_MAX: usize = 256;

/// Boards in one `SQLite` file. Clones share the connections.
///
/// A commit is durable when [`BoardStore::append`] answers: `synchronous=FULL` syncs the
/// write-ahead log before. Several processes may open one file; none of them owns a board.
#[derive(Debug, Clone)]
pub struct SqliteBoards {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteBoards {
    /// Opens the file, and makes it where there is none. A file of a newer format is refused and
    /// not touched.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS_MAX)
            .disable_statement_logging();
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = pool(1).connect_with(writing).await;
        let writer = writer.map_err(|error| open_error(path, &error))?;
        schema::prepare(&writer, path).await?;
        let readers = pool(READERS_MAX).connect_lazy_with(options.read_only(true));
        Ok(Self { writer, readers })
    }

    /// Closes all connections, once what is under way is done. The write-ahead log is folded into
    /// the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
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
        write::append(&self.writer, &batch).await
    }

    async fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        read::log(&self.readers, board, above, rows_max).await
    }

    async fn boards(&self) -> Result<Vec<BoardSummary>, StoreError> {
        read::boards(&self.readers).await
    }
}

#[cfg(test)]
mod tests;
