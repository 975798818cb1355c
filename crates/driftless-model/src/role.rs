//! What somebody may do on a board.

/// What a user may do on a board. Each role may do everything that those before it may.
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
    /// Whether they get what is on the board.
    pub fn may_read(self) -> bool {
        self >= Self::Viewer
    }

    /// Whether their edits are applied.
    pub fn may_edit(self) -> bool {
        self >= Self::Editor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        let rights = |role: Role| (role.may_read(), role.may_edit());
        assert_eq!(rights(Role::None), (false, false));
        assert_eq!(rights(Role::Viewer), (true, false));
        assert_eq!(rights(Role::Editor), (true, true));
        assert_eq!(rights(Role::Owner), (true, true));
    }
}
