//! The way to the storage: one job at a time, in the order in which they were asked for.

use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use driftless_protocol::durable::Row;
use driftless_store::replica::{MemoryRows, ReplicaStoreError};
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::storage::{Committed, Transaction, Write};
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
}

enum Job {
    Load,
    Commit(Ticket, Transaction),
}

enum Done {
    Loaded(Result<Vec<Row>, ReplicaStoreError>),
    Committed {
        ticket: Ticket,
        /// The term that the transaction wrote, if any.
        term: Option<u64>,
        result: Result<Committed, ReplicaStoreError>,
    },
}

/// The answer to a job.
pub(super) struct Answer {
    /// For the machine.
    pub(super) input: Input,
    /// This driver leads since this term, and that is durable.
    pub(super) leads_since: Option<u64>,
}

impl StorageQueue {
    pub(super) fn new(store: Rc<dyn AnyStore>) -> Self {
        let volatile = store.volatile_any();
        Self {
            store,
            volatile,
            waiting: VecDeque::new(),
            under_way: None,
        }
    }

    pub(super) fn load(&mut self) {
        self.waiting.push_back(Job::Load);
    }

    pub(super) fn commit(&mut self, ticket: Ticket, transaction: Transaction) {
        self.waiting.push_back(Job::Commit(ticket, transaction));
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// The answer to the oldest job.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Answer> {
        if self.under_way.is_none() {
            let Some(job) = self.waiting.pop_front() else {
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
        match done {
            Done::Loaded(loaded) => Answer {
                input: self.loaded(loaded),
                leads_since: None,
            },
            Done::Committed {
                ticket,
                term,
                result,
            } => {
                let leads_since = term.filter(|_| result == Ok(Committed::Yes));
                let result = match result {
                    Ok(Committed::Yes) => CommitResult::Done,
                    Ok(Committed::Conflict) => CommitResult::Conflict,
                    Err(error) => CommitResult::Failed {
                        reason: error.to_string(),
                    },
                };
                Answer {
                    input: Input::Committed { ticket, result },
                    leads_since,
                }
            }
        }
    }

    /// Where the device refuses to keep anything, memory does instead, and says so.
    fn loaded(&mut self, loaded: Result<Vec<Row>, ReplicaStoreError>) -> Input {
        match loaded {
            Ok(rows) => Input::Loaded {
                rows,
                volatile: self.volatile.clone(),
            },
            Err(error @ (ReplicaStoreError::Refused { .. } | ReplicaStoreError::Full { .. })) => {
                self.store = Rc::new(MemoryRows::new());
                self.volatile = Some(error.to_string());
                Input::Loaded {
                    rows: Vec::new(),
                    volatile: self.volatile.clone(),
                }
            }
            Err(error) => Input::LoadFailed {
                reason: error.to_string(),
            },
        }
    }
}

async fn carry_out(store: Rc<dyn AnyStore>, job: Job) -> Done {
    match job {
        Job::Load => Done::Loaded(store.load_any().await),
        Job::Commit(ticket, transaction) => Done::Committed {
            ticket,
            term: term_of(&transaction),
            result: store.commit_any(transaction).await,
        },
    }
}

fn term_of(transaction: &Transaction) -> Option<u64> {
    transaction.writes.iter().find_map(|write| match write {
        Write::Put(Row::Replica(row)) => Some(row.term),
        _ => None,
    })
}
