//! The task around one room: commands in, the machine's outputs carried out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use driftless_model::{BoardId, ClientId, Cursor, EditId, Role, Schema, Version};
use driftless_protocol::message::{Outcome, Push};
use driftless_protocol::{CloseCode, Codec, ServerMessage};
use driftless_sync::room::{
    ConnectionId, Found, Input, Member, Output, Room, SharedResume, StreamItem,
};
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use crate::clock::now_ms;
use crate::hub::boards::Registry;
use crate::hub::committer::Committer;
use crate::hub::item::{Item, Watch};
use crate::hub::mailbox::{Closing, Content, Letter, Mailbox};
use crate::hub::news::Newsroom;
use crate::hub::ring::Ring;
use crate::hub::underway::{Received, Underway};
use crate::metrics::{Answer, Metrics};
use crate::store::SharedStore;

/// How long a room that nobody follows stays in memory.
const IDLE: Duration = Duration::from_mins(3);
/// How long what resumes were made of is kept after the last one: those who come together after a
/// restart share it, and then it takes no memory.
const NEWS_KEPT: Duration = Duration::from_secs(10);
/// How often an item's way to the connections is measured: measuring each one would cost a fan-out
/// a few hundredths of what it costs itself.
const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Commands that are taken before the outputs are carried out.
const COMMANDS_AT_ONCE: usize = 64;

/// What a connection asks of a room.
#[derive(Debug)]
pub enum Command {
    /// Follow the board; following again starts over.
    Subscribe {
        /// Who asks.
        connection: ConnectionId,
        /// Where the answers go.
        seat: Seat,
        /// As whom.
        member: Member,
        /// Where the replica stands.
        cursor: Option<Cursor>,
    },
    /// Stop following.
    Unsubscribe {
        /// Who asks.
        connection: ConnectionId,
    },
    /// What the connection's user may do is something else from here on.
    Role {
        /// Whose.
        connection: ConnectionId,
        /// What they may do.
        role: Role,
    },
    /// Take an edit.
    Push {
        /// Who asks.
        connection: ConnectionId,
        /// The edit in its envelope.
        push: Push,
        /// Since when it is under way.
        received: Received,
    },
    /// What is asked or said about screens: for the room as it is.
    Screens(Input),
    /// What is stored is another board from here on: read it, and have everybody resume.
    StartOver,
}

/// A connection's place in a board's audience.
#[derive(Debug, Clone)]
pub struct Seat {
    /// The replica.
    pub client: ClientId,
    /// What the connection speaks.
    pub codec: Codec,
    /// Its letters and bell.
    pub mailbox: Arc<Mailbox>,
    /// Which of its subscriptions this is.
    pub subscription: u64,
    /// The next item that it reads; [`Seat::WAITING`] before its resume.
    pub position: Arc<AtomicU64>,
}

impl Seat {
    /// The position of whoever has no resume yet, and so reads nothing.
    pub const WAITING: u64 = u64::MAX;

    fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }
}

/// One room and what it needs.
pub struct Actor {
    pub board: BoardId,
    pub store: SharedStore,
    pub committer: Committer,
    pub ring: Arc<Ring>,
    pub registry: Weak<Registry>,
    metrics: Arc<Metrics>,
    schema: Arc<Schema>,
    room: Room,
    audience: HashMap<ConnectionId, Seat>,
    /// What the room asked for and is not answered yet.
    asked: FuturesUnordered<BoxFuture<'static, Input>>,
    /// What the room published and is not in the ring yet.
    published: Vec<Arc<Item>>,
    underway: Underway,
    newsroom: Newsroom,
    /// When it was asked last.
    newsroom_used_at: tokio::time::Instant,
    /// When the outputs that are being carried out became durable, once one of them asked.
    now: Option<Instant>,
    /// When the last item was published whose way is measured.
    watched_at: Option<Instant>,
}

