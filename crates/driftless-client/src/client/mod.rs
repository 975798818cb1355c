//! The public handle of a replica.

mod builder;

use std::sync::Arc;

use driftless_model::{BoardId, Schema};
use driftless_protocol::Query;
use driftless_sync::replica::Command;
use driftless_sync::replica::view::{AutoResolve, Connection, StorageVerdict};
use futures::StreamExt;
use futures::channel::oneshot;

pub use self::builder::ClientBuilder;
use crate::board::Board;
use crate::error::ConnectError;
use crate::event::EventStream;
use crate::feed::Feed;
use crate::names::Name;
use crate::news::Topic;
use crate::shared::{Published, Request, Shared};
use crate::status::Status;
use crate::watch::Watch;

/// A replica of one server's boards: edits, reads, live feeds, over one connection. Cheap to clone;
/// `Send`. It stops when the last clone, board and feed of it is dropped, or by
/// [`Client::shutdown`].
///
/// ```
/// use driftless_client::{Client, EditError};
///
/// # futures::executor::block_on(async {
/// // It works without a server, too; this one has no file, so that nothing is kept.
/// let client = Client::builder("ws://127.0.0.1:1/rt").start();
/// let elsewhere = client.clone();
/// let thread = std::thread::spawn(move || {
///     elsewhere.board("home").edit("Add a note", |e| e.create("note", "note", []))
/// });
/// let edit = thread.join().expect("nothing panics")?;
/// edit.stored().await?;
/// client.shutdown().await;
/// assert_eq!(edit.applied().await, Err(EditError::Closed));
/// # Ok::<(), EditError>(())
/// # })?;
/// # Ok::<(), EditError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

impl Client {
    /// Starts to describe a client. `url` is the endpoint: `ws://` or `wss://`; in a browser also
    /// `http(s)://` or relative to the page (`/rt`).
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// let client = Client::builder("wss://boards.example/rt").auto_connect(false).start();
    /// assert!(client.status().user.is_none());
    /// ```
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// How it is, as last published.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let status = kit.person("Ann").client().status();
    /// assert_eq!(status.user.expect("is signed in").as_str(), "Ann");
    /// assert_eq!((status.pending, status.conflicts), (0, 0));
    /// ```
    pub fn status(&self) -> Status {
        self.shared.state().published().status.clone()
    }

    /// How it is, now and from now on.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    /// use futures::StreamExt;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let mut status = ann.client().watch_status();
    /// assert!(kit.until(status.next()).is_some_and(|status| status.user.is_some()));
    /// ```
    pub fn watch_status(&self) -> Watch<Status> {
        let read = |published: &Published| published.status.clone();
        Watch::new(Arc::clone(self.shared.state()), Topic::Status, read)
    }

    /// Connects, and stays connected: it comes back by itself.
    ///
    /// ```
    /// use driftless_client::SyncState;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// client.disconnect();
    /// kit.advance_ms(60_000);
    /// assert!(matches!(client.status().sync_state(), SyncState::Disconnected { .. }));
    /// client.connect();
    /// kit.advance_ms(1_000);
    /// assert_eq!(client.status().sync_state(), SyncState::Live);
    /// ```
    pub fn connect(&self) {
        self.shared.command(Command::Connect);
    }

    /// Disconnects. Edits wait in the outbox.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// client.disconnect();
    /// let edit = client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.advance_ms(60_000);
    /// assert_eq!(client.status().pending, 1);
    /// client.connect();
    /// kit.until(edit.applied())?;
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn disconnect(&self) {
        self.shared.command(Command::Disconnect);
    }

    /// Who the user is, from now on: connects again with the new token. What was made as somebody
    /// else is not sent as this one: it waits for its author.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// client.set_token(Some("Bob".to_owned()));
    /// kit.advance_ms(1_000);
    /// assert_eq!(client.status().user.expect("is signed in").as_str(), "Bob");
    /// ```
    pub fn set_token(&self, token: Option<String>) {
        self.shared.command(Command::SetToken(token));
    }

