//! Undo and redo, values that somebody replaced, and conflicts that settle themselves.

mod laws;

use driftless_model::{EditId, LeafRef, OnStale, Op, Value, Version, limits};
use driftless_protocol::durable::{EntryRow, EntryState};
use driftless_sync::replica::undo_history::{Applied, UndoHistory, UndoState};
use driftless_sync::replica::view::{AutoResolve, RecordView, Resolution};
use driftless_sync::replica::{Command, Notice};

use crate::edits::{ANN, BOB, disagreeing, two};
use crate::pair::{Pair, board, create, path, record, set};

fn undo(pair: &mut Pair, who: usize) {
    pair.command(who, Command::Undo(board()));
}

fn redo(pair: &mut Pair, who: usize) {
    pair.command(who, Command::Redo(board()));
}

fn title(pair: &mut Pair, who: usize, value: &str) {
    pair.edit(who, vec![("cpu", set("title", value))]);
}

fn both_see(pair: &mut Pair, value: &str) {
    pair.settle();
    for who in [ANN, BOB] {
        assert_eq!(pair.sees(who, "cpu", "title"), Some(value.into()));
    }
    assert!(pair.entries(ANN).is_empty() && pair.entries(BOB).is_empty());
}

fn at(x: u32) -> Op {
    let cells = [x, 0, 4, 3].map(Value::from);
    Op::Set {
        leaf: path("layout/lg"),
        value: Value::List(cells.to_vec()),
    }
}

#[test]
fn what_was_applied_is_undone_and_done_again_step_by_step() {
    let mut pair = two();
    title(&mut pair, ANN, "One");
    pair.settle();
    title(&mut pair, ANN, "Two");
    pair.settle();
    undo(&mut pair, ANN);
    both_see(&mut pair, "One");
    undo(&mut pair, ANN);
    both_see(&mut pair, "CPU");
    redo(&mut pair, ANN);
    both_see(&mut pair, "One");
    redo(&mut pair, ANN);
    both_see(&mut pair, "Two");
    undo(&mut pair, ANN);
    both_see(&mut pair, "One");
}

#[test]
fn an_undo_leaves_what_somebody_wrote_since_and_says_so() {
    let mut pair = two();
    pair.edit(
        ANN,
        vec![("cpu", set("title", "Ann's")), ("cpu", set("unit", "%"))],
    );
    pair.settle();
    title(&mut pair, BOB, "Bob's");
    pair.settle();
    undo(&mut pair, ANN);
    both_see(&mut pair, "Bob's");
    assert_eq!(pair.stored("cpu", "unit"), None);
    let skipped = pair.notices(ANN).into_iter();
    let skipped: Vec<_> = skipped
        .filter(|notice| matches!(notice, Notice::Skipped { at, .. } if at.len() == 1))
        .collect();
    assert_eq!(skipped.len(), 1);
    redo(&mut pair, ANN);
    both_see(&mut pair, "Bob's");
    assert_eq!(pair.stored("cpu", "unit"), Some("%".into()));
}

#[test]
fn what_was_never_sent_is_undone_without_a_trace() {
    let mut pair = two();
    let before = pair.applied();
    pair.unplug(ANN);
    title(&mut pair, ANN, "Oops");
    undo(&mut pair, ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("CPU".into()));
    assert!(pair.entries(ANN).is_empty());
    redo(&mut pair, ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Oops".into()));
    undo(&mut pair, ANN);
    pair.plug(ANN);
    both_see(&mut pair, "CPU");
    assert_eq!(pair.applied(), before);
}

#[test]
fn what_is_under_way_is_undone_when_it_arrives_unless_it_is_done_again() {
    let mut pair = two();
    title(&mut pair, ANN, "Oops");
    undo(&mut pair, ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("CPU".into()));
    redo(&mut pair, ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Oops".into()));
    undo(&mut pair, ANN);
    both_see(&mut pair, "CPU");
    redo(&mut pair, ANN);
    both_see(&mut pair, "Oops");
    undo(&mut pair, ANN);
    both_see(&mut pair, "CPU");
}

#[test]
fn what_is_written_over_something_taken_back_stays() {
    let mut pair = two();
    title(&mut pair, ANN, "Oops");
    pair.take_back(ANN);
    title(&mut pair, ANN, "Better");
    both_see(&mut pair, "Better");
}

#[test]
fn what_is_written_over_a_removal_that_was_taken_back_finds_the_widget_whole() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    pair.edit(ANN, vec![("cpu", Op::Remove)]);
    pair.take_back(ANN);
    title(&mut pair, ANN, "Better");
    both_see(&mut pair, "Better");
    assert_eq!(pair.sees(BOB, "cpu", "unit"), Some("%".into()));
    let log: Vec<Version> = (1..=5).map(Version).collect();
    assert_eq!(
        pair.applied(),
        log.len(),
        "removed, restored, and then renamed"
    );
}

#[test]
fn what_somebody_wrote_over_something_taken_back_is_not_overwritten_unseen() {
    let mut pair = two();
    title(&mut pair, ANN, "Oops");
    pair.take_back(ANN);
    // It arrives, Ann does not hear of it, and Bob's comes right behind it.
    pair.settle_some();
    assert_eq!(pair.stored("cpu", "title"), Some("Oops".into()));
    pair.unplug(ANN);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    title(&mut pair, ANN, "Better");
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.conflicts(ANN), 1, "Ann had \"CPU\" on screen");
}

