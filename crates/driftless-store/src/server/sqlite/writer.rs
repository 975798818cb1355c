//! The connection that writes, on a thread of its own.
//!
//! A commit is half a dozen statements and a sync. Through an async pool each statement is a
//! message to a thread and one back, and every value is copied to get there: more than the
//! statements themselves cost. Here a batch is one message, and values are bound where they lie.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};
use std::thread;

use driftless_sync::room::{Append, Stored};
use futures::channel::oneshot;
use rusqlite::{Connection, OpenFlags};

use crate::server::error::StoreError;
use crate::server::sqlite::lock::Lock;
use crate::server::sqlite::place::place;
use crate::server::sqlite::prune::Pruning;
use crate::server::sqlite::{BUSY_TIMEOUT, PAGE_BYTES, write};

/// Prepared statements that the connection keeps: all that there are.
const STATEMENTS_MAX: usize = 32;

/// Where the connection that writes is, and how it is opened.
#[derive(Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The most that it may take, in bytes.
    pub bytes_max: Option<u64>,
}

/// The thread. It ends when this is dropped, or closed.
#[derive(Debug)]
pub struct Writer {
    jobs: Sender<Job>,
}

enum Job {
    Append(Vec<Append>, oneshot::Sender<Vec<Stored>>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Opens the connection. The lock is held until it is closed.
    pub fn start(place: Place, lock: Arc<Lock>) -> Result<Self, StoreError> {
        let path = place.path.clone();
        let mut writing = Writing::at(place);
        writing.connection = Some(writing.place.connect()?);
        let (jobs, queue) = channel();
        let named = thread::Builder::new().name("driftless-writer".to_owned());
        let started = named.spawn(move || {
            let closed = writing.run(&queue);
            drop(writing);
            // Whoever waits may open the file again at once.
            drop(lock);
            if let Some(closed) = closed {
                closed.send(()).ok();
            }
        });
        started.map_err(|error| open_error(&path, &error))?;
        Ok(Self { jobs })
    }

    /// Carries out a batch: one answer for each append, in order.
    pub async fn append(&self, batch: Vec<Append>) -> Vec<Stored> {
        let count = batch.len();
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Append(batch, answer)).is_err() {
            return vec![Stored::Failed; count];
        }
        // Without an answer the thread is gone, with whatever it had done by then.
        answered
            .await
            .unwrap_or_else(|_| vec![Stored::Unknown; count])
    }

    /// Ends it, once what was asked for before is done.
    pub async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        if self.jobs.send(Job::Close(closed)).is_ok() {
            is_closed.await.ok();
        }
    }
}

/// A connection that is opened again after an error.
#[derive(Debug)]
pub struct Writing {
    place: Place,
    connection: Option<Connection>,
    pruning: Pruning,
}

impl Writing {
    /// No connection yet: the first batch opens it.
    pub fn at(place: Place) -> Self {
        Self {
            place,
            connection: None,
            pruning: Pruning::default(),
        }
    }

    /// Until it is to be closed; answers with who waits for that.
    fn run(&mut self, queue: &Receiver<Job>) -> Option<oneshot::Sender<()>> {
        while let Ok(job) = self.next(queue) {
            match job {
                Job::Append(batch, answer) => {
                    // Nobody waits for it any more: it is stored all the same.
                    let stored = self.survive(batch.len(), |it| it.append(&batch));
                    answer.send(stored).ok();
                    // However much there is to write: logs do not grow for ever.
                    self.prune_some();
                }
                Job::Close(closed) => {
                    self.prune_all();
                    return Some(closed);
                }
            }
        }
        None
    }

    /// The next job; while there is none, what boards let go is deleted.
    fn next(&mut self, queue: &Receiver<Job>) -> Result<Job, RecvError> {
        while !self.pruning.is_empty() {
            match queue.try_recv() {
                Ok(job) => return Ok(job),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
                Err(TryRecvError::Empty) => self.prune_some(),
            }
        }
        queue.recv()
    }

    fn prune_all(&mut self) {
        while !self.pruning.is_empty() {
            self.prune_some();
        }
    }

