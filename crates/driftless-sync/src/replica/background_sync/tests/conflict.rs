use driftless_model::{BoardState, LeafRef, Op, StaleLeaf, Value, Version};
use driftless_protocol::durable::{Conflicted, EntryRow, EntryState, LocalChange};

use super::{
    at, base_record, board, change, create, entry, leaf, live, removed, seen, set, user, whole,
};
use crate::replica::background_sync::resolved_changes;
use crate::replica::journal::Journal;
use crate::replica::view::{EntryProgress, Resolution};

/// The version that the person saw when they decided.
const DECIDED: u64 = 9;

fn row(changes: Vec<(&str, Op)>) -> EntryRow {
    let changes = changes.into_iter().map(|(name, op)| change(name, op, &[]));
    entry(1, changes.collect()).row
}

fn decided(row: &EntryRow, resolution: &Resolution, confirmed: &BoardState) -> Vec<LocalChange> {
    resolved_changes(row, resolution, Version(DECIDED), confirmed)
}

fn kept(row: &EntryRow, confirmed: &BoardState) -> Vec<LocalChange> {
    decided(row, &Resolution::KeepMine, confirmed)
}

fn merged(
    row: &EntryRow,
    values: &[(LeafRef, Option<u32>)],
    state: &BoardState,
) -> Vec<LocalChange> {
    let values = values.iter().cloned();
    let values = values.map(|(at, value)| (at, value.map(Value::from)));
    decided(row, &Resolution::Merge(values.collect()), state)
}

fn there() -> BoardState {
    board(&[
        ("a", live(&[("title", 5, 5, "Bob"), ("unit", 1, 1, "Ann")])),
        ("b", live(&[("title", 5, 5, "Bob")])),
    ])
}

fn gone() -> BoardState {
    board(&[("a", removed(5, "Bob")), ("b", removed(5, "Bob"))])
}

fn made(changes: Vec<(&str, Op)>) -> Vec<LocalChange> {
    let changes = changes.into_iter();
    changes.map(|(name, op)| seen(name, DECIDED, op)).collect()
}

#[test]
fn mine_go_on_what_the_person_saw_when_they_decided() {
    let unit = Op::Unset { leaf: leaf("unit") };
    let row = row(vec![("a", set("title", 1)), ("a", unit.clone())]);
    let expected = made(vec![("a", set("title", 1)), ("a", unit)]);
    assert_eq!(kept(&row, &there()), expected);
    assert_eq!(decided(&row, &Resolution::TakeTheirs, &there()), []);
}

#[test]
fn what_nobody_remembers_is_judged_by_the_server_again() {
    let row = row(vec![("a", set("title", 1))]);
    assert_eq!(kept(&row, &gone()), made(vec![("a", set("title", 1))]));
}

#[test]
fn a_record_that_is_gone_comes_back_as_it_was_last_seen_with_mine() {
    let mut row = row(vec![("a", set("unit", 1)), ("a", set("title", 3))]);
    row.removed = vec![base_record("b", 8), base_record("a", 7)];
    let back = create(&[("title", 3), ("unit", 1)]);
    assert_eq!(kept(&row, &gone()), made(vec![("a", back)]));
    // Taken away, as the person had it.
    row.changes[1].op = Op::Unset {
        leaf: leaf("title"),
    };
    let back = create(&[("unit", 1)]);
    assert_eq!(kept(&row, &gone()), made(vec![("a", back)]));
    // Where it is there, mine are all that is written.
    let mine = vec![("a", set("unit", 1)), ("a", row.changes[1].op.clone())];
    assert_eq!(kept(&row, &there()), made(mine));
}

#[test]
fn a_removal_is_made_again_where_there_is_something_to_remove() {
    let row = row(vec![("a", Op::Remove)]);
    assert_eq!(kept(&row, &there()), made(vec![("a", Op::Remove)]));
    assert_eq!(kept(&row, &gone()), []);
}

#[test]
fn a_record_that_the_person_removed_stays_for_values_that_they_give_it() {
    let row = row(vec![("a", Op::Remove), ("b", Op::Remove)]);
    let values = [(at("a", "title"), Some(4))];
    let expected = made(vec![("b", Op::Remove), ("a", set("title", 4))]);
    assert_eq!(merged(&row, &values, &there()), expected);
}

#[test]
fn a_record_is_made_where_it_is_not_there_and_only_written_where_it_is() {
    let row = row(vec![("a", create(&[("title", 1)])), ("a", set("unit", 2))]);
    let whole = create(&[("title", 1), ("unit", 2)]);
    assert_eq!(kept(&row, &gone()), made(vec![("a", whole)]));
    let writes = made(vec![("a", set("title", 1)), ("a", set("unit", 2))]);
    assert_eq!(kept(&row, &there()), writes);
}

#[test]
fn a_record_that_is_removed_and_made_again_is_both() {
    let again = create(&[("title", 2)]);
    let row = row(vec![
        ("a", set("title", 1)),
        ("a", Op::Remove),
        ("a", again),
        ("a", set("unit", 3)),
        ("b", set("title", 4)),
    ]);
    let whole = create(&[("title", 2), ("unit", 3)]);
    let expected = made(vec![
        ("a", set("title", 1)),
        ("a", Op::Remove),
        ("a", whole),
        ("b", set("title", 4)),
    ]);
    assert_eq!(kept(&row, &there()), expected);
}

#[test]
fn values_of_a_merge_take_the_place_of_mine_each_at_its_own_leaf() {
    let row = row(vec![
        ("a", set("title", 1)),
        ("a", set("unit", 1)),
        ("b", set("title", 1)),
    ]);
    let values = [
        (at("a", "title"), Some(4)),
        (at("b", "unit"), Some(5)),
        (at("b", "title"), None),
    ];
    let unset = Op::Unset {
        leaf: leaf("title"),
    };
    let expected = made(vec![
        ("a", set("title", 4)),
        ("a", set("unit", 1)),
        ("b", unset),
        ("b", set("unit", 5)),
    ]);
    assert_eq!(merged(&row, &values, &there()), expected);
    // A whole record is no leaf.
    let mine = kept(&row, &there());
    assert_eq!(merged(&row, &[(whole("a"), Some(4))], &there()), mine);
}

#[test]
fn theirs_is_what_is_there_now_unless_the_server_told_something_newer() {
    let stale = StaleLeaf {
        at: at("a", "title"),
        theirs: Some(Value::from(4)),
        author: Some(user("Bob")),
        version: Version(4),
    };
    let mut edit = entry(1, vec![change("a", set("title", 1), &[])]);
    let conflicted = Conflicted {
        at: Version(4),
        stale: vec![stale],
    };
    edit.row.state = EntryState::Conflicted(Box::new(conflicted));
    let asked = |version, value| {
        let now = board(&[("a", live(&[("title", value, version, "Carol")]))]);
        match edit.view(&now, &Journal::default()).state {
            EntryProgress::Conflicted(conflict) => conflict.leaves[0].clone(),
            other => panic!("no conflict: {other:?}"),
        }
    };
    let shown = |version, value| {
        let leaf = asked(version, value);
        (leaf.theirs, leaf.author, leaf.version)
    };
    let as_told = (Some(Value::from(4)), Some(user("Bob")), Version(4));
    assert_eq!(shown(3, 3), as_told, "the board is behind");
    assert_eq!(shown(4, 4).1, Some(user("Carol")));
    let now = (Some(Value::from(7)), Some(user("Carol")), Version(7));
    assert_eq!(shown(7, 7), now);
}
