//! What the handle and the driver share: the last published state, those who listen, and the way
//! to the driver. The driver writes it after each batch; the handle only reads it and asks.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_feeds::FeedData;
use driftless_model::{
    BoardId, Change, Edit, EditId, Invalid, KindName, RecordId, Schema, SortedMap, SortedSet,
    Version, limits,
};
use driftless_protocol::durable::LocalChange;
use driftless_protocol::{FeedFrame, Payload, Query};
use driftless_sync::replica::undo_history::UndoState;
use driftless_sync::replica::view::{EntryView, RecordView, Resolution};
use driftless_sync::replica::{Command, NewEdit, SeenMark};
use futures::channel::mpsc::UnboundedSender;
use futures::channel::oneshot;
use serde::Serialize;

use crate::edit::{Drafted, EditBuilder, EditHandle, EditWaiter};
use crate::error::EditError;
use crate::event::{ClientEvent, Listeners};
use crate::history::History;
use crate::ledger::{Ledger, Ledgers};
use crate::receipt::Receipts;
use crate::reconnect::Bills;
use crate::status::Status;
use crate::surroundings::epoch_ms;

/// What the handle asks of the driver.
#[derive(Debug)]
pub(crate) enum Request {
    /// For the machine.
    Command(Box<Command>),
    /// The application knows about the network.
    SetOnline(bool),
    /// The cable is pulled, or put back.
    HoldNetwork(bool),
    /// Stop, then say so.
    Shutdown(oneshot::Sender<()>),
}

/// A board as it was last published.
#[derive(Debug, Default)]
pub(crate) struct PublishedBoard {
    pub(crate) is_loaded: bool,
    pub(crate) refusal: Option<String>,
    pub(crate) version: Version,
    pub(crate) records: SortedMap<RecordId, Arc<RecordView>>,
    pub(crate) outbox: Arc<Vec<EntryView>>,
    pub(crate) undo: UndoState,
    pub(crate) ledger: Ledger,
    /// What is on screen.
    pub(crate) seen: SeenMark,
}

/// A feed as it was last published.
#[derive(Debug)]
pub(crate) struct PublishedFeed {
    pub(crate) query: Query,
    pub(crate) data: Arc<FeedData>,
    /// What takes news of it, by way of who opens it: a page that opens none has no code for it.
    take: fn(&mut Arc<FeedData>, &FeedNews) -> Option<String>,
}

/// What arrives of a feed.
#[derive(Debug)]
pub(crate) enum FeedNews {
    Frame(FeedFrame),
    Error { feed: u32, detail: String },
}

impl PublishedFeed {
    fn open(query: Query) -> Self {
        Self {
            data: Arc::new(FeedData::new(&query)),
            query,
            take,
        }
    }

    /// Answers why nothing can be shown of it.
    pub(crate) fn take(&mut self, news: &FeedNews) -> Option<String> {
        (self.take)(&mut self.data, news)
    }
}

fn take(data: &mut Arc<FeedData>, news: &FeedNews) -> Option<String> {
    let data = Arc::make_mut(data);
    let error = match news {
        FeedNews::Frame(frame) => data.apply(frame).err().map(|error| error.to_string()),
        FeedNews::Error { detail, .. } => Some(detail.clone()),
    };
    if let Some(detail) = &error {
        data.error = Some(detail.clone());
    }
    error
}

/// How often changes were published, and how long that takes.
///
/// ```
/// use driftless_client::diagnostics::Flushes;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// let before: Flushes = client.diagnostics().flushes;
/// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// let after = client.diagnostics().flushes;
/// assert!(after.count > before.count && after.last_ms <= after.longest_ms);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Flushes {
    /// How often.
    pub count: u64,
    /// How long it took last, in milliseconds.
    pub last_ms: u64,
    /// The longest that it took, in milliseconds.
    pub longest_ms: u64,
}

impl Flushes {
    /// One more, that took so long.
    pub(crate) fn done(&mut self, cost_ms: u64) {
        self.count += 1;
        self.last_ms = cost_ms;
        self.longest_ms = self.longest_ms.max(cost_ms);
    }
}

