//! How connections are kept.

use sqlx::sqlite::SqlitePoolOptions;

/// Connections that stay, at most so many.
pub fn pool(connections_max: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
