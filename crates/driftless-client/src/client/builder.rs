//! What a client is started with.

use std::fmt;
use std::sync::Arc;

use driftless_model::Schema;
use driftless_sync::replica::RealtimeConfig;
use driftless_sync::replica::realtime_config::Setting;
use futures::channel::mpsc;

use super::Client;
use crate::driver::{End, Plan};
use crate::error::ConnectError;
use crate::network::NetworkControl;
use crate::platform::conditioned::Conditioned;
use crate::platform::{OwnedStore, Platform, PlatformStore};
use crate::redacted::Secrets;
use crate::shared::{Shared, State};

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
        formatter
            .debug_struct("ClientBuilder")
            .field("url", &shown_address(&self.url))
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// An address without the secrets that somebody may have put into it.
fn shown_address(url: &str) -> String {
    Secrets::default().redact(url).to_string()
}

impl ClientBuilder {
    pub(super) fn new(url: String) -> Self {
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
    ///
    /// ```
    /// use driftless_client::{Client, Trust};
    ///
    /// // As it is without it; `Trust::pem_file` has a certificate of one's own instead.
    /// let client = Client::builder("wss://boards.example/rt")
    ///     .trust(Trust::public())
    ///     .auto_connect(false)
    ///     .start();
    /// # drop(client);
    /// ```
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
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// // Two users of one browser profile, each with a copy and a queue of their own.
    /// let hers = Client::builder("ws://127.0.0.1:1/rt").namespace("ann").start();
    /// let his = Client::builder("ws://127.0.0.1:1/rt").namespace("bob").start();
    /// hers.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// assert!(his.board("home").outbox().is_empty());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Who the user is, as the server's operator issued it: a token, or none. Where tabs share the
    /// replica, this signs in for all of them.
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// let token = std::env::var("DRIFTLESS_TOKEN").ok();
    /// let client = Client::builder("ws://127.0.0.1:1/rt").token(token).start();
    /// # drop(client);
    /// ```
    #[must_use]
    pub fn token(mut self, token: impl Into<Option<String>>) -> Self {
        self.token = token.into();
        self.is_token_new = true;
        self
    }

    /// The same for a token that the user did not give just now, but before, or a mere name for a
    /// guest. Where another tab is signed in with another one, that one counts.
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// let kept = Some("from the last visit".to_owned());
    /// let client = Client::builder("ws://127.0.0.1:1/rt").kept_token(kept).start();
    /// # drop(client);
    /// ```
    #[must_use]
    pub fn kept_token(mut self, token: impl Into<Option<String>>) -> Self {
        self.token = token.into();
        self.is_token_new = false;
        self
    }

    /// The kinds that the application knows. Without it: [`Schema::builtin`].
    ///
    /// ```
    /// use driftless_client::Client;
    /// use driftless_client::model::{Note, Schema};
    ///
    /// let schema = Schema::empty().register::<Note>()?;
    /// let client = Client::builder("ws://127.0.0.1:1/rt").schema(schema).start();
    /// let unknown = client.board("home").edit("Add", |e| e.create("cpu", "chart", []));
    /// assert!(unknown.expect_err("it knows notes alone").to_string().contains("chart"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Whether it connects by itself at the start. Without it: what the settings say.
    ///
    /// ```
    /// use driftless_client::Client;
    /// use driftless_client::view::Connection;
    ///
    /// let client = Client::builder("ws://127.0.0.1:1/rt").auto_connect(false).start();
    /// assert_eq!(client.status().connection, Connection::Idle);
    /// ```
    #[must_use]
    pub fn auto_connect(mut self, auto_connect: bool) -> Self {
        self.auto_connect = Some(auto_connect);
        self
    }

    /// The settings. Without it: the defaults.
    ///
    /// ```
    /// use driftless_client::realtime_config::Setting;
    /// use driftless_client::{Client, RealtimeConfig};
    ///
    /// let mut config = RealtimeConfig::default();
    /// config.set(Setting::BackoffMaxMs, 10_000_u64)?;
    /// let client = Client::builder("ws://127.0.0.1:1/rt").config(config).start();
    /// assert_eq!(client.diagnostics().settings.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn config(mut self, config: RealtimeConfig) -> Self {
        self.config = config;
        self
    }

