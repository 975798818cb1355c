//! Group commit: the appends of all boards that wait, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{Check, Cursor, LeafPath, RecordId, UserId, Value, Version};
use driftless_protocol::durable::to_text;
use driftless_sync::room::{Append, Stored};
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite};

use crate::server::sqlite::columns::{from_check, from_id, from_version};
use crate::server::sqlite::place::{FULL, extended_code};
use crate::server::sqlite::prune;
use crate::server::sqlite::statements::{Statements, chunks};

/// Carries out a batch: one answer for each append, in order.
pub async fn append(writer: &SqlitePool, batch: &[Append]) -> Vec<Stored> {
    let mut answers = Vec::with_capacity(batch.len());
    for group in distinct(batch) {
        match commit(writer, group).await {
            Ok(stored) => answers.extend(stored),
            Err(Failure::Hopeless) => answers.extend(group.iter().map(|_| Stored::Failed)),
            Err(Failure::Write) => answers.extend(one_by_one(writer, group).await),
        }
    }
    answers
}

/// One bad append must not fail the others.
async fn one_by_one(writer: &SqlitePool, group: &[Append]) -> Vec<Stored> {
    if group.len() == 1 {
        return vec![Stored::Failed];
    }
    let mut answers = Vec::with_capacity(group.len());
    for append in group {
        let answer = commit(writer, std::slice::from_ref(append)).await;
        answers.extend(answer.unwrap_or_else(|_| vec![Stored::Failed]));
    }
    answers
}

/// The batch in runs in which no board comes twice: a transaction writes each row once.
fn distinct(batch: &[Append]) -> Vec<&[Append]> {
    let mut groups = Vec::new();
    let (mut start, mut seen) = (0, BTreeSet::new());
    for (index, append) in batch.iter().enumerate() {
        if !seen.insert(&append.board) {
            groups.push(&batch[start..index]);
            (start, seen) = (index, [&append.board].into());
        }
    }
    groups.push(&batch[start..]);
    groups.retain(|group| !group.is_empty());
    groups
}

/// Why a transaction wrote nothing.
enum Failure {
    /// The file is locked or gone, or there is no room. The next one would fare no better.
    Hopeless,
    /// A statement failed.
    Write,
}

/// One transaction. An error at its end leaves everybody in the dark: that is an answer, not a
/// failure.
async fn commit(writer: &SqlitePool, group: &[Append]) -> Result<Vec<Stored>, Failure> {
    let mut connection = writer.acquire().await.map_err(|error| {
        tracing::error!(%error, "the store has no connection");
        Failure::Hopeless
    })?;
    let answer = transact(&mut connection, group).await;
    let is_sound = matches!(&answer, Ok(stored) if !stored.contains(&Stored::Unknown));
    if !is_sound {
        // What state an error leaves a connection in depends on the error: take a new one.
        connection.close().await.ok();
    }
    answer
}

async fn transact(
    connection: &mut SqliteConnection,
    group: &[Append],
) -> Result<Vec<Stored>, Failure> {
    let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = transaction.map_err(|error| {
        tracing::error!(%error, "a transaction does not begin");
        Failure::Hopeless
    })?;
    let written = write(&mut transaction, group).await;
    let answers = written.map_err(|error| {
        tracing::error!(%error, boards = group.len(), "a transaction failed");
        if is_out_of_room(&error) {
            Failure::Hopeless
        } else {
            Failure::Write
        }
    })?;
    if let Err(error) = transaction.commit().await {
        if is_out_of_room(&error) {
            tracing::error!(%error, "there is no room for a transaction");
            return Err(Failure::Hopeless);
        }
        tracing::error!(%error, boards = group.len(), "the outcome of a commit is unknown");
        let unknown = |answer| match answer {
            Stored::Committed => Stored::Unknown,
            answer => answer,
        };
        return Ok(answers.into_iter().map(unknown).collect());
    }
    Ok(answers)
}

/// `SQLITE_IOERR_WRITE`: a quota, or a file that may not grow.
const WRITE_ERROR: i64 = 778;

