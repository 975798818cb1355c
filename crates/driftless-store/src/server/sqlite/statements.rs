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

/// Most rows that are written by one message to the connection's thread. A message costs two
/// switches between threads, which is much for few rows and nothing for many; and a message of
/// many rows is rarely the same as one before, so that it would have to be prepared.
const FEW_ROWS: usize = 64;

/// Statements that are carried out in order.
#[derive(Default)]
pub struct Statements {
    /// Each with its rows.
    queries: Vec<(QueryBuilder<Sqlite>, usize)>,
}

impl Statements {
    /// Adds a statement for each chunk: `head`, the rows, `tail`.
    pub fn add<T>(
        &mut self,
        rows: &[T],
        head: &'static str,
        bind: impl Fn(&mut Separated<'_, Sqlite, &'static str>, &T),
        tail: &'static str,
    ) {
        for chunk in chunks(rows) {
            let query = self.next(chunk.len());
            query.push(head);
            query.push_values(chunk, |mut row, item| bind(&mut row, item));
            query.push(tail);
        }
    }

    /// Where a statement of so many rows is written: behind the last one, where both have few.
    fn next(&mut self, rows: usize) -> &mut QueryBuilder<Sqlite> {
        let has_room = |(_, before): &(_, usize)| before + rows <= FEW_ROWS;
        if self.queries.last().is_some_and(has_room) {
            let (query, before) = self.queries.last_mut().expect("there is one");
            *before += rows;
            query.push("; ");
            return query;
        }
        self.queries.push((QueryBuilder::new(""), rows));
        &mut self.queries.last_mut().expect("there is one").0
    }

    /// Carries them out.
    pub async fn execute(self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for (mut query, _) in self.queries {
            query.build().execute(&mut *connection).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_share_a_message_and_many_have_one_of_their_own() {
        let rows = [1_i64; 100];
        let rows_of = |statements: &Statements| {
            let counts = statements.queries.iter().map(|(_, rows)| *rows);
            counts.collect::<Vec<_>>()
        };
        let add = |statements: &mut Statements, count: usize| {
            let bind = |row: &mut Separated<'_, Sqlite, &'static str>, number: &i64| {
                row.push_bind(*number);
            };
            statements.add(&rows[..count], "INSERT INTO numbers (number) ", bind, "");
        };
        let mut statements = Statements::default();
        add(&mut statements, 3);
        add(&mut statements, 5);
        assert_eq!(rows_of(&statements), [8]);
        let sql = statements.queries[0].0.sql();
        assert_eq!(sql.as_str().matches("INSERT").count(), 2 + 2);
        // 64, then 32 and 4 together.
        add(&mut statements, 100);
        assert_eq!(rows_of(&statements), [8, 64, 36]);
    }
}