    /// What happens to conflicts from now on, those that wait included, on every board. Each that
    /// settles itself is told: [`crate::ClientEvent::AutoResolved`]. Never, unless told otherwise.
    ///
    /// ```
    /// use driftless_client::AutoResolve;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// // A program without a person: where somebody changed the same, they are right.
    /// kit.person("robot").client().auto_resolve(AutoResolve::Theirs);
    /// ```
    pub fn auto_resolve(&self, auto_resolve: AutoResolve) {
        self.shared.command(Command::AutoResolve(auto_resolve));
    }

    /// Whether the device has a network, for applications that know better than the platform.
    ///
    /// ```
    /// use driftless_client::view::Connection;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// // The application knows that the modem is off: no attempt is made.
    /// client.set_online(false);
    /// kit.settle();
    /// assert_eq!(client.status().connection, Connection::Offline);
    /// ```
    pub fn set_online(&self, is_online: bool) {
        self.shared.ask(Request::SetOnline(is_online));
    }

    /// Pulls the cable (`true`) or puts it back: the socket is dropped without a farewell, whatever
    /// is on its way is lost, and none is opened until then. Shown as [`Status::network_held`].
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// client.hold_network(true);
    /// let edit = client.board("home").edit("Add", |e| e.create("note", "note", []))?;
    /// kit.advance_ms(60_000);
    /// assert_eq!(client.status().pending, 1);
    /// client.hold_network(false);
    /// kit.until(edit.applied())?;
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    /// Where tabs share the replica, it counts in the tab that leads: the socket is its.
    pub fn hold_network(&self, is_held: bool) {
        self.shared.ask(Request::HoldNetwork(is_held));
    }

    /// Takes the lead from the other tabs, or the replica from another process, "use here".
    ///
    /// ```
    /// use driftless_client::SyncState;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// // Behind a button "Use here", where the status says that another one has it.
    /// if client.status().sync_state() == SyncState::OpenElsewhere {
    ///     client.take_over();
    /// }
    /// // Nobody else is here: there is nothing to take.
    /// client.take_over();
    /// kit.settle();
    /// assert_eq!(client.status().sync_state(), SyncState::Live);
    /// ```
    pub fn take_over(&self) {
        self.shared.command(Command::TakeOver);
    }

    /// A board, by its id or its name. The first call follows it. A text that is no name gives a
    /// board with nothing in it, whose edits are refused with the reason: see [`Board::id`].
    ///
    /// ```
    /// use driftless_client::EditError;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// kit.until(client.board("home").loaded())?;
    /// let no_name = client.board("no name").edit("Add", |e| e.create("note", "note", []));
    /// assert!(matches!(no_name, Err(EditError::Name(_))));
    /// # Ok::<(), EditError>(())
    /// ```
    pub fn board(&self, board: impl Name<BoardId>) -> Board {
        Board::follow(board.into_id(), Arc::clone(&self.shared))
    }