impl Actor {
    /// A room that has read nothing yet.
    pub fn new(
        board: BoardId,
        schema: Arc<Schema>,
        store: SharedStore,
        committer: Committer,
        registry: Weak<Registry>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            room: Room::new(board.clone(), schema.clone()),
            schema,
            board,
            store,
            committer,
            ring: Arc::new(Ring::default()),
            registry,
            newsroom: Newsroom::new(metrics.clone()),
            newsroom_used_at: tokio::time::Instant::now(),
            metrics,
            audience: HashMap::new(),
            asked: FuturesUnordered::new(),
            published: Vec::new(),
            underway: Underway::default(),
            now: None,
            watched_at: None,
        }
    }

    /// Runs until nobody has needed the room for a while, or until the server stops and everything
    /// that was asked for is answered.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut taken = Vec::with_capacity(COMMANDS_AT_ONCE);
        let mut is_open = true;
        while is_open || !self.asked.is_empty() {
            let is_idle = self.room.is_idle() && self.asked.is_empty();
            let forget_at = self.newsroom_used_at + NEWS_KEPT;
            tokio::select! {
                count = commands.recv_many(&mut taken, COMMANDS_AT_ONCE), if is_open => {
                    is_open = count > 0;
                    taken.drain(..).for_each(|command| self.take(command));
                }
                Some(input) = self.asked.next() => self.room.handle(input, now_ms()),
                () = tokio::time::sleep_until(forget_at), if !self.newsroom.is_empty() => {
                    self.newsroom.clear();
                }
                () = tokio::time::sleep(IDLE), if is_idle => {
                    let registry = self.registry.upgrade();
                    if registry.is_none_or(|registry| registry.retire(&self.board)) {
                        return;
                    }
                }
            }
            self.carry_out();
        }
    }

    fn take(&mut self, command: Command) {
        let input = match command {
            Command::Subscribe {
                connection,
                seat,
                member,
                cursor,
            } => {
                self.audience.insert(connection, seat);
                Input::Subscribe {
                    connection,
                    member,
                    cursor,
                }
            }
            Command::Unsubscribe { connection } => {
                self.audience.remove(&connection);
                Input::Unsubscribe { connection }
            }
            Command::Role { connection, role } => Input::Role { connection, role },
            Command::Push {
                connection,
                push,
                received,
            } => {
                let span = received.span.clone();
                span.in_scope(|| tracing::debug!("reached its room"));
                if let Some(seat) = self.audience.get(&connection) {
                    self.underway.add(seat.client, push.seq, received);
                }
                Input::Push { connection, push }
            }
            Command::Screens(input) => input,
            Command::StartOver => return self.start_over(),
        };
        let is_subscribe = matches!(input, Input::Subscribe { .. });
        self.room.handle(input, now_ms());
        if is_subscribe {
            // The answer may be large: it goes before another is made, and takes the place of one
            // to a former subscription that still waits.
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Load => self.load(),
                Output::LookUp {
                    connection,
                    version,
                } => self.look_up(connection, version),
                Output::Find { number, id, above } => self.find(number, id, above),
                Output::Commit(append) => {
                    let stored = self.committer.clone().commit(*append);
                    let stored = async move { Input::Stored(stored.await) };
                    self.asked.push(Box::pin(stored));
                }
                Output::Stream(item) => self.stream(*item),
                Output::Resume { connection, resume } => self.resume(connection, resume),
                Output::Send {
                    connection,
                    message,
                } => self.send(connection, message),
                Output::Withdraw {
                    connection,
                    message,
                } => {
                    self.send(connection, message);
                    self.audience.remove(&connection);
                }
                Output::CutAll => self.cut_all(),
            }
        }
        self.publish();
    }

    fn load(&mut self) {
        let (store, board) = (self.store.clone(), self.board.clone());
        self.asked.push(Box::pin(async move {
            match store.load(&board).await {
                Ok(image) => Input::Loaded(Box::new(image)),
                Err(error) => {
                    tracing::error!(%board, %error, "a board cannot be loaded");
                    Input::LoadFailed
                }
            }
        }));
    }

    fn look_up(&mut self, connection: ConnectionId, version: Version) {
        let (store, board) = (self.store.clone(), self.board.clone());
        self.asked.push(Box::pin(async move {
            let check = store.check_at(&board, version).await;
            // Without an answer the replica gets a snapshot, which is right for every replica.
            let check = check.unwrap_or_else(|error| {
                tracing::error!(%board, %error, "a check cannot be looked up");
                None
            });
            Input::Looked {
                connection,
                version,
                check,
            }
        }));
    }

    fn find(&mut self, number: u64, id: EditId, above: Version) {
        let (store, board) = (self.store.clone(), self.board.clone());
        self.asked.push(Box::pin(async move {
            let found = match store.find(&board, id, above).await {
                Ok(Some(row)) => Found::Applied(Box::new(row)),
                Ok(None) => Found::Nowhere,
                Err(error) => {
                    tracing::error!(%board, %error, "the log cannot be searched");
                    Found::Unknown
                }
            };
            Input::Found { number, found }
        }));
    }

    /// What became of an edit is durable.
    fn stream(&mut self, item: StreamItem) {
        let client = item.author();
        let (StreamItem::Applied { outcome, .. } | StreamItem::Private { outcome, .. }) = &item;
        self.metrics.answered(match &outcome.outcome {
            Outcome::Applied { .. } => Answer::Applied,
            Outcome::Conflict { .. } => Answer::Conflict,
            _ => Answer::Rejected,
        });
        let now = *self.now.get_or_insert_with(Instant::now);
        let received_at = self.underway.settle(client, outcome);
        if let Some(received_at) = received_at {
            self.metrics.published(now.duration_since(received_at));
        }
        let watch = self.watch(now, received_at);
        self.published.push(Arc::new(Item::new(item, watch)));
    }

    /// Whether the way of an item that is published now is measured.
    fn watch(&mut self, published_at: Instant, received_at: Option<Instant>) -> Option<Watch> {
        let is_due = |last: Instant| published_at.duration_since(last) >= WATCH_EVERY;
        if !self.watched_at.is_none_or(is_due) {
            return None;
        }
        self.watched_at = Some(published_at);
        Some(Watch {
            published_at,
            received_at,
        })
    }

    /// Puts what was published in the ring and wakes the audience, once for all of it.
    fn publish(&mut self) {
        self.now = None;
        if self.published.is_empty() {
            return;
        }
        self.newsroom.outdate();
        let positions = self.audience.values().map(Seat::position);
        let read = positions.min().unwrap_or(Seat::WAITING);
        self.ring.extend(self.published.drain(..), read);
        for seat in self.audience.values() {
            seat.mailbox.ring();
        }
    }

    fn resume(&mut self, connection: ConnectionId, resume: SharedResume) {
        self.publish();
        let end = self.ring.end();
        self.newsroom_used_at = tokio::time::Instant::now();
        if let Some(seat) = self.audience.get(&connection) {
            let news = self.newsroom.news(seat.codec, &resume);
            seat.position.store(end, Ordering::Release);
            let head = resume.head;
            self.post(seat, Content::Resume { head, news });
        }
    }

    fn send(&mut self, connection: ConnectionId, message: Box<ServerMessage>) {
        self.publish();
        if let Some(seat) = self.audience.get(&connection) {
            if let Some((answer, seq, why)) = refusal(&message) {
                self.metrics.answered(answer);
                self.underway.refuse(seat.client, seq, why);
            }
            self.post(seat, Content::Message(message));
        }
    }

    fn post(&self, seat: &Seat, content: Content) {
        seat.mailbox.post(Letter::Board {
            board: self.board.clone(),
            subscription: seat.subscription,
            at: self.ring.end(),
            content,
        });
    }

    /// A commit that is under way counts if the store finds that it follows what is there; the next
    /// one finds out.
    fn start_over(&mut self) {
        self.cut_all();
        self.asked.clear();
        self.room = Room::new(self.board.clone(), self.schema.clone());
    }

    fn cut_all(&mut self) {
        tracing::warn!(board = %self.board, "followers are cut: what is stored has to be read again");
        self.published.clear();
        self.newsroom.clear();
        self.underway.clear();
        self.ring.clear();
        let reason = format!("the board {} is read again; resume", self.board);
        let closing = Closing::new(CloseCode::Reset, reason);
        for (_, seat) in self.audience.drain() {
            seat.mailbox.post(Letter::Close(closing.clone()));
        }
    }
}

impl Drop for Actor {
    /// A room that panics is gone, and another one reads what is stored: whoever followed resumes.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.cut_all();
        }
    }
}

/// From which seq on a message says that edits are not taken, and why.
fn refusal(message: &ServerMessage) -> Option<(Answer, u64, &'static str)> {
    match message {
        ServerMessage::Refused { seq, code, .. } => Some((Answer::Refused, *seq, code.as_str())),
        ServerMessage::Expect { seq, .. } => Some((Answer::Expected, *seq, "out_of_order")),
        ServerMessage::Error { code, .. } => Some((Answer::Failed, 0, code.as_str())),
        _ => None,
    }
}
