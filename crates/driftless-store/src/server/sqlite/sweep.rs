//! What is left of deleted boards: it goes some rows at a time, with room between for whoever else
//! writes.
//!
//! A deletion is one small transaction: the board's head goes, and a mark takes its place. From
//! then on nobody finds the board, and nobody writes to it. Its rows go afterwards. Whoever dies
//! in the middle leaves rows that nobody sees; the next deletion or the next start removes them.

use std::future::Future;
use std::time::{Duration, Instant};

use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;

/// Most rows that go in one transaction: a few milliseconds.
pub const ROWS_AT_ONCE: u32 = 1_000;

/// What deletes some rows of a board, table by table.
const SOME: [&str; 4] = [
    "DELETE FROM log WHERE board = ?1 AND version IN
         (SELECT version FROM log WHERE board = ?1 LIMIT ?2)",
    "DELETE FROM leaves WHERE board = ?1 AND (record, leaf) IN
         (SELECT record, leaf FROM leaves WHERE board = ?1 LIMIT ?2)",
    "DELETE FROM records WHERE board = ?1 AND record IN
         (SELECT record FROM records WHERE board = ?1 LIMIT ?2)",
    "DELETE FROM ledger WHERE board = ?1 AND client IN
         (SELECT client FROM ledger WHERE board = ?1 LIMIT ?2)",
];

/// The deleted boards of which something is left.
const UNSWEPT: &str = "SELECT board FROM deleted_boards AS gone
    WHERE EXISTS (SELECT 1 FROM log WHERE log.board = gone.board)
    OR EXISTS (SELECT 1 FROM leaves WHERE leaves.board = gone.board)
    OR EXISTS (SELECT 1 FROM records WHERE records.board = gone.board)
    OR EXISTS (SELECT 1 FROM ledger WHERE ledger.board = gone.board)
    ORDER BY board";

const IS_DELETED: &str = "SELECT EXISTS (SELECT 1 FROM deleted_boards WHERE board = ?)";

/// What happens between two transactions.
pub trait Rest: Send {
    /// After one that took so long.
    fn after(&mut self, took: Duration) -> impl Future<Output = ()> + Send;
}

/// Leaves the file to others for twice as long as a transaction took: who waits for a lock only
/// looks for it now and then, and would not find one that is free for a moment.
#[derive(Debug)]
pub struct TwiceAsLong;

impl Rest for TwiceAsLong {
    async fn after(&mut self, took: Duration) {
        tokio::time::sleep(2 * took).await;
    }
}

/// A sweep: through which connection, how many rows in a transaction, and what is between.
#[derive(Debug)]
pub struct Sweep<'a, R> {
    /// The connection that writes.
    pub writer: &'a SqlitePool,
    /// Most rows in a transaction.
    pub rows_at_once: u32,
    /// What is between two of them.
    pub rest: R,
}

impl<'a> Sweep<'a, TwiceAsLong> {
    /// As it is done beside others.
    pub fn beside_others(writer: &'a SqlitePool) -> Self {
        Self {
            writer,
            rows_at_once: ROWS_AT_ONCE,
            rest: TwiceAsLong,
        }
    }
}

impl<R: Rest> Sweep<'_, R> {
    /// Removes what is left of all deleted boards.
    pub async fn all(&mut self) -> Result<(), sqlx::Error> {
        let boards = sqlx::query(UNSWEPT).fetch_all(self.writer).await?;
        for row in boards {
            self.board(row.try_get(0)?).await?;
        }
        Ok(())
    }

    /// Removes what is left of one; says whether there was anything. One that is not deleted, or
    /// not any more, is let be.
    pub async fn board(&mut self, board: &str) -> Result<bool, sqlx::Error> {
        let mut was_left = false;
        loop {
            let (removed, took) = self.some(board).await?;
            was_left |= removed > 0;
            if removed < u64::from(self.rows_at_once) {
                return Ok(was_left);
            }
            self.rest.after(took).await;
        }
    }

    /// Removes some rows; how many, and for how long nobody else could write. Whether the board is
    /// deleted is looked at in the transaction: somebody else may have swept meanwhile, and given
    /// its name free.
    async fn some(&self, board: &str) -> Result<(u64, Duration), sqlx::Error> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let begun = Instant::now();
        let row = sqlx::query(IS_DELETED).bind(board);
        let row = row.fetch_one(&mut *transaction).await?;
        let mut removed = 0;
        if row.try_get(0)? {
            for some in SOME {
                let left = u64::from(self.rows_at_once) - removed;
                let some = sqlx::query(some).bind(board).bind(left.cast_signed());
                removed += some.execute(&mut *transaction).await?.rows_affected();
            }
        }
        transaction.commit().await?;
        Ok((removed, begun.elapsed()))
    }
}

#[cfg(test)]
mod tests;
