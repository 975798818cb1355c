//! The rounds: write, kill, look at a copy of the file, start again; and the account at the end.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use driftless_client::Client;
use driftless_model::{BoardId, LeafPath, RecordId, SortedMap};
use driftless_store::server::SqliteBoards;
use driftless_sync::replica::view::LeafView;
use futures::stream::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::book::{Account, Book, stored_titles};
use crate::dice::Dice;
use crate::journal::Journal;
use crate::server::Server;
use crate::writer::{Order, Writer};

/// Longest time between the first acknowledgement of a round and its kill.
const LIFE_MAX: Duration = Duration::from_millis(300);
/// Longest life of a server that is killed while it starts.
const BIRTH_MAX: Duration = Duration::from_millis(60);
/// How long anything may take before a run has failed.
const PATIENCE: Duration = Duration::from_mins(2);
/// One round in so many kills the next server while it starts, too.
const STILLBORN_ONE_IN: u64 = 5;

/// How a run is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Kills.
    pub rounds: usize,
    /// Clients.
    pub writers: usize,
    /// Boards that they share.
    pub boards: usize,
    /// What chance comes from.
    pub seed: u64,
}

/// What a run came to, all promises kept.
#[derive(Debug, Default)]
pub struct Report {
    /// All journals together.
    pub account: Account,
    /// Servers killed while they served.
    pub kills: usize,
    /// Servers killed while they started.
    pub stillborn: usize,
    /// Clients ended and started again on their storage.
    pub restarts: usize,
    /// How long it took.
    pub took: Duration,
}

/// A writer that writes.
struct Writing {
    board: BoardId,
    journal: Journal,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<Result<Writer>>,
}

/// A run.
struct Run<'a> {
    server: &'a mut Server,
    book: Book,
    dice: Dice,
    writing: Vec<Writing>,
    report: Report,
}

/// Runs all rounds on a server that does not run yet.
pub async fn run(server: &mut Server, plan: Plan) -> Result<Report> {
    let started = Instant::now();
    server.start().await?;
    let mut run = Run {
        writing: begin(server, plan)?,
        server,
        book: Book::default(),
        dice: Dice::new(plan.seed, 0),
        report: Report::default(),
    };
    for round in 1..=plan.rounds {
        let done = run.round().await;
        done.with_context(|| format!("in round {round}"))?;
        if round % 10 == 0 {
            let edits = run.book.edits();
            println!("round {round}: {edits} edits applied, every acknowledged one is there");
        }
    }
    run.finish().await?;
    run.report.took = started.elapsed();
    Ok(run.report)
}

fn begin(server: &Server, plan: Plan) -> Result<Vec<Writing>> {
    let writing = |number: usize| {
        let dice = Dice::new(plan.seed, number as u64 + 1);
        let writer = Writer::start(&server.url(), number, plan.boards, dice)?;
        let (orders, queue) = mpsc::channel(1);
        Ok(Writing {
            board: writer.board_id().clone(),
            journal: writer.journal.clone(),
            orders,
            task: tokio::spawn(writer.run(queue)),
        })
    };
    (0..plan.writers).map(writing).collect()
}

