//! Reading boards. One without a head is not there, whatever else is left of it.

use driftless_model::{
    BoardId, BoardState, Cell, Check, ClientId, Cursor, EditId, LeafPath, RecordId, RecordState,
    Slot, SortedMap, Value, Version,
};
use driftless_protocol::durable::{LedgerRow, from_text};
use driftless_sync::room::{BoardImage, LogRow};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use crate::server::board_store::BoardSummary;
use crate::server::error::StoreError;
use crate::server::sqlite::columns::{Columns, Users, from_version, unavailable};

/// The whole board. One transaction, so that all four tables are of one moment.
pub async fn load(readers: &SqlitePool, board: &BoardId) -> Result<BoardImage, StoreError> {
    let mut reader = readers.begin().await.map_err(|error| unavailable(&error))?;
    let head = r#"SELECT version, "check", floor FROM boards WHERE board = ?"#;
    let Some(head) = rows(&mut reader, head, board).await?.pop() else {
        return Ok(BoardImage::default());
    };
    let records = "SELECT record, kind, created, removed_version, removed_author \
                   FROM records WHERE board = ?";
    let leaves = "SELECT record, leaf, value, version, author FROM leaves WHERE board = ?";
    let ledger = "SELECT client, user, last_seq, last_id, settled, outcomes \
                  FROM ledger WHERE board = ?";
    let records = rows(&mut reader, records, board).await?;
    let leaves = rows(&mut reader, leaves, board).await?;
    let ledger = rows(&mut reader, ledger, board).await?;
    // The log is gapless: what is missing below its first row was pruned.
    let first = "SELECT MIN(version) FROM log WHERE board = ?";
    let first = rows(&mut reader, first, board).await?.pop();
    let head = Columns::new(&head, "head", board.as_str());
    let mut state = BoardState {
        records: slots(board, &records)?,
        floor: Version(head.whole(2)?),
    };
    add_leaves(board, &mut state, &leaves)?;
    let ledger = ledger.iter().map(|row| ledger_row(board, row));
    Ok(BoardImage {
        head: head.cursor(0)?,
        state,
        ledger: ledger.collect::<Result<_, _>>()?,
        pruned: pruned_below(board, first.as_ref())?,
    })
}

/// Up to where the log was pruned, of its first version.
fn pruned_below(board: &BoardId, first: Option<&SqliteRow>) -> Result<Version, StoreError> {
    let first = first.map(|row| Columns::new(row, "log row", board.as_str()).optional_version(0));
    let first = first.transpose()?.flatten();
    Ok(first.map_or(Version(0), |first| Version(first.0.saturating_sub(1))))
}

async fn rows(
    reader: &mut SqliteConnection,
    query: &'static str,
    board: &BoardId,
) -> Result<Vec<SqliteRow>, StoreError> {
    let query = sqlx::query(query).bind(board.as_str());
    query
        .fetch_all(reader)
        .await
        .map_err(|error| unavailable(&error))
}

fn slots(board: &BoardId, rows: &[SqliteRow]) -> Result<SortedMap<RecordId, Slot>, StoreError> {
    let slot = |row| {
        let columns = Columns::new(row, "record", board.as_str());
        let slot = match columns.optional_version(3)? {
            Some(version) => Slot::Removed {
                version,
                author: columns.name(4)?,
            },
            None => Slot::Live(RecordState {
                kind: columns.name(1)?,
                created: Version(columns.whole(2)?),
                leaves: SortedMap::new(),
            }),
        };
        Ok((columns.name(0)?, slot))
    };
    rows.iter().map(slot).collect()
}

fn add_leaves(
    board: &BoardId,
    state: &mut BoardState,
    rows: &[SqliteRow],
) -> Result<(), StoreError> {
    let mut users = Users::default();
    for row in rows {
        let columns = Columns::new(row, "leaf", board.as_str());
        let record: RecordId = columns.name(0)?;
        let leaf: LeafPath = columns.name(1)?;
        let cell = Cell {
            value: columns.optional_json::<Value>(2)?,
            version: Version(columns.whole(3)?),
            author: users.read(&columns, 4)?,
        };
        if let Some(Slot::Live(record)) = state.records.get_mut(&record) {
            record.leaves.insert(leaf, cell);
        }
    }
    Ok(())
}

fn ledger_row(board: &BoardId, row: &SqliteRow) -> Result<LedgerRow, StoreError> {
    let columns = Columns::new(row, "ledger row", board.as_str());
    Ok(LedgerRow {
        client: ClientId(columns.id(0)?),
        user: columns.name(1)?,
        last_seq: columns.whole(2)?,
        last_id: EditId(columns.id(3)?),
        settled: columns.whole(4)?,
        outcomes: columns.json(5)?,
    })
}

