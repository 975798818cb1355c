//! Storage that does what the test wants.

use std::sync::{Arc, Mutex};

use driftless_protocol::durable::Row;
use driftless_store::replica::{MemoryRows, ReplicaStore, ReplicaStoreError};
use driftless_sync::replica::storage::{Committed, Transaction};
use futures::channel::oneshot;

/// Rows that are on a disk, as far as anybody can tell.
#[derive(Clone, Default)]
pub struct Disk {
    pub rows: MemoryRows,
    mood: Arc<Mutex<Mood>>,
}

#[derive(Default)]
struct Mood {
    fails: Option<ReplicaStoreError>,
    is_held: bool,
    held: Vec<oneshot::Sender<()>>,
}

impl Disk {
    /// From here on, everything fails like this; or (`None`) nothing does.
    pub fn fail(&self, error: Option<ReplicaStoreError>) {
        self.mood.lock().expect("no panic").fails = error;
    }

    /// From here on, commits wait until they are let go.
    pub fn hold(&self) {
        self.mood.lock().expect("no panic").is_held = true;
    }

    /// Lets everything go.
    pub fn let_go(&self) {
        let mut mood = self.mood.lock().expect("no panic");
        mood.is_held = false;
        mood.held.drain(..).for_each(|held| {
            let _ = held.send(());
        });
    }

    fn check(&self) -> Result<(), ReplicaStoreError> {
        self.mood
            .lock()
            .expect("no panic")
            .fails
            .clone()
            .map_or(Ok(()), Err)
    }

    fn wait(&self) -> Option<oneshot::Receiver<()>> {
        let mut mood = self.mood.lock().expect("no panic");
        mood.is_held.then(|| {
            let (sender, receiver) = oneshot::channel();
            mood.held.push(sender);
            receiver
        })
    }
}

impl ReplicaStore for Disk {
    async fn load(&self) -> Result<Vec<Row>, ReplicaStoreError> {
        self.check()?;
        self.rows.load_now()
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, ReplicaStoreError> {
        if let Some(wait) = self.wait() {
            let _ = wait.await;
        }
        self.check()?;
        Ok(self.rows.commit_now(&transaction))
    }
}
