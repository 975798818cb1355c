//! A writer: a real client that makes edits without end, and keeps a journal.

use std::time::Duration;

use anyhow::{Context as _, Result};
use driftless_client::realtime_config::Setting;
use driftless_client::{Board, Client, EditError, EditHandle, RealtimeConfig};
use driftless_model::layout::Place;
use driftless_model::{BoardId, LeafPath, RecordId, Value};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::view::Resolution;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use crate::dice::Dice;
use crate::journal::{Fate, Journal, Made};

/// Records of its own that a writer edits in turn: an edit waits for the one before it on the same
/// record, and several should be on their way at once.
const RECORDS: u64 = 8;
/// Edits of one writer that wait for an answer.
const UNDER_WAY_MAX: usize = 12;
/// Longest pause between two edits.
const PAUSE_MAX: Duration = Duration::from_millis(25);
/// How long the last edits of a writer may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// The record that all writers of a board edit.
const SHARED: &str = "shared";

/// What a writer is told.
#[derive(Debug)]
pub enum Order {
    /// End the client and start another on the same storage, as a program that is started again.
    Restart,
    /// Make no more edits, and wait until all are settled.
    Finish,
}

/// An edit of the shared record that is not settled.
#[derive(Debug, PartialEq)]
enum Contested {
    /// The one at this place of the journal.
    At(usize),
    /// One that an earlier client of this writer made: nobody says any more what becomes of it, and
    /// the next one might join it in the outbox.
    Earlier,
}

/// What the writer was told of the edit at this place of its journal.
type Told = (usize, Result<Fate, EditError>);

/// A writer.
pub struct Writer {
    /// Its number.
    pub number: usize,
    /// What it knows of its edits.
    pub journal: Journal,
    /// Its client.
    pub client: Client,
    /// Its board.
    pub board: Board,
    url: String,
    rows: MemoryRows,
    dice: Dice,
    made: u64,
    settling: FuturesUnordered<BoxFuture<'static, Told>>,
    /// Its edit of the shared record that is not settled: one at a time, so that none joins
    /// another.
    contested: Option<Contested>,
}

impl Writer {
    /// Starts a writer.
    pub fn start(url: &str, number: usize, boards: usize, dice: Dice) -> Result<Self> {
        let board = BoardId::new(format!("board-{}", number % boards))?;
        let rows = MemoryRows::new();
        let client = open(url, number, &rows)?;
        Ok(Self {
            number,
            journal: Journal::default(),
            board: client.board(board),
            client,
            url: url.to_owned(),
            rows,
            dice,
            made: 0,
            settling: FuturesUnordered::new(),
            contested: None,
        })
    }

