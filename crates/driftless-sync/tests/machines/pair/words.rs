//! What tests name things by.

use driftless_model::{BoardId, KindName, LeafPath, Op, RecordId};

/// The one board.
pub fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

pub fn record(id: &str) -> RecordId {
    RecordId::new(id).expect("an id")
}

pub fn path(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

/// Makes a chart.
pub fn create(title: &str) -> Op {
    create_as("chart", "title", title)
}

/// Makes a record of a kind with one leaf.
pub fn create_as(kind: &str, leaf: &str, value: &str) -> Op {
    Op::Create {
        kind: KindName::new(kind).expect("a kind"),
        leaves: [(path(leaf), value.into())].into(),
    }
}

/// Sets a leaf.
pub fn set(leaf: &str, value: &str) -> Op {
    Op::Set {
        leaf: path(leaf),
        value: value.into(),
    }
}
