//! The server's handle: what is shared by all connections, and how it starts and stops.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftless_feeds::{Bounds, Retention, SeriesStore};
#[cfg(feature = "host-metrics")]
use driftless_model::EditId;
use driftless_model::{BoardId, ClientId, Role, Schema, UserId};
use driftless_protocol::{CloseCode, Codec, SeriesName};
#[cfg(feature = "host-metrics")]
use driftless_store::server::BoardSummary;
use driftless_store::server::{BoardStore, MemoryBoards, MemorySamples, SampleStore, StoreError};
use tokio::task::JoinSet;

use crate::auth::{AuthError, Authenticator, OpenAuth, SharedAuthenticator, SignedIn};
use crate::clock::now_ms;
use crate::feeds::{Archive, FeedPlane, SharedSampleStore, keep};
use crate::hub::{Boards, Closing, Connections, Follower};
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::pace::{Addresses, Allowance, FromAddress, TooFast};
use crate::proxies::{Proxies, Remote};
use crate::random;
#[cfg(feature = "host-metrics")]
use crate::seed::{self, SeedError};
use crate::store::SharedStore;

/// How often queries are evaluated.
const PULSE: Duration = Duration::from_secs(1);
/// How long connections may take to end.
const LEAVING: Duration = Duration::from_secs(4);
/// How long rooms may take after that, until what was pushed is stored.
const STORING: Duration = Duration::from_secs(6);

/// How long the last samples may take to be written.
const WRITING: Duration = Duration::from_secs(2);

/// A running server. Clones are handles to the same one.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use axum::Router;
/// use driftless_server::{Driftless, router};
///
/// let driftless = Driftless::builder().start().await?;
/// let app: Router = Router::new().nest("/rt", router(driftless.clone()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Driftless {
    shared: Arc<Shared>,
}

struct Shared {
    schema: Arc<Schema>,
    store: SharedStore,
    auth: SharedAuthenticator,
    origins: Origins,
    proxies: Proxies,
    allowance: Allowance,
    addresses: Addresses,
    heartbeat: Duration,
    boards: Arc<Boards>,
    connections: Arc<Connections>,
    feeds: Arc<FeedPlane>,
    metrics: Arc<Metrics>,
    is_draining: AtomicBool,
    /// Ends with the last handle.
    background: Mutex<JoinSet<()>>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first board cannot be made.
    #[cfg(feature = "host-metrics")]
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// This machine's metrics cannot be read.
    #[cfg(feature = "host-metrics")]
    #[error("this machine's metrics cannot be read: {reason}; start without them")]
    HostMetrics {
        /// What the system says.
        reason: String,
    },
}

/// What a server is made of.
pub struct Builder {
    schema: Schema,
    store: SharedStore,
    samples: SharedSampleStore,
    retention: Retention,
    auth: SharedAuthenticator,
    origins: Origins,
    proxies: Proxies,
    allowance: Allowance,
    heartbeat: Duration,
    #[cfg(feature = "host-metrics")]
    has_host_metrics: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            schema: Schema::builtin(),
            store: Arc::new(MemoryBoards::new()),
            samples: Arc::new(MemorySamples::new()),
            retention: Retention::default(),
            auth: Arc::new(OpenAuth),
            origins: Origins::default(),
            proxies: Proxies::default(),
            allowance: Allowance::default(),
            heartbeat: Duration::from_secs(15),
            #[cfg(feature = "host-metrics")]
            has_host_metrics: false,
        }
    }
}

impl Builder {
    /// The kinds of records. The built-in ones, unless told otherwise.
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Where boards are kept. In memory, unless told otherwise.
    #[must_use]
    pub fn store(mut self, store: impl BoardStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Where the history of feeds is kept. In memory, unless told otherwise.
    #[must_use]
    pub fn samples(mut self, samples: impl SampleStore) -> Self {
        self.samples = Arc::new(samples);
        self
    }

    /// How long it is kept. Samples for a day, by the minute for 14 days, by the hour for 400
    /// days, unless told otherwise.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Who may connect. Everybody, unless told otherwise.
    #[must_use]
    pub fn auth(mut self, auth: impl Authenticator) -> Self {
        self.auth = Arc::new(auth);
        self
    }

    /// Which web pages may connect. Those of the same host, unless told otherwise.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Which reverse proxies are believed about where requests come from. None, unless told
    /// otherwise.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// How much one peer may ask. What the limits say, unless told otherwise.
    #[must_use]
    pub fn allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }

