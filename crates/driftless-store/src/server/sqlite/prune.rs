//! What boards no longer keep: in the transaction that says so.

use driftless_sync::room::Append;
use rusqlite::{Connection, params};

use crate::server::sqlite::columns::from_version;

/// Deletes the marks of removed records and the log rows that this append lets go.
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
        let sql = "DELETE FROM log WHERE board = ? AND version <= ?";
        let mut delete = connection.prepare_cached(sql)?;
        delete.execute(params![board, from_version(append.prune.log)])?;
    }
    Ok(())
}
