use std::path::Path;

use driftless_model::{Effect, KindName, Op, RecordId, Version};
use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;
use crate::server::conformance::Script;

/// A store that takes its folder away with it.
struct Temporary {
    store: SqliteBoards,
    folder: TempDir,
}

impl Temporary {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path()).await;
        Self { store, folder }
    }

    async fn execute(&self, statements: &'static str) {
        sqlx::raw_sql(statements)
            .execute(&self.store.writer)
            .await
            .expect("runs");
    }
}

async fn open(folder: &Path) -> SqliteBoards {
    SqliteBoards::open(folder.join("boards.db"))
        .await
        .expect("opens")
}

impl BoardStore for Temporary {
    async fn load(&self, board: &BoardId) -> Result<BoardImage, StoreError> {
        self.store.load(board).await
    }

    async fn check_at(
        &self,
        board: &BoardId,
        version: Version,
    ) -> Result<Option<Check>, StoreError> {
        self.store.check_at(board, version).await
    }

    async fn find(
        &self,
        board: &BoardId,
        id: EditId,
        above: Version,
    ) -> Result<Option<LogRow>, StoreError> {
        self.store.find(board, id, above).await
    }

    async fn append(&self, batch: Vec<Append>) -> Vec<Stored> {
        self.store.append(batch).await
    }

    async fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.store.log(board, above, rows_max).await
    }

    async fn boards(&self) -> Result<Vec<BoardSummary>, StoreError> {
        self.store.boards().await
    }
}

crate::board_store_conformance!(Temporary::new);

fn create(record: &str) -> Effect {
    Effect {
        record: RecordId::new(record).expect("a record id"),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [].into(),
        },
    }
}

#[tokio::test]
async fn every_commit_is_synced_on_every_connection_that_writes() {
    let temporary = Temporary::new().await;
    let place = Place {
        path: temporary.folder.path().join("boards.db"),
        bytes_max: Some(1024 * 1024),
    };
    // The second takes the place of the first, as after an error.
    for _ in 0..2 {
        let connection = place.connect().expect("opens");
        let ask = |pragma: &str| {
            let value = connection.pragma_query_value(None, pragma, |row| row.get::<_, Value>(0));
            value.expect("a pragma answers")
        };
        assert_eq!(ask("journal_mode"), Value::Text("wal".to_owned()));
        // 2 is FULL: the write-ahead log is synced at every commit.
        assert_eq!(ask("synchronous"), Value::Integer(2));
        assert_eq!(ask("max_page_count"), Value::Integer(256));
    }
    // Where there is no write-ahead log, a commit may be lost: in memory.
    let nowhere = Place {
        path: ":memory:".into(),
        bytes_max: None,
    };
    let error = nowhere.connect().expect_err("is refused");
    assert!(matches!(error, StoreError::NotDurable { .. }), "{error}");
}

#[tokio::test]
async fn a_full_file_refuses_edits_goes_on_reading_and_takes_them_once_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("boards.db");
    let opened = SqliteBoards::options()
        .bytes_max(400 * 1024)
        .open(&file)
        .await;
    let store = opened.expect("opens");
    let mut script = Script::new("home");
    let append = script.edit(1, &[create("cpu")]);
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    // Somebody fills it to the brim.
    let filler = "CREATE TABLE filler (bytes BLOB) STRICT";
    sqlx::raw_sql(filler)
        .execute(&store.writer)
        .await
        .expect("runs");
    for bytes in [100_000, 10_000, 1_000, 100, 10] {
        let insert = || sqlx::query("INSERT INTO filler VALUES (zeroblob(?))").bind(bytes);
        while insert().execute(&store.writer).await.is_ok() {}
    }
    let label = "x".repeat(150);
    let pages = 40;
    let mut attempt = script.clone();
    let large: Vec<_> = (0..pages)
        .map(|n| create(&format!("{label}-{n}")[140..]))
        .collect();
    let append = attempt.edit(2, &large);
    for _ in 0..3 {
        let answers = store.append(vec![append.clone()]).await;
        assert_eq!(answers, [Stored::Failed], "refused, and known to be");
        let image = store.load(script.board()).await;
        assert_eq!(image.as_ref(), Ok(script.image()), "reads go on");
    }
    let room = sqlx::raw_sql("DROP TABLE filler");
    room.execute(&store.writer).await.expect("runs");
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
    let image = store.load(script.board()).await;
    assert_eq!(image.as_ref(), Ok(attempt.image()));
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let temporary = Temporary::new().await;
    let mut script = Script::new("home");
    let append = script.edit(1, &[create("cpu")]);
    assert_eq!(temporary.append(vec![append]).await, [Stored::Committed]);
    temporary.store.close().await;
    let store = open(temporary.folder.path()).await;
    let image = store.load(script.board()).await;
    assert_eq!(image.as_ref(), Ok(script.image()));
    let append = script.edit(1, &[create("net")]);
    assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
}