    /// How long a peer may be silent, or read nothing, before it is taken for gone. 15 seconds,
    /// unless told otherwise.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Samples this machine each second, and makes the board `this-machine` where there is none.
    #[cfg(feature = "host-metrics")]
    #[must_use]
    pub fn host_metrics(mut self) -> Self {
        self.has_host_metrics = true;
        self
    }

    /// Starts what runs in the background. Has to be called within a multi-threaded runtime.
    pub async fn start(self) -> Result<Driftless, StartError> {
        // A store that does not answer is found out now, not by the first who connects.
        let boards = self.store.boards().await?;
        tracing::debug!(boards = boards.len(), "the store answers");
        let schema = Arc::new(self.schema);
        let metrics = Arc::new(Metrics::new());
        let mut samples = SeriesStore::new(Bounds::default());
        let history = Archive::open(self.samples, self.retention, &mut samples, now_ms()).await?;
        let feeds = Arc::new(FeedPlane::new(samples, Some(history), metrics.clone()));
        let shared = Shared {
            boards: Arc::new(Boards::new(
                schema.clone(),
                self.store.clone(),
                metrics.clone(),
            )),
            schema,
            store: self.store,
            auth: self.auth,
            origins: self.origins,
            proxies: self.proxies,
            addresses: Addresses::new(&self.allowance),
            allowance: self.allowance,
            heartbeat: self.heartbeat,
            connections: Arc::default(),
            feeds,
            metrics,
            is_draining: AtomicBool::new(false),
            background: Mutex::default(),
        };
        let driftless = Driftless {
            shared: Arc::new(shared),
        };
        let feeds = driftless.shared.feeds.clone();
        driftless.spawn(async move {
            if let Some(kept) = feeds.kept() {
                keep(&feeds, kept).await;
            }
        });
        #[cfg(feature = "host-metrics")]
        if self.has_host_metrics {
            driftless.start_host_metrics().await?;
            let is_seed = |board: &BoardSummary| board.board.as_str() == seed::BOARD;
            if !boards.iter().any(is_seed) && !driftless.is_deleted(&seed::board()).await? {
                let follower =
                    driftless.enter_unlimited(seed::CLIENT, seed::user(), Codec::default());
                seed::make(follower, EditId(random::id())).await?;
            }
            return Ok(driftless);
        }
        let feeds = driftless.shared.feeds.clone();
        driftless.spawn(pulse(feeds));
        Ok(driftless)
    }
}

impl Driftless {
    /// A server that is not started yet, with the defaults.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The kinds of records that it knows.
    pub fn schema(&self) -> &Schema {
        &self.shared.schema
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.shared.connections.count()
    }

    /// How many boards are in use.
    pub fn boards_in_use(&self) -> usize {
        self.shared.boards.count()
    }

    /// How many distinct queries are watched.
    pub fn queries_watched(&self) -> usize {
        self.shared.feeds.queries_watched()
    }

    /// The metrics, in the text format of Prometheus: what [`crate::ops_router`] answers at
    /// `/metrics`, for applications that serve it elsewhere. It names no user and no board.
    pub fn metrics_text(&self) -> String {
        let (connections, boards) = (self.connections(), self.boards_in_use());
        let metrics = &self.shared.metrics;
        metrics.set_now(connections, boards, self.queries_watched());
        metrics.text()
    }

