use std::collections::BTreeMap;

use driftless_model::{
    BoardState, EditId, LeafPath, OnStale, Op, RecordId, Slot, UserId, Value, Version, effects,
};
use driftless_protocol::durable::{Conflicted, EntryRow, EntryState};
use proptest::prelude::*;

use super::{base_leaf, base_record, change, create, entry, leaf, new_edit, record, set};
use crate::replica::background_sync::Entry;

fn after(entry: &Entry) -> Vec<EditId> {
    entry.after().into_iter().collect()
}

#[test]
fn what_an_edit_wrote_before_it_removes_a_record_goes_with_that() {
    let edit = entry(
        1,
        vec![
            change("a", set("title", 1), &[]),
            change("b", set("unit", 1), &[]),
            change("a", Op::Remove, &[]),
            change("a", create(&[("title", 2)]), &[]),
            change("c", Op::Remove, &[]),
        ],
    );
    let title = Some(leaf("title"));
    assert_eq!(edit.leaves_of(&record("a")), [None, None, title]);
    assert_eq!(edit.leaves_of(&record("b")), [Some(leaf("unit"))]);
    assert_eq!(edit.leaves_of(&record("c")), [None]);
    assert_eq!(edit.leaves_of(&record("d")), []);
    let decided = ["a", "b", "c", "d"].map(|name| edit.decides(&record(name)));
    assert_eq!(decided, [Some(true), None, Some(false), None]);
}

#[test]
fn a_later_edit_of_the_gesture_waits_for_nothing_that_it_takes_the_place_of() {
    let mut edit = entry(1, vec![change("a", set("title", 1), &[9])]);
    for (id, other) in [(2, "unit"), (3, "query")] {
        let changes = vec![
            change("a", set("title", 2), &[1, 2, 8]),
            change("a", set(other, 2), &[1, 2, 8]),
        ];
        edit.squash(new_edit(id, changes));
    }
    assert_eq!(edit.row.id, EditId(3));
    assert_eq!(edit.row.folded, [EditId(1), EditId(2)]);
    assert_eq!(edit.row.label, "Edit 3");
    assert_eq!(edit.row.changes.len(), 3);
    assert_eq!(edit.row.changes[0].seen.after, [EditId(9)]);
    // The second edit's `unit` came before the third took the second's place.
    assert!(!edit.row.changes[1].seen.after.contains(&EditId(1)));
    assert!(edit.row.changes[1].seen.after.contains(&EditId(8)));
    assert_eq!(edit.row.changes[2].seen.after, [EditId(8)]);
}

#[test]
fn what_joins_an_edit_waits_for_nothing_in_it_and_brings_what_it_saw() {
    let mut edit = entry(1, vec![change("a", set("title", 1), &[])]);
    edit.row.on_stale = OnStale::Skip;
    edit.row.folded = vec![EditId(10)];
    edit.row.base = vec![base_leaf("title", 1)];
    edit.row.removed = vec![base_record("a", 1)];
    let mut joined = entry(
        2,
        vec![
            change("a", set("unit", 1), &[1, 10, 2, 20, 8]),
            change("b", Op::Remove, &[]),
        ],
    );
    joined.row.folded = vec![EditId(20)];
    joined.row.base = vec![base_leaf("title", 2), base_leaf("unit", 2)];
    joined.row.removed = vec![base_record("a", 2), base_record("b", 2)];
    edit.fold(joined.row);
    assert_eq!(
        edit.row.on_stale,
        OnStale::Policy,
        "a person's joined an undo"
    );
    assert_eq!(edit.row.folded, [10, 2, 20].map(EditId));
    assert_eq!(after(&edit), [EditId(8)]);
    let base = vec![base_leaf("title", 1), base_leaf("unit", 2)];
    assert_eq!(edit.row.base, base, "what was seen first stays");
    let removed = vec![base_record("a", 1), base_record("b", 2)];
    assert_eq!(edit.row.removed, removed);
    let mut undo = entry(3, vec![]);
    undo.row.on_stale = OnStale::Skip;
    let mut edit = entry(4, vec![]);
    edit.fold(undo.row);
    assert_eq!(edit.row.on_stale, OnStale::Policy);
}

#[test]
fn a_record_lacks_what_was_seen_of_it_where_the_edit_touches_it_and_no_more() {
    let mut edit = entry(
        1,
        vec![change("a", Op::Remove, &[]), change("b", Op::Remove, &[])],
    );
    edit.row.removed = vec![base_record("b", 1)];
    let lacks = ["a", "b", "c"].map(|name| edit.lacks_base_of(&record(name)));
    assert_eq!(lacks, [true, false, false]);
}

