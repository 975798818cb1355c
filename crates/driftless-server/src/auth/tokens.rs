//! Tokens from a file.

use std::collections::HashMap;
use std::path::Path;

use driftless_model::{BoardId, Role, UserId, limits};

use crate::auth::{AuthError, Authenticator, SignedIn, is_link_name};

/// Users by their tokens, from a text of one `token name role` a line. The role is `viewer`,
/// `editor` or `owner`; a name may contain spaces; empty lines and those that begin with `#` are
/// skipped. Several tokens may stand for one user, with the same role. Owners may read the metrics.
pub struct StaticTokens {
    users: HashMap<String, UserId>,
    roles: HashMap<UserId, Role>,
}

impl std::fmt::Debug for StaticTokens {
    /// Says how many there are: tokens are never logged.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("StaticTokens")
            .field("tokens", &self.users.len())
            .finish_non_exhaustive()
    }
}

/// Why a token file cannot be used. Names lines by number and never quotes a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("the token file {path} cannot be read: {reason}; name a readable file")]
    Read {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A line is not `token name role`.
    #[error(
        "line {line} of the token file is not `token name role` with role viewer, editor or owner"
    )]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// A person is called as share links are.
    #[error("names that end in (link), as on line {line}, are for share links; choose another")]
    LinkName {
        /// Which, from 1.
        line: usize,
    },
    /// A token that anybody could guess, or too long a one.
    #[error(
        "the token on line {line} has to have {TOKEN_BYTES_MIN} to {} bytes",
        limits::TOKEN_BYTES_MAX
    )]
    Length {
        /// Which, from 1.
        line: usize,
    },
    /// The same token twice, or a user with two roles.
    #[error(
        "line {line} contradicts a line above it; give each token once, and each user one role"
    )]
    Contradiction {
        /// Which, from 1.
        line: usize,
    },
    /// No token in it: nobody could sign in.
    #[error("the token file has no tokens; add a line `token name role`")]
    Empty,
}

/// Shortest token, in bytes: 16 random characters cannot be guessed over a network.
const TOKEN_BYTES_MIN: usize = 16;

impl StaticTokens {
    /// Reads a token file.
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let text = std::fs::read_to_string(path).map_err(|error| TokenFileError::Read {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Self::parse(&text)
    }

    /// Reads the text of a token file.
    pub fn parse(text: &str) -> Result<Self, TokenFileError> {
        let mut tokens = Self {
            users: HashMap::new(),
            roles: HashMap::new(),
        };
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                tokens.add(line, text)?;
            }
        }
        if tokens.users.is_empty() {
            return Err(TokenFileError::Empty);
        }
        Ok(tokens)
    }

    fn add(&mut self, line: usize, text: &str) -> Result<(), TokenFileError> {
        let malformed = || TokenFileError::Line { line };
        let (token, rest) = text.split_once(char::is_whitespace).ok_or_else(malformed)?;
        let (name, role) = rest
            .rsplit_once(char::is_whitespace)
            .ok_or_else(malformed)?;
        let user = UserId::new(name.trim()).map_err(|_| malformed())?;
        let role: Role = role.parse().map_err(|_| malformed())?;
        if role == Role::None {
            return Err(malformed());
        }
        if is_link_name(&user) {
            return Err(TokenFileError::LinkName { line });
        }
        if !(TOKEN_BYTES_MIN..=limits::TOKEN_BYTES_MAX).contains(&token.len()) {
            return Err(TokenFileError::Length { line });
        }
        let former_role = self.roles.insert(user.clone(), role);
        let former_user = self.users.insert(token.to_owned(), user);
        if former_user.is_some() || former_role.is_some_and(|former| former != role) {
            return Err(TokenFileError::Contradiction { line });
        }
        Ok(())
    }
}

impl Authenticator for StaticTokens {
    async fn authenticate(&self, token: Option<&str>) -> Result<SignedIn, AuthError> {
        let token = token.ok_or_else(|| AuthError::unauthorised("a token is needed"))?;
        // Looked up by hash: the time that it takes does not tell how much of a guess was right.
        let user = self.users.get(token);
        user.cloned()
            .map(SignedIn::from)
            .ok_or_else(|| AuthError::unauthorised("nobody has this token"))
    }

