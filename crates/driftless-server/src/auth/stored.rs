//! Sign-in with the tokens and roles that the file of the boards keeps.

use std::net::IpAddr;
use std::sync::Arc;

use driftless_model::{BoardId, Role, UserId};
use driftless_store::server::{AccountError, Accounts, StoreError, TokenRow};

use crate::auth::jwt::JwtKeys;
use crate::auth::open::OpenAuth;
use crate::auth::refusals::Refusals;
use crate::auth::secret::{hash, is_ours};
use crate::auth::{AuthError, Authenticator, SignedIn};
use crate::clock::now_ms;
use crate::pace::subscriber;

/// Who writes what the server itself notes in the audit log.
const SERVER: &str = "server";

/// Tokens and roles as `driftless token`, `user` and `role` keep them. Every answer is read anew,
/// so that what another process changes counts at once for whoever comes; for those who are
/// connected [`crate::watch_rights`] sees to it. Owners of every board may read the metrics,
/// whoever may read any board sees the feeds.
#[derive(Debug, Clone)]
pub struct StoredAuth {
    accounts: Accounts,
    is_open: bool,
    jwt: Option<JwtKeys>,
    refusals: Arc<Refusals>,
}

impl StoredAuth {
    /// With these accounts.
    pub fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            is_open: false,
            jwt: None,
            refusals: Arc::default(),
        }
    }

    /// As long as there never was a token, everybody is taken at their word and may edit
    /// everything, as [`OpenAuth`] has it: for trying it out on one machine.
    #[must_use]
    pub fn open_until_first_token(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Takes the tokens of somebody else's sign-in as well: they say who it is, and the roles here
    /// what they may do. With it the server is never open.
    #[must_use]
    pub fn jwt(mut self, keys: JwtKeys) -> Self {
        self.jwt = Some(keys);
        self
    }

    /// How the audit log calls sign-ins that were refused: they change no rights.
    pub const REFUSED: &str = "sign-in refused";

    /// The accounts.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Writes the sign-ins that were refused since the last time into the audit log.
    pub async fn note_refusals(&self) -> Result<(), AccountError> {
        match &self.refusals.take()[..] {
            [] => Ok(()),
            lines => self.accounts.note(Self::REFUSED, lines, SERVER).await,
        }
    }

    /// Whether somebody else's sign-in says who people are.
    pub(crate) fn takes_jwt(&self) -> bool {
        self.jwt.is_some()
    }

    /// Whether somebody owns every board.
    pub(crate) async fn owns_all(&self, user: &UserId) -> Result<bool, AuthError> {
        let role = self.accounts.role_at(user, None).await;
        role.map(|role| role == Role::Owner).map_err(unavailable)
    }

    /// Whether everybody is taken at their word for now.
    pub(crate) async fn is_open_now(&self) -> Result<bool, AuthError> {
        let may_be = self.is_open && self.jwt.is_none();
        Ok(may_be && !self.accounts.are_in_use().await.map_err(unavailable)?)
    }

    async fn holder(&self, token: &str) -> Result<SignedIn, AuthError> {
        let row = self.accounts.token(&hash(token)).await;
        let row = row.map_err(unavailable)?;
        let unknown = "nobody has this token; ask for a new link";
        valid(&row.ok_or_else(|| AuthError::unauthorised(unknown))?)
    }
}

fn valid(row: &TokenRow) -> Result<SignedIn, AuthError> {
    if row.revoked_ms.is_some() {
        let reason = "the token was revoked; ask for a new link";
        return Err(AuthError::unauthorised(reason));
    }
    let signed_in = SignedIn::from(row.user.clone());
    let signed_in = signed_in.until(row.expires_ms).by(row.number);
    signed_in.in_time(now_ms())?;
    Ok(signed_in)
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn unavailable(error: StoreError) -> AuthError {
    AuthError::Unavailable {
        reason: error.to_string(),
    }
}

impl Authenticator for StoredAuth {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        if let (Some(token), Some(keys)) = (token, &self.jwt)
            && !is_ours(token)
        {
            keys.refresh(token).await;
            return keys.verify(token);
        }
        match token {
            Some(token) if is_ours(token) => self.holder(token).await,
            token if self.is_open_now().await? => OpenAuth.authenticate(token).await,
            Some(_) => Err(AuthError::unauthorised(
                "a token of this server is needed; open the link that you were given",
            )),
            None => Err(AuthError::unauthorised(
                "a token is needed; open the link that you were given",
            )),
        }
    }

    async fn confirm(&self, signed_in: &SignedIn) -> Result<(), AuthError> {
        let Some(number) = signed_in.token else {
            // What a JWT says counts until its end.
            if self.jwt.is_some() || self.is_open_now().await? {
                return Ok(());
            }
            let reason = "a token is needed from now on; open the link that you were given";
            return Err(AuthError::unauthorised(reason));
        };
        let row = self.accounts.token_numbered(number).await;
        let row = row.map_err(unavailable)?;
        let gone = || AuthError::unauthorised("the token is gone; ask for a new link");
        valid(&row.ok_or_else(gone)?).map(|_| ())
    }

    fn refused(&self, error: &AuthError, address: Option<IpAddr>) {
        if let AuthError::Unauthorised { reason } = error {
            self.refusals.add(reason, address.map(subscriber));
        }
    }

    async fn role(&self, user: &UserId, board: &BoardId) -> Result<Role, AuthError> {
        if self.is_open_now().await? {
            return OpenAuth.role(user, board).await;
        }
        self.accounts.role(user, board).await.map_err(unavailable)
    }

    async fn may_see_feeds(&self, user: &UserId) -> Result<bool, AuthError> {
        if self.is_open_now().await? {
            return OpenAuth.may_see_feeds(user).await;
        }
        self.accounts.may_read(user).await.map_err(unavailable)
    }

    async fn may_push(&self, user: &UserId) -> Result<bool, AuthError> {
        if self.is_open_now().await? {
            return OpenAuth.may_push(user).await;
        }
        // On every board: whoever may edit only some could show others what was never measured.
        let role = self.accounts.role_at(user, None).await;
        role.map(Role::may_edit).map_err(unavailable)
    }

    async fn may_see_metrics(&self, user: &UserId) -> Result<bool, AuthError> {
        if self.is_open_now().await? {
            return OpenAuth.may_see_metrics(user).await;
        }
        self.owns_all(user).await
    }
}
