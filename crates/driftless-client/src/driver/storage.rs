//! The way to the storage: one job at a time, in the order in which they were asked for.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use driftless_protocol::durable::Row;
use driftless_store::replica::{MemoryRows, ReplicaStoreError};
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::storage::{Committed, Transaction};
use driftless_sync::replica::{CommitResult, Input};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::platform::AnyStore;

/// Jobs for the storage.
pub(super) struct StorageQueue {
    store: Rc<dyn AnyStore>,
    volatile: Option<String>,
    waiting: VecDeque<Job>,
    under_way: Option<LocalBoxFuture<'static, Done>>,
    /// Whether the machine got what is stored.
    is_loaded: bool,
    is_paused: bool,
}

enum Job {
    Load,
    Commit(Ticket, Transaction),
}

enum Done {
    Loaded(Result<Vec<Row>, ReplicaStoreError>),
    Committed(Ticket, Result<Committed, ReplicaStoreError>),
}

/// The answer to a job.
#[derive(Debug)]
pub(super) enum Answer {
    /// For the machine.
    Input(Input),
    /// For the machine: everything was read for the first time.
    FirstLoaded(Input),
    /// The same, and the device keeps nothing: memory does, which no other tab sees.
    InMemory(Input),
    /// It cannot be read again right now; the job waits to be asked for once more.
    Unread {
        /// Why.
        reason: String,
    },
    /// For the machine: what is stored cannot be used.
    Unusable(Input),
}

impl StorageQueue {
    pub(super) fn new(store: Rc<dyn AnyStore>) -> Self {
        let volatile = store.volatile_any();
        Self {
            store,
            volatile,
            waiting: VecDeque::new(),
            under_way: None,
            is_loaded: false,
            is_paused: false,
        }
    }

    /// Why everything is gone with this driver, where it is.
    pub(super) fn is_volatile(&self) -> bool {
        self.volatile.is_some()
    }

    pub(super) fn load(&mut self) {
        self.waiting.push_back(Job::Load);
    }

    pub(super) fn commit(&mut self, ticket: Ticket, transaction: Transaction) {
        self.waiting.push_back(Job::Commit(ticket, transaction));
    }

    /// Nothing is begun from here on, or it is again. What is under way ends.
    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// The answer to the oldest job.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        if self.under_way.is_none() {
            let next = self.waiting.pop_front_if(|_| !self.is_paused);
            let Some(job) = next else {
                return Poll::Pending;
            };
            self.under_way = Some(carry_out(Rc::clone(&self.store), job).boxed_local());
        }
        let Some(job) = &mut self.under_way else {
            return Poll::Pending;
        };
        let done = std::task::ready!(job.poll_unpin(context));
        self.under_way = None;
        Poll::Ready(self.answer(done))
    }

    fn answer(&mut self, done: Done) -> Answer {
        let (ticket, result) = match done {
            Done::Loaded(loaded) => return self.loaded(loaded),
            Done::Committed(ticket, result) => (ticket, result),
        };
        let result = match result {
            Ok(Committed::Yes) => CommitResult::Done,
            Ok(Committed::Conflict) => CommitResult::Conflict,
            Err(error) if is_final(&error) => return unusable(&error),
            Err(error) => CommitResult::Failed {
                reason: error.to_string(),
            },
        };
        Answer::Input(Input::Committed { ticket, result })
    }

    /// Where the device refuses to keep anything, memory does instead, and says so. Once something
    /// was read, nothing takes its place.
    fn loaded(&mut self, loaded: Result<Vec<Row>, ReplicaStoreError>) -> Answer {
        use ReplicaStoreError::{Blocked, Full, Refused};
        if let Err(error @ Blocked) = &loaded {
            // Neither read nor refused: the job waits, also where it is the first.
            let reason = error.to_string();
            return Answer::Unread { reason };
        }
        let is_first = !std::mem::replace(&mut self.is_loaded, true);
        match loaded {
            Ok(rows) if is_first => Answer::FirstLoaded(self.rows(rows)),
            Ok(rows) => Answer::Input(self.rows(rows)),
            Err(error @ (Refused { .. } | Full { .. })) if is_first => {
                self.store = Rc::new(MemoryRows::new());
                self.volatile = Some(error.to_string());
                Answer::InMemory(self.rows(Vec::new()))
            }
            Err(error) if is_first || is_final(&error) => unusable(&error),
            Err(error) => Answer::Unread {
                reason: error.to_string(),
            },
        }
    }

    fn rows(&self, rows: Vec<Row>) -> Input {
        let volatile = self.volatile.clone();
        Input::Loaded { rows, volatile }
    }
}

/// Whether trying again cannot help.
fn is_final(error: &ReplicaStoreError) -> bool {
    use ReplicaStoreError::{Cleared, Corrupt, Newer};
    matches!(error, Cleared | Corrupt { .. } | Newer { .. })
}

fn unusable(error: &ReplicaStoreError) -> Answer {
    Answer::Unusable(Input::LoadFailed {
        reason: error.to_string(),
    })
}

async fn carry_out(store: Rc<dyn AnyStore>, job: Job) -> Done {
    match job {
        Job::Load => Done::Loaded(store.load_any().await),
        Job::Commit(ticket, transaction) => {
            Done::Committed(ticket, store.commit_any(transaction).await)
        }
    }
}
