//! What happens to edits between two people and a server, one behaviour a test.

use std::sync::Arc;

use driftless_model::{EditId, LeafRef, OnStale, Op, Schema, limits};
use driftless_protocol::Code;
use driftless_protocol::durable::{EntryState, Row};
use driftless_sync::replica::realtime_config::RealtimeConfig;
use driftless_sync::replica::view::{EntryProgress, Resolution};
use driftless_sync::replica::{
    Command, Input, NewEdit, Notice, Now, Output, Replica, SeenMark, Settlement,
};
use driftless_sync::room::Stored;

use crate::pair::{Pair, board, create, create_as, path, record, set};

pub const ANN: usize = 0;
pub const BOB: usize = 1;

/// Ann and Bob, and a chart titled "CPU" that both see.
pub fn two() -> Pair {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.edit(ANN, vec![("cpu", create("CPU"))]);
    pair.settle();
    pair
}

/// Both changed the title; Ann was away, and her edit conflicts.
pub fn disagreeing() -> Pair {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.conflicts(ANN), 1);
    pair
}

#[test]
fn an_edit_is_seen_at_once_and_then_by_everybody() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("title", "Load"))]);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Load".into()));
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("CPU".into()));
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Load".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn edits_made_offline_survive_a_restart_and_arrive_once() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Load"))]);
    pair.edit(ANN, vec![("mem", create("Memory"))]);
    pair.restart(ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Load".into()));
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Load".into()));
    assert_eq!(pair.applied(), 3);
}

#[test]
fn an_edit_whose_commit_nobody_heard_of_is_applied_once() {
    let mut pair = two();
    pair.next_commit = Stored::Unknown;
    pair.edit(ANN, vec![("cpu", set("title", "Load"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Load".into()));
    assert_eq!(
        pair.applied(),
        2,
        "the second sending got the stored outcome"
    );
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn what_is_sealed_is_sent_again_letter_by_letter() {
    let mut pair = two();
    pair.next_commit = Stored::Failed;
    pair.edit(ANN, vec![("cpu", set("title", "Load"))]);
    let sealed = |pair: &Pair| {
        let rows = pair.people[ANN].disk.values();
        let mut payloads = rows.filter_map(|row| match row {
            Row::Entry(row) => match &row.state {
                EntryState::Sealed { seq, payload, .. } => Some((*seq, payload.clone())),
                _ => None,
            },
            _ => None,
        });
        payloads.next()
    };
    pair.settle();
    let first = sealed(&pair).expect("sent, and refused since it could not be stored");
    pair.restart(ANN);
    assert_eq!(sealed(&pair), Some(first));
    pair.settle();
    assert_eq!(pair.applied(), 2);
}

#[test]
fn a_conflicted_edit_leaves_the_view_and_shows_three_values() {
    let pair = disagreeing();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    let entries = pair.entries(ANN);
    let EntryProgress::Conflicted(conflict) = &entries[0].state else {
        panic!("no conflict")
    };
    let leaf = &conflict.leaves[0];
    assert_eq!(leaf.base, Some("CPU".into()));
    assert_eq!(leaf.theirs, Some("Bob's".into()));
    assert_eq!(leaf.mine, Some("Ann's".into()));
    assert_eq!(
        leaf.author.as_ref().map(ToString::to_string),
        Some("Bob".to_owned())
    );
}

#[test]
fn keeping_mine_replaces_theirs() {
    let mut pair = disagreeing();
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Ann's".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn taking_theirs_is_final() {
    let mut pair = disagreeing();
    let applied = pair.applied();
    pair.resolve(ANN, Resolution::TakeTheirs);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.applied(), applied);
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn a_merge_decided_offline_survives_a_restart() {
    let mut pair = disagreeing();
    pair.unplug(ANN);
    let at = LeafRef {
        record: record("cpu"),
        leaf: Some(path("title")),
    };
    pair.resolve(ANN, Resolution::Merge(vec![(at, Some("Both".into()))]));
    pair.restart(ANN);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Both".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn a_decision_on_what_changed_again_meanwhile_conflicts_again() {
    let mut pair = disagreeing();
    pair.unplug(ANN);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's second"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's second".into()));
    assert_eq!(pair.conflicts(ANN), 1);
}

#[test]
fn keeping_mine_restores_a_removed_widget_with_everything_it_had() {
    let mut pair = two();
    pair.edit(BOB, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.edit(BOB, vec![("cpu", Op::Remove)]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.view(ANN, "cpu"), None);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.sees(BOB, "cpu", "unit"), Some("%".into()));
}

#[test]
fn later_edits_do_not_wait_for_a_conflict() {
    let mut pair = disagreeing();
    pair.edit(ANN, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "unit"), Some("%".into()));
    assert_eq!(pair.conflicts(ANN), 1);
}

#[test]
fn an_edit_that_waits_for_a_conflicted_one_is_folded_into_it() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "First"))]);
    pair.edit(ANN, vec![("cpu", set("title", "Second"))]);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.entries(ANN).len(), 1);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Second".into()));
}

