//! A server that was restored from a backup: what it had confirmed and lacks now is offered to its
//! author again, and nothing stale passes as fresh.

use driftless_model::{EditId, Op, limits};
use driftless_protocol::durable::{EntryState, Row};
use driftless_protocol::{CloseCode, Code};
use driftless_sync::replica::Command;
use driftless_sync::replica::view::EntryProgress;

use crate::pair::{Pair, board, create, set};

const ANN: usize = 0;
const BOB: usize = 1;
const DAY_MS: u64 = 86_400_000;

/// Ann and Bob, and a chart titled "CPU" that both see.
fn two() -> Pair {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.edit(ANN, vec![("cpu", create("CPU"))]);
    pair.settle();
    pair
}

/// Ann's title was applied after the backup that the server has now.
fn restored() -> Pair {
    let mut pair = two();
    let backup = pair.backup();
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Ann's".into()));
    pair.restore(&backup);
    pair.settle();
    pair
}

/// The edits that are offered again.
fn offered(pair: &Pair, who: usize) -> Vec<EditId> {
    let is_offered = |state: &EntryProgress| {
        matches!(
            state,
            EntryProgress::Quarantined {
                code: Code::Restored,
                ..
            }
        )
    };
    let entries = pair.entries(who).into_iter();
    let offered = entries.filter(|entry| is_offered(&entry.state));
    offered.map(|entry| entry.id).collect()
}

fn send_again(pair: &mut Pair, who: usize, edit: EditId) {
    let id = EditId(0xa6a1_0000 + edit.0);
    let board = board();
    pair.command(who, Command::Retry { board, edit, id });
}

fn kept(pair: &Pair, who: usize) -> usize {
    let rows = pair.people[who].disk.values();
    rows.filter(|row| matches!(row, Row::Applied(_))).count()
}

#[test]
fn what_a_restored_server_lacks_is_offered_to_its_author_again() {
    let mut pair = restored();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("CPU".into()));
    let edits = offered(&pair, ANN);
    assert_eq!(edits.len(), 1, "the chart itself is in the backup");
    assert!(offered(&pair, BOB).is_empty(), "it is not Bob's");
    pair.restart(ANN);
    pair.settle();
    assert_eq!(offered(&pair, ANN), edits, "until Ann decides");
    send_again(&mut pair, ANN, edits[0]);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Ann's".into()));
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn an_edit_sent_again_over_what_somebody_changed_since_conflicts() {
    let mut pair = restored();
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    let edit = offered(&pair, ANN)[0];
    send_again(&mut pair, ANN, edit);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.conflicts(ANN), 1);
}

#[test]
fn a_missing_edit_can_be_let_go() {
    let mut pair = restored();
    pair.take_back(ANN);
    pair.settle();
    assert!(pair.entries(ANN).is_empty());
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
}

#[test]
fn missing_edits_that_rest_on_each_other_are_sent_again_one_after_another() {
    let mut pair = two();
    let backup = pair.backup();
    for title in ["First", "Second"] {
        pair.edit(ANN, vec![("cpu", set("title", title))]);
        pair.settle();
    }
    pair.edit(ANN, vec![("mem", create("Memory"))]);
    pair.edit(ANN, vec![("mem", Op::Remove)]);
    pair.settle();
    pair.restore(&backup);
    pair.settle();
    for edit in offered(&pair, ANN) {
        send_again(&mut pair, ANN, edit);
    }
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Second".into()));
    assert_eq!(pair.stored("mem", "title"), None);
    assert!(pair.entries(ANN).is_empty());
}

#[test]
fn a_gesture_that_began_before_the_server_was_restored_has_seen_nothing() {
    let mut pair = two();
    let backup = pair.backup();
    for title in ["One", "Two", "Three"] {
        pair.edit(BOB, vec![("cpu", set("title", title))]);
        pair.settle();
    }
    let began = pair.mark(ANN);
    pair.restore(&backup);
    pair.settle();
    pair.edit_on(ANN, &began, None, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    assert_eq!(
        pair.conflicts(ANN),
        1,
        "Ann began on a title that never was"
    );
}

#[test]
fn an_edit_under_a_former_client_id_is_missed_although_its_version_is_anothers_now() {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.edit(BOB, vec![("cpu", create("CPU"))]);
    pair.settle();
    let backup = pair.backup();
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    let client = pair.people[ANN].replica.status().client;
    while pair.people[ANN].replica.status().client == client {
        pair.wake(ANN);
        pair.close(ANN, CloseCode::Replaced.number());
    }
    pair.settle();
    pair.unplug(ANN);
    pair.restore(&backup);
    pair.settle();
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.sees(ANN, "cpu", "title"), Some("Bob's".into()));
    assert_eq!(offered(&pair, ANN).len(), 1);
}

