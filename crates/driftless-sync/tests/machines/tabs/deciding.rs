//! What persons decide in a tab that does not lead: once, whoever else decides.

use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::view::{AutoResolve, Resolution};
use driftless_sync::replica::{Command, Notice, Settlement};
use driftless_sync::room::Stored;

use crate::pair::{Pair, board, set};
use crate::tabs::edits::three;

fn kept(pair: &Pair, desk: usize) -> usize {
    let rows = pair.people[desk].disk.keys();
    rows.filter(|key| matches!(key, Key::Entry(..))).count()
}

/// Ann's title and Bob's conflict; both of Ann's tabs know.
fn conflict() -> (Pair, usize, usize, usize) {
    let (mut pair, leader, follower, bob) = three();
    pair.unplug(leader);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.edit(bob, vec![("cpu", set("title", "Bob's"))]);
    for _ in 0..5 {
        pair.settle_some();
    }
    pair.plug(leader);
    pair.settle();
    assert_eq!((pair.conflicts(leader), pair.conflicts(follower)), (1, 1));
    (pair, leader, follower, bob)
}

#[test]
fn the_tab_that_made_an_edit_is_told_of_its_conflict() {
    let (pair, _, follower, _) = conflict();
    let is_told = |notice: &Notice| {
        let settled = Settlement::Conflicted;
        matches!(notice, Notice::EditSettled { settlement, .. } if *settlement == settled)
    };
    assert!(pair.notices(follower).iter().any(is_told));
}

#[test]
fn a_conflict_is_resolved_in_a_follower() {
    let (mut pair, leader, follower, _) = conflict();
    pair.resolve(follower, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(kept(&pair, leader), 0);
}

#[test]
fn of_two_decisions_at_once_the_first_counts() {
    let (mut pair, leader, follower, _) = conflict();
    pair.resolve(follower, Resolution::KeepMine);
    pair.resolve(leader, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.applied(), 3, "the chart, Bob's title, one decision");
    assert!(pair.entries(leader).is_empty() && pair.entries(follower).is_empty());
}

#[test]
fn letting_go_in_one_tab_and_keeping_in_the_other_is_one_decision() {
    let (mut pair, leader, follower, _) = conflict();
    pair.resolve(follower, Resolution::TakeTheirs);
    pair.resolve(leader, Resolution::KeepMine);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.conflicts(leader) + pair.conflicts(follower), 0);
}

#[test]
fn an_edit_that_was_sent_is_taken_back_in_the_follower_that_made_it() {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "oops"))]);
    // The leader seals and sends it; the follower hears nothing before it takes it back.
    pair.people[follower].is_frozen = true;
    pair.settle_some();
    pair.take_back(follower);
    pair.people[follower].is_frozen = false;
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("CPU".into()));
    assert_eq!(kept(&pair, leader), 0);
}

#[test]
fn taking_back_again_does_not_take_along_what_another_tab_stored_meanwhile() {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "oops"))]);
    pair.people[follower].is_frozen = true;
    pair.next_commit = Stored::Failed;
    pair.settle_some();
    // The leader has it on screen, sealed, and writes over it. The follower knows of neither.
    pair.edit(leader, vec![("cpu", set("title", "leader's"))]);
    pair.take_back(follower);
    pair.people[follower].is_frozen = false;
    pair.settle();
    pair.wait(10_000);
    pair.wake(leader);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("leader's".into()));
    assert!(pair.entries(leader).is_empty() && pair.entries(follower).is_empty());
}

#[test]
fn an_edit_that_was_applied_unheard_is_undone_after_all() {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "oops"))]);
    pair.people[follower].is_frozen = true;
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("oops".into()));
    pair.command(follower, Command::Undo(board()));
    pair.people[follower].is_frozen = false;
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    pair.command(follower, Command::Redo(board()));
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("oops".into()));
    assert_eq!(kept(&pair, leader), 0);
}

#[test]
fn a_follower_undoes_step_by_step_and_redoes() {
    let (mut pair, _, follower, _) = three();
    for title in ["one", "two"] {
        pair.edit(follower, vec![("cpu", set("title", title))]);
        pair.settle();
    }
    let steps = [
        ("two", false),
        ("one", true),
        ("CPU", true),
        ("one", false),
        ("two", false),
    ];
    for (title, is_undo) in steps.into_iter().skip(1) {
        let command = if is_undo {
            Command::Undo
        } else {
            Command::Redo
        };
        pair.command(follower, command(board()));
        pair.settle();
        assert_eq!(pair.stored("cpu", "title"), Some(title.into()));
    }
}

#[test]
fn undo_is_a_tabs_own() {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "one"))]);
    pair.settle();
    assert_eq!(pair.undo_state(leader).undo, None);
    assert!(pair.undo_state(follower).undo.is_some());
}

/// What the other tab wrote over it stays, and rests on what it was written over.
#[test]
fn what_another_tab_rests_on_is_undone_below_it() {
    let (mut pair, leader, follower, bob) = three();
    pair.unplug(leader);
    let first = vec![("cpu", set("title", "first")), ("cpu", set("unit", "%"))];
    pair.edit(leader, first);
    for _ in 0..5 {
        pair.settle_some();
    }
    pair.edit(follower, vec![("cpu", set("title", "second"))]);
    for _ in 0..5 {
        pair.settle_some();
    }
    pair.command(leader, Command::Undo(board()));
    assert_eq!(pair.entries(leader).len(), 3);
    assert_eq!(pair.sees(leader, "cpu", "title"), Some("second".into()));
    assert_eq!(pair.sees(leader, "cpu", "unit"), None);
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("second".into()));
    assert_eq!(pair.stored("cpu", "unit"), None);
    assert_eq!(pair.sees(bob, "cpu", "title"), Some("second".into()));
    assert!(pair.entries(leader).is_empty());
}

#[test]
fn an_edit_that_joined_a_conflict_meanwhile_is_not_let_go_unseen() {
    let (mut pair, leader, follower, _) = conflict();
    // Made in the follower over the conflicting one, before the decision in the leader is stored.
    let waits = pair.people[leader]
        .disk
        .values()
        .any(|row| matches!(row, Row::Entry(_)));
    assert!(waits);
    pair.resolve(leader, Resolution::TakeTheirs);
    pair.edit(follower, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "unit"), Some("%".into()));
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
}

/// Seed 13,242 of the simulator: what another tab had made, and became another edit by itself,
/// counted as seen here. A gesture that began before then wrote over it.
#[test]
fn what_another_tabs_conflict_became_by_itself_was_not_seen_here() {
    let (mut pair, leader, follower, bob) = three();
    pair.command(leader, Command::AutoResolve(AutoResolve::Mine));
    pair.people[follower].is_frozen = true;
    pair.edit(bob, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    let begun = pair.mark(leader);
    let stale = pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.people[follower].is_frozen = false;
    let is_replaced = |pair: &Pair| {
        let replaced =
            |it: &Notice| matches!(it, Notice::AutoResolved { ids, .. } if ids.contains(&stale));
        pair.notices(leader).iter().any(replaced)
    };
    while !is_replaced(&pair) {
        pair.settle_some();
    }
    pair.command(leader, Command::AutoResolve(AutoResolve::Never));
    pair.edit_on(leader, &begun, None, vec![("cpu", set("title", "late"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.conflicts(leader), 1);
}