/// Everything that a handle can read.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) status: Status,
    pub(crate) boards: SortedMap<BoardId, PublishedBoard>,
    pub(crate) feeds: SortedMap<u32, PublishedFeed>,
    /// Those who wait for an edit.
    pub(crate) waiters: SortedMap<EditId, EditWaiter>,
    /// How long publishing takes.
    pub(crate) flushes: Flushes,
    /// Samples of the open feeds that nobody saw.
    pub(crate) dropped_samples: u64,
    followed: SortedSet<BoardId>,
    next_feed: u32,
}

/// The driver's share.
#[derive(Debug, Default)]
pub(crate) struct State {
    published: Mutex<Published>,
    pub(crate) listeners: Listeners,
    /// What was told, for whoever looks into a problem.
    pub(crate) history: History,
    /// How far each edit came.
    pub(crate) receipts: Receipts,
    /// Whether all of them are accounted for.
    pub(crate) ledgers: Ledgers,
    /// What coming back cost.
    pub(crate) bills: Bills,
}

impl State {
    /// The published state. A panic elsewhere leaves it readable: each write of it is whole.
    pub(crate) fn published(&self) -> MutexGuard<'_, Published> {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who listens.
    pub(crate) fn tell(&self, event: &ClientEvent) {
        self.history.note(event, epoch_ms());
        self.listeners.tell(event);
    }
}

/// The handle's share. The driver stops when the last one is gone.
pub(crate) struct Shared {
    schema: Arc<Schema>,
    state: Arc<State>,
    requests: UnboundedSender<Request>,
}

/// Every handle has it: what is written of a handle is of the handle alone, not of all that the
/// client knows.
impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(
        schema: Arc<Schema>,
        state: Arc<State>,
        requests: UnboundedSender<Request>,
    ) -> Self {
        Self {
            schema,
            state,
            requests,
        }
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Whether the driver has stopped.
    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Asks the driver. One that has stopped hears nothing.
    pub(crate) fn ask(&self, request: Request) {
        // What a stopped client is asked for is lost on purpose; edits are refused before.
        let _ = self.requests.unbounded_send(request);
    }

    pub(crate) fn command(&self, command: Command) {
        if let Command::SetToken(Some(token)) = &command {
            self.state.history.hide(token);
        }
        self.ask(Request::Command(Box::new(command)));
    }

    /// Reads a board; one that was never published is empty.
    pub(crate) fn board<T>(&self, board: &BoardId, read: impl FnOnce(&PublishedBoard) -> T) -> T {
        match self.state.published().boards.get(board) {
            Some(board) => read(board),
            None => read(&PublishedBoard::default()),
        }
    }

    /// Follows a board, unless it is followed already. The lock is held throughout, here and below:
    /// the driver hears of both in the order in which they were counted.
    pub(crate) fn follow(&self, board: &BoardId) {
        let mut published = self.state.published();
        if published.followed.insert(board.clone()) {
            self.command(Command::Follow(board.clone()));
        }
    }

    /// Stops following a board.
    pub(crate) fn unfollow(&self, board: &BoardId) {
        let mut published = self.state.published();
        if published.followed.remove(board) {
            self.command(Command::Unfollow(board.clone()));
        }
    }

    /// Opens a feed; answers its number.
    pub(crate) fn open_feed(&self, query: Query) -> u32 {
        let mut published = self.state.published();
        let feed = published.next_feed;
        published.next_feed = feed.wrapping_add(1);
        let opened = PublishedFeed::open(query.clone());
        published.feeds.insert(feed, opened);
        self.command(Command::OpenFeed { feed, query });
        feed
    }

    pub(crate) fn close_feed(&self, feed: u32) {
        self.state.published().feeds.remove(&feed);
        self.command(Command::CloseFeed { feed });
    }

    pub(crate) fn feed_data(&self, feed: u32) -> Option<Arc<FeedData>> {
        let published = self.state.published();
        let feed = published.feeds.get(&feed);
        feed.map(|feed| Arc::clone(&feed.data))
    }

    pub(crate) fn retry(&self, board: &BoardId, edit: EditId) {
        let (board, id) = (board.clone(), random_id());
        self.command(Command::Retry { board, edit, id });
    }

    pub(crate) fn roll_back(&self, board: &BoardId, edit: EditId) {
        let board = board.clone();
        self.command(Command::RollBack { board, edit });
    }

    /// Settles an entry as the person decided who looked at this and at this version of its board.
    pub(crate) fn resolve(&self, view: &EntryView, resolution: Resolution, seen: Version) {
        self.command(Command::Resolve {
            board: view.board.clone(),
            edit: view.id,
            edits: view.edits,
            resolution,
            seen,
            id: random_id(),
        });
    }

    /// Checks an edit and hands it to the driver. The lock is held throughout, so that edits of
    /// several threads are made one after another.
    pub(crate) fn edit(
        &self,
        board: &BoardId,
        label: String,
        builder: EditBuilder,
    ) -> Result<EditHandle, EditError> {
        let mut published = self.state.published();
        let state = published.boards.get(board);
        let seen = state.map(|state| state.seen.clone()).unwrap_or_default();
        let drafted = builder.finish(seen)?;
        let id = random_id();
        validate(&self.schema, state, id, &label, &drafted)?;
        if self.is_closed() {
            return Err(EditError::Closed);
        }
        let (handle, waiter) = EditHandle::new(id);
        published.waiters.insert(id, waiter);
        self.command(Command::Edit(NewEdit {
            board: board.clone(),
            id,
            label,
            gesture: drafted.gesture,
            on_stale: drafted.on_stale,
            changes: drafted.changes,
        }));
        Ok(handle)
    }
}