    async fn role(&self, user: &UserId, _board: &BoardId) -> Result<Role, AuthError> {
        Ok(self.roles.get(user).copied().unwrap_or(Role::None))
    }

    async fn may_push(&self, user: &UserId) -> Result<bool, AuthError> {
        Ok(self.roles.get(user).is_some_and(|role| role.may_edit()))
    }

    async fn may_see_metrics(&self, user: &UserId) -> Result<bool, AuthError> {
        Ok(self.roles.get(user) == Some(&Role::Owner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# who may what\n\n\
        0123456789abcdef Ann Lee editor\n\
        fedcba9876543210\tBo\tviewer\n";

    async fn who(tokens: &StaticTokens, token: &str) -> Option<(String, Role)> {
        let user = tokens.authenticate(Some(token)).await.ok()?.user;
        let board = BoardId::new("home").expect("a board id");
        let role = tokens.role(&user, &board).await.ok()?;
        Some((user.to_string(), role))
    }

    #[tokio::test]
    async fn a_line_gives_a_token_its_name_and_role() {
        let tokens = StaticTokens::parse(FILE).expect("parses");
        let ann = who(&tokens, "0123456789abcdef").await;
        assert_eq!(ann, Some(("Ann Lee".to_owned(), Role::Editor)));
        let bo = who(&tokens, "fedcba9876543210").await;
        assert_eq!(bo, Some(("Bo".to_owned(), Role::Viewer)));
        assert_eq!(who(&tokens, "0123456789abcdeF").await, None);
        assert!(tokens.authenticate(None).await.is_err());
    }

    #[test]
    fn a_broken_file_is_refused_by_line_and_without_the_token() {
        let error = |text: &str| StaticTokens::parse(text).expect_err("is refused");
        assert_eq!(error("# nothing\n"), TokenFileError::Empty);
        let line = TokenFileError::Line { line: 1 };
        assert_eq!(error("0123456789abcdef Ann admin"), line);
        assert_eq!(error("0123456789abcdef editor"), line);
        let mark = TokenFileError::LinkName { line: 1 };
        assert_eq!(error("0123456789abcdef Wall (link) viewer"), mark);
        assert_eq!(
            error("short Ann editor"),
            TokenFileError::Length { line: 1 }
        );
        let twice = "0123456789abcdef Ann editor\n0123456789abcdef Bo editor";
        assert_eq!(error(twice), TokenFileError::Contradiction { line: 2 });
        let roles = "0123456789abcdef Ann editor\nfedcba9876543210 Ann viewer";
        assert_eq!(error(roles), TokenFileError::Contradiction { line: 2 });
    }

    proptest! {
        /// Lines of words that a file may have, and of anything else.
        #[test]
        fn any_file_is_read_or_refused_by_a_line_that_it_has_and_without_its_tokens(
            lines in prop::collection::vec(
                prop_oneof![
                    3 => "(secret-[0-9]{4,20}|# ?)( Ann| Bo|\\tÅsa Öl|)( viewer| editor| owner| admin|)",
                    1 => "\\PC{0,40}",
                ],
                0..6,
            )
        ) {
            let text = lines.join("\n");
            match StaticTokens::parse(&text) {
                Ok(tokens) => prop_assert!(!tokens.users.is_empty()),
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    prop_assert!(!shown.contains("secret-"), "{shown}");
                    let line = match error {
                        TokenFileError::Line { line }
                        | TokenFileError::LinkName { line }
                        | TokenFileError::Length { line }
                        | TokenFileError::Contradiction { line } => line,
                        _ => 1,
                    };
                    prop_assert!((1..=lines.len().max(1)).contains(&line), "{shown}");
                }
            }
        }
    }

    #[test]
    fn tokens_do_not_show_in_debug_output() {
        let tokens = StaticTokens::parse(FILE).expect("parses");
        assert!(!format!("{tokens:?}").contains("0123456789abcdef"));
    }
}
