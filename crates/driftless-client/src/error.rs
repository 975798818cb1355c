//! What can go wrong, as the application hears it.

use driftless_model::{IdError, Invalid, LeafRef};
use driftless_protocol::Code;

/// Why an edit was not made, not stored or not applied.
///
/// ```
/// use driftless_client::EditError;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// // Made here and now, or refused here and now, in the words of the server.
/// let unknown = board.edit("Draw", |e| e.set("nothing there", "title", "A"));
/// assert!(matches!(unknown, Err(EditError::Name(_))));
/// let made = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// assert!(kit.until(made.applied()).is_ok());
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It breaks the schema or a limit, as the server would say too. Nothing was made.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A name in it is no name. Nothing was made.
    #[error(transparent)]
    Name(#[from] IdError),
    /// This device does not take it: the outbox has no room, or its storage cannot be written.
    /// Nothing was made.
    #[error("{}: {detail}. {}", .code.title(), .code.hint())]
    Refused {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
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
///
/// ```
/// use driftless_client::{ClientError, ClientEvent};
/// use driftless_testkit::{Disk, TestKit};
/// use futures::StreamExt;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// let events = ann.client().events();
/// ann.set_disk(Disk::Full);
/// ann.client().board("home").edit("Add a note", |e| e.create("note", "note", []))?;
/// let errors = events.filter_map(|event| async move {
///     if let ClientEvent::Error(error) = event { Some(error) } else { None }
/// });
/// let error = kit.until(Box::pin(errors).next());
/// assert!(matches!(error, Some(ClientError::Storage { .. })));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
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

/// Why a decision about an edit in the outbox was not taken. Nothing happened.
///
/// ```
/// use driftless_client::OutboxError;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// let looked_at = board.pending();
/// kit.until(edit.applied())?;
/// for entry in looked_at {
///     assert_eq!(entry.roll_back(), Err(OutboxError::Settled));
/// }
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// It is not in the outbox any more.
    #[error("it is settled already; look at the outbox again")]
    Settled,
    /// It waits for a decision, and sending it again changes nothing.
    #[error("somebody changed the same; settle its conflict")]
    Conflicted,
    /// They wrote again, or another edit joined this one: that was not looked at.
    #[error("the conflict has changed since; look at it again")]
    Changed,
    /// The merge has a value for what the edit does not write.
    #[error(
        "the edit does not write {} of {}; make an edit of its own for that",
        .0.leaf.as_ref().map_or("all", |leaf| leaf.as_str()), .0.record
    )]
    OtherLeaf(LeafRef),
    /// A name in the merge is no name.
    #[error(transparent)]
    Name(#[from] IdError),
    /// A value in the merge is none that the leaf can have.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A number in the merge is none that can be written.
    #[error("a value has to be finite")]
    NotFinite,
    /// The client has stopped.
    #[error("the client has stopped; start another to go on")]
    Closed,
}

/// Why [`crate::ClientBuilder::connect`] gives no client. What is stored stays, and can be opened
/// again at once.
///
/// ```
/// use driftless_client::{Client, ConnectError};
///
/// # futures::executor::block_on(async {
/// let wrong = Client::builder("boards.example").connect().await;
/// assert!(matches!(wrong, Err(ConnectError::Url { .. })));
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is none, or of no kind that this build speaks.
    #[error("{url:?} is no address to connect to: {reason}")]
    Url {
        /// What was given, without what it carries besides host and path.
        url: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The server could not be reached at the first attempt.
    #[error("the server cannot be reached: {reason}; `start` works without it, and connects later")]
    Unreachable {
        /// What happened.
        reason: String,
    },
    /// The server does not know the token, or it has expired.
    #[error("the server does not accept the token: {reason}; get another from its operator")]
    Unauthorised {
        /// What it said.
        reason: String,
    },
    /// The server refuses this client for good: it speaks another protocol, or the replica is
    /// another user's.
    #[error("the server refuses the client: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
    /// The storage cannot be used.
    #[error("the storage cannot be used: {reason}")]
    Storage {
        /// Why, and what to do.
        reason: String,
    },
    /// The client cannot run: in a native process it needs a thread of its own.
    #[error("{reason}; let some end, or raise the limit")]
    Thread {
        /// What the system said.
        reason: String,
    },
}
