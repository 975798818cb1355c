//! Rows in memory: for tests, for the simulator, and for a process that keeps nothing.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::SortedMap;
use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::storage::{Committed, Transaction, Write};

use super::{ReplicaStore, ReplicaStoreError};

/// Rows in memory, encoded as every backend encodes them. Clones share the rows, so that a clone
/// kept aside stands for the disk that outlives a process.
///
/// ```
/// use driftless_protocol::durable::Key;
/// use driftless_store::replica::{MemoryRows, ReplicaStore};
///
/// let rows = MemoryRows::new();
/// let (disk, backup) = (rows.clone(), rows.copy());
/// rows.put_bytes(&Key::Replica, b"no row".to_vec());
/// assert!(disk.load_now().is_err());
/// assert_eq!(backup.load_now(), Ok(vec![]));
/// assert_eq!(rows.volatile().as_deref(), Some("it is kept in memory"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryRows(Arc<Mutex<SortedMap<String, Vec<u8>>>>);

impl MemoryRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// [`ReplicaStore::load`], at once.
    pub fn load_now(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        let rows = self.rows();
        let rows = rows.values();
        rows.map(|bytes| Row::decode(bytes).map_err(Into::into))
            .collect()
    }

    /// [`ReplicaStore::commit`], at once.
    pub fn commit_now(&self, transaction: &Transaction) -> Committed {
        let mut rows = self.rows();
        let holds = |(key, row): &(Key, Option<Row>)| {
            rows.get(&key.to_string()) == row.as_ref().map(Row::encode).as_ref()
        };
        if !transaction.expect.iter().all(holds) {
            return Committed::Conflict;
        }
        for write in &transaction.writes {
            match write {
                Write::Put(row) => rows.insert(row.key().to_string(), row.encode()),
                Write::Delete(key) => rows.remove(&key.to_string()),
            };
        }
        Committed::Yes
    }

    /// The rows as they are now, apart from what is written later: a copy of the disk.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.rows().clone())))
    }

    /// Puts bytes that may be no row, as a newer build or a broken disk would leave them.
    pub fn put_bytes(&self, key: &Key, bytes: Vec<u8>) {
        self.rows().insert(key.to_string(), bytes);
    }

    fn rows(&self) -> MutexGuard<'_, SortedMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReplicaStore for MemoryRows {
    fn load(&self) -> impl Future<Output = Result<Vec<Row>, ReplicaStoreError>> {
        std::future::ready(self.load_now())
    }

    fn commit(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<Committed, ReplicaStoreError>> {
        std::future::ready(Ok(self.commit_now(&transaction)))
    }

    fn volatile(&self) -> Option<String> {
        Some("it is kept in memory".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::conformance;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    #[test]
    fn memory_rows_conform() {
        for case in conformance::cases() {
            let rows = MemoryRows::new();
            let reopen = || std::future::ready(Ok(rows.clone()));
            block_on(case.run(reopen)).unwrap_or_else(|failure| panic!("{failure}"));
        }
    }

    #[test]
    fn a_copy_is_not_changed_by_later_writes() {
        let rows = MemoryRows::new();
        let copy = rows.copy();
        rows.put_bytes(&Key::Replica, vec![1]);
        assert_eq!(copy.load_now(), Ok(Vec::new()));
        assert!(rows.load_now().is_err());
    }

    #[test]
    fn a_newer_format_is_told_apart_from_a_broken_row() {
        let rows = MemoryRows::new();
        // {"format": 4}
        rows.put_bytes(&Key::Replica, b"\x81\xa6format\x04".to_vec());
        assert!(matches!(
            rows.load_now(),
            Err(ReplicaStoreError::Newer { .. })
        ));
        rows.put_bytes(&Key::Replica, vec![0xff]);
        assert!(matches!(
            rows.load_now(),
            Err(ReplicaStoreError::Corrupt { .. })
        ));
    }
}
