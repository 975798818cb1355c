//! Who is told that something can be read anew: each watcher is woken, however often it changed,
//! once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use driftless_model::{BoardId, RecordId};
use futures::task::AtomicWaker;

/// What a watcher reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    /// The status.
    Status,
    /// Anything about the records of a board, or whether it is loaded.
    Board(BoardId),
    /// One record.
    Record(BoardId, RecordId),
    /// The outbox of a board.
    Outbox(BoardId),
    /// A feed.
    Feed(u32),
    /// What has no name.
    Nothing,
}

/// One who watches.
#[derive(Debug)]
pub(crate) struct Watcher {
    topic: Topic,
    has_news: AtomicBool,
    has_ended: AtomicBool,
    pub(crate) waker: AtomicWaker,
}

impl Watcher {
    /// Whether there is something to read since the last time that this was asked.
    pub(crate) fn take_news(&self) -> bool {
        self.has_news.swap(false, Ordering::AcqRel)
    }

    /// Whether there will be no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// Everybody who watches.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Mutex<Watching>);

#[derive(Debug, Default)]
struct Watching {
    watchers: Vec<Weak<Watcher>>,
    has_ended: bool,
}

impl Watchers {
    /// One more, for whom what there is now is news.
    pub(crate) fn watch(&self, topic: Topic) -> Arc<Watcher> {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let watcher = Arc::new(Watcher {
            topic,
            has_news: AtomicBool::new(true),
            has_ended: AtomicBool::new(watching.has_ended),
            waker: AtomicWaker::new(),
        });
        if !watching.has_ended {
            watching.watchers.push(Arc::downgrade(&watcher));
        }
        watcher
    }

    /// Wakes those whom it concerns; those that are gone are forgotten.
    pub(crate) fn tell(&self, concerns: impl Fn(&Topic) -> bool) {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watching.watchers.retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else {
                return false;
            };
            if concerns(&watcher.topic) {
                watcher.has_news.store(true, Ordering::Release);
                watcher.waker.wake();
            }
            true
        });
    }

    /// There will be no more.
    pub(crate) fn end(&self) {
        let mut watching = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watching.has_ended = true;
        let watchers = watching.watchers.drain(..);
        watchers
            .filter_map(|watcher| watcher.upgrade())
            .for_each(|watcher| watcher.end());
    }
}
