//! How the client is, at a glance.

use driftless_model::{ClientId, UserId};
use driftless_protocol::PROTOCOL;
use driftless_sync::replica::view::{Connection, StorageVerdict};

/// How the client is: connection, storage and outbox. Cheap to clone and compare.
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
