//! A board that keeps little of the past: what was pruned is never needed to be right, only to be
//! quick.

use driftless_model::{Op, Schema};
use driftless_protocol::Code;
use driftless_protocol::durable::Key;
use driftless_sync::replica::view::EntryProgress;
use driftless_sync::room::Retention;

use crate::pair::{Pair, create, record, set};

const ANN: usize = 0;
const BOB: usize = 1;

/// Ann and Bob, a chart titled "CPU" that both see, and a server that keeps one mark and three log
/// rows.
fn two() -> Pair {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.retention = Retention {
        marks_max: 1,
        log_rows_max: 3,
    };
    restart_server(&mut pair);
    pair.edit(ANN, vec![("cpu", create("CPU"))]);
    pair.settle();
    pair
}

/// The server knows only what it stored.
fn restart_server(pair: &mut Pair) {
    pair.update_server(Schema::builtin());
    pair.settle();
}

/// Ann makes and removes records.
fn make_and_remove(pair: &mut Pair, ids: &[&str]) {
    for id in ids {
        pair.edit(ANN, vec![(id, create("Note"))]);
        pair.settle();
        pair.edit(ANN, vec![(id, Op::Remove)]);
        pair.settle();
    }
}

fn has_mark(pair: &Pair, who: usize, id: &str) -> bool {
    let disk = &pair.people[who].disk;
    let is_mark = |key: &Key| matches!(key, Key::Record(_, own) if *own == record(id));
    disk.keys().any(is_mark)
}

fn codes(pair: &Pair, who: usize) -> Vec<Code> {
    let entries = pair.entries(who).into_iter();
    let codes = entries.filter_map(|entry| match entry.state {
        EntryProgress::Quarantined { code, .. } => Some(code),
        _ => None,
    });
    codes.collect()
}

#[test]
fn who_comes_back_below_the_marks_sees_what_is_gone_go_and_keeps_no_marks() {
    let mut pair = two();
    pair.edit(ANN, vec![("net", create("Net"))]);
    pair.settle();
    pair.unplug(BOB);
    pair.edit(ANN, vec![("net", Op::Remove)]);
    pair.settle();
    make_and_remove(&mut pair, &["a", "b"]);
    assert!(pair.state().floor.0 >= 3, "the mark of net is pruned");
    assert_eq!(pair.state().records.len(), 2);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.sees(BOB, "net", "title"), None);
    assert!(!has_mark(&pair, BOB, "net") && !has_mark(&pair, BOB, "a"));
    // Ann saw it all happen: her marks go with her next resume.
    assert!(has_mark(&pair, ANN, "a"));
    pair.restart(ANN);
    pair.settle();
    assert!(!has_mark(&pair, ANN, "a") && has_mark(&pair, ANN, "b"));
}

#[test]
fn a_record_that_was_pruned_is_missing_to_who_writes_it_and_free_to_who_makes_it() {
    let mut pair = two();
    pair.edit(ANN, vec![("net", create("Net"))]);
    pair.settle();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("net", set("title", "Bob's"))]);
    pair.edit(BOB, vec![("new", create("New"))]);
    pair.edit(ANN, vec![("net", Op::Remove)]);
    pair.settle();
    make_and_remove(&mut pair, &["a", "b"]);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.conflicts(BOB), 1);
    assert_eq!(pair.stored("new", "title"), Some("New".into()));
}

#[test]
fn who_comes_back_below_the_log_has_seen_nothing() {
    let mut pair = two();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    move_on(&mut pair);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "unit"), Some("4".into()));
    assert_eq!(pair.conflicts(BOB), 1);
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
}

/// Bob's profile was copied while an edit of his was queued; he sent it, and so will the copy.
/// Answers the copy's number.
fn copied(pair: &mut Pair) -> usize {
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("unit", "Bob's"))]);
    let (user, disk) = (pair.people[BOB].user.clone(), pair.people[BOB].disk.clone());
    let copy = pair.join(user, disk, false);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.stored("cpu", "unit"), Some("Bob's".into()));
    copy
}

/// The log goes on until nothing of now is in it, and the server forgets what it had in memory.
fn move_on(pair: &mut Pair) {
    for value in ["1", "2", "3", "4"] {
        pair.edit(ANN, vec![("cpu", set("unit", value))]);
        pair.settle();
    }
    restart_server(pair);
}

#[test]
fn an_edit_that_may_have_been_applied_below_the_log_is_set_aside_and_not_applied_again() {
    let mut pair = two();
    let copy = copied(&mut pair);
    // The next push says that Bob has the outcome: the ledger forgets it.
    pair.edit(BOB, vec![("net", create("Net"))]);
    pair.settle();
    move_on(&mut pair);
    let applied = pair.applied();
    pair.plug(copy);
    pair.settle();
    assert_eq!(pair.applied(), applied);
    assert_eq!(codes(&pair, copy), [Code::Forgotten]);
    assert_eq!(pair.stored("cpu", "unit"), Some("4".into()));
}

#[test]
fn an_edit_that_the_ledger_knows_is_applied_once_however_short_the_log() {
    let mut pair = two();
    let copy = copied(&mut pair);
    move_on(&mut pair);
    let applied = pair.applied();
    pair.plug(copy);
    pair.settle();
    assert_eq!(pair.applied(), applied);
    assert_eq!(pair.entries(copy).len(), 0);
}
