//! Group commit: the appends of all boards that wait, in one transaction.

use std::collections::BTreeSet;

use driftless_model::{Check, Cursor, LeafPath, RecordId, UserId, Value, Version};
use driftless_protocol::durable::to_text;
use driftless_sync::room::{Append, Stored};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use crate::server::sqlite::columns::{from_check, from_version};
use crate::server::sqlite::place::FULL;
use crate::server::sqlite::prune;

/// Carries out a batch, transaction by transaction: one answer for each append, in order.
pub fn append(
    batch: &[Append],
    mut commit: impl FnMut(&[Append]) -> Result<Vec<Stored>, Failure>,
) -> Vec<Stored> {
    let mut answers = Vec::with_capacity(batch.len());
    for group in distinct(batch) {
        match commit(group) {
            Ok(stored) => answers.extend(stored),
            Err(Failure::Hopeless) => answers.extend(group.iter().map(|_| Stored::Failed)),
            Err(Failure::Write) => answers.extend(one_by_one(group, &mut commit)),
        }
    }
    answers
}

/// One bad append must not fail the others.
fn one_by_one(
    group: &[Append],
    mut commit: impl FnMut(&[Append]) -> Result<Vec<Stored>, Failure>,
) -> Vec<Stored> {
    if group.len() == 1 {
        return vec![Stored::Failed];
    }
    let mut answers = Vec::with_capacity(group.len());
    for append in group {
        let answer = commit(std::slice::from_ref(append));
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
#[derive(Debug)]
pub enum Failure {
    /// The file is locked or gone, or there is no room. The next one would fare no better.
    Hopeless,
    /// A statement failed.
    Write,
}

/// One transaction. An error at its end leaves everybody in the dark: that is an answer, not a
/// failure.
pub fn commit(connection: &Connection, group: &[Append]) -> Result<Vec<Stored>, Failure> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let transaction = transaction.map_err(|error| {
        tracing::error!(%error, "a transaction does not begin");
        Failure::Hopeless
    })?;
    let written = write(&transaction, group);
    let answers = written.map_err(|error| {
        tracing::error!(%error, boards = group.len(), "a transaction failed");
        if is_out_of_room(&error) {
            Failure::Hopeless
        } else {
            Failure::Write
        }
    })?;
    if let Err(error) = transaction.commit() {
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
fn is_out_of_room(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code.into());
    matches!(code, Some(FULL | WRITE_ERROR))
}

/// Writes the appends whose head is where they expect it. The lock is held from the start, so that
/// the heads that are read here are those that are written over.
fn write(connection: &Connection, group: &[Append]) -> rusqlite::Result<Vec<Stored>> {
    let mut answers = Vec::with_capacity(group.len());
    for append in group {
        if head(connection, append)? == append.expect {
            write_head(connection, append)?;
            write_log(connection, append)?;
            write_records(connection, append)?;
            write_leaves(connection, append)?;
            write_ledger(connection, append)?;
            prune::prune(connection, append)?;
            answers.push(Stored::Committed);
        } else {
            answers.push(Stored::Conflict);
        }
    }
    Ok(answers)
}

/// Where a board is; at the beginning where there is none.
fn head(connection: &Connection, append: &Append) -> rusqlite::Result<Cursor> {
    let sql = r#"SELECT version, "check" FROM boards WHERE board = ?"#;
    let mut statement = connection.prepare_cached(sql)?;
    let head = statement.query_row([append.board.as_str()], |row| {
        Ok(Cursor {
            version: Version(row.get::<_, i64>(0)?.cast_unsigned()),
            check: Check(row.get::<_, i64>(1)?.cast_unsigned()),
        })
    });
    Ok(head.optional()?.unwrap_or_default())
}

fn write_head(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        r#"INSERT INTO boards (board, version, "check", floor) VALUES (?, ?, ?, ?)
            ON CONFLICT (board) DO UPDATE SET version = excluded.version,
            "check" = excluded."check", floor = excluded.floor"#,
    )?;
    statement.execute(params![
        append.board.as_str(),
        from_version(append.head.version),
        from_check(append.head.check),
        from_version(append.prune.floor),
    ])?;
    Ok(())
}

fn write_log(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        r#"INSERT INTO log (board, version, "check", id, client, user, time_ms, label, effects)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"#,
    )?;
    for log in &append.log {
        statement.execute(params![
            append.board.as_str(),
            from_version(log.version),
            from_check(log.check),
            log.id.0.to_be_bytes(),
            log.client.0.to_be_bytes(),
            log.user.as_str(),
            log.time_ms.cast_signed(),
            log.label.as_str(),
            to_text(&log.effects),
        ])?;
    }
    Ok(())
}

