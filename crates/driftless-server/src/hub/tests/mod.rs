//! The hub without sockets: one server in memory, and followers that a test reads for.

mod streams;
mod resumes;
mod commits;
mod subscriptions;
mod stopping;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driftless_model::{
    BoardId, Change, Check, ClientId, Cursor, Edit, EditId, KindName, LeafPath, OnStale, Op,
    RecordId, Role, Schema, UserId, Value, Version, limits,
};
use driftless_protocol::message::{Outcome, Push, Resume};
use driftless_protocol::{CloseCode, Code, Codec, Payload, ServerMessage};
use driftless_store::server::{BoardStore, BoardSummary, MemoryBoards, StoreError};
use driftless_sync::room::{Append, BoardImage, LogRow, Member, Stored};
use tokio::sync::Semaphore;

use crate::hub::committer::Committer;
use crate::hub::mailbox::Letter;
use crate::hub::ring::Portion;
use crate::hub::{Boards, Connections, Delivery, Follower};
use crate::metrics::Metrics;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A store whose appends wait for a permit each and may answer something else than they did.
#[derive(Debug, Clone)]
struct Gated {
    boards: MemoryBoards,
    permits: Arc<Semaphore>,
    batches: Arc<Mutex<Vec<usize>>>,
    /// Whether a board that is read panics.
    panics: Arc<AtomicBool>,
    answer: Option<Stored>,
}

impl Gated {
    fn new(permits: usize, answer: Option<Stored>) -> Self {
        Self {
            boards: MemoryBoards::new(),
            permits: Arc::new(Semaphore::new(permits)),
            batches: Arc::default(),
            panics: Arc::default(),
            answer,
        }
    }
}

impl BoardStore for Gated {
    async fn load(&self, board: &BoardId) -> Result<BoardImage, StoreError> {
        assert!(!self.panics.load(Ordering::Acquire), "as asked for");
        self.boards.load(board).await
    }

    async fn check_at(
        &self,
        board: &BoardId,
        version: Version,
    ) -> Result<Option<Check>, StoreError> {
        self.boards.check_at(board, version).await
    }

    async fn find(
        &self,
        board: &BoardId,
        id: EditId,
        above: Version,
    ) -> Result<Option<LogRow>, StoreError> {
        self.boards.find(board, id, above).await
    }

    async fn append(&self, batch: Vec<Append>) -> Vec<Stored> {
        self.batches.lock().expect("not poisoned").push(batch.len());
        self.permits.acquire().await.expect("is open").forget();
        let stored = self.boards.append(batch).await;
        let answer = |stored| self.answer.unwrap_or(stored);
        stored.into_iter().map(answer).collect()
    }

    async fn log(
        &self,
        board: &BoardId,
        above: Version,
        rows_max: usize,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.boards.log(board, above, rows_max).await
    }

    async fn boards(&self) -> Result<Vec<BoardSummary>, StoreError> {
        self.boards.boards().await
    }
}

/// The boards of one server, and who is connected to it.
struct Server {
    boards: Arc<Boards>,
    connections: Arc<Connections>,
}

impl Server {
    fn new(store: impl BoardStore) -> Self {
        let schema = Arc::new(Schema::builtin());
        Self {
            boards: Arc::new(Boards::new(
                schema,
                Arc::new(store),
                Arc::new(Metrics::new()),
            )),
            connections: Arc::default(),
        }
    }

    async fn follower(&self, client: u128, cursor: Option<Cursor>) -> Follower {
        self.speaking(Codec::default(), client, cursor).await
    }

    async fn speaking(&self, codec: Codec, client: u128, cursor: Option<Cursor>) -> Follower {
        let client = ClientId(client);
        let entry = self.connections.enter(client, ann(), usize::MAX);
        let entry = entry.expect("has room");
        let mut follower = Follower::new(self.boards.clone(), entry, client, codec);
        let begun = follower.follow(&home(), member(client), cursor).await;
        begun.expect("follows");
        follower
    }
}

fn ann() -> UserId {
    UserId::new("Ann").expect("a user")
}

fn home() -> BoardId {
    BoardId::new("home").expect("a board id")
}

fn member(client: ClientId) -> Member {
    Member {
        client,
        user: ann(),
        role: Role::Editor,
    }
}

fn push(seq: u64, title: &str) -> Push {
    write(seq, "title", title)
}

fn write(seq: u64, leaf: &str, value: &str) -> Push {
    write_to("cpu", seq, leaf, value)
}

fn write_to(record: &str, seq: u64, leaf: &str, value: &str) -> Push {
    let leaf = LeafPath::new(leaf).expect("a path");
    let change = Change {
        record: RecordId::new(record).expect("a record id"),
        seen: Version(u64::MAX),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(leaf, Value::from(value))].into(),
        },
    };
    let id = EditId(seq.into());
    let edit = Edit {
        id,
        label: "Rename".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![change],
    };
    Push {
        board: home(),
        seq,
        id,
        settled: seq - 1,
        payload: Payload::seal(&edit).expect("is small"),
        again: None,
    }
}

/// Waits for deliveries and takes the first `count` of them.
async fn take(follower: &mut Follower, count: usize) -> Vec<Delivery> {
    let waiting = async {
        let mut taken = Vec::new();
        while taken.len() < count {
            let before = taken.len();
            follower.deliver(count, &mut taken).await;
            if taken.len() == before {
                follower.mailbox().rung().await;
            }
        }
        taken
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("deliveries come")
}

async fn message(follower: &mut Follower) -> ServerMessage {
    let delivery = take(follower, 1).await.remove(0);
    let message = delivery.message(follower.client());
    message.expect("is for this client").clone()
}

async fn resume(follower: &mut Follower) -> Resume {
    match message(follower).await {
        ServerMessage::Resume(resume) => *resume,
        other => panic!("no resume: {other:?}"),
    }
}

async fn applied(follower: &mut Follower, push: Push) -> Version {
    applied_at(follower, push).await.version
}

/// Where the board stands after an edit.
async fn applied_at(follower: &mut Follower, push: Push) -> Cursor {
    follower.push(push).await.expect("is taken");
    match message(follower).await {
        ServerMessage::Outcome(settled) => match settled.outcome {
            Outcome::Applied { version, check, .. } => Cursor { version, check },
            other => panic!("not applied: {other:?}"),
        },
        other => panic!("no outcome: {other:?}"),
    }
}
