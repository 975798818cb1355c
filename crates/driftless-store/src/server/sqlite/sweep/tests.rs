use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use driftless_model::{Effect, KindName, LeafPath, Op, RecordId, Value, Version};
use driftless_sync::room::{BoardImage, Stored};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

use super::*;
use crate::server::conformance::Script;
use crate::server::sqlite::connection::open_to_read;
use crate::server::{Accounts, BoardStore as _, SqliteBoards};

const BY: &str = "root at the command line";
const TABLES: [&str; 5] = ["boards", "log", "leaves", "records", "ledger"];
/// Names the file to the process that is killed.
const FILE: &str = "DRIFTLESS_SWEPT_FILE";
/// What that process says after each transaction.
const REMOVED: &str = "some rows are removed";

/// A file with two boards: one of so many log rows, and another.
struct Stage {
    folder: TempDir,
    store: SqliteBoards,
    large: Script,
    other: Script,
}

impl Stage {
    async fn new(edits: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteBoards::open(folder.path().join("boards.db")).await;
        let mut stage = Self {
            folder,
            store: store.expect("opens"),
            large: Script::new("plant"),
            other: Script::new("other"),
        };
        let (create, set) = (effect("cpu", create()), effect("cpu", set("1")));
        let first = stage.large.edit(1, &[create]);
        assert_eq!(stage.store.append(vec![first]).await, [Stored::Committed]);
        let edit: &[Effect] = &[set];
        for rows in vec![edit; edits - 1].chunks(500) {
            let append = stage.large.edits(1, rows);
            assert_eq!(stage.store.append(vec![append]).await, [Stored::Committed]);
        }
        let other = stage.other.edit(2, &[]);
        assert_eq!(stage.store.append(vec![other]).await, [Stored::Committed]);
        stage
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("boards.db")
    }

    /// Nobody finds anything of the large board; the other is whole.
    async fn assert_gone(&self) {
        let (store, board) = (&self.store, self.large.board());
        assert_eq!(store.load(board).await, Ok(BoardImage::default()));
        assert_eq!(store.is_deleted(board).await, Ok(true));
        assert_eq!(store.log(board, Version(0), 10).await, Ok(Vec::new()));
        let last = self.large.log().last().expect("a row");
        assert_eq!(store.check_at(board, last.version).await, Ok(None));
        assert_eq!(store.find(board, last.id, Version(0)).await, Ok(None));
        let boards = store.boards().await.expect("reads");
        assert_eq!(boards.len(), 1);
        let image = store.load(self.other.board()).await;
        assert_eq!(image.as_ref(), Ok(self.other.image()));
    }

    /// The name is given free, and nothing of the old board is on the new one.
    async fn assert_begins_anew(&self, accounts: &Accounts) {
        let board = self.large.board();
        assert_eq!(accounts.reopen_board(board, BY).await, Ok(true));
        assert_eq!(rows_left(&self.file()).await, 0);
        let mut anew = Script::new("plant");
        let append = anew.edit(3, &[effect("net", create())]);
        assert_eq!(self.store.append(vec![append]).await, [Stored::Committed]);
        assert_eq!(self.store.load(board).await.as_ref(), Ok(anew.image()));
    }
}

fn effect(record: &str, op: Op) -> Effect {
    Effect {
        record: RecordId::new(record).expect("a record id"),
        op,
    }
}

fn create() -> Op {
    Op::Create {
        kind: KindName::new("chart").expect("a kind"),
        leaves: [].into(),
    }
}

fn set(value: &str) -> Op {
    Op::Set {
        leaf: LeafPath::new("options/max").expect("a path"),
        value: Value::from(value),
    }
}

/// How many rows the board `plant` has, in all tables.
async fn rows_left(file: &Path) -> u64 {
    let mut connection = open_to_read(file).await.expect("opens");
    let mut rows = 0;
    for table in TABLES {
        let count = format!("SELECT count(*) FROM {table} WHERE board = 'plant'");
        let count = sqlx::query(AssertSqlSafe(count)).fetch_one(&mut connection);
        rows += count
            .await
            .expect("counts")
            .get::<i64, _>(0)
            .cast_unsigned();
    }
    rows
}

