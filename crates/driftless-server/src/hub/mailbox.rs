//! What is for one connection only, and the bell that wakes it.

use std::collections::{BTreeSet, VecDeque};
#[cfg(any(test, feature = "host-metrics"))]
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use driftless_model::{BoardId, limits};
use driftless_protocol::message::Resume;
use driftless_protocol::{CloseCode, ServerMessage};
use futures::task::AtomicWaker;

use crate::hub::news::News;

/// A connection's letters and bell. Bounded by what the connection has asked for and not yet read:
/// it takes its letters before it asks for more.
#[derive(Debug, Default)]
pub struct Mailbox {
    is_rung: AtomicBool,
    sleeper: AtomicWaker,
    letters: Mutex<VecDeque<Letter>>,
    doubts: Mutex<Doubts>,
}

/// The boards on which the connection's user may have other rights than before: to be asked for
/// before anything more of them is written or taken.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Doubts {
    /// None.
    #[default]
    None,
    /// These.
    Some(BTreeSet<BoardId>),
    /// All.
    All,
}

impl Doubts {
    /// Whether they are about a board.
    pub fn are_about(&self, board: &BoardId) -> bool {
        match self {
            Self::None => false,
            Self::Some(boards) => boards.contains(board),
            Self::All => true,
        }
    }

    /// Adds a board, or all of them. More than a connection can follow are all.
    fn add(&mut self, board: Option<&BoardId>) {
        match (&mut *self, board) {
            (Self::None, Some(board)) => *self = Self::Some([board.clone()].into()),
            (Self::Some(boards), Some(board))
                if boards.len() < limits::BOARDS_PER_CONNECTION_MAX =>
            {
                boards.insert(board.clone());
            }
            _ => *self = Self::All,
        }
    }
}

/// Something for one connection only.
#[derive(Debug)]
pub enum Letter {
    /// From a board, for the subscription with this number.
    Board {
        /// Which board.
        board: BoardId,
        /// Which of the connection's subscriptions.
        subscription: u64,
        /// The number in the board's ring of the first item that comes after it.
        at: u64,
        /// What.
        content: Content,
    },
    /// The connection ends.
    Close(Closing),
}

/// What a board has to say to one connection.
#[derive(Debug, Clone)]
pub enum Content {
    /// A message.
    Message(Box<ServerMessage>),
    /// A resume.
    Resume {
        /// What it says of its client: all but the news.
        head: Box<Resume>,
        /// What it says of the board.
        news: Arc<News>,
    },
}

impl Letter {
    fn is_resume(&self) -> bool {
        let Self::Board { content, .. } = self else {
            return false;
        };
        matches!(content, Content::Resume { .. })
    }

    /// Whether another letter is for a later subscription to the same board.
    fn is_superseded_by(&self, later: &Self) -> bool {
        match (self, later) {
            (
                Self::Board {
                    board,
                    subscription,
                    ..
                },
                Self::Board {
                    board: same,
                    subscription: last,
                    ..
                },
            ) => board == same && subscription < last,
            _ => false,
        }
    }
}

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The number, which says what the client does next.
    pub code: CloseCode,
    /// In words.
    pub reason: String,
    /// The earliest time to come back, in milliseconds.
    pub reconnect_after_ms: u64,
}

impl Closing {
    /// An end after which the client comes back as its own backoff says, if it may.
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
            reconnect_after_ms: 0,
        }
    }
}

impl Mailbox {
    /// Puts a letter in and rings. A resume takes the place of what waits for former subscriptions
    /// to the board: that is not read any more, and may be large.
    pub fn post(&self, letter: Letter) {
        let is_end = matches!(letter, Letter::Close(_));
        let mut letters = self.letters();
        if letter.is_resume() {
            letters.retain(|former| !former.is_superseded_by(&letter));
        }
        letters.push_back(letter);
        drop(letters);
        self.ring();
        if is_end {
            // Whoever waits for the end may have been rung for before, and not have looked.
            self.sleeper.wake();
        }
    }

    /// Says that rights may have changed, on a board or on all, and rings.
    pub fn doubt(&self, board: Option<&BoardId>) {
        self.doubts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(board);
        self.ring();
    }

    /// Where rights may have changed since this was asked last.
    pub fn take_doubts(&self) -> Doubts {
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *doubts)
    }

    /// Wakes the connection, now or when it next waits.
    pub fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.sleeper.wake();
        }
    }

    /// Whether the bell was rung since this was asked last. One task at a time waits for it.
    pub fn poll_rung(&self, context: &Context<'_>) -> Poll<()> {
        self.sleeper.register(context.waker());
        if self.is_rung.swap(false, Ordering::AcqRel) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits for the bell.
    #[cfg(any(test, feature = "host-metrics"))]
    pub async fn rung(&self) {
        poll_fn(|context| self.poll_rung(context)).await;
    }

    /// Whether the connection is told to end, by a letter that is not taken yet. One task at a time
    /// waits for it, or for the bell.
    pub fn poll_told_to_end(&self, context: &Context<'_>) -> Poll<Closing> {
        self.sleeper.register(context.waker());
        let told = self.letters().iter().find_map(|letter| match letter {
            Letter::Close(closing) => Some(closing.clone()),
            Letter::Board { .. } => None,
        });
        told.map_or(Poll::Pending, Poll::Ready)
    }

    /// The oldest letter.
    pub fn take(&self) -> Option<Letter> {
        self.letters().pop_front()
    }

    /// Puts back the letter that was taken last.
    pub fn put_back(&self, letter: Letter) {
        self.letters().push_front(letter);
    }

    fn letters(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[test]
    fn a_bell_that_was_rung_before_anybody_waited_is_heard_once() {
        let mailbox = Mailbox::default();
        let context = Context::from_waker(std::task::Waker::noop());
        assert!(mailbox.poll_rung(&context).is_pending());
        mailbox.ring();
        mailbox.ring();
        assert!(mailbox.poll_rung(&context).is_ready());
        assert!(mailbox.poll_rung(&context).is_pending());
    }

    #[test]
    fn whoever_waits_for_the_end_is_woken_though_the_bell_was_rung_before() {
        let mailbox = Mailbox::default();
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let context = Context::from_waker(&waker);
        mailbox.ring();
        assert!(mailbox.poll_told_to_end(&context).is_pending());
        let closing = Closing::new(CloseCode::Restart, "the server stops");
        mailbox.post(Letter::Close(closing.clone()));
        assert!(woken.0.load(Ordering::Acquire));
        assert_eq!(mailbox.poll_told_to_end(&context), Poll::Ready(closing));
        assert!(mailbox.poll_rung(&context).is_ready());
    }

    #[test]
    fn doubts_about_more_boards_than_a_connection_follows_are_about_all() {
        let board = |number: usize| BoardId::new(format!("b{number}")).expect("an id");
        let mailbox = Mailbox::default();
        let limit = limits::BOARDS_PER_CONNECTION_MAX;
        for number in 0..limit {
            mailbox.doubt(Some(&board(number)));
        }
        let doubts = mailbox.take_doubts();
        assert!(doubts.are_about(&board(limit - 1)) && !doubts.are_about(&board(limit)));
        assert_eq!(mailbox.take_doubts(), Doubts::None);
        for number in 0..=limit {
            mailbox.doubt(Some(&board(number)));
        }
        assert_eq!(mailbox.take_doubts(), Doubts::All);
    }
}
