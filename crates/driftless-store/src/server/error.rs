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
    /// Its pages are not what they should be.
    #[error(
        "{place} is damaged: {reason}; put a backup in its place with `driftless restore FILE`, or \
         save what can be read with `sqlite3 {place} .recover` (docs/operations.md)"
    )]
    Damaged {
        /// Where the storage is.
        place: String,
        /// What the backend says.
        reason: String,
    },
    /// Others use it, and what is asked for has to be done alone.
    #[error("{place} is in use; stop the server that uses it first")]
    InUse {
        /// Where the storage is.
        place: String,
    },
    /// What is committed there might not survive a power cut.
    #[error(
        "{place} cannot be kept safely: {setting} is {found} there; put it on a local disk, not on \
         a network drive"
    )]
    NotDurable {
        /// Where the storage is.
        place: String,
        /// What cannot be had.
        setting: &'static str,
        /// What it is instead.
        found: String,
    },
    /// It cannot be copied.
    #[error("{from} cannot be copied to {to}: {reason}; make room there, or choose another name")]
    Copy {
        /// Where the storage is.
        from: String,
        /// Where the copy goes.
        to: String,
        /// What the system says.
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
            Self::Newer { .. }
            | Self::Open { .. }
            | Self::Damaged { .. }
            | Self::InUse { .. }
            | Self::NotDurable { .. }
            | Self::Copy { .. }
            | Self::Corrupt { .. } => Blame::Server,
        }
    }
}
