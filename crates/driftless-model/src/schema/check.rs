//! Checks of values beyond their shape, by code of the application's own.

use std::fmt;
use std::panic::catch_unwind;

use crate::ids::{KindName, LeafPath};
use crate::schema::leaf::Kind;
use crate::value::Value;

/// [`Kind::check`] of one kind.
type Check = fn(&LeafPath, &Value) -> Result<(), String>;

/// The checks of all kinds.
#[derive(Clone, Default)]
pub(super) struct Checks(Vec<(KindName, Check)>);

impl Checks {
    /// That of one more kind.
    pub(super) fn add<K: Kind>(&mut self, kind: KindName) {
        self.0.push((kind, K::check));
    }

    /// What the kind's own code says to a value that has its leaf's shape. Where it panics the
    /// value is refused: an edit that takes its board down would do so each time it is sent again.
    pub(super) fn check(
        &self,
        kind: &KindName,
        leaf: &LeafPath,
        value: &Value,
    ) -> Result<(), String> {
        let own = self.0.iter().find(|(name, _)| name == kind);
        own.map_or(Ok(()), |(_, check)| {
            let checked = catch_unwind(|| check(leaf, value));
            checked.unwrap_or_else(|_| {
                let reason = "the check of this kind panicked; write another value, and report it";
                Err(reason.to_owned())
            })
        })
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.0.iter().map(|(kind, _)| kind);
        formatter.debug_list().entries(kinds).finish()
    }
}

impl PartialEq for Checks {
    /// Code cannot be compared: what is the same in all rules counts as the same schema.
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}
