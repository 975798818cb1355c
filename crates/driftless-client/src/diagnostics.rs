//! What a maintainer needs to see of a client, to be handed on: without tokens, and without
//! anything that people wrote.

use driftless_model::{BoardId, SortedMap};
use driftless_protocol::{PROTOCOL, to_json_pretty};
use driftless_sync::replica::view::{Connection, EntryProgress, EntryView};
use serde::Serialize;

use crate::client::Client;
use crate::history::{Counters, Happening};
use crate::ledger::Ledger;
use crate::redacted::{Redacted, Secrets};
pub use crate::shared::Flushes;
use crate::shared::PublishedBoard;
use crate::status::Status;
use crate::surroundings::{epoch_ms, surroundings};

/// The shape of a bundle: raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// How a client is and was, for a maintainer. [`Diagnostics::to_json`] is what a person hands on.
///
/// Boards are named, and so are records in what a server says about a refused edit. Titles, texts
/// and other values are not in it, nor names of edits, users and tokens; addresses are host and
/// path.
///
/// ```
/// # futures::executor::block_on(async {
/// use driftless_client::Client;
///
/// let client = Client::builder("ws://127.0.0.1:9/rt").token(Some("s3cret".into())).start();
/// let json = client.diagnostics().with("page", "build 7").to_json();
/// assert!(json.contains("\"page\": \"build 7\"") && !json.contains("s3cret"));
/// # client.shutdown().await;
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Diagnostics {
    /// The shape of this bundle.
    pub format: u32,
    /// When it was made, in milliseconds since 1970 by the device's clock.
    pub made_at_ms: u64,
    /// The builds on both sides.
    pub build: Build,
    /// What the client runs in: a browser by its own words, or a system.
    pub runs_in: Redacted,
    /// The endpoint: host and path.
    pub endpoint: Redacted,
    /// The connection.
    pub connection: ConnectionFacts,
    /// Whether this device keeps what is made.
    pub storage: StorageFacts,
    /// When a message last confirmed anything, in milliseconds since 1970 by the device's clock.
    pub last_sync_ms: Option<u64>,
    /// How much happened since the client was started.
    pub counters: Counters,
    /// Every board that was followed.
    pub boards: Vec<BoardFacts>,
    /// How many feeds are open.
    pub feeds: usize,
    /// Samples of theirs that newer ones replaced before anybody saw them.
    pub dropped_samples: u64,
    /// How long it takes to publish what changed.
    pub flushes: Flushes,
    /// The settings that are not at their defaults.
    pub settings: SortedMap<String, String>,
    /// What the application added.
    pub application: SortedMap<String, Redacted>,
    /// What happened last, oldest first.
    pub history: Vec<Happening>,
    #[serde(skip)]
    secrets: Secrets,
}

/// The builds on both sides.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let client = TestKit::new().person("Ann").client();
/// let build = client.diagnostics().build;
/// assert_eq!(build.protocol, client.status().protocol);
/// assert_eq!(build.server.expect("it was reached").as_str(), "driftless-testkit");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Build {
    /// This client's version.
    pub client: &'static str,
    /// The protocol version that it speaks.
    pub protocol: u32,
    /// The server's build; absent before the first connection.
    pub server: Option<Redacted>,
}

/// The connection.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// client.hold_network(true);
/// kit.settle();
/// let connection = client.diagnostics().connection;
/// assert!(connection.network_held && connection.latency_ms.is_none());
/// assert_ne!(connection.state, "online");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionFacts {
    /// What its state is called.
    pub state: &'static str,
    /// Why it is not up; empty where it is.
    pub reason: Redacted,
    /// The attempt that is made, or comes next.
    pub attempt: Option<u32>,
    /// The last measured round trip.
    pub latency_ms: Option<u64>,
    /// The network is held back on purpose.
    pub network_held: bool,
}

/// Whether this device keeps what is made.
///
/// ```
/// use driftless_testkit::{Disk, TestKit};
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// ann.set_disk(Disk::Full);
/// ann.client().board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// let storage = ann.client().diagnostics().storage;
/// assert_eq!(storage.verdict, "not_saved");
/// assert!(storage.reason.as_str().contains("free some space"));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StorageFacts {
    /// What the verdict is called.
    pub verdict: &'static str,
    /// Why it does not keep it; empty where it does.
    pub reason: Redacted,
    /// Whether the device promised not to clear it by itself; absent where nobody asked.
    pub is_persistent: Option<bool>,
}

