//! A person's storage, which works or does not.

use std::sync::{Arc, Mutex, PoisonError};

use driftless_protocol::durable::Row;
use driftless_store::replica::{MemoryRows, ReplicaStore, ReplicaStoreError};
use driftless_sync::replica::storage::{Committed, Transaction};

/// How the storage of a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Disk {
    /// It keeps what it is given.
    #[default]
    Works,
    /// It takes nothing more, until it works again.
    Full,
    /// What is in it cannot be read. Counts when a client starts: see [`crate::Person::restart`].
    Unreadable,
    /// There is none, as in a private window: what is made is gone with the client. Counts when a
    /// client starts.
    Missing,
}

/// The rows of a person. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct DiskRows {
    rows: MemoryRows,
    disk: Arc<Mutex<Disk>>,
}

impl DiskRows {
    pub fn set(&self, disk: Disk) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = disk;
    }

    fn disk(&self) -> Disk {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplicaStore for DiskRows {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        match self.disk() {
            Disk::Unreadable => Err(ReplicaStoreError::Corrupt {
                detail: "this device's storage is damaged".to_owned(),
            }),
            _ => self.rows.load().await,
        }
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        match self.disk() {
            Disk::Full => Err(ReplicaStoreError::Full {
                detail: "no room for another row".to_owned(),
            }),
            _ => self.rows.commit(transaction).await,
        }
    }

    fn volatile(&self) -> Option<String> {
        let is_missing = self.disk() == Disk::Missing;
        is_missing.then(|| "the browser keeps nothing in a private window".to_owned())
    }
}