/// Between two transactions somebody edits another board.
struct Edits<'a> {
    stage: &'a mut Stage,
    left: Vec<u64>,
}

impl Rest for &mut Edits<'_> {
    async fn after(&mut self, _: Duration) {
        let append = self.stage.other.edit(2, &[]);
        let stored = self.stage.store.append(vec![append]).await;
        assert_eq!(stored, [Stored::Committed]);
        self.stage.assert_gone().await;
        self.left.push(rows_left(&self.stage.file()).await);
    }
}

#[tokio::test]
async fn a_board_goes_some_rows_at_a_time_and_another_is_edited_in_between() {
    let mut stage = Stage::new(2_500).await;
    let accounts = Accounts::open(stage.file()).await.expect("opens");
    // With a record, its leaf, and what a client had settled.
    assert_eq!(rows_left(&stage.file()).await, 2_500 + 4);
    let board = stage.large.board().clone();
    let mut edits = Edits {
        stage: &mut stage,
        left: Vec::new(),
    };
    let rest = &mut edits;
    let sweep = |writer| Sweep {
        writer,
        rows_at_once: 500,
        rest,
    };
    let deleted = accounts.delete_and_sweep(&board, BY, sweep).await;
    assert_eq!(deleted, Ok(true));
    assert_eq!(edits.left, [2_003, 1_503, 1_003, 503, 3]);
    stage.assert_gone().await;
    assert_eq!(stage.other.log().len(), 1 + 5);
    assert_eq!(rows_left(&stage.file()).await, 0);
    assert_eq!(accounts.delete_board(&board, BY).await, Ok(false));
    stage.assert_begins_anew(&accounts).await;
}

/// Between two transactions it says so; after the second it does nothing any more.
struct Says(u32);

impl Rest for Says {
    async fn after(&mut self, _: Duration) {
        println!("{REMOVED}");
        std::io::stdout().flush().expect("somebody reads");
        self.0 += 1;
        if self.0 == 2 {
            std::future::pending::<()>().await;
        }
    }
}

async fn delete_until_killed(file: &Path) {
    let accounts = Accounts::open(file).await.expect("opens");
    let sweep = |writer| Sweep {
        writer,
        rows_at_once: 500,
        rest: Says(0),
    };
    let plant = Script::new("plant");
    let deleted = accounts.delete_and_sweep(plant.board(), BY, sweep).await;
    panic!("nobody killed it: {deleted:?}");
}

