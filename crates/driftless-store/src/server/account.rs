//! Who may sign in and what they may do: the rows that a server keeps of it.

use driftless_model::{BoardId, Role, UserId};

use crate::server::error::StoreError;

/// The hash of a token: the token itself is kept nowhere.
pub type TokenHash = [u8; 32];

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is called by: a number that no other token gets.
    pub number: u64,
    /// Who it stands for.
    pub user: UserId,
    /// Whether it is a share link: its user is nobody but whoever has the link.
    pub is_link: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// From when on it counts no more; without it, until it is revoked.
    pub expires_ms: Option<u64>,
    /// When it was revoked.
    pub revoked_ms: Option<u64>,
}

/// A token to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its hash.
    pub hash: TokenHash,
    /// Who it stands for; made where there is no such user.
    pub user: UserId,
    /// Whether it is a share link. A user is one or the other.
    pub is_link: bool,
    /// A role that its user gets: on one board, or on every board (`None`). Without it the user
    /// keeps what they have.
    pub role: Option<(Option<BoardId>, Role)>,
    /// From when on it counts no more, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
}

/// Somebody who was given a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Who.
    pub user: UserId,
    /// Whether they are a share link.
    pub is_link: bool,
    /// Since when, in milliseconds since 1970.
    pub created_ms: u64,
    /// How many tokens they have that were not revoked.
    pub tokens: u64,
}

/// Somebody who has a role on a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The role, and where it was given: of several on this board the one that counts.
    pub grant: Grant,
    /// Whether they are a share link.
    pub is_link: bool,
    /// Whether they have a role elsewhere, too.
    pub is_elsewhere: bool,
}

/// A role that was given. Of several that concern somebody on a board, the one for the user goes
/// before the one for everybody, and of those the one on the board before the one on every board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// To whom; `None` is everybody who signs in, but for share links.
    pub user: Option<UserId>,
    /// Where; `None` is every board.
    pub board: Option<BoardId>,
    /// What they may do.
    pub role: Role,
}

/// Something that was done about sign-in and rights. Never holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Each is larger than those before.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// Who did it.
    pub actor: String,
    /// What: `token created`, `token revoked`, `role set`, `role withdrawn`, `user removed`,
    /// `board deleted`, `board reopened`, `sign-in refused`.
    pub action: String,
    /// Whom it concerns; `None` is everybody, or nobody that is known.
    pub user: Option<UserId>,
    /// Where; `None` is every board.
    pub board: Option<BoardId>,
    /// What more there is to say.
    pub detail: String,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// There is no such user.
    #[error("there is no user {0:?}; `driftless user list` names them")]
    NoUser(String),
    /// There is no such token.
    #[error("there is no token {0}; `driftless token list` numbers them")]
    NoToken(u64),
    /// The user has another role there already, and a token is no way to change it.
    #[error(
        "{user} is {role} there already; leave --role out to add a token, or change the role first \
         with `driftless role set`"
    )]
    OtherRole {
        /// Who.
        user: String,
        /// What they are.
        role: Role,
    },
    /// Nobody gave them any right: they could sign in and see nothing.
    #[error("{0} has no role yet; say which with --role viewer, editor or owner")]
    NoRole(String),
    /// Names of share links and names of people are kept apart.
    #[error("{0:?} is the name of {1} already; choose another name")]
    Taken(String, &'static str),
    /// A board has as many tokens as may be made without the command line.
    #[error(
        "{board} has {most} tokens that count or were made within a day; revoke those that are not \
         needed, or wait"
    )]
    TooMany {
        /// The board.
        board: String,
        /// How many it may have.
        most: usize,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
