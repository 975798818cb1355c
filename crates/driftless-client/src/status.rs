//! How the client is, at a glance.

use driftless_model::{ClientId, UserId};
use driftless_protocol::PROTOCOL;
use driftless_sync::replica::view::{Connection, StorageVerdict};

/// How the client is: connection, storage and outbox. Cheap to clone and compare.
///
/// ```
/// use driftless_client::view::StorageVerdict;
/// use driftless_testkit::{Disk, TestKit};
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// ann.set_disk(Disk::Full);
/// ann.client().board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// let status = ann.client().status();
/// assert_eq!(status.pending, 1);
/// // Nothing is sent that this device does not have.
/// assert!(matches!(status.storage, StorageVerdict::NotSaved { .. }));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The connection. Where tabs share the replica, that of the tab that leads.
    pub connection: Connection,
    /// Whether this device keeps what is made.
    pub storage: StorageVerdict,
    /// Whether the browser promised never to clear this device's storage by itself. Absent before
    /// the first edit, which has it asked, and in native clients.
    pub is_persistent: Option<bool>,
    /// Who the server takes the client to be; absent before the first connection of the replica.
    pub user: Option<UserId>,
    /// The replica's id; absent until its storage is read.
    pub client: Option<ClientId>,
    /// Edits that wait to be applied, over all boards.
    pub pending: usize,
    /// Edits that wait for a person because somebody changed the same.
    pub conflicts: usize,
    /// Edits that wait for a person because they were refused.
    pub quarantined: usize,
    /// When a message last confirmed anything, in milliseconds since 1970 by the device's clock.
    pub last_sync_ms: Option<u64>,
    /// The protocol version that both speak.
    pub protocol: u32,
    /// The server's build; absent before the first connection.
    pub server_build: Option<String>,
    /// The network is held back on purpose, by [`crate::Client::hold_network`].
    pub network_held: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            connection: Connection::Idle,
            storage: StorageVerdict::Loading,
            is_persistent: None,
            user: None,
            client: None,
            pending: 0,
            conflicts: 0,
            quarantined: 0,
            last_sync_ms: None,
            protocol: PROTOCOL,
            server_build: None,
            network_held: false,
        }
    }
}

/// How the client is, in one word: what a person has to know first. The order of the variants is
/// the order of their importance.
///
/// ```
/// use driftless_client::SyncState;
/// use driftless_testkit::TestKit;
///
/// fn words(state: &SyncState) -> String {
///     match state {
///         SyncState::Live => "everything is saved".to_owned(),
///         SyncState::Syncing { pending } => format!("{pending} on their way"),
///         SyncState::Disconnected { pending, .. } => format!("offline, {pending} wait"),
///         SyncState::Undecided { .. } => "please decide".to_owned(),
///         // The others are for you; new ones may come.
///         _ => "one moment".to_owned(),
///     }
/// }
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// assert_eq!(words(&ann.client().status().sync_state()), "everything is saved");
/// ann.go_offline();
/// ann.client().board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// assert_eq!(words(&ann.client().status().sync_state()), "offline, 1 wait");
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncState {
    /// The stored data cannot be used; nothing is written or deleted.
    Unusable {
        /// Why, and what to do.
        reason: String,
    },
    /// Another tab or process uses this replica.
    OpenElsewhere,
    /// What is made is not saved on this device.
    NotSaved {
        /// Why.
        reason: String,
    },
    /// The token is missing, wrong or expired. The queue is untouched.
    Unauthorised {
        /// What the server said.
        reason: String,
    },
    /// Some edits wait for a person: see [`crate::Board::pending`].
    Undecided {
        /// Edits to what somebody else changed.
        conflicts: usize,
        /// Edits that the server refused.
        quarantined: usize,
    },
    /// The storage is not read yet.
    Starting,
    /// There is no connection, and none is being made: the device has no network, or the
    /// application disconnected, or the server closed it for good.
    Disconnected {
        /// Edits that wait to be applied.
        pending: usize,
        /// Why, where somebody said.
        reason: Option<String>,
    },
    /// A connection is being made, or will be.
    Connecting {
        /// Edits that wait to be applied.
        pending: usize,
    },
    /// There is a connection, and edits are on their way.
    Syncing {
        /// How many.
        pending: usize,
    },
    /// There is a connection, and everything is applied.
    Live,
}

impl Status {
    /// How it is, in one word.
    ///
    /// ```
    /// use driftless_client::SyncState;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let client = ann.client();
    /// assert_eq!(client.status().sync_state(), SyncState::Live);
    /// ann.go_offline();
    /// client.board("home").edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// let offline = SyncState::Disconnected { pending: 1, reason: None };
    /// assert_eq!(client.status().sync_state(), offline);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn sync_state(&self) -> SyncState {
        match &self.storage {
            StorageVerdict::Unusable { reason } => SyncState::Unusable {
                reason: reason.clone(),
            },
            StorageVerdict::OpenElsewhere => SyncState::OpenElsewhere,
            StorageVerdict::NotSaved { reason } => SyncState::NotSaved {
                reason: reason.clone(),
            },
            _ => self.connection_state(),
        }
    }

    fn connection_state(&self) -> SyncState {
        if let Connection::Unauthorised { reason } = &self.connection {
            let reason = reason.clone();
            return SyncState::Unauthorised { reason };
        }
        let (conflicts, quarantined, pending) = (self.conflicts, self.quarantined, self.pending);
        if conflicts + quarantined > 0 {
            return SyncState::Undecided {
                conflicts,
                quarantined,
            };
        }
        if self.storage == StorageVerdict::Loading {
            return SyncState::Starting;
        }
        match &self.connection {
            Connection::Online { .. } if pending == 0 => SyncState::Live,
            Connection::Online { .. } => SyncState::Syncing { pending },
            Connection::Idle | Connection::Offline => SyncState::Disconnected {
                pending,
                reason: None,
            },
            Connection::Closed { reason } => SyncState::Disconnected {
                pending,
                reason: Some(reason.clone()),
            },
            _ => SyncState::Connecting { pending },
        }
    }
}
