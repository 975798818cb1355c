//! Who somebody is, and what they may do on a board.

mod open;
mod tokens;
mod secret;
mod refusals;
mod key_set;
mod published;
mod jwt;
mod stored;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use driftless_model::{BoardId, Role, UserId};
use futures::FutureExt as _;
use futures::future::BoxFuture;

pub use jwt::{JwtKeyError, JwtKeys, JwtRules, LEEWAY_S_MAX, SECRET_BYTES_MIN};
pub use open::OpenAuth;
pub use published::{KEY_SET_AGE_MAX, KEY_SET_PAUSE};
pub use secret::Secret;
pub use stored::StoredAuth;
pub use tokens::{StaticTokens, TokenFileError};

/// With what the name of each share link ends, so that everybody sees that it is nobody in
/// particular. No person may have such a name.
pub const LINK_MARK: &str = " (link)";

/// Whether a name is a share link's, or would be read as one.
pub fn is_link_name(user: &UserId) -> bool {
    user.as_str().ends_with(LINK_MARK.trim_start())
}

/// Tells who a token stands for and what they may do. Asked when a connection begins, when it sends
/// a fresh token, for each board that it follows, and again when
/// [`crate::Driftless::rights_changed`] says so. Each connection asks in a task of its own: an
/// answer that takes long holds up that connection and nobody else.
pub trait Authenticator: Send + Sync + 'static {
    /// Who the token stands for; a client may have none. Implementations never log it.
    fn authenticate(
        &self,
        token: Option<&str>,
    ) -> impl Future<Output = Result<SignedIn, AuthError>> + Send;

    /// Whether somebody who is connected may stay. Asked when
    /// [`crate::Driftless::rights_changed`] says that their rights may have changed; that the time
    /// of their token is over is found out without it. Everybody may, unless the implementation
    /// says otherwise.
    fn confirm(&self, _signed_in: &SignedIn) -> impl Future<Output = Result<(), AuthError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Is told of each sign-in that it refused, and from where it came as far as that is known.
    fn refused(&self, _error: &AuthError, _address: Option<IpAddr>) {}

    /// What a user may do on a board. An error says that this cannot be told now: the connection
    /// ends and comes back later. That is not the same as [`Role::None`], which has the client
    /// delete its copy of the board.
    fn role(
        &self,
        user: &UserId,
        board: &BoardId,
    ) -> impl Future<Output = Result<Role, AuthError>> + Send;

    /// Whether a user may see feeds, which belong to no board. Asked for each that they open, and
    /// again when [`crate::Driftless::rights_changed`] says so; then whoever may not any more has
    /// theirs closed. Everybody may, unless the implementation says otherwise.
    fn may_see_feeds(
        &self,
        _user: &UserId,
    ) -> impl Future<Output = Result<bool, AuthError>> + Send {
        std::future::ready(Ok(true))
    }

    /// Whether a user may push samples, which show on every board. An error says that this cannot
    /// be told now: the push is answered 503, and comes again. Nobody may, unless the
    /// implementation says otherwise.
    fn may_push(&self, _user: &UserId) -> impl Future<Output = Result<bool, AuthError>> + Send {
        std::future::ready(Ok(false))
    }

    /// Whether a user may read `/metrics`. An error says that this cannot be told now: the answer
    /// is 503. Nobody may, unless the implementation says otherwise.
    fn may_see_metrics(
        &self,
        _user: &UserId,
    ) -> impl Future<Output = Result<bool, AuthError>> + Send {
        std::future::ready(Ok(false))
    }
}

/// Who somebody is, as their token says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// From when on their token counts no more, in milliseconds since 1970. Then the connection
    /// ends as not signed in; edits wait on the device until there is a new token.
    pub until_ms: Option<u64>,
    /// By what the authenticator knows the token again; never the token.
    pub token: Option<u64>,
}

