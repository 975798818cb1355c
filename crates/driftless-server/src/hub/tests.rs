use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driftless_model::{
    BoardId, Change, Check, ClientId, Cursor, Edit, EditId, KindName, LeafPath, OnStale, Op,
    RecordId, Role, Schema, UserId, Value, Version, limits,
};
use driftless_protocol::message::{Outcome, Push, Resume};
use driftless_protocol::{CloseCode, Code, Payload, ServerMessage};
use driftless_store::server::{BoardStore, BoardSummary, MemoryBoards, StoreError};
use driftless_sync::room::{Append, BoardImage, LogRow, Member, Stored};
use tokio::sync::Semaphore;

use super::committer::Committer;
use super::mailbox::Letter;
use super::ring::Portion;
use super::*;
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
        let client = ClientId(client);
        let entry = self.connections.enter(client, ann());
        let mut follower = Follower::new(self.boards.clone(), entry, client);
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
    let leaf = LeafPath::new(leaf).expect("a path");
    let change = Change {
        record: RecordId::new("cpu").expect("a record id"),
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
    follower.push(push).await.expect("is taken");
    match message(follower).await {
        ServerMessage::Outcome(settled) => match settled.outcome {
            Outcome::Applied { version, .. } => version,
            other => panic!("not applied: {other:?}"),
        },
        other => panic!("no outcome: {other:?}"),
    }
}

#[tokio::test]
async fn the_author_gets_the_outcome_and_others_the_event() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut other).await;
    assert_eq!(applied(&mut author, push(1, "CPU")).await, Version(1));
    let ServerMessage::Event(event) = message(&mut other).await else {
        panic!("no event");
    };
    assert_eq!((event.version, event.author), (Version(1), ann()));
}

#[tokio::test]
async fn whoever_lags_past_the_ring_resumes_from_what_was_delivered() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    let first = applied(&mut author, push(1, "first")).await;
    assert!(
        matches!(message(&mut slow).await, ServerMessage::Event(event) if event.version == first)
    );
    let count = limits::RING_ITEMS_MAX as u64 + 10;
    for seq in 2..=count {
        applied(&mut author, push(seq, &format!("title {seq}"))).await;
    }
    let resume = resume(&mut slow).await;
    assert_eq!(resume.cursor.version, Version(count));
    assert!(!resume.full, "what was delivered is not sent again");
    assert_eq!((resume.records.len(), resume.leaves.len()), (0, 1));
    applied(&mut author, push(count + 1, "on")).await;
    let ServerMessage::Event(event) = message(&mut slow).await else {
        panic!("no event");
    };
    assert_eq!(event.version, Version(count + 1));
}