    /// Deletes some of what boards let go.
    fn prune_some(&mut self) {
        if self.pruning.is_empty() {
            return;
        }
        let pruned = match self.connection.take() {
            Some(connection) => self.pruning.some(&connection).map(|()| connection),
            None => self.place.open(),
        };
        match pruned {
            Ok(connection) => self.connection = Some(connection),
            Err(error) => {
                tracing::warn!(%error, "a log is pruned later");
                self.pruning = Pruning::default();
            }
        }
    }

    /// Answers for so many appends. A panic costs this batch, whose outcome nobody knows then, and
    /// the connection; the next batch takes a new one.
    fn survive(
        &mut self,
        count: usize,
        append: impl FnOnce(&mut Self) -> Vec<Stored>,
    ) -> Vec<Stored> {
        let appended = catch_unwind(AssertUnwindSafe(|| append(self)));
        appended.unwrap_or_else(|_| {
            tracing::error!("writing a batch panicked; the store goes on with a new connection");
            self.connection = None;
            vec![Stored::Unknown; count]
        })
    }

    /// Carries out a batch: one answer for each append, in order.
    pub fn append(&mut self, batch: &[Append]) -> Vec<Stored> {
        let stored = write::append(batch, |group| {
            let connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.place.connect().map_err(|error| {
                    tracing::error!(%error, "the store has no connection");
                    write::Failure::Hopeless
                })?,
            };
            let answer = write::commit(&connection, group);
            let is_sound = matches!(&answer, Ok(stored) if !stored.contains(&Stored::Unknown));
            if is_sound {
                self.connection = Some(connection);
            }
            // What state an error leaves a connection in depends on the error: the next commit
            // takes a new one.
            answer
        });
        self.pruning.note(batch, &stored);
        stored
    }
}

impl Place {
    /// A connection whose commits are synced.
    pub fn connect(&self) -> Result<Connection, StoreError> {
        let opened = self
            .open()
            .map_err(|error| open_error(&self.path, &error))?;
        self.assert_durable(&opened)?;
        Ok(opened)
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        // One thread has it, so it needs no lock of its own.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        if let Some(bytes_max) = self.bytes_max {
            let pages = i64::try_from((bytes_max / PAGE_BYTES).max(1)).unwrap_or(i64::MAX);
            connection.pragma_update(None, "max_page_count", pages)?;
        }
        Ok(connection)
    }

    /// Refuses a place where commits would not be synced: some file systems know no write-ahead
    /// log.
    fn assert_durable(&self, connection: &Connection) -> Result<(), StoreError> {
        let journal_mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let synchronous = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(|it| it.to_string());
        let found = [
            (
                connection.pragma_query_value(None, "journal_mode", journal_mode),
                "the journal mode",
                "wal",
            ),
            // 2 is FULL: the write-ahead log is synced at every commit.
            (
                connection.pragma_query_value(None, "synchronous", synchronous),
                "the synchronous setting",
                "2",
            ),
        ];
        for (found, setting, needed) in found {
            let found = found.map_err(|error| open_error(&self.path, &error))?;
            if found != needed {
                return Err(StoreError::NotDurable {
                    place: place(&self.path),
                    setting,
                    found,
                });
            }
        }
        Ok(())
    }
}