#[test]
fn a_clock_that_jumps_ages_no_edit_by_more_than_a_day() {
    let mut pair = two();
    let backup = pair.backup();
    pair.edit(ANN, vec![("cpu", set("title", "Before"))]);
    pair.settle();
    pair.clock_ms += 3_650 * DAY_MS;
    pair.edit(ANN, vec![("cpu", set("title", "After"))]);
    pair.settle();
    const { assert!(limits::APPLIED_STEP_MS_MAX < limits::APPLIED_KEPT_MS) };
    pair.restore(&backup);
    pair.settle();
    assert_eq!(offered(&pair, ANN).len(), 2);
}

#[test]
fn applied_edits_are_kept_for_seven_days() {
    let mut pair = two();
    let days = limits::APPLIED_KEPT_MS / DAY_MS;
    for day in 1..=days {
        pair.clock_ms += DAY_MS;
        pair.edit(ANN, vec![("cpu", set("title", &format!("Day {day}")))]);
        pair.settle();
        assert_eq!(kept(&pair, ANN) as u64, day + 1);
    }
    pair.clock_ms += DAY_MS;
    pair.edit(ANN, vec![("cpu", set("title", "One more"))]);
    pair.settle();
    assert_eq!(kept(&pair, ANN) as u64, days + 1, "the first is old");
}

#[test]
fn applied_edits_are_kept_up_to_a_limit() {
    let mut pair = two();
    for number in 1..limits::APPLIED_KEPT_MAX {
        pair.edit(ANN, vec![("cpu", set("title", &format!("{number}")))]);
        if number % 50 == 0 {
            pair.settle();
        }
    }
    pair.settle();
    assert_eq!(kept(&pair, ANN), limits::APPLIED_KEPT_MAX);
    pair.edit(ANN, vec![("cpu", set("title", "One more"))]);
    pair.settle();
    assert_eq!(kept(&pair, ANN), limits::APPLIED_KEPT_MAX);
}

/// The copy has used up the seqs of what Ann had applied and has sealed: that the server's last seq
/// is as high as hers does not say that it has her title.
#[test]
fn what_a_copy_did_under_the_client_id_does_not_hide_what_a_restored_server_lacks() {
    let mut pair = two();
    let backup = pair.backup();
    let (user, disk) = (pair.people[ANN].user.clone(), pair.people[ANN].disk.clone());
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    pair.edit(ANN, vec![("cpu", set("order", "a"))]);
    pair.unplug(ANN);
    assert!(matches!(
        pair.entries(ANN)[0].state,
        EntryProgress::Sealed { .. }
    ));
    pair.restore(&backup);
    let copy = pair.join(user, disk, true);
    pair.settle();
    for unit in ["%", "bytes"] {
        pair.edit(copy, vec![("cpu", set("unit", unit))]);
        pair.settle();
    }
    pair.plug(ANN);
    pair.settle();
    assert_eq!(offered(&pair, ANN).len(), 1);
    assert_eq!(pair.conflicts(ANN), 1, "what she made in the lost history");
}

/// What Ann had applied is lost, and a copy of her device sends it to the restored server, where
/// Bob then writes over it.
#[test]
fn what_a_copy_sent_to_the_restored_server_is_not_offered_again() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("order", "a"))]);
    let (user, disk) = (pair.people[ANN].user.clone(), pair.people[ANN].disk.clone());
    let backup = pair.backup();
    pair.settle();
    pair.unplug(ANN);
    pair.restore(&backup);
    pair.settle();
    pair.edit(BOB, vec![("mem", create("MEM"))]);
    pair.settle();
    let copy = pair.join(user, disk, false);
    pair.edit(copy, vec![("cpu", set("unit", "%"))]);
    pair.plug(copy);
    pair.settle();
    pair.edit(BOB, vec![("cpu", set("order", "b"))]);
    pair.settle();
    pair.plug(ANN);
    pair.settle();
    assert_eq!(pair.sees(ANN, "cpu", "order"), Some("b".into()));
    assert_eq!(offered(&pair, ANN), Vec::<EditId>::new());
}

#[test]
fn what_is_kept_of_an_applied_edit_is_what_its_author_did_without_what_was_sent() {
    let mut pair = Pair::new(&["Ann"]);
    pair.edit(0, vec![("cpu", create("CPU"))]);
    pair.settle();
    let kept = pair.people[0].disk.values().filter_map(|row| match row {
        Row::Applied(applied) => Some(&applied.entry),
        _ => None,
    });
    let states: Vec<_> = kept.map(|entry| &entry.state).collect();
    assert_eq!(states, [&EntryState::Queued]);
}
