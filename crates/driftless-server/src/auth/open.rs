//! No sign-in at all, for trying it out on one machine.

use driftless_model::{BoardId, Role, UserId};

use crate::auth::secret::is_ours;
use crate::auth::{AuthError, Authenticator, SignedIn, is_link_name};

/// Takes everybody at their word: the token is the name that they want to go by. Without one they
/// are "guest". Everybody may edit everything and read the metrics. A token that this server gave
/// out, which a browser may still hold, is no name: names are seen by all. Nor is that of a share
/// link.
///
/// For loopback, and networks where everybody may do everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenAuth;

/// Who has no name.
const GUEST: &str = "guest";

impl Authenticator for OpenAuth {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        let name = token.map(str::trim);
        let name = name.filter(|name| !name.is_empty() && !is_ours(name));
        let user = UserId::new(name.unwrap_or(GUEST));
        let user = user.map_err(|error| AuthError::unauthorised(error.to_string()))?;
        let user = if is_link_name(&user) {
            UserId::new(GUEST).expect("is a name")
        } else {
            user
        };
        Ok(SignedIn::from(user))
    }

    async fn role(&self, _user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        Ok(Role::Editor)
    }

    async fn may_push(&self, _user: &UserId) -> Result<bool, AuthError> {
        Ok(true)
    }

    async fn may_see_metrics(&self, _user: &UserId) -> Result<bool, AuthError> {
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn name(token: Option<&str>) -> Result<String, AuthError> {
        let signed_in = OpenAuth.authenticate(token).await?;
        Ok(signed_in.user.as_str().to_owned())
    }

    #[tokio::test]
    async fn a_token_is_a_name_and_none_is_a_guest() {
        assert_eq!(name(Some(" Ann ")).await.as_deref(), Ok("Ann"));
        assert_eq!(name(None).await.as_deref(), Ok("guest"));
        assert_eq!(name(Some("  ")).await.as_deref(), Ok("guest"));
        assert!(name(Some("a\nb")).await.is_err());
        assert_eq!(name(Some("Wall (link)")).await.as_deref(), Ok("guest"));
    }

    #[tokio::test]
    async fn a_token_that_was_given_out_becomes_nobodys_name() {
        let secret = crate::auth::Secret::random();
        let padded = format!(" {}", secret.expose());
        assert_eq!(name(Some(secret.expose())).await.as_deref(), Ok("guest"));
        assert_eq!(name(Some(&padded)).await.as_deref(), Ok("guest"));
    }
}