#[test]
fn what_was_on_screen_when_the_gesture_began_counts() {
    let mut pair = two();
    let began = pair.mark(ANN);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    pair.edit_on(ANN, &began, None, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    assert_eq!(
        pair.conflicts(ANN),
        1,
        "Ann began before she saw Bob's title"
    );
}

#[test]
fn the_edits_of_one_gesture_are_few_and_never_conflict_with_each_other() {
    let mut pair = two();
    let began = pair.mark(ANN);
    let applied = pair.applied();
    for step in 0..100 {
        let title = format!("Step {step}");
        pair.edit_on(ANN, &began, Some(7), vec![("cpu", set("title", &title))]);
    }
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Step 99".into()));
    assert_eq!(
        pair.applied() - applied,
        2,
        "one that was sealed at once, one for the rest"
    );
}

#[test]
fn an_own_rename_does_not_vouch_for_the_rest_of_a_record_that_is_removed() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.edit(ANN, vec![("cpu", Op::Remove)]);
    pair.edit(BOB, vec![("cpu", set("unit", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(
        pair.stored("cpu", "unit"),
        Some("Bob's".into()),
        "nobody asked Ann about it"
    );
    assert_eq!(pair.conflicts(ANN), 1);
}

#[test]
fn taking_back_what_was_sent_undoes_it() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("title", "Oops"))]);
    pair.take_back(ANN);
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("CPU".into()));
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn taking_back_skips_what_somebody_changed_meanwhile() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("title", "Oops"))]);
    pair.settle();
    assert!(
        pair.entries(ANN).is_empty(),
        "too late to take back: it is applied"
    );
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("unit", "%"))]);
    pair.take_back(ANN);
    pair.plug(ANN);
    pair.settle();
    assert_eq!(
        pair.stored("cpu", "unit"),
        None,
        "a queued edit is simply gone"
    );
}

#[test]
fn a_refused_edit_waits_for_its_author_and_can_be_let_go() {
    let mut pair = two();
    let long = "x".repeat(201);
    pair.edit(ANN, vec![("cpu", set("title", &long))]);
    pair.settle();
    let entries = pair.entries(ANN);
    assert!(matches!(
        entries[0].state,
        EntryProgress::Quarantined { .. }
    ));
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("CPU".into()));
    pair.resolve(ANN, Resolution::TakeTheirs);
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn an_edit_that_is_too_large_to_be_sent_uses_up_no_seq() {
    let mut pair = two();
    let huge = "x".repeat(limits::PAYLOAD_BYTES_MAX + 1);
    pair.edit(ANN, vec![("cpu", set("title", &huge))]);
    pair.edit(ANN, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    let entries = pair.entries(ANN);
    let states: Vec<_> = entries.iter().map(|entry| &entry.state).collect();
    let [EntryProgress::Quarantined { code, .. }] = states[..] else {
        panic!("the large one waits, and the other one does not: {states:?}");
    };
    assert_eq!(*code, Code::TooLarge);
    assert_eq!(pair.stored("cpu", "unit"), Some("%".into()));
}

#[test]
fn each_sending_of_an_edit_is_counted() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("title", "Load"))]);
    let attempts = |pair: &Pair| pair.entries(ANN).first().map(|entry| entry.attempts);
    assert_eq!(attempts(&pair), Some(1));
    pair.unplug(ANN);
    pair.plug(ANN);
    while attempts(&pair) == Some(1) {
        pair.settle_some();
    }
    assert_eq!(attempts(&pair), Some(2));
    pair.settle();
    assert_eq!(attempts(&pair), None);
}