#[test]
fn a_created_widget_goes_with_undo_and_a_removed_one_comes_back_whole() {
    let mut pair = two();
    pair.edit(ANN, vec![("mem", create("Memory"))]);
    pair.settle();
    undo(&mut pair, ANN);
    pair.settle();
    assert_eq!(pair.view(BOB, "mem"), None);
    redo(&mut pair, ANN);
    pair.settle();
    assert_eq!(pair.sees(BOB, "mem", "title"), Some("Memory".into()));
    pair.edit(ANN, vec![("mem", Op::Remove)]);
    pair.settle();
    undo(&mut pair, ANN);
    pair.settle();
    assert_eq!(pair.sees(BOB, "mem", "title"), Some("Memory".into()));
}

#[test]
fn a_gesture_is_one_step_even_where_part_of_it_was_sent() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", at(0))]);
    pair.settle();
    let mark = pair.mark(ANN);
    for x in 1..4 {
        pair.edit_on(ANN, &mark, Some(7), vec![("cpu", at(x))]);
        if x == 2 {
            pair.settle();
        }
    }
    pair.settle();
    undo(&mut pair, ANN);
    pair.settle();
    let first = Value::List([0_u32, 0, 4, 3].map(Value::from).to_vec());
    assert_eq!(pair.stored("cpu", "layout/lg"), Some(first));
}

