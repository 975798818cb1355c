//! One connection to a file, for what is done once.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::server::error::StoreError;
use crate::server::sqlite::place::failure;

pub async fn open(
    file: &Path,
    options: SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let options = options.filename(file).disable_statement_logging();
    let connection = options.connect().await;
    connection.map_err(|error| failure(file, &error))
}

/// A connection that changes nothing.
pub async fn open_to_read(file: &Path) -> Result<SqliteConnection, StoreError> {
    open(file, SqliteConnectOptions::new().read_only(true)).await
}

/// Closes it. What was wrong with its last write, if anything was, is said here.
pub async fn close(connection: SqliteConnection, file: &Path) -> Result<(), StoreError> {
    let closed = connection.close().await;
    closed.map_err(|error| failure(file, &error))
}
