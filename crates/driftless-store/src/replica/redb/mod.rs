//! Rows in a file of the embedded database `redb`, for native clients.

mod error;
mod trial;
mod file;
mod rows;
mod worker;
#[cfg(test)]
mod tests;

pub use error::RedbError;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use driftless_protocol::durable::Row;
use driftless_sync::replica::storage::{Committed, Transaction};

use super::{ReplicaStore, ReplicaStoreError};
use worker::Worker;

/// A replica in a file. What was committed is on the disk, and a process that is killed at any
/// moment leaves the file whole. Where a disk spoils the newest transaction itself, that looks like
/// a write that was cut short: the file opens as it was before. The file is one
/// replica: another user's, or another server's, is another file.
///
/// Clones share the open file, which is closed when the last one is dropped. A process has it for
/// itself; on Unix it is readable by its owner alone.
///
/// ```
/// use driftless_store::replica::Redb;
///
/// let folder = tempfile::tempdir()?;
/// let file = folder.path().join("replica.redb");
/// let replica = Redb::open(&file)?;
/// let error = Redb::open(&file).expect_err("it is open already");
/// assert!(error.to_string().contains("in use by another process"));
/// drop(replica);
/// Redb::open(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Redb {
    path: PathBuf,
    worker: Arc<Worker>,
}

impl Redb {
    /// Opens a file, and makes it where there is none; its folder has to exist. Looks over all of
    /// it, which takes as long as reading it twice: a file that is damaged or none of ours is
    /// refused, and left as it is.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RedbError> {
        let path = path.as_ref().to_owned();
        let opened = path.clone();
        let worker = Worker::start(Box::new(move |turn| file::open(&opened, turn)))?;
        Ok(Self {
            path,
            worker: Arc::new(worker),
        })
    }

    /// Which file it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl ReplicaStore for Redb {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        let rows = self.worker.load().await?;
        rows.iter().map(|bytes| Ok(Row::decode(bytes)?)).collect()
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        self.worker.commit(transaction).await
    }
}
