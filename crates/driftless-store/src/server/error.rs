//! Why a store does not answer.

use driftless_protocol::Blame;

/// Why a store does not answer. What was asked for did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A newer build wrote it.
    #[error(
        "{place} has storage format {found}, this build knows {known}; update this build, nothing is lost"
    )]
    Newer {
        /// Where the storage is.
        place: String,
        /// The format found.
        found: i64,
        /// The newest format that this build knows.
        known: u32,
    },
    /// It cannot be opened.
    #[error("{place} cannot be opened as storage: {reason}; check that it exists and is writable")]
    Open {
        /// Where the storage is.
        place: String,
        /// What the backend says.
        reason: String,
    },
    /// It does not answer now.
    #[error("the store does not answer: {reason}; it is tried again")]
    Unavailable {
        /// What the backend says.
        reason: String,
    },
    /// What is stored cannot be read.
    #[error("a stored {what} of board {board} cannot be read: {reason}; restore a backup")]
    Corrupt {
        /// What is broken.
        what: &'static str,
        /// The board, or its broken name.
        board: String,
        /// What the decoder found.
        reason: String,
    },
}

impl StoreError {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unavailable { .. } => Blame::Transient,
            Self::Newer { .. } | Self::Open { .. } | Self::Corrupt { .. } => Blame::Server,
        }
    }
}
