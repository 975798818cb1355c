//! What a person is asked in a conflict: of each leaf what they saw, what is there now and by whom,
//! and what they wrote; of each record that is gone, what it was.

use driftless_model::{LeafRef, Op, UserId, Value, Version};
use driftless_sync::replica::view::{ConflictView, EntryProgress, RemovedView, Resolution};

use crate::edits::{ANN, BOB, two};
use crate::pair::{Pair, create, path, record, set};

const CAROL: usize = 2;

/// Ann is away while she and others edit, and comes back to a conflict.
fn conflict_of(pair: &mut Pair, ann: Vec<(&str, Op)>, others: Vec<(usize, &str, Op)>) {
    pair.unplug(ANN);
    pair.edit(ANN, ann);
    for (who, id, op) in others {
        pair.edit(who, vec![(id, op)]);
        pair.settle();
    }
    pair.plug(ANN);
    pair.settle();
}

fn shown(pair: &Pair) -> ConflictView {
    let entries = pair.entries(ANN);
    match &entries[0].state {
        EntryProgress::Conflicted(conflict) => conflict.clone(),
        state => panic!("no conflict: {state:?}"),
    }
}

/// Base, theirs, mine; and whose theirs is, where it is stale.
type Told = (Option<Value>, Option<Value>, Option<Value>, Option<UserId>);

fn told(conflict: &ConflictView, id: &str, leaf: &str) -> Told {
    let at = LeafRef {
        record: record(id),
        leaf: Some(path(leaf)),
    };
    let own: Vec<_> = conflict.leaves.iter().filter(|own| own.at == at).collect();
    let [own] = own[..] else {
        panic!("asked about once: {own:?}");
    };
    let author = own.author.clone().filter(|_| own.is_stale);
    (
        own.base.clone(),
        own.theirs.clone(),
        own.mine.clone(),
        author,
    )
}

fn text(value: &str) -> Value {
    value.into()
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

#[test]
fn each_leaf_is_told_with_its_own_three_values() {
    let mut pair = two();
    pair.edit(ANN, vec![("mem", create("Memory"))]);
    pair.settle();
    let ann = vec![
        ("cpu", set("title", "Ann's CPU")),
        ("cpu", set("unit", "%")),
        ("mem", set("title", "Ann's memory")),
    ];
    let bob = vec![
        (BOB, "cpu", set("title", "Bob's CPU")),
        (BOB, "mem", set("title", "Bob's memory")),
    ];
    conflict_of(&mut pair, ann, bob);
    let conflict = shown(&pair);
    let cpu = (
        Some(text("CPU")),
        Some(text("Bob's CPU")),
        Some(text("Ann's CPU")),
        Some(user("Bob")),
    );
    assert_eq!(told(&conflict, "cpu", "title"), cpu);
    assert_eq!(
        told(&conflict, "cpu", "unit"),
        (None, None, Some(text("%")), None)
    );
    let memory = (
        Some(text("Memory")),
        Some(text("Bob's memory")),
        Some(text("Ann's memory")),
        Some(user("Bob")),
    );
    assert_eq!(told(&conflict, "mem", "title"), memory);
    assert_eq!(conflict.removed, []);
}

#[test]
fn what_somebody_changed_in_a_record_that_the_person_removed_is_told() {
    let mut pair = two();
    let ann = vec![("cpu", Op::Remove)];
    conflict_of(&mut pair, ann, vec![(BOB, "cpu", set("title", "Bob's"))]);
    let conflict = shown(&pair);
    let title = (
        Some(text("CPU")),
        Some(text("Bob's")),
        None,
        Some(user("Bob")),
    );
    assert_eq!(told(&conflict, "cpu", "title"), title);
    assert_eq!(conflict.leaves.len(), 1);
    assert_eq!(conflict.removed, [], "it is there");
}

#[test]
fn a_record_that_somebody_removed_is_told_by_its_title_and_comes_back_with_mine() {
    let mut pair = Pair::new(&["Ann", "Bob", "Carol"]);
    for (id, title) in [("cpu", "CPU"), ("mem", "Memory")] {
        pair.edit(ANN, vec![(id, create(title))]);
        pair.settle();
    }
    let ann = vec![("cpu", set("unit", "%")), ("mem", set("unit", "GB"))];
    conflict_of(&mut pair, ann, vec![(BOB, "cpu", Op::Remove)]);
    let removed = |name, version| RemovedView {
        record: record("cpu"),
        title: Some("CPU".to_owned()),
        author: Some(user(name)),
        version: Version(version),
    };
    assert_eq!(shown(&pair).removed, [removed("Bob", 3)]);
    // It is made again, and is there while Ann thinks about it; then Carol removes it.
    pair.edit(BOB, vec![("cpu", create("Again"))]);
    pair.settle();
    assert_eq!(shown(&pair).removed, []);
    pair.edit(CAROL, vec![("cpu", Op::Remove)]);
    pair.settle();
    assert_eq!(shown(&pair).removed, [removed("Carol", 5)]);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(
        pair.stored("cpu", "title"),
        Some(text("CPU")),
        "as Ann last saw it"
    );
    assert_eq!(pair.stored("cpu", "unit"), Some(text("%")));
    assert_eq!(pair.stored("mem", "unit"), Some(text("GB")));
}

/// To write into a record that one wanted removed is to keep it.
#[test]
fn a_merge_into_a_record_that_the_person_removed_keeps_it() {
    let mut pair = two();
    let ann = vec![("cpu", Op::Remove)];
    conflict_of(&mut pair, ann, vec![(BOB, "cpu", set("title", "Bob's"))]);
    let title = LeafRef {
        record: record("cpu"),
        leaf: Some(path("title")),
    };
    let merged = vec![(title, Some(text("Both")))];
    pair.resolve(ANN, Resolution::Merge(merged));
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some(text("Both")));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn a_removal_that_is_kept_removes() {
    let mut pair = two();
    let ann = vec![("cpu", Op::Remove)];
    conflict_of(&mut pair, ann, vec![(BOB, "cpu", set("title", "Bob's"))]);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.view(BOB, "cpu"), None);
    assert!(pair.entries(ANN).is_empty());
}