    /// Where the replica is kept. Without it: in a browser, `IndexedDB` by the namespace; in a
    /// native process, memory.
    ///
    /// ```
    /// use driftless_client::Client;
    /// use futures::StreamExt;
    /// # use driftless_store::replica::Redb; // driftless_client::Redb, with its feature `redb`
    ///
    /// # futures::executor::block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("replica");
    /// let client = Client::builder("ws://127.0.0.1:1/rt").storage(Redb::open(&file)?).start();
    /// let edit = client.board("home").edit("Add", |e| e.create("note", "note", []))?;
    /// edit.stored().await?;
    /// client.shutdown().await;
    ///
    /// // Another process, another day: the edit waits for its server.
    /// let again = Client::builder("ws://127.0.0.1:1/rt").storage(Redb::open(&file)?).start();
    /// let mut status = again.watch_status();
    /// while status.next().await.is_some_and(|status| status.pending == 0) {}
    /// assert_eq!(again.status().pending, 1);
    /// # again.shutdown().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn storage(mut self, storage: impl PlatformStore) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Starts the client on a platform of the caller's: a handle, and the future that does the
    /// work, to be polled on one thread until it ends. Without `.storage`, memory.
    ///
    /// ```
    /// use driftless_client::Client;
    /// use driftless_client::platform::native::Native;
    ///
    /// // On a runtime of one's own, in place of the thread that `start` makes.
    /// let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// let (client, work) = Client::builder("ws://127.0.0.1:1/rt").start_on(Native::new());
    /// runtime.block_on(async {
    ///     futures::future::join(work, client.shutdown()).await;
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// ```
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
            url: shown_address(&self.url),
            reason,
        })?;
        let (client, started) = self.auto_connect(true).begin();
        started?;
        match client.arrived().await {
            Ok(()) => Ok(client),
            Err(error) => {
                client.shutdown().await;
                Err(error)
            }
        }
    }

    /// Starts the client on a thread of its own. Where the system has none left, the client has
    /// stopped at once: its connection is [`Connection::Closed`](crate::view::Connection::Closed),
    /// with the reason, and edits are refused. [`ClientBuilder::connect`] fails there.
    ///
    /// ```
    /// use driftless_client::Client;
    ///
    /// // It works at once, with a server or without.
    /// let client = Client::builder("ws://127.0.0.1:1/rt").start();
    /// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn start(self) -> Client {
        self.begin().0
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn begin(mut self) -> (Client, Result<(), ConnectError>) {
        let platform = self.native();
        let (client, plan) = self.plan();
        let started = crate::platform::native::spawn(platform, |platform| plan.drive(platform));
        let started = client.started(started);
        (client, started)
    }

    /// Starts the client on a thread of its own, over a network that can be made bad while it runs:
    /// see [`NetworkControl`]. Each client has its own.
    ///
    /// ```
    /// use driftless_client::{Client, NetworkConditions, NetworkControl};
    ///
    /// let network = NetworkControl::default();
    /// let client = Client::builder("ws://127.0.0.1:1/rt").start_over(&network);
    /// // The train enters the tunnel.
    /// network.set(NetworkConditions::poor());
    /// # drop(client);
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn start_over(mut self, network: &NetworkControl) -> Client {
        let (platform, network) = (self.native(), network.clone());
        let (client, plan) = self.plan();
        let drive = |platform| plan.drive(Conditioned::new(platform, network));
        // A client without a thread has stopped, and says so.
        let _ = client.started(crate::platform::native::spawn(platform, drive));
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

    #[cfg(target_arch = "wasm32")]
    fn begin(self) -> (Client, Result<(), ConnectError>) {
        (self.start(), Ok(()))
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