/// A record as it is afterwards: alive, or the mark of its removal.
struct RecordWrite<'a> {
    record: &'a RecordId,
    alive: Option<(&'a str, Version)>,
    removed: Option<(Version, &'a UserId)>,
}

/// Removed records and whole ones. Both lose the leaves that they had; whole ones get theirs with
/// the other leaves.
fn write_records(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let removed = append.delta.removed.iter().map(|removed| RecordWrite {
        record: &removed.record,
        alive: None,
        removed: Some((removed.version, &removed.author)),
    });
    let whole = append.delta.records.iter().map(|whole| RecordWrite {
        record: &whole.record,
        alive: Some((whole.kind.as_str(), whole.created)),
        removed: None,
    });
    for write in removed.chain(whole) {
        write_record(connection, append, &write)?;
    }
    Ok(())
}

fn write_record(
    connection: &Connection,
    append: &Append,
    write: &RecordWrite<'_>,
) -> rusqlite::Result<()> {
    let (board, record) = (append.board.as_str(), write.record.as_str());
    let mut delete =
        connection.prepare_cached("DELETE FROM leaves WHERE board = ? AND record = ?")?;
    delete.execute([board, record])?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO records (board, record, kind, created, removed_version, removed_author) \
         VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (board, record) DO UPDATE SET kind = excluded.kind, \
         created = excluded.created, removed_version = excluded.removed_version, \
         removed_author = excluded.removed_author",
    )?;
    statement.execute(params![
        board,
        record,
        write.alive.map(|(kind, _)| kind),
        write.alive.map(|(_, created)| from_version(created)),
        write.removed.map(|(version, _)| from_version(version)),
        write.removed.map(|(_, author)| author.as_str()),
    ])?;
    Ok(())
}

/// A leaf as it is afterwards.
struct LeafWrite<'a> {
    record: &'a RecordId,
    leaf: &'a LeafPath,
    value: Option<&'a Value>,
    version: Version,
    author: &'a UserId,
}

fn write_leaves(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO leaves (board, record, leaf, value, version, author) \
         VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (board, record, leaf) DO UPDATE SET value = excluded.value, \
         version = excluded.version, author = excluded.author",
    )?;
    for write in leaf_writes(append) {
        statement.execute(params![
            append.board.as_str(),
            write.record.as_str(),
            write.leaf.as_str(),
            write.value.map(to_text),
            from_version(write.version),
            write.author.as_str(),
        ])?;
    }
    Ok(())
}

fn leaf_writes(append: &Append) -> impl Iterator<Item = LeafWrite<'_>> {
    let of_whole = append.delta.records.iter().flat_map(|whole| {
        whole.leaves.iter().map(|(leaf, cell)| LeafWrite {
            record: &whole.record,
            leaf,
            value: cell.value.as_ref(),
            version: cell.version,
            author: &cell.author,
        })
    });
    let changed = append.delta.leaves.iter().map(|changed| LeafWrite {
        record: &changed.record,
        leaf: &changed.leaf,
        value: changed.value.as_ref(),
        version: changed.version,
        author: &changed.author,
    });
    of_whole.chain(changed)
}

fn write_ledger(connection: &Connection, append: &Append) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO ledger (board, client, user, last_seq, last_id, settled, outcomes) \
         VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (board, client) DO UPDATE SET user = excluded.user, \
         last_seq = excluded.last_seq, last_id = excluded.last_id, \
         settled = excluded.settled, outcomes = excluded.outcomes",
    )?;
    for ledger in &append.ledger {
        statement.execute(params![
            append.board.as_str(),
            ledger.client.0.to_be_bytes(),
            ledger.user.as_str(),
            ledger.last_seq.cast_signed(),
            ledger.last_id.0.to_be_bytes(),
            ledger.settled.cast_signed(),
            to_text(&ledger.outcomes),
        ])?;
    }
    Ok(())
}
