//! The tables, and which format of them a file has.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::SqlitePool;

use crate::server::error::StoreError;
use crate::server::sqlite::place::{open_error, place};

/// The version of the server's storage format that this build writes.
///
/// 1: the first one.
pub const FORMAT: u32 = 1;

/// The tables of format 1. Checks are 64-bit hashes, stored as the integer with the same bits;
/// random ids are 16 bytes, most significant first; `value`, `effects` and `outcomes` are JSON. A
/// leaf without a value was taken away; a record has `kind` and `created` while it lives, and the
/// other two once it was removed.
const TABLES: &str = r#"
CREATE TABLE meta (format INTEGER NOT NULL) STRICT;
CREATE TABLE boards (
    board TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    "check" INTEGER NOT NULL,
    floor INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE log (
    board TEXT NOT NULL,
    version INTEGER NOT NULL,
    "check" INTEGER NOT NULL,
    id BLOB NOT NULL,
    client BLOB NOT NULL,
    user TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    label TEXT NOT NULL,
    effects TEXT NOT NULL,
    PRIMARY KEY (board, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE records (
    board TEXT NOT NULL,
    record TEXT NOT NULL,
    kind TEXT,
    created INTEGER,
    removed_version INTEGER,
    removed_author TEXT,
    PRIMARY KEY (board, record)
) STRICT, WITHOUT ROWID;
CREATE TABLE leaves (
    board TEXT NOT NULL,
    record TEXT NOT NULL,
    leaf TEXT NOT NULL,
    value TEXT,
    version INTEGER NOT NULL,
    author TEXT NOT NULL,
    PRIMARY KEY (board, record, leaf)
) STRICT, WITHOUT ROWID;
CREATE TABLE ledger (
    board TEXT NOT NULL,
    client BLOB NOT NULL,
    user TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_id BLOB NOT NULL,
    settled INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    PRIMARY KEY (board, client)
) STRICT, WITHOUT ROWID;
"#;

/// Makes the tables in an empty file; refuses a newer format.
pub async fn prepare(writer: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let found = format(writer).await;
    match found.map_err(|error| open_error(path, &error))? {
        Some(found) if found > i64::from(FORMAT) => Err(StoreError::Newer {
            place: place(path),
            found,
            known: FORMAT,
        }),
        Some(_) => Ok(()),
        None => create(writer)
            .await
            .map_err(|error| open_error(path, &error)),
    }
}

async fn format(writer: &SqlitePool) -> Result<Option<i64>, sqlx::Error> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if sqlx::query(table).fetch_optional(writer).await?.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT format FROM meta");
    row.fetch_one(writer).await?.try_get(0).map(Some)
}

/// Two processes may open a new file at once: whoever comes second finds the tables.
async fn create(writer: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let tables = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = 'meta'");
    let is_made = tables.fetch_optional(&mut *transaction).await?.is_some();
    if !is_made {
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
        let format = sqlx::query("INSERT INTO meta (format) VALUES (?)").bind(FORMAT);
        format.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