/// The test below again, as a process that deletes the board.
fn start(file: &Path) -> Child {
    let mut command = Command::new(env::current_exe().expect("it runs"));
    let name = "server::sqlite::sweep::tests::a_deletion_that_is_killed_is_a_deletion";
    command
        .args(["--exact", name, "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped());
    command.spawn().expect("starts")
}

impl Stage {
    /// The deletion of the large board was killed after two of its transactions.
    async fn killed_in_the_middle() -> Self {
        let stage = Self::new(2_500).await;
        let mut process = start(&stage.file());
        let said = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let said = said.map(|line| line.expect("text"));
        let removed = said.filter(|line| line.ends_with(REMOVED)).take(2);
        assert_eq!(removed.count(), 2);
        process.kill().expect("it runs");
        process.wait().expect("it ended");
        assert_eq!(rows_left(&stage.file()).await, 1_503);
        stage.assert_gone().await;
        stage
    }
}

#[tokio::test]
async fn a_deletion_that_is_killed_is_a_deletion() {
    if let Some(file) = env::var_os(FILE) {
        return delete_until_killed(Path::new(&file)).await;
    }
    // Whoever deletes it again ends it, and so does whoever deletes another board,
    let stage = Stage::killed_in_the_middle().await;
    let accounts = Accounts::open(stage.file()).await.expect("opens");
    let board = stage.large.board();
    assert_eq!(accounts.delete_board(board, BY).await, Ok(true));
    assert_eq!(rows_left(&stage.file()).await, 0);
    assert_eq!(accounts.audit(0, 10).await.expect("reads").len(), 1);
    stage.assert_begins_anew(&accounts).await;

    let stage = Stage::killed_in_the_middle().await;
    let accounts = Accounts::open(stage.file()).await.expect("opens");
    let other = stage.other.board();
    assert_eq!(accounts.delete_board(other, BY).await, Ok(true));
    assert_eq!(rows_left(&stage.file()).await, 0);

    // whoever gives its name free,
    let stage = Stage::killed_in_the_middle().await;
    let accounts = Accounts::open(stage.file()).await.expect("opens");
    stage.assert_begins_anew(&accounts).await;

    // and the next start.
    let mut stage = Stage::killed_in_the_middle().await;
    stage.store.close().await;
    stage.store = SqliteBoards::open(stage.file()).await.expect("opens");
    assert_eq!(rows_left(&stage.file()).await, 0);
    stage.assert_gone().await;
}

/// Nothing of another board is looked at.
#[tokio::test]
async fn rows_are_found_by_their_key() {
    let stage = Stage::new(1).await;
    let mut connection = open_to_read(&stage.file()).await.expect("opens");
    for some in SOME.into_iter().chain([UNSWEPT]) {
        let plan = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {some}"));
        let plan = sqlx::query(plan).bind("plant").bind(500);
        let steps = plan.fetch_all(&mut connection).await.expect("plans");
        let steps = steps.iter().map(|step| step.get::<String, _>(3));
        let scans: Vec<_> = steps.filter(|step| step.starts_with("SCAN")).collect();
        let is_known = |scan: &String| scan == "SCAN gone";
        assert!(scans.iter().all(is_known), "{some}: {scans:?}");
    }
}

/// Between two transactions nothing.
struct AtOnce;

impl Rest for AtOnce {
    async fn after(&mut self, _: Duration) {}
}

/// How long one edit of another board after the other takes, sorted, while something happens.
async fn waits(stage: &mut Stage, until: &mut tokio::task::JoinHandle<()>) -> Vec<Duration> {
    let mut waits = Vec::new();
    while !until.is_finished() {
        let append = stage.other.edit(2, &[]);
        let begun = Instant::now();
        let stored = stage.store.append(vec![append]).await;
        assert_eq!(stored, [Stored::Committed]);
        waits.push(begun.elapsed());
    }
    until.await.expect("is deleted");
    waits.sort();
    waits
}

/// What others wait while a board of 100,000 edits is deleted, some rows at a time and all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures: see docs/operations.md"]
async fn measures_what_others_feel_of_a_deletion() {
    let mut figures = Vec::new();
    for (name, rows_at_once) in [
        ("1,000 rows at once", ROWS_AT_ONCE),
        ("all at once", u32::MAX),
    ] {
        let mut stage = Stage::new(100_000).await;
        let (file, board) = (stage.file(), stage.large.board().clone());
        let mut deleting = tokio::spawn(async move {
            let accounts = Accounts::open(file).await.expect("opens");
            let deleted = if rows_at_once == ROWS_AT_ONCE {
                accounts.delete_board(&board, BY).await
            } else {
                let sweep = |writer| Sweep {
                    writer,
                    rows_at_once,
                    rest: AtOnce,
                };
                accounts.delete_and_sweep(&board, BY, sweep).await
            };
            assert_eq!(deleted, Ok(true));
        });
        let begun = Instant::now();
        let waits = waits(&mut stage, &mut deleting).await;
        let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!(
            "{name}: {:?} in all; {} edits of another board meanwhile, median {median:?}, longest \
             {longest:?}",
            begun.elapsed(),
            waits.len(),
        );
        figures.push(longest.as_secs_f64());
    }
    println!(
        "the longest wait, all at once / some at a time: {:.1}",
        figures[1] / figures[0]
    );
}