#[test]
fn a_decision_on_a_conflict_can_be_undone() {
    let mut pair = disagreeing();
    pair.unplug(ANN);
    pair.resolve(ANN, Resolution::KeepMine);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Ann's".into()));
    undo(&mut pair, ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    redo(&mut pair, ANN);
    pair.plug(ANN);
    both_see(&mut pair, "Ann's");
    undo(&mut pair, ANN);
    both_see(&mut pair, "Bob's");
}

#[test]
fn what_conflicts_is_for_the_panel_and_not_for_undo() {
    let mut pair = disagreeing();
    undo(&mut pair, ANN);
    pair.settle();
    assert_eq!(pair.conflicts(ANN), 1);
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
}

#[test]
fn a_new_edit_ends_what_could_be_redone_and_the_past_is_bounded() {
    let mut pair = two();
    title(&mut pair, ANN, "One");
    undo(&mut pair, ANN);
    title(&mut pair, ANN, "Two");
    let state = pair.undo_state(ANN);
    assert_eq!(
        state,
        UndoState {
            undo: Some("Edit".to_owned()),
            redo: None
        }
    );
    for number in 0..=limits::UNDO_STEPS_MAX {
        title(&mut pair, ANN, &format!("{number}"));
        pair.settle();
    }
    let mut steps = 0;
    while pair.undo_state(ANN).undo.is_some() {
        undo(&mut pair, ANN);
        steps += 1;
    }
    assert_eq!(steps, limits::UNDO_STEPS_MAX);
}

#[test]
fn whose_place_was_replaced_unseen_is_told_the_old_one() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", at(3))]);
    pair.edit(BOB, vec![("cpu", at(6))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    let told = pair
        .notices(BOB)
        .into_iter()
        .find_map(|notice| match notice {
            Notice::Overwritten { at, value, by, .. } => Some((at, value, by)),
            _ => None,
        });
    let (leaf, value, by) = told.expect("Bob is told");
    assert_eq!(leaf.leaf, Some(path("layout/lg")));
    assert_eq!(
        value,
        Some(Value::List([6_u32, 0, 4, 3].map(Value::from).to_vec()))
    );
    assert_eq!(by.as_str(), "Ann");
}

#[test]
fn conflicts_settle_themselves_where_that_is_wanted_and_it_is_told() {
    for (auto, title) in [(AutoResolve::Mine, "Ann's"), (AutoResolve::Theirs, "Bob's")] {
        let mut pair = disagreeing();
        pair.command(ANN, Command::AutoResolve(auto));
        both_see(&mut pair, title);
        let told = pair.notices(ANN);
        let told = told
            .iter()
            .filter(|notice| matches!(notice, Notice::AutoResolved { .. }));
        assert_eq!(told.count(), 1);
    }
}

/// What a conflict that settled itself was made over is what the other had written, not what its
/// author still saw when it settled.
#[test]
fn undoing_a_decision_that_was_made_by_itself_brings_back_what_the_other_had_written() {
    let mut pair = two();
    pair.command(ANN, Command::AutoResolve(AutoResolve::Mine));
    pair.unplug(ANN);
    title(&mut pair, ANN, "Ann's");
    title(&mut pair, BOB, "Bob's");
    pair.settle();
    pair.plug(ANN);
    both_see(&mut pair, "Ann's");
    undo(&mut pair, ANN);
    both_see(&mut pair, "Bob's");
}

#[test]
fn a_widget_that_was_replaced_in_one_edit_comes_back_whole() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("unit", "bytes"))]);
    pair.settle();
    let before = pair.view(BOB, "cpu");
    pair.edit(ANN, vec![("cpu", Op::Remove), ("cpu", create("Other"))]);
    both_see(&mut pair, "Other");
    assert_eq!(pair.sees(BOB, "cpu", "unit"), None);
    undo(&mut pair, ANN);
    pair.settle();
    let values = |view: Option<RecordView>| {
        let leaves = view.expect("is there").leaves;
        leaves
            .into_iter()
            .map(|(leaf, own)| (leaf, own.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(values(pair.view(BOB, "cpu")), values(before));
    redo(&mut pair, ANN);
    both_see(&mut pair, "Other");
    assert_eq!(pair.sees(BOB, "cpu", "unit"), None);
}

#[test]
fn what_undo_brought_back_is_remembered_up_to_the_limit() {
    let mut history = UndoHistory::default();
    let leaf = LeafRef {
        record: record("cpu"),
        leaf: Some(path("title")),
    };
    let last = limits::UNDO_STANDINGS_MAX as u64 + 2;
    for version in 2..=last {
        let id = EditId(u128::from(version));
        history.undoes(id, &vec![(leaf.clone(), Version(1))]);
        history.applied(&applied(id, Version(version)));
    }
    assert_eq!(history.stands_for(&leaf, Version(3)), Version(1));
    assert_eq!(
        history.stands_for(&leaf, Version(2)),
        Version(2),
        "the oldest is forgotten: an undo over it leaves the leaf as it is"
    );
}

fn applied(id: EditId, version: Version) -> Applied {
    Applied {
        row: EntryRow {
            board: board(),
            number: 1,
            id,
            label: "Undo: Edit".to_owned(),
            made_at_ms: 0,
            gesture: None,
            on_stale: OnStale::Skip,
            changes: Vec::new(),
            base: Vec::new(),
            removed: Vec::new(),
            folded: Vec::new(),
            again: None,
            token: None,
            state: EntryState::Queued,
        },
        skipped: Vec::new(),
        version,
        over: Vec::new(),
    }
}

#[test]
fn a_created_widget_goes_with_the_undo_of_its_redo_too() {
    let mut pair = two();
    pair.edit(ANN, vec![("mem", create("Memory"))]);
    for _ in 0..3 {
        pair.settle();
        undo(&mut pair, ANN);
        pair.settle();
        assert_eq!(pair.view(BOB, "mem"), None);
        redo(&mut pair, ANN);
        pair.settle();
        assert_eq!(pair.sees(BOB, "mem", "title"), Some("Memory".into()));
    }
}