impl From<UserId> for SignedIn {
    /// Somebody whose token counts until the authenticator says otherwise.
    fn from(user: UserId) -> Self {
        let (until_ms, token) = (None, None);
        Self {
            user,
            until_ms,
            token,
        }
    }
}

impl SignedIn {
    /// Until when their token counts, in milliseconds since 1970.
    #[must_use]
    pub fn until(mut self, until_ms: Option<u64>) -> Self {
        self.until_ms = until_ms;
        self
    }

    /// By what the authenticator knows the token again.
    #[must_use]
    pub fn by(mut self, token: u64) -> Self {
        self.token = Some(token);
        self
    }

    /// Refuses whose time is over.
    pub fn in_time(&self, now_ms: u64) -> Result<(), AuthError> {
        match self.until_ms {
            Some(until_ms) if now_ms >= until_ms => Err(AuthError::expired()),
            _ => Ok(()),
        }
    }
}

/// Why nobody can be told from a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The token is missing, wrong or expired.
    #[error("not signed in: {reason}")]
    Unauthorised {
        /// Why, without the token.
        reason: String,
    },
    /// Whoever knows the tokens does not answer.
    #[error("sign-in does not work now: {reason}; try again later")]
    Unavailable {
        /// Why, without the token.
        reason: String,
    },
}

impl AuthError {
    /// A token that is missing, wrong or expired.
    pub fn unauthorised(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Unauthorised { reason }
    }

    /// A token that names a key which is not there.
    fn unknown_key() -> Self {
        let reason = "the token is signed with a key that this server does not know; sign in again";
        Self::unauthorised(reason)
    }

    /// A token whose time is over.
    pub fn expired() -> Self {
        Self::unauthorised("the token has expired; ask for a new link or sign in again")
    }
}

/// An [`Authenticator`] with its futures boxed.
pub trait AnyAuthenticator: Send + Sync + 'static {
    /// See [`Authenticator::authenticate`].
    fn authenticate<'a>(
        &'a self,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SignedIn, AuthError>>;

    /// See [`Authenticator::confirm`].
    fn confirm<'a>(&'a self, signed_in: &'a SignedIn) -> BoxFuture<'a, Result<(), AuthError>>;

    /// See [`Authenticator::refused`].
    fn refused(&self, error: &AuthError, address: Option<IpAddr>);

    /// See [`Authenticator::role`].
    fn role<'a>(
        &'a self,
        user: &'a UserId,
        board: &'a BoardId,
    ) -> BoxFuture<'a, Result<Role, AuthError>>;

    /// See [`Authenticator::may_see_feeds`].
    fn may_see_feeds<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>>;

    /// See [`Authenticator::may_push`].
    fn may_push<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>>;

    /// See [`Authenticator::may_see_metrics`].
    fn may_see_metrics<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>>;
}

impl<A: Authenticator> AnyAuthenticator for A {
    fn authenticate<'a>(
        &'a self,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<SignedIn, AuthError>> {
        Authenticator::authenticate(self, token).boxed()
    }

    fn confirm<'a>(&'a self, signed_in: &'a SignedIn) -> BoxFuture<'a, Result<(), AuthError>> {
        Authenticator::confirm(self, signed_in).boxed()
    }

    fn refused(&self, error: &AuthError, address: Option<IpAddr>) {
        Authenticator::refused(self, error, address);
    }

    fn role<'a>(
        &'a self,
        user: &'a UserId,
        board: &'a BoardId,
    ) -> BoxFuture<'a, Result<Role, AuthError>> {
        Authenticator::role(self, user, board).boxed()
    }

    fn may_see_feeds<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>> {
        Authenticator::may_see_feeds(self, user).boxed()
    }

    fn may_push<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>> {
        Authenticator::may_push(self, user).boxed()
    }

    fn may_see_metrics<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<bool, AuthError>> {
        Authenticator::may_see_metrics(self, user).boxed()
    }
}

/// The authenticator that all connections share.
pub type SharedAuthenticator = Arc<dyn AnyAuthenticator>;
