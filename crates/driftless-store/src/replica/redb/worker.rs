//! The thread that has the file: a write waits for the disk, and the driver goes on meanwhile.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::JoinHandle;

use ::redb::{Database, Error};
use driftless_sync::replica::storage::{Committed, Transaction};
use futures::channel::oneshot;

use super::error::{RedbError, failure};
use super::file::Turn;
use super::rows::{self, Unsure};
use crate::replica::ReplicaStoreError;

/// Opens the file, the first time and again.
pub(super) type Open = Box<dyn FnMut(Turn) -> Result<Database, RedbError> + Send>;

type Answer<T> = oneshot::Sender<Result<T, ReplicaStoreError>>;

enum Job {
    Load(Answer<Vec<Vec<u8>>>),
    Commit(Transaction, Answer<Committed>),
}

/// The thread. Dropping this lets it finish what it was asked for, close the file and end.
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Worker {
    /// Opens the file now, and starts.
    pub(super) fn start(mut open: Open) -> Result<Self, RedbError> {
        let mut file = OpenFile {
            database: Some(open(Turn::First)?),
            unsure: Unsure::default(),
            open,
        };
        let (jobs, asked) = mpsc::channel();
        let work = move || {
            for job in asked {
                file.carry_out(job);
            }
        };
        let thread = std::thread::Builder::new().name("driftless-replica".to_owned());
        let thread = thread.spawn(work).map_err(|error| RedbError::Thread {
            detail: error.to_string(),
        })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Every row's bytes, in the order of their keys.
    pub(super) async fn load(&self) -> Result<Vec<Vec<u8>>, ReplicaStoreError> {
        self.ask(Job::Load).await
    }

    /// One transaction.
    pub(super) async fn commit(
        &self,
        transaction: Transaction,
    ) -> Result<Committed, ReplicaStoreError> {
        self.ask(|answer| Job::Commit(transaction, answer)).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Answer<T>) -> Job) -> Result<T, ReplicaStoreError> {
        let (answer, answered) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // Should the thread be gone, so is the sender of the answer.
            let _ = jobs.send(job(answer));
        }
        answered.await.unwrap_or_else(|_| {
            let detail = "its thread has ended".to_owned();
            Err(ReplicaStoreError::Failed { detail })
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It catches its panics; whoever opens the file next has to find it closed.
            let _ = thread.join();
        }
    }
}

struct OpenFile {
    /// Absent after a failure: the library does not go on after one, but opens again.
    database: Option<Database>,
    unsure: Unsure,
    open: Open,
}

impl OpenFile {
    fn carry_out(&mut self, job: Job) {
        // Whoever asked may be gone; the work is done all the same.
        match job {
            Job::Load(answer) => drop(answer.send(self.load())),
            Job::Commit(transaction, answer) => {
                let commit = |database: &Database, unsure: &mut Unsure| {
                    rows::commit(database, &transaction, unsure)
                };
                drop(answer.send(self.with(commit)));
            }
        }
    }

    fn load(&mut self) -> Result<Vec<Vec<u8>>, ReplicaStoreError> {
        self.with(|database, unsure| {
            let rows = rows::read_all(database)?;
            unsure.forget();
            Ok(rows)
        })
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&Database, &mut Unsure) -> Result<T, Error>,
    ) -> Result<T, ReplicaStoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => self.open_again()?,
        };
        // The library checks a file as it opens it, and takes it for sound afterwards.
        let worked = catch_unwind(AssertUnwindSafe(|| work(&database, &mut self.unsure)));
        let worked = worked.unwrap_or_else(|_| {
            let reason = "a page makes no sense".to_owned();
            Err(Error::Corrupted(reason))
        });
        let worked = worked.map_err(failure)?;
        self.database = Some(database);
        Ok(worked)
    }

    fn open_again(&mut self) -> Result<Database, RedbError> {
        let opened = (self.open)(Turn::Again);
        if let Err(RedbError::InUse { .. }) = opened {
            // Whatever is in the file from here on is not known to be from this one.
            self.unsure.forget();
        }
        opened
    }
}
