//! What is for one connection only, and the bell that wakes it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use driftless_model::BoardId;
use driftless_protocol::{CloseCode, ServerMessage};
use tokio::sync::Notify;

/// A connection's letters and bell. Bounded by what the connection has asked for and not yet read:
/// it takes its letters before it asks for more.
#[derive(Debug, Default)]
pub struct Mailbox {
    bell: Notify,
    letters: Mutex<VecDeque<Letter>>,
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
        message: Box<ServerMessage>,
    },
    /// The connection ends.
    Close(Closing),
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
    /// Puts a letter in and rings.
    pub fn post(&self, letter: Letter) {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(letter);
        self.ring();
    }

    /// Wakes the connection, now or when it next waits.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits for the bell.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// The oldest letter.
    pub fn take(&self) -> Option<Letter> {
        self.letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}
