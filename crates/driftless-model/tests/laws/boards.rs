//! Any boards: histories of edits by two people on few records, so that they meet.

use std::collections::BTreeMap;

use driftless_model::{
    BoardState, Change, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId, Schema, UserId,
    Value, Verdict, Version, effects, staleness,
};
use proptest::prelude::*;

pub fn record(text: &str) -> RecordId {
    RecordId::new(text).expect("an id")
}

pub fn leaf(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

/// A leaf that people are asked about, or a place.
pub fn any_leaf() -> impl Strategy<Value = LeafPath> {
    prop::sample::select(vec!["title", "unit", "options/x", "layout/lg"]).prop_map(leaf)
}

pub fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec!["A", "B"]).prop_map(Value::from),
        Just(Value::Null),
        (0..3_u32).prop_map(|x| Value::List([x, 0, 4, 3].map(Value::from).to_vec())),
    ]
}

pub fn any_op() -> impl Strategy<Value = Op> {
    let leaves = prop::collection::btree_map(any_leaf(), any_value(), 0..3);
    let kind = prop::sample::select(vec!["chart", "from_tomorrow"]);
    prop_oneof![
        2 => (kind, leaves).prop_map(|(kind, leaves)| Op::Create {
            kind: KindName::new(kind).expect("a kind"),
            leaves: leaves.into_iter().collect(),
        }),
        4 => (any_leaf(), any_value()).prop_map(|(leaf, value)| Op::Set { leaf, value }),
        1 => any_leaf().prop_map(|leaf| Op::Unset { leaf }),
        1 => Just(Op::Remove),
    ]
}

fn any_record() -> impl Strategy<Value = RecordId> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(record)
}

/// An edit whose changes have seen what was `lag` versions ago.
pub fn any_edit() -> impl Strategy<Value = (Edit, u64)> {
    let changes = prop::collection::vec((any_record(), any_op()), 1..4);
    let on_stale = prop_oneof![4 => Just(OnStale::Policy), 1 => Just(OnStale::Skip)];
    (changes, on_stale, 0..4_u64).prop_map(|(changes, on_stale, lag)| {
        let change = |(record, op)| Change {
            record,
            seen: Version(0),
            op,
        };
        let edit = Edit {
            id: EditId(1),
            label: "Edit".into(),
            on_stale,
            changes: changes.into_iter().map(change).collect(),
        };
        (edit, lag)
    })
}

pub fn any_edits() -> impl Strategy<Value = Vec<(Edit, u64)>> {
    prop::collection::vec(any_edit(), 1..16)
}

/// The edit as made by somebody who saw this version.
pub fn seen(mut edit: Edit, version: Version) -> Edit {
    for change in &mut edit.changes {
        change.seen = version;
    }
    edit
}

/// A board, and what it was at each version.
#[derive(Debug, Default)]
pub struct History {
    pub board: BoardState,
    pub head: Version,
    pub past: BTreeMap<Version, BoardState>,
}

impl History {
    /// What became of each edit, one after another; `look` sees the board before each.
    pub fn of(edits: Vec<(Edit, u64)>, mut look: impl FnMut(&Self, &Edit, &Verdict)) -> Self {
        let schema = Schema::builtin();
        let mut history = Self::default();
        history.past.insert(Version(0), BoardState::default());
        for (number, (edit, lag)) in edits.into_iter().enumerate() {
            let edit = seen(edit, Version(history.head.0.saturating_sub(lag)));
            let verdict = staleness::judge(&history.board, &schema, &edit);
            look(&history, &edit, &verdict);
            if let Verdict::Apply { skipped, .. } = &verdict {
                history.head = history.head.next();
                let author = UserId::new(["Ann", "Bob"][number % 2]).expect("a user");
                let effects = effects(&edit.changes, skipped);
                history.board.apply(&effects, history.head, &author);
                history.past.insert(history.head, history.board.clone());
            }
        }
        history
    }
}
