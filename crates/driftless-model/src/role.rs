//! What somebody may do on a board.

use std::fmt;
use std::str::FromStr;

/// What a user may do on a board. Each role may do everything that those before it may.
///
/// ```
/// use driftless_model::Role;
///
/// assert!(Role::Owner > Role::Editor);
/// assert_eq!("viewer".parse(), Ok(Role::Viewer));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing: not even know that it is there.
    None,
    /// Read it.
    Viewer,
    /// Read and change it.
    Editor,
    /// Read and change it, and say who else may.
    Owner,
}

impl Role {
    /// All of them, from the least to the most.
    ///
    /// ```
    /// use driftless_model::Role;
    ///
    /// assert_eq!(Role::ALL.map(Role::name), ["none", "viewer", "editor", "owner"]);
    /// assert!(Role::ALL.is_sorted());
    /// ```
    pub const ALL: [Self; 4] = [Self::None, Self::Viewer, Self::Editor, Self::Owner];

    /// How people write it.
    ///
    /// ```
    /// use driftless_model::Role;
    ///
    /// assert_eq!(Role::Editor.name(), "editor");
    /// assert_eq!(Role::Editor.name().parse(), Ok(Role::Editor));
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }

    /// Whether they get what is on the board.
    ///
    /// ```
    /// use driftless_model::Role;
    ///
    /// assert!(Role::Viewer.may_read());
    /// assert!(!Role::None.may_read());
    /// ```
    pub fn may_read(self) -> bool {
        self >= Self::Viewer
    }

    /// Whether their edits are applied.
    ///
    /// ```
    /// use driftless_model::Role;
    ///
    /// assert!(Role::Editor.may_edit());
    /// assert!(!Role::Viewer.may_edit());
    /// ```
    pub fn may_edit(self) -> bool {
        self >= Self::Editor
    }
}

/// A text that names no role.
///
/// ```
/// use driftless_model::Role;
/// use driftless_model::role::RoleError;
///
/// let error: RoleError = "admin".parse::<Role>().expect_err("there is none");
/// let message = "\"admin\" is no role; choose viewer, editor, owner or none";
/// assert_eq!(error.to_string(), message);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role; choose viewer, editor, owner or none")]
pub struct RoleError(String);

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|role| role.name() == text);
        found.ok_or_else(|| RoleError(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_by_its_name_and_nothing_else() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for text in ["", "Owner", "admin", "editor "] {
            let error = text.parse::<Role>().expect_err("is no role");
            assert!(error.to_string().contains("viewer, editor"), "{error}");
        }
    }

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        let rights = |role: Role| (role.may_read(), role.may_edit());
        assert_eq!(rights(Role::None), (false, false));
        assert_eq!(rights(Role::Viewer), (true, false));
        assert_eq!(rights(Role::Editor), (true, true));
        assert_eq!(rights(Role::Owner), (true, true));
    }
}
