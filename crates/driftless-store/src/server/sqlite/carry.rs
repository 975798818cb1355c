//! The history of feeds in a backup: in the one file with the boards, and out of it again.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Row as _};

use crate::server::error::StoreError;
use crate::server::sqlite::connection::{close, open};
use crate::server::sqlite::copy::remove;
use crate::server::sqlite::place::{failure, make_private, place};
use crate::server::sqlite::samples::{FORMAT, TABLE_NAMES, TABLES};

/// A file that nobody else uses yet, and that is synced as a whole when it is done.
async fn unfinished(file: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off);
    make_private(file);
    open(file, options).await
}

/// Puts the history in `samples`, as of one moment, into a copy of boards that has none. A server
/// may go on writing it meanwhile.
pub async fn carry_in(copy: &Path, samples: &Path) -> Result<(), StoreError> {
    let mut connection = unfinished(copy).await?;
    let carried = carry(&mut connection, samples).await;
    carried.map_err(|error| failure(samples, &error))?;
    close(connection, copy).await
}

/// Takes the history out of a copy of a backup into a new file `samples`; whether there was any.
pub async fn carry_out(copy: &Path, samples: &Path) -> Result<bool, StoreError> {
    let mut connection = unfinished(copy).await?;
    if !has_history(&mut connection, copy).await? {
        return Ok(false);
    }
    remove(samples).map_err(|error| StoreError::Copy {
        from: place(copy),
        to: place(samples),
        reason: error.to_string(),
    })?;
    let mut taken = unfinished(samples).await?;
    let carried = carry(&mut taken, copy).await;
    carried.map_err(|error| failure(copy, &error))?;
    close(taken, samples).await?;
    let dropped = strip(&mut connection).await;
    dropped.map_err(|error| failure(copy, &error))?;
    close(connection, copy).await?;
    Ok(true)
}

/// Whether a file has history; refuses that of a newer build.
async fn has_history(connection: &mut SqliteConnection, copy: &Path) -> Result<bool, StoreError> {
    let found = async {
        let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sample_meta'";
        let table = sqlx::query(table).fetch_optional(&mut *connection).await?;
        if table.is_none() {
            return Ok(None);
        }
        let format = sqlx::query("SELECT format FROM sample_meta");
        let format = format.fetch_one(&mut *connection).await?;
        format.try_get::<i64, _>(0).map(Some)
    };
    let found = found.await.map_err(|error| failure(copy, &error))?;
    match found {
        Some(found) if found > i64::from(FORMAT) => Err(StoreError::Newer {
            place: place(copy),
            found,
            known: FORMAT,
        }),
        found => Ok(found.is_some()),
    }
}

/// Makes the tables, and fills them with those of another file.
async fn carry(connection: &mut SqliteConnection, from: &Path) -> Result<(), sqlx::Error> {
    let from = from.to_str();
    let from = from.ok_or_else(|| sqlx::Error::Protocol("its name is no text".to_owned()))?;
    let attach = sqlx::query("ATTACH DATABASE ? AS other").bind(from);
    attach.execute(&mut *connection).await?;
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
    for table in TABLE_NAMES {
        let fill = format!("INSERT INTO main.{table} SELECT * FROM other.{table}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(fill))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    sqlx::raw_sql("DETACH DATABASE other")
        .execute(connection)
        .await
        .map(|_| ())
}

/// Leaves no table of history.
async fn strip(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for table in TABLE_NAMES {
        let drop = format!("DROP TABLE {table}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::raw_sql("VACUUM")
        .execute(connection)
        .await
        .map(|_| ())
}