    /// Writes until it is told to finish.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<Self> {
        loop {
            let pause = self.dice.up_to(PAUSE_MAX);
            let has_room = self.settling.len() < UNDER_WAY_MAX;
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Restart) => self.restart().await?,
                    Some(Order::Finish) | None => break,
                },
                Some((place, told)) = self.settling.next() => self.settle(place, told)?,
                () = tokio::time::sleep(pause), if has_room => self.edit()?,
            }
        }
        let number = self.number;
        let finishing = tokio::time::timeout(PATIENCE, self.settle_all());
        let finished = finishing.await;
        finished.with_context(|| format!("writer {number}: edits stay pending"))??;
        Ok(self)
    }

    /// The board that it writes to.
    pub fn board_id(&self) -> &BoardId {
        self.board.id().expect("it was opened by an id")
    }

    async fn settle_all(&mut self) -> Result<()> {
        while let Some((place, told)) = self.settling.next().await {
            self.settle(place, told)?;
        }
        // What an earlier client of this writer left unheard is on its way without a handle.
        let mut events = self.client.events();
        while self.client.status().pending > 0 || !self.has_read() {
            events.next().await.context("the client ended")?;
        }
        Ok(())
    }

    async fn restart(&mut self) -> Result<()> {
        self.client.shutdown().await;
        let contested = self.contested.take();
        while let Some((place, told)) = self.settling.next().await {
            self.settle(place, told)?;
        }
        self.contested = contested.map(|_| Contested::Earlier);
        self.client = open(&self.url, self.number, &self.rows)?;
        self.board = self.client.board(self.board_id());
        // Who edits before they see the board has seen nothing of it, and conflicts with what they
        // made themselves.
        let mut events = self.client.events();
        while !self.has_read() || !self.board.is_loaded() {
            events.next().await.context("the client ended")?;
        }
        Ok(())
    }

    fn settle(&mut self, place: usize, told: Result<Fate, EditError>) -> Result<()> {
        let fate = match told {
            Ok(fate) => fate,
            Err(EditError::Conflicted) => Fate::SetAside,
            Err(EditError::Closed) => Fate::Unheard,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("writer {}: an edit failed", self.number));
            }
        };
        self.journal.settle(place, fate);
        if self.contested == Some(Contested::At(place)) {
            self.contested = None;
        }
        if fate == Fate::SetAside {
            let id = self.journal.id(place);
            let outbox = self.board.outbox();
            let waits = outbox.iter().filter(|entry| Some(entry.id) == id);
            for entry in waits {
                // One that has changed since is decided on the next time.
                let _ = self.board.resolve(entry, Resolution::TakeTheirs);
            }
        }
        Ok(())
    }

    /// Mostly a record of its own; sometimes the shared one: its place, where the later one wins,
    /// or its title, where a person decides.
    fn edit(&mut self) -> Result<()> {
        self.made += 1;
        let title = format!("{} of writer {}", self.made, self.number);
        let dice = self.dice.below(20);
        if dice < 4 && self.may_contest() {
            let title = (dice == 0).then_some(title);
            let place = self.write(SHARED, title)?;
            self.contested = Some(Contested::At(place));
            return Ok(());
        }
        let own = format!("w{}-{}", self.number, self.made % RECORDS);
        self.write(&own, Some(title)).map(|_| ())
    }

    /// Whether none of its edits of the shared record is unsettled.
    fn may_contest(&mut self) -> bool {
        if self.contested == Some(Contested::Earlier) {
            let status = self.client.status();
            if self.has_read() && status.pending + status.conflicts == 0 {
                self.contested = None;
            }
        }
        self.contested.is_none()
    }

    /// Whether the client has read its storage: until then it has no id, and counts nothing.
    fn has_read(&self) -> bool {
        self.client.status().client.is_some()
    }

    fn write(&mut self, record: &str, title: Option<String>) -> Result<usize> {
        let record = RecordId::new(record)?;
        let (leaf, value) = match &title {
            Some(title) => (LeafPath::new("title")?, Value::from(title.as_str())),
            None => (LeafPath::new("layout/lg")?, self.place()),
        };
        let edit = self.board.edit("Write", |edit| {
            edit.create(&record, "note", [(leaf, value)]);
        });
        let handle = edit.context("a writer's edits are valid")?;
        let place = self.journal.add(Made {
            id: handle.id(),
            record,
            title,
            fate: Fate::Waiting,
        });
        self.settling.push(Box::pin(settled(place, handle)));
        Ok(place)
    }

    fn place(&mut self) -> Value {
        let y = u32::try_from(self.dice.below(100)).unwrap_or(0);
        let place = Place {
            x: 0,
            y,
            w: 2,
            h: 2,
        };
        place.to_value()
    }
}

async fn settled(place: usize, handle: EditHandle) -> Told {
    let told = handle.applied().await.map(Fate::Acknowledged);
    (place, told)
}

fn open(url: &str, number: usize, rows: &MemoryRows) -> Result<Client> {
    let mut config = RealtimeConfig::default();
    for (setting, milliseconds) in [
        (Setting::BackoffBaseMs, 20_u64),
        (Setting::BackoffMaxMs, 200),
    ] {
        config.set(setting, milliseconds)?;
    }
    let client = Client::builder(url)
        .token(Some(format!("Writer {number}")))
        .storage(rows.clone())
        .config(config);
    Ok(client.start())
}