    /// Takes samples of now into the feeds. They reach viewers with the next evaluation, within a
    /// second. One that cannot be taken is left out.
    pub fn push_samples<'a>(&self, samples: impl IntoIterator<Item = (&'a SeriesName, f64)>) {
        self.shared.feeds.push(samples, now_ms());
    }

    /// Says that what somebody may do changed: a user or everybody (`None`), on a board or on all
    /// of them (`None`). Call it once [`Authenticator::role`] answers anew; it returns at once.
    ///
    /// Every connection that this may concern asks again before it takes another edit of the board
    /// and before it takes anything more of it out to write; what was being written at that moment
    /// is on its way. As soon as its answer is there:
    ///
    /// - without the right to read, nothing of the board goes out any more but an error
    ///   `forbidden`, which answers every edit of the connection without an outcome. The client
    ///   deletes its copy and keeps its own pending edits;
    /// - without the right to edit, edits are refused for good, and kept there for their author;
    /// - edits that are in a commit under way by then may still be applied, and so may those that
    ///   wait for one from a connection that is gone.
    ///
    /// Where a right is given back, clients find out when they ask again: with their next
    /// connection, or by themselves every now and then.
    pub fn rights_changed(&self, user: Option<&UserId>, board: Option<&BoardId>) {
        self.shared.connections.doubt(user, board);
    }

    /// Says that a board was deleted from the store, or that its name was given free
    /// ([`BoardStore::is_deleted`]). What is remembered of it is forgotten; everybody who follows
    /// it is asked about again, as by [`Driftless::rights_changed`], or has to connect again.
    pub async fn board_replaced(&self, board: &BoardId) {
        self.rights_changed(None, Some(board));
        self.shared.boards.start_over(board).await;
    }

    /// What somebody may do on a board: nothing on one that was deleted, else what
    /// [`Authenticator::role`] says.
    pub(crate) async fn role(&self, user: &UserId, board: &BoardId) -> Result<Role, AuthError> {
        let is_deleted = self.is_deleted(board).await;
        let is_deleted = is_deleted.map_err(|error| AuthError::Unavailable {
            reason: error.to_string(),
        });
        if is_deleted? {
            return Ok(Role::None);
        }
        self.shared.auth.role(user, board).await
    }

    /// Whether a board was deleted, and its name not given free.
    pub(crate) async fn is_deleted(&self, board: &BoardId) -> Result<bool, StoreError> {
        self.shared.store.is_deleted(board).await
    }

    /// Whether it is stopping.
    pub fn is_draining(&self) -> bool {
        self.shared.is_draining.load(Ordering::Acquire)
    }

    /// Stops: tells every client when to come back, spread over time so that they do not come all
    /// at once, and waits until what was pushed is stored. Within twelve
    /// seconds.
    pub async fn shutdown(&self) {
        self.shared.is_draining.store(true, Ordering::Release);
        let count = self.connections();
        let closing = |place: usize| Closing {
            code: CloseCode::Restart,
            reason: "the server stops or restarts".to_owned(),
            reconnect_after_ms: reconnect_after_ms(place, count),
        };
        let leaving = self.shared.connections.close_all(closing);
        if tokio::time::timeout(LEAVING, leaving).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        // A time of its own: whoever does not go must not cost others what they pushed.
        let storing = self.shared.boards.stop();
        if tokio::time::timeout(STORING, storing).await.is_err() {
            tracing::warn!("some boards did not end in time");
        }
        if let Some(kept) = self.shared.feeds.kept() {
            let written = kept.waiting.write(None, &self.feeds().samples_mut());
            let writing = tokio::time::timeout(WRITING, written);
            if writing.await != Ok(Ok(true)) {
                tracing::warn!("the samples of the last seconds are not stored");
            }
        }
        self.background().abort_all();
    }

    pub(crate) fn store(&self) -> &SharedStore {
        &self.shared.store
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }

    pub(crate) fn auth(&self) -> &SharedAuthenticator {
        &self.shared.auth
    }

    /// Who a token stands for that came from there. Who is refused is counted.
    pub(crate) async fn authenticate(
        &self,
        token: Option<&str>,
        remote: Remote,
    ) -> Result<SignedIn, AuthError> {
        let auth = &self.shared.auth;
        let signed_in = auth.authenticate(token).await;
        signed_in.inspect_err(|error| auth.refused(error, remote.address))
    }

    pub(crate) fn origins(&self) -> &Origins {
        &self.shared.origins
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.shared.proxies
    }

    /// How long a peer may be silent, or read nothing, before it is taken for gone.
    pub fn heartbeat(&self) -> Duration {
        self.shared.heartbeat
    }

    pub(crate) fn feeds(&self) -> &Arc<FeedPlane> {
        &self.shared.feeds
    }

    pub(crate) fn allowance(&self) -> &Allowance {
        &self.shared.allowance
    }

    /// One more connection from an address, before it has said anything.
    pub(crate) fn enter_address(
        &self,
        address: Option<IpAddr>,
    ) -> Result<Option<FromAddress>, TooFast> {
        self.shared.addresses.enter(address)
    }

    /// Enters a connection, unless its user has as many others as they may.
    pub(crate) fn enter(
        &self,
        client: ClientId,
        user: UserId,
        codec: Codec,
    ) -> Result<Follower, TooFast> {
        let max = self.allowance().connections_per_user;
        let entry = self.shared.connections.enter(client, user, max)?;
        let boards = self.shared.boards.clone();
        Ok(Follower::new(boards, entry, client, codec))
    }

    /// Enters a connection from this machine, however many its user has.
    pub(crate) fn enter_unlimited(&self, client: ClientId, user: UserId, codec: Codec) -> Follower {
        let entry = self.shared.connections.enter(client, user, usize::MAX);
        let entry = entry.expect("there is no limit");
        Follower::new(self.shared.boards.clone(), entry, client, codec)
    }

    fn background(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.shared
            .background
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.background().spawn(task);
    }

    #[cfg(feature = "host-metrics")]
    async fn start_host_metrics(&self) -> Result<(), StartError> {
        let failed = |reason: String| StartError::HostMetrics { reason };
        let metrics = tokio::task::spawn_blocking(crate::host_metrics::HostMetrics::new).await;
        let metrics = metrics
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))?;
        let feeds = self.shared.feeds.clone();
        let first = metrics.first();
        feeds.push(first.iter().map(|(name, value)| (name, *value)), now_ms());
        self.spawn(sample_host(feeds, metrics));
        Ok(())
    }
}

