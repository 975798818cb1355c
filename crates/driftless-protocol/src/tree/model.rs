//! How documents have the types of the model.

use std::borrow::Cow;
use std::str::FromStr;

use driftless_model::{
    BoardId, Cell, Change, Check, ClientId, Cursor, Edit, EditId, Effect, KindName, LeafPath,
    LeafRef, OnStale, Op, RecordId, RecordState, Replaced, Slot, StaleLeaf, UserId, Version,
};

use super::give::text;
use super::{Faults, Give, Take, Tree, document_enum, document_newtypes, document_struct};

document_newtypes!(Version);

document_struct!(Cursor { version, check });
document_struct!(LeafRef {
    record,
    leaf: optional
});
document_struct!(Effect { record, op });
document_struct!(RecordState {
    kind,
    created,
    leaves
});
document_struct!(Cell {
    value: present,
    version,
    author
});
document_struct!(Replaced {
    at,
    value: present,
    version,
    author
});
document_struct!(StaleLeaf {
    at,
    theirs: present,
    version,
    author: optional
});

document_enum!(OnStale { "policy" => Policy(), "skip" => Skip() } or default);
document_struct!(Edit {
    id,
    label,
    on_stale: optional,
    changes
});
document_struct!(Change { record, seen, op });
document_enum!(Op {
    "create" => Create { kind, leaves },
    "set" => Set { leaf, value },
    "unset" => Unset { leaf },
    "remove" => Remove(),
});
document_enum!(Slot { "live" => Live(_), "removed" => Removed { version, author } });

macro_rules! text_ids {
    ($($id:ident)*) => {
        $(impl Take for $id {
            fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
                match tree {
                    Tree::Text(text) => match Self::new(&*text) {
                        Ok(id) => return id,
                        Err(error) => faults.note(&error),
                    },
                    other => faults.unfit(other),
                }
                Self::new("x").expect("a letter is an id")
            }
        }

        impl Give for $id {
            fn give(&self, _is_text: bool) -> Tree<'static> {
                text(self.as_str())
            }
        })*
    };
}

text_ids! { BoardId RecordId KindName LeafPath UserId }

macro_rules! random_ids {
    ($($id:ident)*) => {
        $(impl Take for $id {
            fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
                Self(random::<IS_TEXT>(tree, faults, |text| Ok(Self::from_str(text)?.0)))
            }
        }

        impl Give for $id {
            fn give(&self, is_text: bool) -> Tree<'static> {
                if is_text {
                    return text(&self.to_string());
                }
                Tree::Bytes(Cow::Owned(self.0.to_be_bytes().to_vec()))
            }
        })*
    };
}

random_ids! { ClientId EditId }

/// 16 bytes, or as text.
fn random<const IS_TEXT: bool>(
    tree: &Tree<'_>,
    faults: &mut Faults,
    read: fn(&str) -> Result<u128, driftless_model::IdError>,
) -> u128 {
    match tree {
        Tree::Text(text) if IS_TEXT => match read(text) {
            Ok(id) => return id,
            Err(error) => faults.note(&error),
        },
        Tree::Bytes(bytes) if !IS_TEXT && bytes.len() == 16 => {
            let bytes = bytes.first_chunk().copied().unwrap_or_default();
            return u128::from_be_bytes(bytes);
        }
        other => faults.unfit(other),
    }
    0
}

impl Take for Check {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        if !IS_TEXT {
            return Self(u64::take::<IS_TEXT>(tree, faults));
        }
        let text = String::take::<IS_TEXT>(tree, faults);
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let check = u64::from_str_radix(&text, 16).ok().filter(|_| is_hex);
        Self(check.unwrap_or_else(|| {
            faults.note(&"a check is 16 hexadecimal digits");
            0
        }))
    }
}

impl Give for Check {
    fn give(&self, is_text: bool) -> Tree<'static> {
        if is_text {
            return text(&format!("{:016x}", self.0));
        }
        self.0.give(is_text)
    }
}
