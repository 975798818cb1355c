//! What happens, told to everybody who listens.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use driftless_model::{BoardId, EditId, LeafRef, RecordId, UserId, Value, Version};
use futures::Stream;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use crate::error::ClientError;
use crate::news::{Topic, Watchers};
use crate::status::Status;

/// Something happened. What can be read (status, records, outbox, feed) is there to be read
/// already when the event arrives.
///
/// ```
/// use driftless_client::ClientEvent;
/// use driftless_testkit::TestKit;
/// use futures::{FutureExt, StreamExt};
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// let mut events = client.events();
/// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.advance_ms(1_000);
/// let mut applied = Vec::new();
/// while let Some(Some(event)) = events.next().now_or_never() {
///     if let ClientEvent::EditApplied { label, .. } = event {
///         applied.push(label);
///     }
/// }
/// assert_eq!(applied, ["Add a note"]);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The status changed.
    Status(Status),
    /// A board changed on screen: its records, its version, or whether it is loaded.
    Board {
        /// Which.
        board: BoardId,
        /// The records to read again; one that is not there any more was removed.
        changed: Vec<RecordId>,
    },
    /// The outbox of a board changed.
    Outbox {
        /// Which board.
        board: BoardId,
    },
    /// A feed has new data, or an error.
    Feed {
        /// Its number: [`crate::Feed::id`].
        feed: u32,
    },
    /// An edit of this replica was applied.
    EditApplied {
        /// On which board.
        board: BoardId,
        /// Which.
        id: EditId,
        /// What the person did, in words.
        label: String,
        /// The version that it made.
        version: Version,
    },
    /// An edit of this replica was not applied; a conflicted or refused one waits in the outbox.
    EditFailed {
        /// On which board.
        board: BoardId,
        /// Which.
        id: EditId,
        /// What the person did, in words.
        label: String,
        /// Why, in words.
        detail: String,
    },
    /// An edit of this replica replaced a value that its author had not seen, as the leaf's policy
    /// (`LastWriter`) allows.
    Replaced {
        /// On which board.
        board: BoardId,
        /// Which leaf.
        leaf: LeafRef,
        /// The value that is no more.
        value: Option<Value>,
        /// Whose it was.
        author: UserId,
    },
    /// Somebody replaced a value of this user's without having seen it, as the leaf's policy
    /// (`LastWriter`) allows. Writing the value again puts it back.
    Overwritten {
        /// On which board.
        board: BoardId,
        /// Which leaf.
        leaf: LeafRef,
        /// The value that is no more.
        value: Option<Value>,
        /// Who replaced it.
        by: UserId,
        /// The version that did.
        version: Version,
    },
    /// An edit of this replica left something out: what somebody changed since (an undo), or a
    /// record that is gone (a move, a removal).
    Skipped {
        /// On which board.
        board: BoardId,
        /// Which edit.
        id: EditId,
        /// What the person did, in words.
        label: String,
        /// What was left out.
        leaves: Vec<LeafRef>,
    },
    /// A conflict was settled without asking: see [`crate::Client::auto_resolve`].
    AutoResolved {
        /// On which board.
        board: BoardId,
        /// The outbox entry that it was.
        number: u64,
        /// What the person had done, in words.
        label: String,
        /// Whether mine was kept; otherwise theirs was taken.
        kept_mine: bool,
    },
    /// On how many screens of others a version is, so far: see [`crate::Board::ask_screens`].
    Screens {
        /// Of which board.
        board: BoardId,
        /// Which version.
        version: Version,
        /// How many other devices were asked.
        asked: u32,
        /// How many of them show it.
        shown: u32,
    },
    /// Something went wrong outside of any single edit.
    Error(ClientError),
}

/// The events of a client from the moment of [`crate::Client::events`] on; ends with the client.
/// Nothing is dropped: a listener that does not listen any more should be dropped.
///
/// ```
/// use driftless_client::{Client, ClientEvent};
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let client = Client::builder("ws://127.0.0.1:1/rt").auto_connect(false).start();
/// let events = client.events();
/// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// client.shutdown().await;
/// // It has ended with the client.
/// let events: Vec<ClientEvent> = events.collect().await;
/// assert!(events.iter().any(|event| matches!(event, ClientEvent::Outbox { .. })));
/// # Ok::<(), driftless_client::EditError>(())
/// # })?;
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug)]
pub struct EventStream(UnboundedReceiver<ClientEvent>);

impl Stream for EventStream {
    type Item = ClientEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ClientEvent>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// Everybody who listens, and everybody who watches.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    listening: Mutex<Listening>,
    pub(crate) watchers: Watchers,
}

#[derive(Debug, Default)]
struct Listening {
    senders: Vec<UnboundedSender<ClientEvent>>,
    has_ended: bool,
}

impl Listeners {
    /// One more.
    pub(crate) fn listen(&self) -> EventStream {
        let (sender, receiver) = unbounded();
        let mut listening = self.listening();
        if !listening.has_ended {
            listening.senders.push(sender);
        }
        EventStream(receiver)
    }

    /// Tells all of them; those that are gone are forgotten.
    pub(crate) fn tell(&self, event: &ClientEvent) {
        let senders = &mut self.listening().senders;
        senders.retain(|listener| listener.unbounded_send(event.clone()).is_ok());
        self.watchers.tell(|topic| concerns(topic, event));
    }

    /// Ends every stream.
    pub(crate) fn end(&self) {
        *self.listening() = Listening {
            senders: Vec::new(),
            has_ended: true,
        };
        self.watchers.end();
    }

    fn listening(&self) -> MutexGuard<'_, Listening> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what is read under a topic may be different after an event.
fn concerns(topic: &Topic, event: &ClientEvent) -> bool {
    match (topic, event) {
        (Topic::Status, ClientEvent::Status(_)) => true,
        (Topic::Board(of), ClientEvent::Board { board, .. })
        | (Topic::Outbox(of), ClientEvent::Outbox { board }) => of == board,
        (Topic::Record(of, record), ClientEvent::Board { board, changed }) => {
            of == board && changed.contains(record)
        }
        (Topic::Feed(of), ClientEvent::Feed { feed }) => of == feed,
        _ => false,
    }
}