#[tokio::test]
async fn a_newer_format_is_refused_in_one_sentence_and_not_touched() {
    let temporary = Temporary::new().await;
    temporary.execute("UPDATE meta SET format = 5").await;
    temporary.store.close().await;
    let file = temporary.folder.path().join("boards.db");
    let before = std::fs::read(&file).expect("reads");
    let error = SqliteBoards::open(&file).await.expect_err("is refused");
    let expected = format!(
        "{} has storage format 5, this build knows 4; update this build, nothing is lost",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(std::fs::read(&file).expect("reads"), before);
}

#[tokio::test]
async fn a_damaged_file_is_refused_with_what_to_do() {
    let temporary = Temporary::new().await;
    let mut script = Script::new("home");
    for number in 0..40 {
        let append = script.edit(1, &[create(&format!("chart-{number}"))]);
        assert_eq!(temporary.append(vec![append]).await, [Stored::Committed]);
    }
    temporary.store.close().await;
    let file = temporary.folder.path().join("boards.db");
    let mut bytes = std::fs::read(&file).expect("reads");
    let end = bytes.len();
    bytes[8_192..end].fill(0x5a);
    let noise = "not a database, but long enough to be looked at".repeat(100);
    for damaged in [bytes, noise.into_bytes()] {
        std::fs::write(&file, &damaged).expect("writes");
        let error = SqliteBoards::open(&file).await.expect_err("is refused");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("driftless restore FILE"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(std::fs::read(&file).expect("reads"), damaged);
    }
}

#[tokio::test]
async fn one_bad_append_fails_alone() {
    let temporary = Temporary::new().await;
    temporary
        .execute(
            "CREATE TRIGGER bad BEFORE INSERT ON log WHEN NEW.board = 'bad' \
             BEGIN SELECT RAISE(ABORT, 'disk trouble'); END",
        )
        .await;
    let mut scripts = ["a", "bad", "c"].map(Script::new);
    let batch = scripts
        .each_mut()
        .map(|script| script.edit(1, &[create("cpu")]));
    let answers = temporary.append(batch.to_vec()).await;
    assert_eq!(
        answers,
        [Stored::Committed, Stored::Failed, Stored::Committed]
    );
    let image = temporary.load(scripts[1].board()).await;
    assert_eq!(image, Ok(BoardImage::default()));
    for script in [&scripts[0], &scripts[2]] {
        let image = temporary.load(script.board()).await;
        assert_eq!(image.as_ref(), Ok(script.image()));
    }
}

#[tokio::test]
async fn an_error_at_the_end_of_a_transaction_is_unknown_and_the_next_one_goes_on() {
    let temporary = Temporary::new().await;
    // A constraint that is only looked at when the transaction ends.
    temporary
        .execute(
            "CREATE TABLE parent (id INTEGER PRIMARY KEY); \
             CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER late AFTER INSERT ON log WHEN NEW.board = 'late' \
             BEGIN INSERT INTO child VALUES (1); END",
        )
        .await;
    let mut late = Script::new("late");
    let append = late.edit(1, &[create("cpu")]);
    assert_eq!(temporary.append(vec![append]).await, [Stored::Unknown]);
    let mut sound = Script::new("sound");
    let append = sound.edit(1, &[create("cpu")]);
    assert_eq!(temporary.append(vec![append]).await, [Stored::Committed]);
    let image = temporary.load(late.board()).await;
    assert_eq!(image, Ok(BoardImage::default()));
}

#[tokio::test]
async fn what_cannot_be_read_names_the_board() {
    let temporary = Temporary::new().await;
    let mut script = Script::new("home");
    let append = script.edit(1, &[create("cpu")]);
    temporary.append(vec![append]).await;
    temporary.execute("UPDATE records SET kind = '/'").await;
    let error = temporary.load(script.board()).await.expect_err("is broken");
    assert!(
        error
            .to_string()
            .starts_with("a stored record of board home cannot be read: "),
        "{error}"
    );
}

#[tokio::test]
async fn two_processes_on_one_file_never_make_the_same_version() {
    let temporary = Temporary::new().await;
    let other = open(temporary.folder.path()).await;
    let mut script = Script::new("home");
    let mut rival = script.clone();
    let mine = script.edit(1, &[create("cpu")]);
    let theirs = rival.edit(2, &[create("net")]);
    let (mine, theirs) = tokio::join!(temporary.append(vec![mine]), other.append(vec![theirs]));
    let answers = [mine[0], theirs[0]];
    let winner = match answers {
        [Stored::Committed, Stored::Conflict] => script,
        [Stored::Conflict, Stored::Committed] => rival,
        answers => panic!("both or none were written: {answers:?}"),
    };
    let image = other.load(winner.board()).await;
    assert_eq!(image.as_ref(), Ok(winner.image()));
}
