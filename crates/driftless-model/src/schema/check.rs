//! Checks of values beyond their shape, by code of the application's own.

use std::fmt;

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

    /// What the kind's own code says to a value that has its leaf's shape.
    pub(super) fn check(
        &self,
        kind: &KindName,
        leaf: &LeafPath,
        value: &Value,
    ) -> Result<(), String> {
        let own = self.0.iter().find(|(name, _)| name == kind);
        own.map_or(Ok(()), |(_, check)| check(leaf, value))
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