fn random_id() -> EditId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness for an id");
    EditId(u128::from_be_bytes(bytes))
}

/// What the server will check too, and that there is room in the outbox.
fn validate(
    schema: &Schema,
    board: Option<&PublishedBoard>,
    id: EditId,
    label: &str,
    drafted: &Drafted,
) -> Result<(), EditError> {
    let waiting = board.map_or(0, |board| board.outbox.len());
    if waiting >= limits::OUTBOX_ENTRIES_MAX {
        let limit = limits::OUTBOX_ENTRIES_MAX;
        return Err(too_large("the outbox of this board", limit));
    }
    let edit = Edit {
        id,
        label: label.to_owned(),
        on_stale: drafted.on_stale,
        changes: drafted.changes.iter().map(longest).collect(),
    };
    let kind_of =
        |record: &RecordId| -> Option<&KindName> { Some(&board?.records.get(record)?.kind) };
    schema.validate(&edit, kind_of)?;
    match Payload::seal(&edit) {
        Ok(_) => Ok(()),
        Err(_) => Err(too_large("the edit", limits::PAYLOAD_BYTES_MAX)),
    }
}

/// The change as it will be sent, at its longest.
fn longest(change: &LocalChange) -> Change {
    Change {
        record: change.record.clone(),
        seen: Version(u64::MAX),
        op: change.op.clone(),
    }
}

fn too_large(what: &'static str, limit: usize) -> EditError {
    EditError::Invalid(Invalid::TooLarge { what, limit })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake, Waker};

    use futures::StreamExt;
    use futures::channel::mpsc::unbounded;

    use super::*;

    /// Looks, as a driver is woken by what it is asked for, whether anybody else could ask.
    struct Woken(Arc<State>, AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            let is_held = self.0.published.try_lock().is_err();
            assert!(is_held, "another thread may come between");
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn boards_are_followed_and_left_in_the_order_in_which_they_are_counted() {
        let state = Arc::new(State::default());
        let (requests, mut asked) = unbounded();
        let schema = Arc::new(Schema::default());
        let shared = Shared::new(schema, Arc::clone(&state), requests);
        let woken = Arc::new(Woken(state, AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut wait = || {
            while asked
                .poll_next_unpin(&mut Context::from_waker(&waker))
                .is_ready()
            {}
        };
        let board = BoardId::new("home").expect("an id");
        wait();
        shared.follow(&board);
        wait();
        shared.unfollow(&board);
        assert_eq!(woken.1.load(Ordering::Relaxed), 2);
    }
}
