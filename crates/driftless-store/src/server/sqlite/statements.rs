//! Statements about many rows at once.

use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

/// Most rows in one statement. The widest has four columns, and `SQLite` binds at most 32,766
/// values.
const ROWS_MAX: usize = 512;

/// Carries out a statement for each chunk of rows: `head`, the rows, `tail`.
pub async fn execute<T>(
    connection: &mut SqliteConnection,
    rows: &[T],
    head: &'static str,
    bind: impl Fn(&mut Separated<'_, Sqlite, &'static str>, &T),
    tail: &'static str,
) -> Result<(), sqlx::Error> {
    for chunk in chunks(rows) {
        let mut query = QueryBuilder::new(head);
        query.push_values(chunk, |mut row, item| bind(&mut row, item));
        query.push(tail);
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Powers of two of rows, so that few statements have to be prepared.
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let power = rows.len().checked_ilog2()?;
        let (chunk, rest) = rows.split_at((1 << power).min(ROWS_MAX));
        rows = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Row as _};

    use super::*;

    #[test]
    fn rows_are_taken_in_powers_of_two() {
        let sizes = |count| chunks(&vec![(); count]).map(<[()]>::len).collect();
        let sizes: [Vec<_>; 3] = [0, 1, 1_100].map(sizes);
        assert_eq!(sizes, [vec![], vec![1], vec![512, 512, 64, 8, 4]]);
    }

    #[tokio::test]
    async fn every_row_is_written_once_however_many_there_are() {
        let connection = SqliteConnection::connect("sqlite::memory:").await;
        let mut connection = connection.expect("opens");
        let table = sqlx::query("CREATE TABLE numbers (number INTEGER NOT NULL UNIQUE)");
        table.execute(&mut connection).await.expect("is made");
        let rows: Vec<i64> = (1..=1_100).collect();
        let bind = |row: &mut Separated<'_, Sqlite, &'static str>, number: &i64| {
            row.push_bind(*number);
        };
        let head = "INSERT INTO numbers (number) ";
        let written = execute(&mut connection, &rows, head, bind, "").await;
        written.expect("writes");
        let sum = sqlx::query("SELECT count(*), sum(number) FROM numbers");
        let sum = sum.fetch_one(&mut connection).await.expect("reads");
        assert_eq!(
            (sum.get::<i64, _>(0), sum.get::<i64, _>(1)),
            (1_100, 605_550)
        );
    }
}