#[tokio::test]
async fn what_comes_before_a_letter_is_read_in_portions_too() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    let text = "x".repeat(60_000);
    for seq in 1..=20 {
        applied(&mut author, write(seq, "options/text", &text)).await;
    }
    // Out of order: answered after the twenty, and before the last.
    slow.push(push(9, "CPU")).await.expect("is taken");
    applied(&mut author, push(21, "CPU")).await;
    let mut all = Vec::new();
    loop {
        let mut portion = Vec::new();
        let is_all = slow.deliver(256, &mut portion).await;
        let weights = portion.iter().filter_map(|delivery| match delivery {
            Delivery::Item(item) => Some(item.weight_bytes),
            _ => None,
        });
        let weights: Vec<usize> = weights.collect();
        let (all_bytes, last) = (weights.iter().sum::<usize>(), weights.last());
        let before_last = all_bytes - last.expect("something comes");
        assert!(before_last < limits::DELIVERED_BYTES_MAX, "{weights:?}");
        assert!(
            is_all || all_bytes >= limits::DELIVERED_BYTES_MAX,
            "{weights:?}"
        );
        all.append(&mut portion);
        if is_all {
            break;
        }
    }
    assert_eq!(all.len(), 22);
    let answer = all[20].message(ClientId(2));
    assert!(
        matches!(answer, Some(ServerMessage::Expect { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_ring_keeps_only_what_somebody_has_not_read() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    let mut slow = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut slow).await;
    for seq in 1..=20 {
        applied(&mut author, push(seq, "x")).await;
    }
    let ring = server.boards.open(&home()).expect("is open").ring;
    assert_eq!(
        ring.read(0, u64::MAX, Portion::ALL, |_| ())
            .map(|taken| taken.next),
        Ok(20)
    );
    take(&mut slow, 20).await;
    applied(&mut author, push(21, "x")).await;
    assert!(ring.read(0, u64::MAX, Portion::ALL, |_| ()).is_err());
    assert_eq!(ring.end(), 21);
}

#[tokio::test]
async fn when_nobody_knows_whether_a_commit_happened_its_followers_are_cut() {
    for answer in [Stored::Unknown, Stored::Conflict] {
        let store = Gated::new(1, Some(answer));
        let server = Server::new(store);
        let mut author = server.follower(1, None).await;
        let mut other = server.follower(2, None).await;
        resume(&mut author).await;
        resume(&mut other).await;
        author.push(push(1, "CPU")).await.expect("is taken");
        for follower in [&mut author, &mut other] {
            let delivery = take(follower, 1).await.remove(0);
            let Delivery::Close(closing) = delivery else {
                panic!("not cut: {delivery:?}");
            };
            assert_eq!(closing.code, CloseCode::Reset);
        }
        // It happened: whoever comes back finds it.
        let mut again = server.follower(1, None).await;
        let resume = resume(&mut again).await;
        assert_eq!((resume.cursor.version, resume.last_seq), (Version(1), 1));
    }
}

#[tokio::test]
async fn when_a_room_panics_its_followers_are_cut_and_the_board_is_read_again() {
    let store = Gated::new(1, Some(Stored::Failed));
    let panics = store.panics.clone();
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut author).await;
    resume(&mut other).await;
    // After a commit that failed the board is read again: there the room panics.
    panics.store(true, Ordering::Release);
    author.push(push(1, "CPU")).await.expect("is taken");
    let delivery = take(&mut other, 1).await.remove(0);
    let Delivery::Close(closing) = delivery else {
        panic!("not cut: {delivery:?}");
    };
    assert_eq!(closing.code, CloseCode::Reset);
    let refused = message(&mut author).await;
    assert!(
        matches!(refused, ServerMessage::Refused { .. }),
        "{refused:?}"
    );
    let delivery = take(&mut author, 1).await.remove(0);
    assert!(matches!(delivery, Delivery::Close(_)), "{delivery:?}");
    panics.store(false, Ordering::Release);
    let mut again = server.follower(2, None).await;
    resume(&mut again).await;
}

#[tokio::test]
async fn whoever_writes_past_the_room_is_found_out_and_read() {
    let store = MemoryBoards::new();
    let server = Server::new(store.clone());
    let elsewhere = Server::new(store);
    let mut here = server.follower(1, None).await;
    let mut there = elsewhere.follower(2, None).await;
    resume(&mut here).await;
    resume(&mut there).await;
    assert_eq!(applied(&mut there, push(1, "there")).await, Version(1));
    here.push(push(1, "here")).await.expect("is taken");
    let delivery = take(&mut here, 1).await.remove(0);
    assert!(matches!(delivery, Delivery::Close(_)), "{delivery:?}");
    let mut again = server.follower(1, None).await;
    assert_eq!(resume(&mut again).await.cursor.version, Version(1));
    assert_eq!(applied(&mut again, push(1, "here")).await, Version(2));
}

#[tokio::test]
async fn a_store_that_fails_is_a_transient_refusal_and_the_edit_passes_later() {
    let store = Gated::new(1, None);
    let failing = Gated {
        answer: Some(Stored::Failed),
        boards: MemoryBoards::new(),
        ..store
    };
    let server = Server::new(failing);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    author.push(push(1, "CPU")).await.expect("is taken");
    let ServerMessage::Refused { seq, code, .. } = message(&mut author).await else {
        panic!("not refused");
    };
    assert_eq!((seq, code), (1, Code::Unavailable));
}

#[tokio::test]
async fn one_connection_cannot_fill_a_rooms_queue() {
    let store = Gated::new(0, None);
    let permits = store.permits.clone();
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    let limit = limits::UNANSWERED_PUSHES_MAX as u64;
    for seq in 1..=limit {
        author.push(push(seq, "x")).await.expect("is taken");
    }
    let refused = author
        .push(push(limit + 1, "x"))
        .await
        .expect_err("refused");
    assert!(
        matches!(
            *refused,
            ServerMessage::Refused {
                code: Code::RateLimited,
                ..
            }
        ),
        "{refused:?}"
    );
    permits.add_permits(10);
    let outcomes = take(&mut author, limits::UNANSWERED_PUSHES_MAX).await;
    assert_eq!(outcomes.len(), limits::UNANSWERED_PUSHES_MAX);
    assert_eq!(
        applied(&mut author, push(limit + 1, "x")).await,
        Version(limit + 1)
    );
}

#[tokio::test]
async fn a_connection_follows_as_many_boards_as_it_may_and_not_one_more() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    let board = |number: usize| BoardId::new(format!("board-{number}")).expect("a board id");
    for number in 1..limits::BOARDS_PER_CONNECTION_MAX {
        let board = board(number);
        let begun = follower.follow(&board, member(ClientId(1)), None).await;
        begun.expect("is within the limit");
    }
    let error = follower.follow(&board(0), member(ClientId(1)), None).await;
    let error = error.expect_err("is one past the limit");
    assert!(
        matches!(
            *error,
            ServerMessage::Error {
                code: Code::TooLarge,
                ..
            }
        ),
        "{error:?}"
    );
    follower.leave(&home()).await;
    let begun = follower.follow(&board(0), member(ClientId(1)), None).await;
    begun.expect("there is room again");
}

