use driftless_model::{LeafRef, Op, Version};
use driftless_protocol::durable::{BaseLeaf, EntryRow, LocalChange};

use super::{at, base_leaf, base_record, change, create, entry, leaf, record, seen, set, whole};
use crate::replica::background_sync::undo_changes;

/// The version that the edit made.
const MADE: u64 = 4;

fn row(changes: Vec<(&str, Op)>, base: Vec<BaseLeaf>) -> EntryRow {
    let changes = changes.into_iter().map(|(name, op)| change(name, op, &[]));
    let mut row = entry(1, changes.collect()).row;
    row.base = base;
    row
}

fn undone(row: &EntryRow, skipped: &[LeafRef], has_made: bool) -> Vec<LocalChange> {
    undo_changes(row, skipped, Version(MADE), &|_| has_made)
}

fn expected(changes: Vec<(&str, Op)>) -> Vec<LocalChange> {
    let changes = changes.into_iter();
    changes.map(|(name, op)| seen(name, MADE, op)).collect()
}

fn unset(name: &str) -> Op {
    Op::Unset { leaf: leaf(name) }
}

#[test]
fn each_leaf_gets_what_it_was_and_the_last_first() {
    let of_b = BaseLeaf {
        record: record("b"),
        ..base_leaf("title", 9)
    };
    let changes = vec![("a", set("title", 1)), ("a", set("unit", 2))];
    let row = row(changes, vec![of_b, base_leaf("title", 7)]);
    let all = expected(vec![("a", unset("unit")), ("a", set("title", 7))]);
    assert_eq!(undone(&row, &[], true), all);
    let title = expected(vec![("a", set("title", 7))]);
    assert_eq!(undone(&row, &[at("a", "unit")], true), title);
    assert_eq!(undone(&row, &[at("b", "unit")], true), all);
}

#[test]
fn a_removed_record_comes_back_as_it_was_unless_the_removal_was_left_out() {
    let mut row = row(vec![("a", Op::Remove)], vec![]);
    assert_eq!(undone(&row, &[], true), [], "nobody remembers it");
    row.removed = vec![base_record("b", 8), base_record("a", 7)];
    let back = expected(vec![("a", create(&[("title", 7)]))]);
    assert_eq!(undone(&row, &[], true), back);
    assert_eq!(undone(&row, &[whole("a")], true), []);
    assert_eq!(undone(&row, &[whole("b")], true), back);
}

#[test]
fn only_a_record_that_the_edit_made_goes_again() {
    let changes = vec![("a", create(&[("title", 1)]))];
    let new = row(changes.clone(), vec![]);
    assert_eq!(undone(&new, &[], true), expected(vec![("a", Op::Remove)]));
    // It was there already, unseen: it stays, without the leaves.
    let without = expected(vec![("a", unset("title"))]);
    assert_eq!(undone(&new, &[], false), without);
    // It was there, and seen.
    let there = row(changes, vec![base_leaf("title", 7)]);
    let back = expected(vec![("a", set("title", 7))]);
    assert_eq!(undone(&there, &[], true), back);
    assert_eq!(undone(&there, &[], false), back);
}
