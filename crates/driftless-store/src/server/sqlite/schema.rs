//! The tables, which format of them a file has, and how an older file becomes today's.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::server::error::StoreError;
use crate::server::sqlite::copy;
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::place::{beside_dated, failure, now_ms, place};

/// The version of the server's storage format that this build writes: 1, and one for each of the
/// [`MIGRATIONS`].
pub const FORMAT: u32 = 4;

/// The tables of format 1. Checks are 64-bit hashes, stored as the integer with the same bits;
/// random ids are 16 bytes, most significant first; `value`, `effects` and `outcomes` are JSON. A
/// leaf without a value was taken away; a record has `kind` and `created` while it lives, and the
/// other two once it was removed. `meta` is what every build reads first, and never changes.
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
INSERT INTO meta (format) VALUES (1);
"#;

/// What makes a file of each format one of the next, oldest first. One that was released is never
/// changed: a new file is made by all of them, one after another.
const MIGRATIONS: [&str; FORMAT as usize - 1] = [
    // 2: which formats the file has had, since when, and which build made it so.
    "CREATE TABLE formats (
        format INTEGER NOT NULL PRIMARY KEY,
        since_ms INTEGER NOT NULL,
        build TEXT NOT NULL
    ) STRICT;",
    // 3: who may sign in and what they may do. An empty user is everybody, an empty board every
    // board. Of a token there is only its SHA-256. `audit` never gives a number twice: by it others
    // find out what is new.
    "CREATE TABLE users (
        user TEXT NOT NULL PRIMARY KEY,
        is_link INTEGER NOT NULL,
        created_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        token INTEGER PRIMARY KEY AUTOINCREMENT,
        hash BLOB NOT NULL UNIQUE,
        user TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        revoked_ms INTEGER
    ) STRICT;
    CREATE TABLE grants (
        user TEXT NOT NULL,
        board TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (user, board)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        user TEXT NOT NULL,
        board TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;",
    // 4: boards that were deleted. What somebody still pushes to one must not begin it anew,
    // however it gets here: the trigger fails its transaction.
    "CREATE TABLE deleted_boards (
        board TEXT NOT NULL PRIMARY KEY,
        deleted_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER deleted_boards_stay BEFORE INSERT ON boards
    WHEN EXISTS (SELECT 1 FROM deleted_boards WHERE board = NEW.board)
    BEGIN SELECT RAISE(ABORT, 'the board was deleted'); END;",
];

/// How much of a file is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LookOver {
    /// All of it: what is damaged is found out now.
    #[default]
    EveryPage,
    /// Its format.
    Format,
}

/// Makes the tables in an empty file, and brings an older one up to date once it is copied; refuses
/// a newer one, one of something else, and a damaged one. The lock is held, shared.
///
/// With [`LookOver::Format`] only a file that is not of today's format has all its pages looked at.
pub async fn prepare(
    writer: &SqlitePool,
    path: &Path,
    lock: &Lock,
    look_over: LookOver,
) -> Result<(), StoreError> {
    let mut connection = writer
        .acquire()
        .await
        .map_err(|error| failure(path, &error))?;
    let found = known_format(&mut connection, path).await?;
    if look_over == LookOver::EveryPage || found != Some(FORMAT) {
        check_pages(&mut connection, path).await?;
    }
    match found {
        Some(found) if found < FORMAT => {
            // Nobody else may be using tables that change under them.
            lock.exclusive(path)?;
            // The copy of an earlier migration may be all that somebody has of those edits.
            let kept = beside_dated(path, &format!("format-{found}"));
            copy::copy(&mut connection, path, &kept).await?;
            tracing::info!(from = found, to = FORMAT, copy = %kept.display(), "migrating");
            migrate(&mut connection, path).await?;
            lock.shared(path)
        }
        Some(_) => Ok(()),
        None => migrate(&mut connection, path).await,
    }
}

