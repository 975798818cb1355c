//! A replica's storage: an ordered map from key to row, with one atomic write.
//!
//! [`ReplicaStore`] is the trait. [`MemoryRows`] keeps rows in memory; in a browser,
//! `IndexedDbRows` keeps them in `IndexedDB`; natively, `Redb` keeps them in a file. Every backend
//! runs [`conformance`].

pub mod conformance;
mod memory;
#[cfg(all(target_arch = "wasm32", feature = "indexeddb"))]
mod indexeddb;
#[cfg(all(not(target_arch = "wasm32"), feature = "redb"))]
mod redb;

#[cfg(all(not(target_arch = "wasm32"), feature = "redb"))]
pub use self::redb::{Redb, RedbError};
#[cfg(all(target_arch = "wasm32", feature = "indexeddb"))]
pub use indexeddb::{IndexedDbRows, Lease};
pub use memory::MemoryRows;

use std::future::Future;

use driftless_protocol::durable::{Row, RowError};
use driftless_sync::replica::storage::{Committed, Transaction};

/// Where a replica keeps what it has. Not `Send`: one driver on one thread uses it.
///
/// An adapter compares and writes bytes, and decides nothing: every precondition is an expectation
/// that the sync crate states. Two stores over the same data (two tabs) see each other's writes.
pub trait ReplicaStore {
    /// Every row, keys ascending by their text.
    fn load(&self) -> impl Future<Output = Result<Vec<Row>, ReplicaStoreError>>;

    /// Carries out one transaction: all of it, durable before it answers, or nothing. Expectations
    /// are compared by the bytes that rows encode to, inside the same transaction.
    fn commit(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<Committed, ReplicaStoreError>>;

    /// Why everything is gone with the tab or process, where it is. By default it stays.
    fn volatile(&self) -> Option<String> {
        None
    }
}

/// Why a replica's storage did not do what was asked. Nothing was written, as far as is known: a
/// disk may fail after it has taken a transaction. Whoever tries again then states the same
/// expectations as before, and a storage that failed so takes them for met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaStoreError {
    /// No room left.
    #[error("this device's storage is full; free some space: {detail}")]
    Full {
        /// What the backend said.
        detail: String,
    },
    /// The backend may not be used: private mode, or a setting.
    #[error("this device keeps nothing for this page (private mode?): {detail}")]
    Refused {
        /// What the backend said.
        detail: String,
    },
    /// What is stored cannot be read.
    #[error("{detail}")]
    Corrupt {
        /// What was found, and what to do.
        detail: String,
    },
    /// It was cleared while it was in use, by a person or the browser.
    #[error(
        "this device's storage was cleared while this page was open: export what is pending, then \
         reload"
    )]
    Cleared,
    /// A newer build wrote it; it is neither read nor written nor deleted.
    #[error("{detail}")]
    Newer {
        /// What was found, and what to do.
        detail: String,
    },
    /// Somebody of an older build has it open, and does not let go. Whoever asks again waits until
    /// they do.
    #[error(
        "a tab with an older version of this page holds this device's storage; close it, and this \
         one goes on by itself"
    )]
    Blocked,
    /// Something else; worth trying again.
    #[error("this device's storage failed: {detail}")]
    Failed {
        /// What the backend said.
        detail: String,
    },
}

impl From<RowError> for ReplicaStoreError {
    fn from(error: RowError) -> Self {
        let detail = error.to_string();
        match error {
            RowError::Newer { .. } => Self::Newer { detail },
            _ => Self::Corrupt { detail },
        }
    }
}