fn open_error(path: &Path, error: &impl ToString) -> StoreError {
    StoreError::Open {
        place: place(path),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{Effect, Version};

    use super::*;
    use crate::server::conformance::Script;
    use crate::server::{Accounts, BoardStore as _, SqliteBoards};

    #[test]
    fn a_panic_costs_its_batch_and_the_next_has_a_new_connection() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("boards.db");
        drop(Connection::open(&path).expect("is made"));
        let place = Place {
            path,
            bytes_max: None,
        };
        let mut writing = Writing::at(place);
        writing.connection = Some(writing.place.connect().expect("opens"));
        let stored = writing.survive(2, |_| panic!("as a test wants it"));
        assert_eq!(stored, [Stored::Unknown, Stored::Unknown]);
        assert!(writing.connection.is_none());
        assert_eq!(writing.survive(1, |it| it.append(&[])), []);
    }

    #[tokio::test]
    async fn who_closed_it_can_take_the_lock_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("boards.db");
        drop(Connection::open(&path).expect("is made"));
        for _ in 0..50 {
            let lock = Arc::new(Lock::take_alone(&path).expect("is free"));
            let place = Place {
                path: path.clone(),
                bytes_max: None,
            };
            let writer = Writer::start(place, lock).expect("starts");
            writer.close().await;
        }
    }

    /// An append of so many edits that keeps the newest hundred log rows.
    fn pruning(script: &mut Script, edits: usize) -> Append {
        let head = script.image().head.version.0 + edits as u64;
        let none: &[Effect] = &[];
        script.pruning(1, &vec![none; edits], (Version(0), Version(head - 100)))
    }

    fn log_rows(writing: &Writing) -> u64 {
        let count = "SELECT count(*) FROM log WHERE board = 'home'";
        let connection = writing.connection.as_ref().expect("is open");
        let count = connection.query_row(count, [], |row| row.get::<_, i64>(0));
        count.expect("counts").cast_unsigned()
    }

    /// A file without boards, and its connection.
    async fn writing(folder: &Path) -> Writing {
        let path = folder.join("boards.db");
        let store = SqliteBoards::open(&path).await.expect("opens");
        store.close().await;
        Writing::at(Place {
            path,
            bytes_max: None,
        })
    }

    #[tokio::test]
    async fn a_log_that_lets_go_of_many_rows_loses_some_at_a_time_and_others_are_written_between() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writing = writing(folder.path()).await;
        let (mut script, mut other) = (Script::new("home"), Script::new("other"));
        let append = pruning(&mut script, 2_600);
        assert_eq!(writing.append(&[append]), [Stored::Committed]);
        let mut left = vec![log_rows(&writing)];
        while !writing.pruning.is_empty() {
            let append = other.edit(2, &[]);
            assert_eq!(writing.append(&[append]), [Stored::Committed]);
            writing.prune_some();
            left.push(log_rows(&writing));
        }
        assert_eq!(left, [1_600, 600, 100]);
    }

    #[tokio::test]
    async fn what_a_crash_leaves_of_a_log_goes_with_a_later_append_that_prunes() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writing = writing(folder.path()).await;
        let mut script = Script::new("home");
        let append = pruning(&mut script, 2_600);
        assert_eq!(writing.append(&[append]), [Stored::Committed]);
        drop(writing);
        let store = SqliteBoards::open(folder.path().join("boards.db")).await;
        let store = store.expect("opens");
        // It is told as it is, so that its room knows.
        let image = store.load(script.board()).await.expect("reads");
        assert_eq!(image.pruned, Version(1_000));
        let append = pruning(&mut script, 1);
        assert_eq!(store.append(vec![append]).await, [Stored::Committed]);
        // With nobody who asks for more, the rest goes as well.
        store.close().await;
        let store = SqliteBoards::open(folder.path().join("boards.db")).await;
        let image = store.expect("opens").load(script.board()).await;
        assert_eq!(image.as_ref(), Ok(script.image()));
    }

    /// Whoever begins a board anew under the name of a deleted one keeps its log.
    #[tokio::test]
    async fn a_board_that_begins_anew_is_not_pruned_for_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writing = writing(folder.path()).await;
        let mut script = Script::new("home");
        let append = pruning(&mut script, 2_600);
        assert_eq!(writing.append(&[append]), [Stored::Committed]);
        let path = folder.path().join("boards.db");
        let accounts = Accounts::open(path).await.expect("opens");
        let board = script.board().clone();
        assert_eq!(accounts.delete_board(&board, "root").await, Ok(true));
        assert_eq!(accounts.reopen_board(&board, "root").await, Ok(true));
        let append = Script::new("home").edit(1, &[]);
        assert_eq!(writing.append(&[append]), [Stored::Committed]);
        writing.prune_all();
        assert_eq!(log_rows(&writing), 1);
    }
}