/// Which format a file has, `None` where it is empty. Refuses what this build cannot work with, and
/// looks at every page.
pub async fn inspect(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Option<u32>, StoreError> {
    let known = known_format(connection, path).await?;
    check_pages(connection, path).await?;
    Ok(known)
}

async fn known_format(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Option<u32>, StoreError> {
    let format = format(connection).await;
    let Some(found) = format.map_err(|error| failure(path, &error))? else {
        return is_empty(connection, path).await.map(|()| None);
    };
    let known = u32::try_from(found).ok().filter(|found| *found <= FORMAT);
    let known = known.ok_or_else(|| StoreError::Newer {
        place: place(path),
        found,
        known: FORMAT,
    })?;
    Ok(Some(known))
}

async fn format(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    let table = sqlx::query(table).fetch_optional(&mut *connection).await?;
    if table.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT format FROM meta");
    row.fetch_one(connection).await?.try_get(0).map(Some)
}

async fn is_empty(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let tables = sqlx::query("SELECT 1 FROM sqlite_schema");
    let tables = tables.fetch_optional(connection).await;
    match tables.map_err(|error| failure(path, &error))? {
        None => Ok(()),
        Some(_) => Err(StoreError::Open {
            place: place(path),
            reason: "it is a database of something else".to_owned(),
        }),
    }
}

/// Looks at every page: what is damaged is found out now, not by whoever opens that board.
async fn check_pages(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let check = sqlx::query("PRAGMA quick_check(1)");
    let verdict = check.fetch_one(connection).await;
    let verdict = verdict.and_then(|row| row.try_get::<String, _>(0));
    let verdict = verdict.map_err(|error| failure(path, &error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        place: place(path),
        reason: verdict.replace('\n', " "),
    })
}

/// From whatever it is to today's format, in one transaction. Two processes may open a new file at
/// once: whoever comes second finds the tables.
async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let migrated = run(connection).await;
    migrated.map_err(|error| failure(path, &error))
}

async fn run(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    use sqlx::Connection as _;

    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut found = format(&mut transaction).await?.unwrap_or(0);
    if found == 0 {
        sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
        found = 1;
    }
    for (to, statements) in (2_i64..).zip(MIGRATIONS) {
        if to > found {
            sqlx::raw_sql(statements).execute(&mut *transaction).await?;
            note(&mut transaction, to).await?;
        }
    }
    transaction.commit().await
}

/// The file has this format from here on.
async fn note(connection: &mut SqliteConnection, format: i64) -> Result<(), sqlx::Error> {
    let since_ms = i64::try_from(now_ms()).unwrap_or(0);
    let row = sqlx::query("INSERT INTO formats (format, since_ms, build) VALUES (?, ?, ?)");
    let row = row.bind(format).bind(since_ms);
    let row = row.bind(env!("CARGO_PKG_VERSION"));
    row.execute(&mut *connection).await?;
    let meta = sqlx::query("UPDATE meta SET format = ?").bind(format);
    meta.execute(connection).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use driftless_model::{Effect, KindName, Op, RecordId};
    use driftless_sync::room::Stored;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    use super::*;
    use crate::server::conformance::Script;
    use crate::server::sqlite::writer::{Place, Writing};
    use crate::server::{BoardStore, SqliteBoards};

    /// A file as a build of format 1 left it, with a board in it.
    async fn old_file(path: &Path, script: &mut Script) {
        let options = SqliteConnectOptions::new().filename(path);
        let options = options.create_if_missing(true);
        let pool = SqlitePoolOptions::new().connect_with(options).await;
        let pool = pool.expect("opens");
        sqlx::raw_sql(TABLES).execute(&pool).await.expect("runs");
        let append = script.edit(1, &[create("cpu")]);
        pool.close().await;
        let path = path.to_owned();
        let mut writing = Writing::at(Place {
            path,
            bytes_max: None,
        });
        assert_eq!(writing.append(&[append]), [Stored::Committed]);
    }

    fn create(record: &str) -> Effect {
        Effect {
            record: RecordId::new(record).expect("a record id"),
            op: Op::Create {
                kind: KindName::new("chart").expect("a kind"),
                leaves: [].into(),
            },
        }
    }

    /// The copies that migrations left, oldest first.
    fn kept(file: &Path) -> Vec<PathBuf> {
        let folder = file.parent().expect("a folder");
        let paths = std::fs::read_dir(folder).expect("reads");
        let paths = paths.map(|entry| entry.expect("an entry").path());
        let is_kept = |path: &PathBuf| path.to_string_lossy().contains("db.format-1-");
        let mut kept: Vec<_> = paths.filter(is_kept).collect();
        kept.sort();
        kept
    }

    async fn number(path: &Path, query: &'static str) -> i64 {
        let options = SqliteConnectOptions::new().filename(path);
        let pool = SqlitePoolOptions::new().connect_with(options).await;
        let pool = pool.expect("opens");
        let row = sqlx::query(query).fetch_one(&pool).await.expect("a row");
        pool.close().await;
        row.try_get(0).expect("a number")
    }

    #[tokio::test]
    async fn an_older_file_is_copied_and_brought_up_to_date_with_everything_in_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("boards.db");
        let mut script = Script::new("home");
        old_file(&file, &mut script).await;
        let store = SqliteBoards::open(&file).await.expect("opens");
        let image = store.load(script.board()).await;
        assert_eq!(image.as_ref(), Ok(script.image()));
        let append = script.edit(2, &[create("net")]);
        assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
        store.close().await;
        assert_eq!(number(&file, "SELECT format FROM meta").await, 4);
        assert_eq!(number(&file, "SELECT max(format) FROM formats").await, 4);
        let kept = kept(&file);
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(number(&kept[0], "SELECT format FROM meta").await, 1);
        assert_eq!(number(&kept[0], "SELECT count(*) FROM log").await, 1);
    }

    #[tokio::test]
    async fn the_copy_of_an_earlier_migration_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("boards.db");
        old_file(&file, &mut Script::new("home")).await;
        let store = SqliteBoards::open(&file).await.expect("opens");
        store.close().await;
        drop(store);
        let first = kept(&file).remove(0);
        let before = std::fs::read(&first).expect("reads");
        // An old backup takes its place, and is brought up to date in its turn.
        std::fs::remove_file(&file).expect("removes");
        old_file(&file, &mut Script::new("other")).await;
        SqliteBoards::open(&file).await.expect("opens");
        assert_eq!(kept(&file).len(), 2);
        assert_eq!(std::fs::read(&first).expect("reads"), before);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_copied_is_not_migrated() {
        let folder = tempfile::tempdir().expect("a folder");
        // The name of the copy is longer than any name may be: 255 bytes.
        let file = folder.path().join(format!("{}.db", "b".repeat(235)));
        old_file(&file, &mut Script::new("home")).await;
        let error = SqliteBoards::open(&file).await.expect_err("is refused");
        assert!(matches!(error, StoreError::Copy { .. }), "{error}");
        assert_eq!(number(&file, "SELECT format FROM meta").await, 1);
    }

    #[tokio::test]
    async fn a_file_that_others_use_is_not_migrated() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("boards.db");
        old_file(&file, &mut Script::new("home")).await;
        let other = Lock::take(&file).expect("is free");
        let error = SqliteBoards::open(&file).await.expect_err("is refused");
        assert!(matches!(error, StoreError::InUse { .. }), "{error}");
        assert_eq!(number(&file, "SELECT format FROM meta").await, 1);
        drop(other);
        SqliteBoards::open(&file).await.expect("opens");
    }

    #[tokio::test]
    async fn a_database_of_something_else_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("other.db");
        let options = SqliteConnectOptions::new().filename(&file);
        let options = options.create_if_missing(true);
        let pool = SqlitePoolOptions::new().connect_with(options).await;
        let pool = pool.expect("opens");
        let table = sqlx::raw_sql("CREATE TABLE albums (title TEXT)");
        table.execute(&pool).await.expect("runs");
        pool.close().await;
        let error = SqliteBoards::open(&file).await.expect_err("is refused");
        let text = error.to_string();
        assert!(text.contains("a database of something else"), "{text}");
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(number(&file, tables).await, 1);
    }
}
