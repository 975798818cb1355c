//! Statements about many rows at once.

use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

/// Most rows in one statement. The widest has nine columns, and `SQLite` binds at most 32,766
/// values.
const ROWS_MAX: usize = 512;

/// Statements of powers of two of rows, so that few of them have to be prepared.
pub fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let power = rows.len().checked_ilog2()?;
        let (chunk, rest) = rows.split_at((1 << power).min(ROWS_MAX));
        rows = rest;
        Some(chunk)
    })
}

/// One statement for each chunk: `head`, the rows, `tail`.
pub async fn insert<T>(
    connection: &mut SqliteConnection,
    rows: &[T],
    head: &'static str,
    bind: impl Fn(&mut Separated<'_, Sqlite, &'static str>, &T),
    tail: &'static str,
) -> Result<(), sqlx::Error> {
    for chunk in chunks(rows) {
        let mut query = QueryBuilder::<Sqlite>::new(head);
        query.push_values(chunk, |mut row, item| bind(&mut row, item));
        query.push(tail);
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}