#[tokio::test]
async fn letters_of_a_former_subscription_are_not_read() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    // The first resume is in the mailbox, unread, when the second subscription begins.
    tokio::time::timeout(PATIENCE, follower.mailbox().clone().rung())
        .await
        .expect("the resume comes");
    let begun = follower.follow(&home(), member(ClientId(1)), None).await;
    begun.expect("follows");
    resume(&mut follower).await;
    assert_eq!(applied(&mut follower, push(1, "CPU")).await, Version(1));
}

#[tokio::test]
async fn whoever_follows_a_board_again_and_again_has_one_resume_waiting() {
    let server = Server::new(MemoryBoards::new());
    let mut follower = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut follower).await;
    resume(&mut other).await;
    for _ in 0..64 {
        let begun = follower.follow(&home(), member(ClientId(1)), None).await;
        begun.expect("follows");
    }
    // The room takes this after all of those.
    applied(&mut other, push(1, "CPU")).await;
    let letter = follower.mailbox().take();
    assert!(matches!(letter, Some(Letter::Board { .. })), "{letter:?}");
    assert!(follower.mailbox().take().is_none());
}

#[tokio::test]
async fn the_newest_connection_of_a_client_wins_and_others_are_left_alone() {
    let server = Server::new(MemoryBoards::new());
    let mut old = server.follower(1, None).await;
    let mut other = server.follower(2, None).await;
    resume(&mut old).await;
    resume(&mut other).await;
    let stranger = UserId::new("Bo").expect("a user");
    let same_client_of_another_user = server.connections.enter(ClientId(1), stranger);
    let mut new = server.follower(1, None).await;
    resume(&mut new).await;
    let delivery = take(&mut old, 1).await.remove(0);
    let Delivery::Close(closing) = delivery else {
        panic!("not replaced: {delivery:?}");
    };
    assert_eq!(closing.code, CloseCode::Replaced);
    drop(old);
    assert_eq!(server.connections.count(), 3);
    assert!(same_client_of_another_user.mailbox.take().is_none());
    let mut more = Vec::new();
    other.deliver(10, &mut more).await;
    assert!(more.is_empty());
    assert_eq!(applied(&mut new, push(1, "CPU")).await, Version(1));
}

#[tokio::test]
async fn appends_that_wait_are_one_batch() {
    let store = Gated::new(0, None);
    let (committer, writing) = Committer::start(Arc::new(store.clone()), Arc::new(Metrics::new()));
    let append = |board: &str| Append {
        board: BoardId::new(board).expect("a board id"),
        expect: Cursor::default(),
        head: Cursor::default(),
        log: vec![],
        delta: driftless_sync::room::Delta::default(),
        ledger: vec![],
        prune: driftless_sync::room::Prune::default(),
    };
    let mut first = Box::pin(committer.clone().commit(append("a")));
    assert!(futures::poll!(&mut first).is_pending());
    while store.batches.lock().expect("not poisoned").is_empty() {
        tokio::task::yield_now().await;
    }
    // As many as a batch may have, and one more.
    let rest = (0..=limits::BOARDS_PER_BATCH_MAX).map(|number| format!("b{number}"));
    let rest = rest.map(|board| committer.clone().commit(append(&board)));
    // More than a task may poll before it has to yield.
    let rest = rest.map(|commit| Box::pin(tokio::task::unconstrained(commit)));
    let mut rest: Vec<_> = rest.collect();
    for commit in &mut rest {
        assert!(futures::poll!(commit).is_pending());
    }
    store.permits.add_permits(3);
    assert_eq!(first.await, Stored::Committed);
    let stored = futures::future::join_all(rest).await;
    assert!(stored.iter().all(|stored| *stored == Stored::Committed));
    let batches = [1, limits::BOARDS_PER_BATCH_MAX, 1];
    assert_eq!(*store.batches.lock().expect("not poisoned"), batches);
    drop(committer);
    writing.await.expect("ends by itself");
}

#[tokio::test]
async fn stopping_waits_for_what_was_pushed() {
    let store = Gated::new(0, None);
    let (boards, permits) = (store.boards.clone(), store.permits.clone());
    let server = Server::new(store);
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    author.push(push(1, "CPU")).await.expect("is taken");
    drop(author);
    let mut stopping = Box::pin(server.boards.stop());
    assert!(futures::poll!(&mut stopping).is_pending());
    permits.add_permits(1);
    tokio::time::timeout(PATIENCE, stopping)
        .await
        .expect("stops");
    assert_eq!(boards.load_now(&home()).head.version, Version(1));
    assert!(server.boards.open(&home()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_room_that_nobody_needs_is_dropped_and_opened_again() {
    let server = Server::new(MemoryBoards::new());
    let mut author = server.follower(1, None).await;
    resume(&mut author).await;
    assert_eq!(applied(&mut author, push(1, "CPU")).await, Version(1));
    tokio::time::advance(Duration::from_hours(1)).await;
    assert_eq!(server.boards.count(), 1);
    drop(author);
    // Time only moves when everything waits, so this is no race.
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(server.boards.count(), 0);
    let mut again = server.follower(1, None).await;
    assert_eq!(resume(&mut again).await.cursor.version, Version(1));
}
