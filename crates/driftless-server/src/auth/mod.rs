//! Who somebody is, and what they may do on a board.

mod open;
mod tokens;

use std::future::Future;
use std::sync::Arc;

use driftless_model::{BoardId, Role, UserId};
use futures::FutureExt as _;
use futures::future::BoxFuture;

pub use open::OpenAuth;
pub use tokens::{StaticTokens, TokenFileError};

/// Tells who a token stands for and what they may do. Asked when a connection begins, when it sends
/// a fresh token, for each board that it follows, and again when
/// [`crate::Driftless::rights_changed`] says so. Each connection asks in a task of its own: an
/// answer that takes long holds up that connection and nobody else.
pub trait Authenticator: Send + Sync + 'static {
    /// Who the token stands for; a client may have none. Implementations never log it.
    fn authenticate(
        &self,
        token: Option<&str>,
    ) -> impl Future<Output = Result<UserId, AuthError>> + Send;

    /// What a user may do on a board.
    fn role(&self, user: &UserId, board: &BoardId) -> impl Future<Output = Role> + Send;

    /// Whether a user may read `/metrics`. Nobody may, unless the implementation says otherwise.
    fn may_see_metrics(&self, _user: &UserId) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
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
}

/// An [`Authenticator`] with its futures boxed.
pub trait AnyAuthenticator: Send + Sync + 'static {
    /// See [`Authenticator::authenticate`].
    fn authenticate<'a>(
        &'a self,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<UserId, AuthError>>;

    /// See [`Authenticator::role`].
    fn role<'a>(&'a self, user: &'a UserId, board: &'a BoardId) -> BoxFuture<'a, Role>;

    /// See [`Authenticator::may_see_metrics`].
    fn may_see_metrics<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, bool>;
}

impl<A: Authenticator> AnyAuthenticator for A {
    fn authenticate<'a>(
        &'a self,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<UserId, AuthError>> {
        Authenticator::authenticate(self, token).boxed()
    }

    fn role<'a>(&'a self, user: &'a UserId, board: &'a BoardId) -> BoxFuture<'a, Role> {
        Authenticator::role(self, user, board).boxed()
    }

    fn may_see_metrics<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, bool> {
        Authenticator::may_see_metrics(self, user).boxed()
    }
}

/// The authenticator that all connections share.
pub type SharedAuthenticator = Arc<dyn AnyAuthenticator>;