impl Run<'_> {
    async fn round(&mut self) -> Result<()> {
        self.until_acknowledged().await?;
        if self.dice.one_in(2) {
            self.restart_a_client().await?;
        }
        tokio::time::sleep(self.dice.up_to(LIFE_MAX)).await;
        self.server.kill().await?;
        self.report.kills += 1;
        self.look_at_file().await?;
        if self.dice.one_in(STILLBORN_ONE_IN) {
            self.server.begin()?;
            tokio::time::sleep(self.dice.up_to(BIRTH_MAX)).await;
            self.server.kill().await?;
            self.report.stillborn += 1;
        }
        self.server.start().await
    }

    /// Waits until something was acknowledged in this round: a server that is killed before it does
    /// anything proves nothing.
    async fn until_acknowledged(&mut self) -> Result<()> {
        self.check_writers().await?;
        let acknowledged = || -> usize {
            let journals = self.writing.iter();
            journals.map(|writing| writing.journal.acknowledged()).sum()
        };
        let before = acknowledged();
        let started = Instant::now();
        while acknowledged() == before {
            let is_late = started.elapsed() > PATIENCE;
            ensure!(!is_late, "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// No writer ends by itself; one that did says why.
    async fn check_writers(&mut self) -> Result<()> {
        let is_finished = |writing: &Writing| writing.task.is_finished();
        let Some(index) = self.writing.iter().position(is_finished) else {
            return Ok(());
        };
        self.writing.swap_remove(index).task.await??;
        bail!("a writer ended by itself")
    }

    async fn restart_a_client(&mut self) -> Result<()> {
        let index = usize::try_from(self.dice.below(self.writing.len() as u64))?;
        let writing = self.writing.get(index).context("there are writers")?;
        // A writer that is gone says why at the end of the round.
        if writing.orders.send(Order::Restart).await.is_ok() {
            self.report.restarts += 1;
        }
        Ok(())
    }

    /// What the killed server left: read as the next one will find it, in a copy, since whoever
    /// opens and closes the file itself folds the log in, and would leave the next server none to
    /// recover.
    async fn look_at_file(&mut self) -> Result<()> {
        let journals: Vec<_> = self
            .writing
            .iter()
            .map(|writing| (&writing.board, writing.journal.read()))
            .collect();
        let folder = tempfile::tempdir()?;
        let copy = copy_killed(&self.server.file(), folder.path())?;
        let store = SqliteBoards::open(copy).await?;
        self.book.read_on(&store).await?;
        store.close().await;
        for (board, journal) in journals {
            self.book.check_acknowledged(board, &journal)?;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        for writing in &self.writing {
            // One that is gone says why below.
            writing.orders.send(Order::Finish).await.ok();
        }
        let mut writers = Vec::new();
        for writing in self.writing.drain(..) {
            writers.push(writing.task.await??);
        }
        let store = SqliteBoards::open(self.server.file()).await?;
        // From the beginning: nothing that was read before may be another one now.
        let mut book = Book::default();
        book.read_on(&store).await?;
        converge(&book, &writers).await?;
        for writer in &writers {
            self.account(&book, &store, writer).await?;
        }
        let applied = self.report.account.applied;
        let edits = book.edits();
        ensure!(
            edits == applied,
            "{edits} edits in the log, {applied} of writers"
        );
        store.close().await;
        self.server.kill().await
    }

    /// One writer's journal against the file, and the titles of its own records.
    async fn account(&mut self, book: &Book, store: &SqliteBoards, writer: &Writer) -> Result<()> {
        let board = writer.board_id();
        let journal = writer.journal.read();
        let outbox = writer.board.outbox();
        let waits: HashSet<_> = outbox.iter().map(|entry| entry.id).collect();
        let account = book.account(board, &journal, &waits);
        let account = account.with_context(|| format!("writer {}", writer.number))?;
        let total = &mut self.report.account;
        total.made += account.made;
        total.applied += account.applied;
        total.set_aside += account.set_aside;
        let titles = stored_titles(store, board).await?;
        let own = format!("w{}-", writer.number);
        let records: BTreeSet<&RecordId> = journal.iter().map(|made| &made.record).collect();
        for record in records {
            if record.as_str().starts_with(&own) {
                let expected = book.title(board, &journal, record);
                let stored = titles.get(record).cloned();
                ensure!(
                    stored == expected,
                    "LOST: {board}: {record} is {stored:?}, its writer's newest is {expected:?}"
                );
            }
        }
        Ok(())
    }
}

/// Copies the file that a killed server left, and its log; says where the copy is.
fn copy_killed(file: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("copy.db");
    for end in ["", "-wal"] {
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let copied = fs::copy(beside(file), beside(&copy));
        copied.with_context(|| format!("the server left no {}", beside(file).display()))?;
    }
    Ok(copy)
}

/// All writers of a board come to see the same.
async fn converge(book: &Book, writers: &[Writer]) -> Result<()> {
    for writer in writers {
        let head = book.head(writer.board_id());
        let waiting = until(&writer.client, || writer.board.version() == head);
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.with_context(|| format!("writer {} does not catch up", writer.number))??;
    }
    for (index, writer) in writers.iter().enumerate() {
        let mut others = writers.iter().skip(index + 1);
        if let Some(other) = others.find(|other| other.board_id() == writer.board_id()) {
            let (one, two) = (writer.number, other.number);
            let is_same = shown(writer) == shown(other);
            ensure!(is_same, "writers {one} and {two} see different boards");
        }
    }
    Ok(())
}

/// What a writer sees of the board, without what only they see: their conflicts.
fn shown(writer: &Writer) -> Vec<(RecordId, SortedMap<LeafPath, LeafView>)> {
    let records = writer.board.records().into_iter();
    records
        .map(|(record, view)| (record, view.leaves.clone()))
        .collect()
}

async fn until(client: &Client, holds: impl Fn() -> bool) -> Result<()> {
    let mut events = client.events();
    while !holds() {
        events.next().await.context("the client ended")?;
    }
    Ok(())
}
