//! What can go wrong, as the application hears it.

use driftless_model::{IdError, Invalid};
use driftless_protocol::Code;

/// Why an edit was not made, not stored or not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It breaks the schema or a limit, as the server would say too. Nothing was made.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A name in it is no name. Nothing was made.
    #[error(transparent)]
    Name(#[from] IdError),
    /// Somebody changed the same: the edit waits in the outbox for a person to decide.
    #[error("somebody changed the same; decide on it in the outbox")]
    Conflicted,
    /// The server refused it for good: the edit waits in the outbox for a person to decide.
    #[error("{}: {detail}. {}", .code.title(), .code.hint())]
    Rejected {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
    /// It was taken back before it was applied, or undone.
    #[error("the edit was rolled back")]
    RolledBack,
    /// A person settled its conflict in another way: by their values, or by a new edit.
    #[error("the edit was given up for another")]
    Discarded,
    /// The client has stopped. What was stored is sent by the next client of the same replica.
    #[error("the client has stopped; start another to go on")]
    Closed,
}

/// What went wrong outside of any single edit. The client goes on by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server answered a request with an error, or sent something that is no message.
    #[error("{}: {detail}. {}", .code.title(), .code.hint())]
    Server {
        /// The code.
        code: Code,
        /// In words: what happened, to what, what to do.
        detail: String,
    },
    /// A feed cannot be shown.
    #[error("feed {feed}: {detail}")]
    Feed {
        /// Which.
        feed: u32,
        /// In words.
        detail: String,
    },
    /// What is made is not saved on this device.
    #[error("not saved on this device: {reason}")]
    Storage {
        /// Why.
        reason: String,
    },
}
