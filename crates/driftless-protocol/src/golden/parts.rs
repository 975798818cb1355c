//! What the samples are made of: every shape of value, op and effect.

use driftless_model::{
    BoardId, Cell, Check, Cursor, EditId, Effect, KindName, LeafPath, LeafRef, Op, RecordId,
    SortedMap, UserId, Value, Version,
};

use crate::golden::{assert_covered, variants};

variants! { name_of, NAMES: Op,
    Op::Create { .. } => "create",
    Op::Set { .. } => "set",
    Op::Unset { .. } => "unset",
    Op::Remove => "remove",
}

pub fn board() -> BoardId {
    BoardId::new("this-machine").expect("an id")
}

pub fn record(text: &str) -> RecordId {
    RecordId::new(text).expect("an id")
}

pub fn kind() -> KindName {
    KindName::new("chart").expect("a kind")
}

pub fn leaf(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

pub fn user() -> UserId {
    UserId::new("Zoë 🦊").expect("a user")
}

pub const EDIT: EditId = EditId(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
pub const OTHER_EDIT: EditId = EditId(0xfedc_ba98_7654_3210_0000_0000_0000_00ff);

/// A check above what a signed integer holds.
pub const CURSOR: Cursor = Cursor {
    version: Version(412),
    check: Check(0x8ebb_49f0_a1b2_c3d4),
};

/// Every type of value, at the edges of how numbers are written.
pub fn every_value() -> Value {
    let number = |number| Value::number(number).expect("finite");
    let numbers = [
        0.0,
        1.0,
        -1.0,
        127.0,
        128.0,
        -33.0,
        65_536.0,
        4_294_967_296.0,
        9_007_199_254_740_991.0,
        9_007_199_254_740_992.0,
        -0.5,
        0.1,
        1e300,
        5e-324,
    ];
    let map: SortedMap<String, Value> = [
        ("bool", Value::from(true)),
        ("list", Value::List(vec![Value::Null, Value::List(vec![])])),
        ("map", Value::Map(SortedMap::new())),
        ("null", Value::Null),
        ("numbers", Value::List(numbers.map(number).to_vec())),
        ("text", "“quoted”\n\"\\\u{1}".into()),
        ("ünï", "🦊".into()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    Value::Map(map)
}

pub fn cell(value: Option<Value>) -> Cell {
    Cell {
        value,
        version: Version(7),
        author: user(),
    }
}

pub fn at(path: Option<&str>) -> LeafRef {
    LeafRef {
        record: record("cpu"),
        leaf: path.map(leaf),
    }
}

/// Every op, in the order of the variants.
pub fn every_op() -> Vec<Op> {
    let leaves = [("title", "CPU".into()), ("options/all", every_value())];
    let leaves = leaves.map(|(path, value)| (leaf(path), value)).into();
    vec![
        Op::Create {
            kind: kind(),
            leaves,
        },
        Op::Set {
            leaf: leaf("title"),
            value: Value::Null,
        },
        Op::Unset {
            leaf: leaf("options/legend"),
        },
        Op::Remove,
    ]
}

pub fn every_effect() -> Vec<Effect> {
    let effect = |op| Effect {
        record: record("cpu"),
        op,
    };
    every_op().into_iter().map(effect).collect()
}

#[test]
fn every_op_is_in_the_samples() {
    let named = every_op().into_iter().map(|op| (name_of(&op), op));
    assert_covered(named, name_of, NAMES);
}
