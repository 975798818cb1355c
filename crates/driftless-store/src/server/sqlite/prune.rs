//! What boards no longer keep.

use std::collections::BTreeMap;

use driftless_model::{BoardId, Version};
use driftless_sync::room::{Append, Stored};
use rusqlite::{Connection, params};

use crate::server::sqlite::columns::from_version;
use crate::server::sqlite::sweep::ROWS_AT_ONCE;

/// Log rows up to a version, oldest first and some at a time. The board has to be past that version
/// still: one that was deleted meanwhile and begun anew keeps its rows.
const SOME_LOG_ROWS: &str = "DELETE FROM log WHERE board = ?1 AND version <= ?2
     AND version IN (SELECT version FROM log WHERE board = ?1 ORDER BY version LIMIT ?3)
     AND EXISTS (SELECT 1 FROM boards WHERE board = ?1 AND version >= ?2)";

/// In the transaction that says so: deletes the marks of removed records, and some of the log rows
/// that this append lets go.
pub fn prune(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let board = append.board.as_str();
    for record in &append.prune.marks {
        for sql in [
            "DELETE FROM leaves WHERE board = ? AND record = ?",
            "DELETE FROM records WHERE board = ? AND record = ?",
        ] {
            let mut delete = connection.prepare_cached(sql)?;
            delete.execute([board, record.as_str()])?;
        }
    }
    if append.prune.log.0 > 0 {
        prune_log(connection, &append.board, append.prune.log)?;
    }
    Ok(())
}

/// Says whether there may be more.
fn prune_log(connection: &Connection, board: &BoardId, to: Version) -> rusqlite::Result<bool> {
    let mut delete = connection.prepare_cached(SOME_LOG_ROWS)?;
    let removed = delete.execute(params![board.as_str(), from_version(to), ROWS_AT_ONCE])?;
    Ok(u32::try_from(removed).is_ok_and(|removed| removed >= ROWS_AT_ONCE))
}

/// Logs of which more may have to go, and up to which version. It is not kept: after a crash the
/// log is longer than its room wants, and is pruned with a later append.
#[derive(Debug, Default)]
pub struct Pruning {
    logs: BTreeMap<BoardId, Version>,
}

impl Pruning {
    /// Nothing has to go.
    pub fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    /// What a batch let go, where it is stored.
    pub fn note(&mut self, batch: &[Append], stored: &[Stored]) {
        for (append, stored) in batch.iter().zip(stored) {
            if append.prune.log.0 > 0 && *stored == Stored::Committed {
                self.logs.insert(append.board.clone(), append.prune.log);
            }
        }
    }

    /// Deletes some rows of one of them, in a transaction of their own.
    pub fn some(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some((board, to)) = self.logs.pop_first() else {
            return Ok(());
        };
        if prune_log(connection, &board, to)? {
            self.logs.insert(board, to);
        }
        Ok(())
    }
}