/// One board, counted.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// ann.go_offline();
/// ann.client().board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.advance_ms(1_000);
/// // It is on screen and in the storage, and waits for a server.
/// let board = &ann.client().diagnostics().boards[0];
/// assert_eq!((board.records, board.unsaved, board.queued), (1, 0, 1));
/// assert_eq!((board.version, board.ledger.pending), (0, 1));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BoardFacts {
    /// Which.
    pub board: BoardId,
    /// Whether there is something to show.
    pub is_loaded: bool,
    /// Whether the server says that the user may not read it.
    pub is_refused: bool,
    /// The version of its confirmed state.
    pub version: u64,
    /// Records on screen.
    pub records: usize,
    /// Edits that wait to be sealed.
    pub queued: usize,
    /// Edits on their way.
    pub sealed: usize,
    /// Edits that wait for a person because somebody changed the same.
    pub conflicted: usize,
    /// Edits that wait for a person because they were refused.
    pub quarantined: usize,
    /// Edits that are not in this device's storage yet.
    pub unsaved: usize,
    /// How old the oldest of them all is, in milliseconds.
    pub oldest_ms: Option<u64>,
    /// The most times that one of them was sent.
    pub attempts_max: u32,
    /// Whether all edits of this device are accounted for.
    pub ledger: Ledger,
}

impl Client {
    /// How the client is and was, to be handed to whoever looks into a problem.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let client = kit.person("Ann").client();
    /// let edit = client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.until(edit.applied())?;
    /// let diagnostics = client.diagnostics();
    /// assert_eq!(diagnostics.connection.state, "online");
    /// assert_eq!(diagnostics.counters.edits_applied, 1);
    /// assert_eq!(diagnostics.boards[0].records, 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn diagnostics(&self) -> Diagnostics {
        let state = self.shared.state();
        let kept = state.history.kept();
        let published = state.published();
        let status = &published.status;
        let now_ms = epoch_ms();
        let boards = published.boards.iter();
        let secrets = &kept.secrets;
        Diagnostics {
            format: FORMAT,
            made_at_ms: now_ms,
            build: Build {
                client: env!("CARGO_PKG_VERSION"),
                protocol: PROTOCOL,
                server: status.server_build.as_ref().map(|it| secrets.redact(it)),
            },
            runs_in: secrets.redact(&surroundings()),
            endpoint: secrets.redact(&kept.endpoint),
            connection: ConnectionFacts::of(status, secrets),
            storage: StorageFacts {
                verdict: status.storage.name(),
                reason: secrets.redact(status.storage.reason().unwrap_or_default()),
                is_persistent: status.is_persistent,
            },
            last_sync_ms: status.last_sync_ms,
            counters: kept.counters.clone(),
            boards: boards
                .map(|(id, board)| BoardFacts::of(id, board, now_ms))
                .collect(),
            feeds: published.feeds.len(),
            dropped_samples: published.dropped_samples,
            flushes: published.flushes,
            settings: kept.changed_settings(),
            application: SortedMap::new(),
            history: kept.happenings(),
            secrets: secrets.clone(),
        }
    }
}

impl Diagnostics {
    /// Adds what the application knows of itself, such as its build.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let client = TestKit::new().person("Ann").client();
    /// let bundle = client.diagnostics().with("page", "build 7");
    /// assert_eq!(bundle.application["page"].as_str(), "build 7");
    /// ```
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let value = self.secrets.redact(value);
        self.application.insert(name.to_owned(), value);
        self
    }

    /// As JSON, in lines.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let client = TestKit::new().person("Ann").client();
    /// let json = client.diagnostics().to_json();
    /// assert!(json.starts_with("{\n"));
    /// ```
    pub fn to_json(&self) -> String {
        to_json_pretty(self)
    }
}

impl ConnectionFacts {
    fn of(status: &Status, secrets: &Secrets) -> Self {
        let connection = &status.connection;
        let latency_ms = match connection {
            Connection::Online { latency_ms, .. } => *latency_ms,
            _ => None,
        };
        Self {
            state: connection.name(),
            reason: secrets.redact(connection.reason().unwrap_or_default()),
            attempt: connection.attempt(),
            latency_ms,
            network_held: status.network_held,
        }
    }
}

impl BoardFacts {
    fn of(id: &BoardId, board: &PublishedBoard, now_ms: u64) -> Self {
        let count = |is: fn(&EntryView) -> bool| board.outbox.iter().filter(|it| is(it)).count();
        let oldest = board.outbox.iter().map(|entry| entry.made_at_ms).min();
        let attempts = board.outbox.iter().map(|entry| entry.attempts);
        Self {
            board: id.clone(),
            is_loaded: board.is_loaded,
            is_refused: board.refusal.is_some(),
            version: board.version.0,
            records: board.records.len(),
            queued: count(|it| matches!(it.state, EntryProgress::Queued { .. })),
            sealed: count(|it| matches!(it.state, EntryProgress::Sealed { .. })),
            conflicted: count(|it| matches!(it.state, EntryProgress::Conflicted(_))),
            quarantined: count(|it| matches!(it.state, EntryProgress::Quarantined { .. })),
            unsaved: count(|it| !it.is_stored),
            oldest_ms: oldest.map(|made| now_ms.saturating_sub(made)),
            attempts_max: attempts.max().unwrap_or_default(),
            ledger: board.ledger,
        }
    }
}
