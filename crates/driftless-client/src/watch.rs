//! Watching something that can be read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use crate::news::{Topic, Watcher};
use crate::shared::{Published, State};

/// What something is now, and what it becomes: a stream whose first item is there at once, and
/// which then has one whenever it is something else. Whoever reads slowly gets the newest, not all
/// that was between. It does not keep the client running, and ends with it.
///
/// ```
/// use driftless_client::model::Note;
/// use driftless_testkit::TestKit;
/// use futures::StreamExt;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// let board = ann.client().board("home");
/// let mut text = board.watch("note", Note::TEXT);
/// assert_eq!(kit.until(text.next()), Some(None));
/// for words in ["One", "Two"] {
///     board.edit("Write", |e| {
///         e.create("note", "note", []);
///         e.set("note", Note::TEXT, words);
///     })?;
/// }
/// kit.settle();
/// assert_eq!(kit.until(text.next()), Some(Some("Two".to_owned())));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
pub struct Watch<T> {
    state: Arc<State>,
    watcher: Arc<Watcher>,
    read: Box<dyn FnMut(&State) -> T + Send>,
    last: Option<T>,
}

impl<T> Watch<T> {
    pub(crate) fn new(
        state: Arc<State>,
        topic: Topic,
        mut read: impl FnMut(&Published) -> T + Send + 'static,
    ) -> Self {
        Self::reading(state, topic, move |state| read(&state.published()))
    }

    /// As [`Watch::new`], of what runs code of the application: that takes the lock itself, and has
    /// let it go before.
    pub(crate) fn reading(
        state: Arc<State>,
        topic: Topic,
        read: impl FnMut(&State) -> T + Send + 'static,
    ) -> Self {
        let watcher = state.listeners.watchers.watch(topic);
        Self {
            state,
            watcher,
            read: Box::new(read),
            last: None,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Watch<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut formatter = formatter.debug_struct("Watch");
        formatter.field("last", &self.last).finish_non_exhaustive()
    }
}

impl<T: Clone + PartialEq + Unpin> Stream for Watch<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let watch = &mut *self;
        watch.watcher.waker.register(context.waker());
        // Asked before, so that what was told before the end is not missed.
        let has_ended = watch.watcher.has_ended();
        if watch.watcher.take_news() {
            let now = (watch.read)(&watch.state);
            if watch.last.as_ref() != Some(&now) {
                watch.last = Some(now.clone());
                return Poll::Ready(Some(now));
            }
        }
        if has_ended {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }
}