#[test]
fn what_was_taken_back_and_is_refused_is_gone() {
    let mut pair = two();
    let began = pair.mark(ANN);
    pair.people[ANN].is_frozen = true;
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.edit_on(ANN, &began, None, vec![("cpu", set("title", "Oops"))]);
    pair.take_back(ANN);
    pair.people[ANN].is_frozen = false;
    pair.settle();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    assert!(pair.entries(ANN).is_empty());
}

/// Ann, who was away, renamed the chart, replaced it, and renamed it again: one question for her,
/// and her last title is what it is about.
#[test]
fn what_was_written_after_a_record_was_made_again_is_what_counts() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "First"))]);
    pair.edit(ANN, vec![("cpu", Op::Remove)]);
    pair.edit(ANN, vec![("cpu", create("Made again"))]);
    pair.edit(ANN, vec![("cpu", set("title", "Last"))]);
    pair.edit(BOB, vec![("cpu", Op::Remove)]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    let entries = pair.entries(ANN);
    let [EntryProgress::Conflicted(conflict)] =
        &entries.iter().map(|it| &it.state).collect::<Vec<_>>()[..]
    else {
        panic!("what was made over the first title waits with it: {entries:?}");
    };
    let asked = conflict
        .leaves
        .iter()
        .filter(|leaf| leaf.at.leaf == Some(path("title")));
    let mine: Vec<_> = asked.map(|leaf| leaf.mine.clone()).collect();
    assert_eq!(mine, [Some("Last".into())]);
    pair.resolve(ANN, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Last".into()));
    assert!(pair.entries(ANN).is_empty());
}

/// Makes an edit before the storage is read.
fn early(replica: &mut Replica) {
    let edit = NewEdit {
        board: board(),
        id: EditId(1),
        label: "Edit".to_owned(),
        gesture: None,
        on_stale: OnStale::Policy,
        changes: vec![SeenMark::default().change(record("cpu"), create("CPU"))],
    };
    replica.handle(Input::Command(Command::Edit(edit)), Now::default());
}

fn new_replicas() -> [Replica; 2] {
    let schema = Arc::new(Schema::builtin());
    [Replica::new, Replica::shared]
        .map(|new| new(RealtimeConfig::default(), schema.clone(), [7; 32]))
}

#[test]
fn an_edit_from_before_a_storage_that_cannot_be_read_is_refused_and_not_forgotten() {
    for mut replica in new_replicas() {
        early(&mut replica);
        let reason = "written by a newer build".to_owned();
        replica.handle(Input::LoadFailed { reason }, Now::default());
        let is_told = |output: Output| {
            matches!(output, Output::Notice(Notice::EditSettled {
                id: EditId(1), settlement: Settlement::Refused { detail, .. }, ..
            }) if detail.contains("newer build"))
        };
        let mut outputs = std::iter::from_fn(|| replica.poll_output());
        assert!(outputs.any(is_told));
    }
}

#[test]
fn an_edit_from_before_the_storage_was_read_can_be_undone() {
    for mut replica in new_replicas() {
        early(&mut replica);
        let (rows, volatile) = (Vec::new(), None);
        replica.handle(Input::Loaded { rows, volatile }, Now::default());
        assert_eq!(replica.undo_state(&board()).undo.as_deref(), Some("Edit"));
    }
}

/// Two edits of one gesture are sent as one only where the server takes that.
#[test]
fn a_gesture_goes_on_as_another_edit_where_one_would_be_too_large() {
    let mut pair = two();
    pair.unplug(ANN);
    let mark = pair.mark(ANN);
    let wide = |from: usize| (from..from + 200).map(|at| (at, format!("w{at}")));
    let names: Vec<_> = wide(0).chain(wide(200)).collect();
    for half in names.chunks(200) {
        let create = |(at, id): &(usize, String)| (id.clone(), create(&format!("Chart {at}")));
        let made: Vec<_> = half.iter().map(create).collect();
        let mut ops: Vec<_> = made
            .iter()
            .map(|(id, op)| (id.as_str(), op.clone()))
            .collect();
        ops.push(("cpu", set("title", &format!("After {}", half[0].1))));
        pair.edit_on(ANN, &mark, Some(7), ops);
    }
    let long = "x".repeat(16_000);
    for half in ["a", "b"] {
        let names: Vec<_> = (0..10).map(|at| format!("{half}{at}")).collect();
        let note = |id: &String| (id.clone(), create_as("note", "text", &long));
        let made: Vec<_> = names.iter().map(note).collect();
        let ops = made.iter().map(|(id, op)| (id.as_str(), op.clone()));
        pair.edit_on(ANN, &mark, Some(8), ops.collect());
    }
    let edits: Vec<usize> = pair.entries(ANN).iter().map(|entry| entry.edits).collect();
    assert_eq!(edits, [1, 1, 1, 1], "none is part of another");
    pair.edit_on(ANN, &mark, Some(8), vec![("cpu", set("title", "Last"))]);
    let edits: Vec<usize> = pair.entries(ANN).iter().map(|entry| entry.edits).collect();
    assert_eq!(edits, [1, 1, 1, 2], "what fits is");
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Last".into()));
    assert_eq!(pair.stored("w399", "title"), Some("Chart 399".into()));
    assert_eq!(pair.stored("b9", "text"), Some(long.as_str().into()));
}

/// Where tabs meet on a full disk, a number can be another edit's before that is shown.
#[test]
fn what_is_decided_is_about_the_edit_that_was_shown_and_no_other() {
    let mut pair = two();
    pair.unplug(ANN);
    let shown = pair.edit(ANN, vec![("cpu", set("title", "Mine"))]);
    let (board, edit) = (board(), EditId(shown.0 + 1000));
    for command in [
        Command::RollBack {
            board: board.clone(),
            edit,
        },
        Command::Retry {
            board,
            edit,
            id: EditId(9),
        },
    ] {
        pair.command(ANN, command);
    }
    assert_eq!(pair.entries(ANN).len(), 1);
    // One step of a drag later it is the same entry.
    pair.edit_on(
        ANN,
        &SeenMark::default(),
        Some(7),
        vec![("cpu", set("unit", "m"))],
    );
    let first = pair.entries(ANN)[1].id;
    pair.edit_on(
        ANN,
        &SeenMark::default(),
        Some(7),
        vec![("cpu", set("unit", "ms"))],
    );
    let board = crate::pair::board();
    pair.command(ANN, Command::RollBack { board, edit: first });
    assert_eq!(pair.entries(ANN).len(), 1);
    assert_eq!(pair.entries(ANN)[0].id, shown);
}

#[test]
fn what_joined_a_conflict_since_was_shown_does_not_take_it_along() {
    let mut pair = two();
    pair.unplug(ANN);
    pair.edit(ANN, vec![("cpu", set("title", "Mine"))]);
    let edit = pair.edit(ANN, vec![("cpu", set("title", "Mine, too"))]);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.entries(ANN)[0].edits, 2);
    let board = board();
    pair.command(ANN, Command::RollBack { board, edit });
    assert_eq!((pair.entries(ANN).len(), pair.conflicts(ANN)), (1, 1));
}