    /// Stops following a board: nothing new arrives for it. Its unsettled edits stay stored.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// let board = client.board("home");
    /// kit.until(board.loaded())?;
    /// client.unfollow("home");
    /// let his = kit.person("Bob").client().board("home");
    /// kit.until(his.edit("Add a note", |e| e.create("note", "note", []))?.applied())?;
    /// kit.advance_ms(1_000);
    /// assert!(board.record("note").is_none());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn unfollow(&self, board: impl Name<BoardId>) {
        if let Ok(board) = board.into_id() {
            self.shared.unfollow(&board);
        }
    }

    /// Opens a feed of live samples.
    ///
    /// ```
    /// use driftless_client::{Aggregate, Query};
    /// use driftless_protocol::SeriesName;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let feed = kit.person("Ann").client().feed(Query {
    ///     selector: "orders".to_owned(),
    ///     window_s: 60,
    ///     step_s: 1,
    ///     aggregate: Aggregate::Last,
    /// });
    /// let orders = SeriesName { name: "orders".to_owned(), labels: Default::default() };
    /// kit.server().push_samples([(&orders, 7.0)]).expect("it is a name");
    /// kit.advance_ms(2_000);
    /// assert_eq!(feed.data().series.len(), 1);
    /// ```
    pub fn feed(&self, query: Query) -> Feed {
        Feed::open(query, Arc::clone(&self.shared))
    }

    /// Everything that happens from now on.
    ///
    /// ```
    /// use driftless_client::ClientEvent;
    /// use driftless_testkit::TestKit;
    /// use futures::StreamExt;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// let events = client.events();
    /// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// let applied = events.filter_map(|event| async {
    ///     match event {
    ///         ClientEvent::EditApplied { label, version, .. } => Some((label, version.0)),
    ///         _ => None,
    ///     }
    /// });
    /// let applied = kit.until(Box::pin(applied).next());
    /// assert_eq!(applied, Some(("Add a note".to_owned(), 1)));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn events(&self) -> EventStream {
        self.shared.state().listeners.listen()
    }

    /// The kinds that this client knows.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let client = TestKit::new().person("Ann").client();
    /// let mut kinds = client.schema().kinds().map(|kind| kind.name.as_str());
    /// assert!(kinds.any(|kind| kind == "note"));
    /// ```
    pub fn schema(&self) -> &Schema {
        self.shared.schema()
    }

    /// Says that the client has stopped where it could not begin.
    #[cfg(not(target_arch = "wasm32"))]
    fn started(&self, started: std::io::Result<()>) -> Result<(), ConnectError> {
        started.map_err(|error| {
            let reason = format!("the system has no room for one more thread: {error}");
            let closed = Connection::Closed {
                reason: reason.clone(),
            };
            self.shared.state().published().status.connection = closed;
            ConnectError::Thread { reason }
        })
    }

    /// Waits until the server has taken the client in, or until that fails.
    async fn arrived(&self) -> Result<(), ConnectError> {
        let mut statuses = self.watch_status();
        while let Some(status) = statuses.next().await {
            if let Some(arrived) = arrival(status) {
                return arrived;
            }
        }
        let reason = "it stopped".to_owned();
        Err(ConnectError::Storage { reason })
    }

    /// Stops: what was made is stored first, as far as the storage takes it; then the socket is
    /// closed and all listeners end. Afterwards nothing moves any more, reading goes on.
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// # futures::executor::block_on(async {
    /// let client = Client::builder("ws://127.0.0.1:1/rt").start();
    /// let board = client.board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// client.shutdown().await;
    /// // It is stored, as far as memory is a storage; reading goes on.
    /// assert!(board.record("note").is_some());
    /// # Ok::<(), driftless_client::EditError>(())
    /// # })?;
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub async fn shutdown(&self) {
        let (done, stopped) = oneshot::channel();
        self.shared.ask(Request::Shutdown(done));
        // An error means that it had stopped already.
        let _ = stopped.await;
    }
}

/// What a status says about the first attempt; `None` while it is under way.
fn arrival(status: Status) -> Option<Result<(), ConnectError>> {
    match status.storage {
        StorageVerdict::Unusable { reason } => return Some(Err(ConnectError::Storage { reason })),
        StorageVerdict::OpenElsewhere => {
            let reason = "another client uses it; stop that, or give this one its own".to_owned();
            return Some(Err(ConnectError::Storage { reason }));
        }
        // It connects after its first write, which nobody waits for on a full disk.
        StorageVerdict::NotSaved { reason } if !is_online(&status.connection) => {
            return Some(Err(ConnectError::Storage { reason }));
        }
        _ => {}
    }
    match status.connection {
        Connection::Online { .. } => Some(Ok(())),
        Connection::Waiting { reason, .. } => Some(Err(ConnectError::Unreachable { reason })),
        Connection::Offline => {
            let reason = "the device has no network".to_owned();
            Some(Err(ConnectError::Unreachable { reason }))
        }
        Connection::Unauthorised { reason } => Some(Err(ConnectError::Unauthorised { reason })),
        Connection::Closed { reason } => Some(Err(ConnectError::Refused { reason })),
        _ => None,
    }
}

fn is_online(connection: &Connection) -> bool {
    matches!(connection, Connection::Online { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_may_cross_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Client>();
        crosses::<Board>();
        crosses::<Feed>();
        crosses::<crate::EditHandle>();
    }

    #[test]
    fn a_token_is_not_in_what_is_logged() {
        let builder = Client::builder("ws://host/rt").token(Some("secret".to_owned()));
        let logged = format!("{builder:?}");
        assert!(logged.contains("ws://host/rt") && !logged.contains("secret"));
    }
}