/// When a client may come back: the first after a quarter of a second, then one each two
/// milliseconds, give or take.
fn reconnect_after_ms(place: usize, count: usize) -> u64 {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let jitter_ms = random::below(500.min(50 + 2 * count));
    250 + 2 * place.min(30_000) + jitter_ms
}

/// Evaluates queries each second.
async fn pulse(feeds: Arc<FeedPlane>) {
    let mut beat = tokio::time::interval(PULSE);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        feeds.evaluate(now_ms());
    }
}

/// Samples this machine and evaluates queries, each second.
#[cfg(feature = "host-metrics")]
async fn sample_host(feeds: Arc<FeedPlane>, mut metrics: crate::host_metrics::HostMetrics) {
    // The first rates, as soon as they mean anything.
    let start = tokio::time::Instant::now() + 2 * sysinfo::MINIMUM_CPU_UPDATE_INTERVAL;
    let mut beat = tokio::time::interval_at(start, PULSE);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let reading = tokio::task::spawn_blocking(move || {
            let samples = metrics.sample();
            (metrics, samples)
        });
        let Ok((returned, samples)) = reading.await else {
            tracing::error!("sampling this machine panicked; its widgets get no more data");
            return pulse(feeds).await;
        };
        metrics = returned;
        let now_ms = now_ms();
        feeds.push(samples.iter().map(|(name, value)| (name, *value)), now_ms);
        feeds.evaluate(now_ms);
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::Role;
    use driftless_model::limits::SERIES_MAX;
    use driftless_sync::room::Member;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn boards_stop_though_a_connection_does_not_go() {
        let driftless = Driftless::builder().start().await.expect("starts");
        let board = BoardId::new("home").expect("a board id");
        let (client, user) = (ClientId(1), UserId::new("Ann").expect("a user"));
        let mut stays = driftless.enter_unlimited(client, user.clone(), Codec::default());
        let role = Role::Editor;
        let member = Member { client, user, role };
        let followed = stays.follow(&board, member, None).await;
        followed.expect("follows");
        driftless.shutdown().await;
        assert_eq!(driftless.connections(), 1);
        assert!(driftless.shared.boards.open(&board).is_none());
    }

    #[tokio::test]
    async fn a_server_keeps_as_many_series_as_it_may_and_not_one_more() {
        let driftless = Driftless::builder().start().await.expect("starts");
        let push = |number: usize| {
            let name = SeriesName {
                name: format!("series_{number}"),
                labels: [].into(),
            };
            driftless.push_samples([(&name, 1.0)]);
        };
        let has_dropped = |count: usize| {
            let line = format!("driftless_samples_dropped_total {count}\n");
            driftless.metrics_text().contains(&line)
        };
        (0..SERIES_MAX).for_each(push);
        assert!(has_dropped(0), "{}", driftless.metrics_text());
        push(SERIES_MAX);
        assert!(has_dropped(1), "{}", driftless.metrics_text());
    }
}
