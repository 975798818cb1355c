//! What waits to be written.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use driftless_feeds::{SeriesStore, Settled};
use driftless_store::server::KeptPush;
use tokio::sync::{Notify, oneshot};

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Waiting {
    orders: Mutex<Orders>,
    wanted: Notify,
}

/// Everything that waits.
#[derive(Debug, Default)]
pub struct Orders {
    /// What became settled, oldest first.
    pub settled: VecDeque<Settled>,
    /// Pushes whose samples are in memory.
    pub pushes: Vec<KeptPush>,
    /// Who wants to know whether it is durable.
    pub tellers: Vec<oneshot::Sender<bool>>,
}

impl Waiting {
    /// Something became settled.
    pub fn settle(&self, settled: Settled) {
        self.orders().settled.push_back(settled);
        self.wanted.notify_one();
    }

    /// Has everything written that has come in by now. Tells whether it is durable. The samples
    /// are still locked, so that a push is not written without them, nor they without it.
    pub fn write(&self, push: Option<KeptPush>, _samples: &SeriesStore) -> oneshot::Receiver<bool> {
        let (teller, told) = oneshot::channel();
        let mut orders = self.orders();
        orders.pushes.extend(push);
        orders.tellers.push(teller);
        self.wanted.notify_one();
        told
    }

    /// Until somebody wants something written.
    pub async fn asked(&self) {
        self.wanted.notified().await;
    }

    /// What waits.
    pub fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
