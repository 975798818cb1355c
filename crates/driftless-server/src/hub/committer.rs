//! Group commit: the appends of all rooms that wait go to the store as one batch.

use std::sync::Arc;
use std::time::Instant;

use driftless_model::limits::BOARDS_PER_BATCH_MAX;
use driftless_sync::room::{Append, Stored};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::metrics::Metrics;
use crate::store::SharedStore;

/// Takes appends to the store. Each room has at most one under way.
#[derive(Debug, Clone)]
pub struct Committer {
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Job {
    append: Append,
    answer: oneshot::Sender<Stored>,
}

impl Committer {
    /// Starts the task that talks to the store. It ends when the last handle is gone and everything
    /// is written.
    pub fn start(store: SharedStore, metrics: Arc<Metrics>) -> (Self, JoinHandle<()>) {
        let (jobs, queue) = mpsc::channel(BOARDS_PER_BATCH_MAX);
        (Self { jobs }, tokio::spawn(run(store, queue, metrics)))
    }

    /// Writes an append, together with those of other rooms.
    pub async fn commit(self, append: Append) -> Stored {
        let (answer, stored) = oneshot::channel();
        match self.jobs.send(Job { append, answer }).await {
            // Without an answer it may be there or not.
            Ok(()) => stored.await.unwrap_or(Stored::Unknown),
            Err(_) => Stored::Failed,
        }
    }
}

async fn run(store: SharedStore, mut queue: mpsc::Receiver<Job>, metrics: Arc<Metrics>) {
    let mut jobs = Vec::new();
    while queue.recv_many(&mut jobs, BOARDS_PER_BATCH_MAX).await > 0 {
        let (appends, answers): (Vec<_>, Vec<_>) =
            jobs.drain(..).map(|job| (job.append, job.answer)).unzip();
        let edits = appends.iter().map(|append| append.log.len()).sum();
        let started = Instant::now();
        let stored = store.append(appends).await;
        metrics.committed(edits, started.elapsed());
        for (answer, stored) in answers.into_iter().zip(stored) {
            metrics.stored(result(stored));
            // A room that is gone learns it from the store when it is loaded again.
            answer.send(stored).ok();
        }
    }
}

fn result(stored: Stored) -> &'static str {
    match stored {
        Stored::Committed => "committed",
        Stored::Conflict => "conflict",
        Stored::Failed => "failed",
        Stored::Unknown => "unknown",
    }
}
