//! The public handle of a replica.

use std::fmt;
use std::sync::Arc;

use driftless_model::{BoardId, Schema};
use driftless_protocol::Query;
use driftless_sync::replica::realtime_config::Setting;
use driftless_sync::replica::view::{AutoResolve, Connection, StorageVerdict};
use driftless_sync::replica::{Command, RealtimeConfig};
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};

use crate::board::Board;
use crate::driver::{End, Plan};
use crate::error::ConnectError;
use crate::event::EventStream;
use crate::feed::Feed;
use crate::names::Name;
use crate::network::NetworkControl;
use crate::news::Topic;
use crate::platform::conditioned::Conditioned;
use crate::platform::{OwnedStore, Platform, PlatformStore};
use crate::shared::{Published, Request, Shared, State};
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
    pub fn builder(url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(url.into())
    }

    /// How it is, as last published.
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
    pub fn take_over(&self) {
        self.shared.command(Command::TakeOver);
    }

    /// A board, by its id or its name. The first call follows it. A text that is no name gives a
    /// board with nothing in it, whose edits are refused with the reason: see [`Board::id`].
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
    pub fn schema(&self) -> &Schema {
        self.shared.schema()
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

/// Describes a [`Client`].
///
/// ```
/// use driftless_client::model::Schema;
/// use driftless_client::realtime_config::Setting;
/// use driftless_client::{Client, MemoryRows, RealtimeConfig};
///
/// let mut config = RealtimeConfig::default();
/// config.set(Setting::BackoffMaxMs, 10_000_u64)?;
/// let client = Client::builder("ws://127.0.0.1:1/rt")
///     .namespace("two") // the second replica of a browser profile
///     .token("the operator's".to_owned())
///     .schema(Schema::builtin())
///     .config(config)
///     .auto_connect(false) // not before `Client::connect`
///     .storage(MemoryRows::new()) // or `Redb::open(path)?`
///     .start();
/// assert!(client.status().user.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ClientBuilder {
    url: String,
    namespace: String,
    token: Option<String>,
    is_token_new: bool,
    schema: Schema,
    auto_connect: Option<bool>,
    config: RealtimeConfig,
    storage: Option<Box<OwnedStore>>,
    #[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
    trust: Option<crate::platform::trust::Trust>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of logs.
        formatter
            .debug_struct("ClientBuilder")
            .field("url", &self.url)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    fn new(url: String) -> Self {
        Self {
            url,
            namespace: "default".to_owned(),
            token: None,
            is_token_new: true,
            schema: Schema::builtin(),
            auto_connect: None,
            config: RealtimeConfig::default(),
            storage: None,
            #[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
            trust: None,
        }
    }

    /// Whose word counts for who a `wss://` server is. Without it: the public authorities. With
    /// `ws://` there is nothing to trust, and on a platform of the caller's
    /// ([`ClientBuilder::start_on`]) that platform decides.
    #[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
    #[must_use]
    pub fn trust(mut self, trust: crate::platform::trust::Trust) -> Self {
        self.trust = Some(trust);
        self
    }

    /// The replica's name on this device: each name is a replica of its own, with its own storage.
    /// Without it: `default`. In a native process each storage is a replica of its own, whatever
    /// the name. In a browser, names belong to the page's origin: applications that share one have
    /// names of their own.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Who the user is, as the server's operator issued it: a token, or none. Where tabs share the
    /// replica, this signs in for all of them.
    #[must_use]
    pub fn token(mut self, token: impl Into<Option<String>>) -> Self {
        self.token = token.into();
        self.is_token_new = true;
        self
    }

    /// The same for a token that the user did not give just now, but before, or a mere name for a
    /// guest. Where another tab is signed in with another one, that one counts.
    #[must_use]
    pub fn kept_token(mut self, token: impl Into<Option<String>>) -> Self {
        self.token = token.into();
        self.is_token_new = false;
        self
    }

    /// The kinds that the application knows. Without it: [`Schema::builtin`].
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Whether it connects by itself at the start. Without it: what the settings say.
    #[must_use]
    pub fn auto_connect(mut self, auto_connect: bool) -> Self {
        self.auto_connect = Some(auto_connect);
        self
    }

    /// The settings. Without it: the defaults.
    #[must_use]
    pub fn config(mut self, config: RealtimeConfig) -> Self {
        self.config = config;
        self
    }

    /// Where the replica is kept. Without it: in a browser, `IndexedDB` by the namespace; in a
    /// native process, memory.
    #[must_use]
    pub fn storage(mut self, storage: impl PlatformStore) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Starts the client on a platform of the caller's: a handle, and the future that does the
    /// work, to be polled on one thread until it ends. Without `.storage`, memory.
    pub fn start_on<P: Platform>(self, platform: P) -> (Client, impl Future<Output = ()>) {
        let (client, plan) = self.plan();
        (client, plan.drive(platform))
    }

    fn plan(self) -> (Client, Plan) {
        let (sender, requests) = mpsc::unbounded();
        let (state, schema) = (Arc::new(State::default()), Arc::new(self.schema));
        let mut config = self.config;
        if let Some(auto_connect) = self.auto_connect {
            let set = config.set(Setting::AutoConnect, auto_connect);
            set.expect("a switch takes both values");
        }
        let history = &state.history;
        history.begin(&self.url, self.token.as_deref(), &config);
        let shared = Arc::new(Shared::new(Arc::clone(&schema), Arc::clone(&state), sender));
        let plan = Plan {
            url: self.url,
            token: self.token,
            is_token_new: self.is_token_new,
            schema,
            config,
            storage: self.storage,
            end: End(Arc::clone(&state)),
            state,
            requests,
        };
        (Client { shared }, plan)
    }

    /// Starts the client, and waits until the server has taken it in: for programs that want the
    /// server now. [`ClientBuilder::start`] is for those that work without it too.
    ///
    /// It connects whatever the settings say. It fails where the storage cannot be used or takes
    /// nothing (a full disk), where the server refuses the client or its token, and where the first
    /// attempt does not reach it; the client has stopped then, and its storage is closed. Later
    /// interruptions are no failure: the client comes back by itself.
    ///
    /// ```
    /// use driftless_client::{Client, ConnectError};
    /// # use driftless_server::{Driftless, router};
    ///
    /// # let runtime = tokio::runtime::Runtime::new()?;
    /// # runtime.block_on(async {
    /// # let server = Driftless::builder().start().await?;
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}/rt", listener.local_addr()?);
    /// # let app = axum::Router::new().nest("/rt", router(server));
    /// # tokio::spawn(async move { axum::serve(listener, app).await });
    /// let client = Client::builder(&url).token("Ann".to_owned()).connect().await?;
    /// let edit = client.board("home").edit("Add", |e| e.create("note", "note", []))?;
    /// edit.applied().await?;
    /// client.shutdown().await;
    ///
    /// let nobody = Client::builder("ws://127.0.0.1:1/rt").connect().await;
    /// assert!(matches!(nobody, Err(ConnectError::Unreachable { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn connect(self) -> Result<Client, ConnectError> {
        #[cfg(not(target_arch = "wasm32"))]
        crate::platform::native::check_url(&self.url).map_err(|reason| ConnectError::Url {
            url: self.url.clone(),
            reason,
        })?;
        let client = self.auto_connect(true).start();
        match client.arrived().await {
            Ok(()) => Ok(client),
            Err(error) => {
                client.shutdown().await;
                Err(error)
            }
        }
    }

    /// Starts the client on a thread of its own.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn start(mut self) -> Client {
        let platform = self.native();
        let (client, plan) = self.plan();
        crate::platform::native::spawn(platform, move |platform| plan.drive(platform));
        client
    }

    /// Starts the client on a thread of its own, over a network that can be made bad while it runs:
    /// see [`NetworkControl`]. Each client has its own.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn start_over(mut self, network: &NetworkControl) -> Client {
        let (platform, network) = (self.native(), network.clone());
        let (client, plan) = self.plan();
        crate::platform::native::spawn(platform, move |platform| {
            plan.drive(Conditioned::new(platform, network))
        });
        client
    }

    #[cfg(all(not(target_arch = "wasm32"), feature = "tls"))]
    fn native(&mut self) -> crate::platform::native::Native {
        let platform = crate::platform::native::Native::new();
        match self.trust.take() {
            Some(trust) => platform.trust(trust),
            None => platform,
        }
    }

    #[cfg(all(not(target_arch = "wasm32"), not(feature = "tls")))]
    #[allow(clippy::unused_self, reason = "with TLS there is something to take")]
    fn native(&mut self) -> crate::platform::native::Native {
        crate::platform::native::Native::new()
    }

    /// Starts the client in the page.
    #[cfg(target_arch = "wasm32")]
    pub fn start(self) -> Client {
        let (client, plan, platform) = self.in_page();
        wasm_bindgen_futures::spawn_local(plan.drive(platform));
        client
    }

    /// Starts the client in the page, over a network that can be made bad while it runs: see
    /// [`NetworkControl`]. Each client has its own.
    #[cfg(target_arch = "wasm32")]
    pub fn start_over(self, network: &NetworkControl) -> Client {
        let (client, plan, platform) = self.in_page();
        let platform = Conditioned::new(platform, network.clone());
        wasm_bindgen_futures::spawn_local(plan.drive(platform));
        client
    }

    #[cfg(target_arch = "wasm32")]
    fn in_page(mut self) -> (Client, Plan, crate::platform::web::Web) {
        use crate::platform::web::{Web, resolve};

        self.url = resolve(&self.url);
        let platform = Web::new(&self.namespace);
        let storage = self.storage.take();
        self.storage = Some(storage.unwrap_or_else(|| {
            Box::new(driftless_store::replica::IndexedDbRows::new(
                &self.namespace,
            ))
        }));
        let (client, plan) = self.plan();
        (client, plan, platform)
    }
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
