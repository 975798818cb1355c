//! Edits of builds that know a leaf by a former name.

use crate::edit::{Edit, LeafRef, Op};
use crate::ids::{KindName, LeafPath, RecordId};
use crate::schema::Schema;
use crate::sorted::SortedMap;

/// How an edit's author calls leaves that have another name today.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renames {
    former: SortedMap<(RecordId, LeafPath), LeafPath>,
}

impl Renames {
    /// Whether the author's names are today's.
    pub fn is_empty(&self) -> bool {
        self.former.is_empty()
    }

    /// Gives a leaf the name that the author knows.
    pub fn to_author(&self, at: &mut LeafRef) {
        if let Some(leaf) = &at.leaf {
            let former = self.former.get(&(at.record.clone(), leaf.clone()));
            at.leaf = Some(former.unwrap_or(leaf).clone());
        }
    }
}

impl Schema {
    /// The edit with every leaf under today's name, and how its author calls those that have
    /// another. `kind_of` tells the kind of a live record. Of a leaf that a `Create` names twice,
    /// today's name counts.
    pub fn modernised<'a>(
        &self,
        edit: &'a Edit,
        kind_of: impl Fn(&RecordId) -> Option<&'a KindName>,
    ) -> (Edit, Renames) {
        let (mut modern, mut renames) = (edit.clone(), Renames::default());
        let mut created = SortedMap::new();
        for (change, modern) in edit.changes.iter().zip(&mut modern.changes) {
            if let Op::Create { kind, .. } = &change.op {
                created.insert(&change.record, kind);
            }
            let known = kind_of(&change.record).or(created.get(&change.record).copied());
            let Some(kind) = known else { continue };
            let mut rename = |leaf: &mut LeafPath| {
                let today = self.current(kind, leaf).into_owned();
                if today != *leaf {
                    let former = std::mem::replace(leaf, today.clone());
                    renames
                        .former
                        .insert((change.record.clone(), today), former);
                }
            };
            match &mut modern.op {
                Op::Set { leaf, .. } | Op::Unset { leaf } => rename(leaf),
                Op::Create { leaves, .. } => {
                    for (mut leaf, value) in std::mem::take(leaves) {
                        let before = leaf.clone();
                        rename(&mut leaf);
                        if leaf == before {
                            leaves.insert(leaf, value);
                        } else {
                            leaves.entry(leaf).or_insert(value);
                        }
                    }
                }
                Op::Remove => {}
            }
        }
        (modern, renames)
    }
}