/// Whether a transaction failed because the file or its log could not grow. Then nothing of it is
/// there, also where its end failed: the last thing that is written makes it count, and nothing but
/// a sync follows. So its edits are refused for now, and nobody has to be cut off. Were it there
/// after all, the ledger would say so when they are sent again.
fn is_out_of_room(error: &sqlx::Error) -> bool {
    matches!(extended_code(error), Some(FULL | WRITE_ERROR))
}

/// Writes the appends whose head is where they expect it. The lock is held from the start, so that
/// the heads that are read here are those that are written over.
async fn write(
    connection: &mut SqliteConnection,
    group: &[Append],
) -> Result<Vec<Stored>, sqlx::Error> {
    let heads = heads(connection, group).await?;
    let head = |append: &Append| heads.get(append.board.as_str()).copied();
    let fits = |append: &&Append| head(append).unwrap_or_default() == append.expect;
    let accepted: Vec<&Append> = group.iter().filter(fits).collect();
    let mut statements = Statements::default();
    write_heads(&mut statements, &accepted);
    write_log(&mut statements, &accepted);
    write_records(&mut statements, &accepted);
    write_leaves(&mut statements, &accepted);
    write_ledger(&mut statements, &accepted);
    prune::prune_marks(&mut statements, &accepted);
    statements.execute(connection).await?;
    prune::prune_log(connection, &accepted).await?;
    let answer = |append| {
        if fits(&append) {
            Stored::Committed
        } else {
            Stored::Conflict
        }
    };
    Ok(group.iter().map(answer).collect())
}

async fn heads(
    connection: &mut SqliteConnection,
    group: &[Append],
) -> Result<BTreeMap<String, Cursor>, sqlx::Error> {
    let mut heads = BTreeMap::new();
    for chunk in chunks(group) {
        let mut query = QueryBuilder::<Sqlite>::new(
            r#"SELECT board, version, "check" FROM boards WHERE board IN ("#,
        );
        let mut boards = query.separated(", ");
        for append in chunk {
            boards.push_bind(append.board.as_str());
        }
        query.push(")");
        for row in query.build().fetch_all(&mut *connection).await? {
            let version = Version(row.try_get::<i64, _>(1)?.cast_unsigned());
            let check = Check(row.try_get::<i64, _>(2)?.cast_unsigned());
            heads.insert(row.try_get(0)?, Cursor { version, check });
        }
    }
    Ok(heads)
}

fn write_heads(statements: &mut Statements, appends: &[&Append]) {
    statements.add(
        appends,
        r#"INSERT INTO boards (board, version, "check", floor) "#,
        |row, append| {
            row.push_bind(append.board.as_str())
                .push_bind(from_version(append.head.version))
                .push_bind(from_check(append.head.check))
                .push_bind(from_version(append.prune.floor));
        },
        r#" ON CONFLICT (board) DO UPDATE SET version = excluded.version,
            "check" = excluded."check", floor = excluded.floor"#,
    );
}

fn write_log(statements: &mut Statements, appends: &[&Append]) {
    let rows: Vec<_> = appends
        .iter()
        .flat_map(|append| append.log.iter().map(|row| (append.board.as_str(), row)))
        .collect();
    statements.add(
        &rows,
        r#"INSERT INTO log (board, version, "check", id, client, user, time_ms, label, effects) "#,
        |row, (board, log)| {
            row.push_bind(*board)
                .push_bind(from_version(log.version))
                .push_bind(from_check(log.check))
                .push_bind(from_id(log.id.0))
                .push_bind(from_id(log.client.0))
                .push_bind(log.user.as_str())
                .push_bind(log.time_ms.cast_signed())
                .push_bind(log.label.as_str())
                .push_bind(to_text(&log.effects));
        },
        "",
    );
}