#[test]
fn an_edit_of_another_tab_whose_place_a_later_one_took_is_another() {
    let mut edit = entry(1, vec![]);
    assert!(!edit.is_another_than(EditId(2)), "it was made here");
    edit.is_foreign = true;
    assert!(edit.is_another_than(EditId(2)));
    assert!(!edit.is_another_than(EditId(1)));
    assert!(!edit.is_conflicted());
    let at = Version(1);
    let stale = Vec::new();
    edit.row.state = EntryState::Conflicted(Box::new(Conflicted { at, stale }));
    assert!(edit.is_conflicted());
    assert!(
        !edit.is_another_than(EditId(2)),
        "it is what a person decides on"
    );
}

/// A title that nobody could be asked about any more, since the widget was removed; its author made
/// the widget again, and gave it another title.
#[test]
fn what_is_written_after_a_record_was_made_again_stays_after_it() {
    let mut edit = entry(1, vec![change("a", set("title", 1), &[])]);
    let again = create(&[("title", 2)]);
    edit.fold(entry(2, vec![change("a", again.clone(), &[])]).row);
    edit.fold(entry(3, vec![change("a", set("title", 3), &[])]).row);
    edit.fold(entry(4, vec![change("a", set("title", 4), &[])]).row);
    let ops = edit.row.changes.into_iter().map(|change| change.op);
    let expected = [set("title", 1), again, set("title", 4)];
    assert_eq!(ops.collect::<Vec<_>>(), expected);
}

/// Every record's leaves after an entry's changes were made, one after another.
fn made(mut state: BoardState, rows: &[EntryRow]) -> BTreeMap<RecordId, BTreeMap<LeafPath, Value>> {
    let ann = UserId::new("Ann").expect("a user");
    for change in rows.iter().flat_map(|row| &row.changes) {
        let change = driftless_model::Change {
            record: change.record.clone(),
            seen: change.seen.version,
            op: change.op.clone(),
        };
        state.apply(&effects(&[change], &[]), Version(2), &ann);
    }
    let live = state
        .records
        .into_iter()
        .filter_map(|(id, slot)| match slot {
            Slot::Live(live) => Some((id, live)),
            Slot::Removed { .. } => None,
        });
    let values = live.map(|(id, live)| {
        let leaves = live.leaves.into_iter();
        let values = leaves.filter_map(|(leaf, cell)| Some((leaf, cell.value?)));
        (id, values.collect())
    });
    values.collect()
}

fn any_op() -> impl Strategy<Value = Op> {
    let name = prop_oneof![Just("title"), Just("unit")];
    prop_oneof![
        4 => (name.clone(), 0..9_u32).prop_map(|(name, value)| set(name, value)),
        2 => name.prop_map(|name| Op::Unset { leaf: leaf(name) }),
        1 => Just(Op::Remove),
        1 => (0..9_u32).prop_map(|value| create(&[("title", value)])),
    ]
}

fn any_entry(id: u128) -> impl Strategy<Value = Entry> {
    let one = (prop_oneof![Just("a"), Just("b")], any_op());
    let changes = prop::collection::vec(one, 0..4);
    changes.prop_map(move |changes| {
        let changes = changes.into_iter();
        entry(
            id,
            changes.map(|(name, op)| change(name, op, &[])).collect(),
        )
    })
}

/// A board with the record "a".
fn board_with_a() -> BoardState {
    let mut state = BoardState::default();
    let create = driftless_model::Change {
        record: record("a"),
        seen: Version(0),
        op: create(&[("title", 100), ("unit", 100)]),
    };
    let ann = UserId::new("Ann").expect("a user");
    state.apply(&effects(&[create], &[]), Version(1), &ann);
    state
}

proptest! {
    #[test]
    fn edits_in_one_do_what_they_do_one_after_another(
        first in any_entry(1), second in any_entry(2), third in any_entry(3),
    ) {
        let each = [&first, &second, &third].map(|entry| entry.row.clone());
        let mut folded = first.clone();
        folded.fold(second.row.clone());
        folded.fold(third.row.clone());
        prop_assert_eq!(made(board_with_a(), &[folded.row]), made(board_with_a(), &each));
        let mut squashed = first;
        squashed.squash(new_edit(2, second.row.changes));
        squashed.squash(new_edit(3, third.row.changes));
        prop_assert_eq!(made(board_with_a(), &[squashed.row]), made(board_with_a(), &each));
    }
}
