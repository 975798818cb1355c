//! What boards no longer keep: in the transaction that says so.

use driftless_model::RecordId;
use driftless_sync::room::Append;
use sqlx::sqlite::SqliteConnection;

use crate::server::sqlite::columns::from_version;
use crate::server::sqlite::statements::Statements;

/// Deletes the marks that these appends let go.
pub fn prune_marks(statements: &mut Statements, appends: &[&Append]) {
    let marks = appends.iter().flat_map(|append| {
        let board = append.board.as_str();
        append.prune.marks.iter().map(move |record| (board, record))
    });
    let marks: Vec<(&str, &RecordId)> = marks.collect();
    for head in [
        "DELETE FROM leaves WHERE (board, record) IN (",
        "DELETE FROM records WHERE (board, record) IN (",
    ] {
        let bind = |row: &mut sqlx::query_builder::Separated<'_, sqlx::Sqlite, &'static str>,
                    (board, record): &(&str, &RecordId)| {
            row.push_bind(*board).push_bind(record.as_str());
        };
        statements.add(&marks, head, bind, ")");
    }
}

/// Deletes the log rows that these appends let go.
pub async fn prune_log(
    connection: &mut SqliteConnection,
    appends: &[&Append],
) -> Result<(), sqlx::Error> {
    for append in appends.iter().filter(|append| append.prune.log.0 > 0) {
        let delete = sqlx::query("DELETE FROM log WHERE board = ? AND version <= ?");
        let delete = delete.bind(append.board.as_str());
        let delete = delete.bind(from_version(append.prune.log));
        delete.execute(&mut *connection).await?;
    }
    Ok(())
}