/// A record as it is afterwards: alive, or the mark of its removal.
struct RecordWrite<'a> {
    board: &'a str,
    record: &'a RecordId,
    alive: Option<(&'a str, Version)>,
    removed: Option<(Version, &'a UserId)>,
}

/// Removed records and whole ones. Both lose the leaves that they had; whole ones get theirs with
/// the other leaves.
fn write_records(statements: &mut Statements, appends: &[&Append]) {
    let removed = appends.iter().flat_map(|append| {
        append.delta.removed.iter().map(|removed| RecordWrite {
            board: append.board.as_str(),
            record: &removed.record,
            alive: None,
            removed: Some((removed.version, &removed.author)),
        })
    });
    let whole = appends.iter().flat_map(|append| {
        append.delta.records.iter().map(|whole| RecordWrite {
            board: append.board.as_str(),
            record: &whole.record,
            alive: Some((whole.kind.as_str(), whole.created)),
            removed: None,
        })
    });
    let rows: Vec<_> = removed.chain(whole).collect();
    delete_leaves(statements, &rows);
    statements.add(
        &rows,
        "INSERT INTO records (board, record, kind, created, removed_version, removed_author) ",
        |row, write| {
            row.push_bind(write.board)
                .push_bind(write.record.as_str())
                .push_bind(write.alive.map(|(kind, _)| kind))
                .push_bind(write.alive.map(|(_, created)| from_version(created)))
                .push_bind(write.removed.map(|(version, _)| from_version(version)))
                .push_bind(write.removed.map(|(_, author)| author.as_str()));
        },
        " ON CONFLICT (board, record) DO UPDATE SET kind = excluded.kind, \
         created = excluded.created, removed_version = excluded.removed_version, \
         removed_author = excluded.removed_author",
    );
}

fn delete_leaves(statements: &mut Statements, rows: &[RecordWrite<'_>]) {
    statements.add(
        rows,
        "DELETE FROM leaves WHERE (board, record) IN (",
        |row, write| {
            row.push_bind(write.board).push_bind(write.record.as_str());
        },
        ")",
    );
}

/// A leaf as it is afterwards.
struct LeafWrite<'a> {
    board: &'a str,
    record: &'a RecordId,
    leaf: &'a LeafPath,
    value: Option<&'a Value>,
    version: Version,
    author: &'a UserId,
}

fn write_leaves(statements: &mut Statements, appends: &[&Append]) {
    let rows: Vec<_> = appends
        .iter()
        .flat_map(|append| leaf_writes(append))
        .collect();
    statements.add(
        &rows,
        "INSERT INTO leaves (board, record, leaf, value, version, author) ",
        |row, write| {
            row.push_bind(write.board)
                .push_bind(write.record.as_str())
                .push_bind(write.leaf.as_str())
                .push_bind(write.value.map(to_text))
                .push_bind(from_version(write.version))
                .push_bind(write.author.as_str());
        },
        " ON CONFLICT (board, record, leaf) DO UPDATE SET value = excluded.value, \
         version = excluded.version, author = excluded.author",
    );
}

fn leaf_writes(append: &Append) -> impl Iterator<Item = LeafWrite<'_>> {
    let board = append.board.as_str();
    let of_whole = append.delta.records.iter().flat_map(move |whole| {
        whole.leaves.iter().map(move |(leaf, cell)| LeafWrite {
            board,
            record: &whole.record,
            leaf,
            value: cell.value.as_ref(),
            version: cell.version,
            author: &cell.author,
        })
    });
    let changed = append.delta.leaves.iter().map(move |changed| LeafWrite {
        board,
        record: &changed.record,
        leaf: &changed.leaf,
        value: changed.value.as_ref(),
        version: changed.version,
        author: &changed.author,
    });
    of_whole.chain(changed)
}

fn write_ledger(statements: &mut Statements, appends: &[&Append]) {
    let rows: Vec<_> = appends
        .iter()
        .flat_map(|append| append.ledger.iter().map(|row| (append.board.as_str(), row)))
        .collect();
    statements.add(
        &rows,
        "INSERT INTO ledger (board, client, user, last_seq, last_id, settled, outcomes) ",
        |row, (board, ledger)| {
            row.push_bind(*board)
                .push_bind(from_id(ledger.client.0))
                .push_bind(ledger.user.as_str())
                .push_bind(ledger.last_seq.cast_signed())
                .push_bind(from_id(ledger.last_id.0))
                .push_bind(ledger.settled.cast_signed())
                .push_bind(to_text(&ledger.outcomes));
        },
        " ON CONFLICT (board, client) DO UPDATE SET user = excluded.user, \
         last_seq = excluded.last_seq, last_id = excluded.last_id, \
         settled = excluded.settled, outcomes = excluded.outcomes",
    );
}