pub async fn check_at(
    readers: &SqlitePool,
    board: &BoardId,
    version: Version,
) -> Result<Option<Check>, StoreError> {
    if version == Version(0) {
        return Ok(Some(Check::default()));
    }
    let query = sqlx::query(
        r#"SELECT "check" FROM log WHERE board = ?1 AND version = ?2
           AND EXISTS (SELECT 1 FROM boards WHERE board = ?1)"#,
    );
    let query = query.bind(board.as_str()).bind(from_version(version));
    let row = query.fetch_optional(readers).await;
    let row = row.map_err(|error| unavailable(&error))?;
    let check = row.map(|row| Columns::new(&row, "log row", board.as_str()).whole(0));
    Ok(check.transpose()?.map(Check))
}

pub async fn find(
    readers: &SqlitePool,
    board: &BoardId,
    id: EditId,
    above: Version,
) -> Result<Option<LogRow>, StoreError> {
    let id_bytes = id.0.to_be_bytes();
    let query = sqlx::query(
        r#"SELECT version, "check", id, client, user, time_ms, label, effects
           FROM log WHERE board = ?1 AND version > ?2 AND id = ?3
           AND EXISTS (SELECT 1 FROM boards WHERE board = ?1)"#,
    );
    let query = query
        .bind(board.as_str())
        .bind(from_version(above))
        .bind(id_bytes.as_slice());
    let row = query.fetch_optional(readers).await;
    let row = row.map_err(|error| unavailable(&error))?;
    row.map(|row| log_row(board, &row)).transpose()
}

pub async fn log(
    readers: &SqlitePool,
    board: &BoardId,
    above: Version,
    rows_max: usize,
) -> Result<Vec<LogRow>, StoreError> {
    let query = sqlx::query(
        r#"SELECT version, "check", id, client, user, time_ms, label, effects
           FROM log WHERE board = ?1 AND version > ?2
           AND EXISTS (SELECT 1 FROM boards WHERE board = ?1) ORDER BY version LIMIT ?3"#,
    );
    let query = query
        .bind(board.as_str())
        .bind(from_version(above))
        .bind(i64::try_from(rows_max).unwrap_or(i64::MAX));
    let rows = query.fetch_all(readers).await;
    let rows = rows.map_err(|error| unavailable(&error))?;
    rows.iter().map(|row| log_row(board, row)).collect()
}

fn log_row(board: &BoardId, row: &SqliteRow) -> Result<LogRow, StoreError> {
    let columns = Columns::new(row, "log row", board.as_str());
    let Cursor { version, check } = columns.cursor(0)?;
    Ok(LogRow {
        version,
        check,
        id: EditId(columns.id(2)?),
        client: ClientId(columns.id(3)?),
        user: columns.name(4)?,
        time_ms: columns.whole(5)?,
        label: columns.text(6)?.to_owned(),
        effects: columns.json(7)?,
    })
}

pub async fn boards(readers: &SqlitePool) -> Result<Vec<BoardSummary>, StoreError> {
    let query = r#"
        SELECT boards.version, boards."check", boards.board, leaves.value
        FROM boards LEFT JOIN leaves ON leaves.board = boards.board
            AND leaves.record = 'board' AND leaves.leaf = 'title'
        ORDER BY boards.board"#;
    let rows = sqlx::query(query).fetch_all(readers).await;
    let rows = rows.map_err(|error| unavailable(&error))?;
    rows.iter().map(summary).collect()
}

fn summary(row: &SqliteRow) -> Result<BoardSummary, StoreError> {
    let name: String = row.try_get(2).map_err(|error| unavailable(&error))?;
    let columns = Columns::new(row, "head", &name);
    let title = columns.optional_text(3)?;
    let title = title.and_then(|text| from_text::<Value>(text).ok());
    Ok(BoardSummary {
        board: columns.name(2)?,
        head: columns.cursor(0)?,
        title: title.as_ref().and_then(Value::as_text).map(str::to_owned),
    })
}

/// Whether a board was deleted, and its name not given free since.
pub async fn is_deleted(readers: &SqlitePool, board: &BoardId) -> Result<bool, StoreError> {
    let query = "SELECT EXISTS (SELECT 1 FROM deleted_boards WHERE board = ?)";
    let row = sqlx::query(query).bind(board.as_str());
    let row = row.fetch_one(readers).await;
    let row = row.and_then(|row| row.try_get(0));
    row.map_err(|error| unavailable(&error))
}
