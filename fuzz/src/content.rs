//! Boards' content from a source: few names, so that scripts meet, and any values.

use driftless_model::{
    BoardId, Change, Check, Cursor, Edit, EditId, Effect, KindName, LeafPath, LeafRef, OnStale, Op,
    RecordId, Role, UserId, Value, Version,
};

use crate::source::Source;

/// The one board.
pub fn board() -> BoardId {
    BoardId::new("b").expect("an id")
}

/// The board, or seldom another one.
pub fn any_board(source: &mut Source<'_>) -> BoardId {
    let name = if source.once_in(16) { "c" } else { "b" };
    BoardId::new(name).expect("an id")
}

/// One of three records.
pub fn record(source: &mut Source<'_>) -> RecordId {
    RecordId::new(source.pick(&["a", "board", "c"])).expect("an id")
}

/// A kind, known or not.
pub fn kind(source: &mut Source<'_>) -> KindName {
    let name = source.pick(&["chart", "chart", "note", "board", "from_tomorrow"]);
    KindName::new(name).expect("a kind")
}

/// A leaf, known or not.
pub fn leaf(source: &mut Source<'_>) -> LeafPath {
    let paths = [
        "title",
        "layout/lg",
        "unit",
        "options/x",
        "order",
        "from/tomorrow",
    ];
    LeafPath::new(source.pick(&paths)).expect("a path")
}

/// One of two people.
pub fn user(source: &mut Source<'_>) -> UserId {
    UserId::new(source.pick(&["Ann", "Bob"])).expect("a user")
}

/// Mostly somebody who may edit.
pub fn role(source: &mut Source<'_>) -> Role {
    match source.below(8) {
        0 => Role::None,
        1 => Role::Viewer,
        _ => Role::Editor,
    }
}

/// One of few edits, or any.
pub fn edit_id(source: &mut Source<'_>) -> EditId {
    EditId(u128::from(source.wide()))
}

/// Any version.
pub fn version(source: &mut Source<'_>) -> Version {
    Version(source.wide())
}

/// Any cursor.
pub fn cursor(source: &mut Source<'_>) -> Cursor {
    Cursor {
        version: version(source),
        check: Check(source.wide()),
    }
}

/// Any value, nested by at most so much.
pub fn value(source: &mut Source<'_>, depth: usize) -> Value {
    match source.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(source.once_in(2)),
        2 => number(source),
        3 => Value::Text(source.text()),
        4 | 5 => Value::List((0..4).map(|_| Value::from(source.narrow() % 12)).collect()),
        6 => Value::List(source.list(3, |source| value(source, depth - 1))),
        _ => {
            let entries = source.list(3, |source| (source.text(), value(source, depth - 1)));
            Value::Map(entries.into_iter().collect())
        }
    }
}

fn number(source: &mut Source<'_>) -> Value {
    let number = match source.below(4) {
        0 => f64::from(source.narrow()),
        1 => -f64::from(source.narrow()) / 8.0,
        _ => f64::from_bits(source.wide()),
    };
    Value::number(number).unwrap_or_default()
}

/// Any op.
pub fn op(source: &mut Source<'_>) -> Op {
    match source.below(6) {
        0 | 1 => {
            let kind = kind(source);
            let leaves = source.list(3, |source| (leaf(source), value(source, 2)));
            let leaves = leaves.into_iter().collect();
            Op::Create { kind, leaves }
        }
        2 | 3 => {
            let leaf = leaf(source);
            let value = value(source, 2);
            Op::Set { leaf, value }
        }
        4 => Op::Unset { leaf: leaf(source) },
        _ => Op::Remove,
    }
}

/// Any effect.
pub fn effect(source: &mut Source<'_>) -> Effect {
    Effect {
        record: record(source),
        op: op(source),
    }
}

/// Any edit of this id.
pub fn edit(source: &mut Source<'_>, id: EditId) -> Edit {
    let on_stale = source.pick(&[OnStale::Policy, OnStale::Policy, OnStale::Skip]);
    let change = |source: &mut Source<'_>| Change {
        record: record(source),
        seen: version(source),
        op: op(source),
    };
    Edit {
        id,
        label: source.text(),
        on_stale,
        changes: source.list(4, change),
    }
}

/// Any leaf of a record, or the record as such.
pub fn leaf_ref(source: &mut Source<'_>) -> LeafRef {
    LeafRef {
        record: record(source),
        leaf: source.maybe(leaf),
    }
}
