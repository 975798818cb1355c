//! What a replica does whose user may no longer read or edit.

use driftless_model::{EditId, Role};
use driftless_protocol::Code;
use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::view::EntryProgress;
use driftless_sync::replica::{Command, Notice};

use crate::pair::{Pair, board, create, set};

const ANN: usize = 0;
const BOB: usize = 1;

/// Ann and Bob, and a chart titled "CPU" that both see.
fn two() -> Pair {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.edit(ANN, vec![("cpu", create("CPU"))]);
    pair.settle();
    pair
}

/// What is on a person's disk of the board itself.
fn copied(pair: &Pair, who: usize) -> usize {
    let is_copy = |(key, row): &(&Key, &Row)| match row {
        Row::Board(row) => row.cursor.is_some(),
        _ => matches!(key, Key::Record(..) | Key::Applied(..)),
    };
    pair.people[who].disk.iter().filter(is_copy).count()
}

fn refusals(pair: &Pair, who: usize) -> usize {
    let is_refusal = |notice: &Notice| {
        matches!(
            notice,
            Notice::Error {
                code: Code::Forbidden,
                ..
            }
        )
    };
    let notices = pair.notices(who);
    notices.iter().filter(|notice| is_refusal(notice)).count()
}

#[test]
fn who_may_no_longer_read_loses_the_copy_on_screen_and_on_disk() {
    let mut pair = two();
    pair.edit(BOB, vec![("net", create("Net"))]);
    pair.settle();
    assert!(copied(&pair, BOB) > 3);
    pair.set_role(BOB, Role::None);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), None);
    assert_eq!(pair.sees(BOB, "net", "title"), None);
    assert_eq!(copied(&pair, BOB), 0);
    assert_eq!(refusals(&pair, BOB), 1);
    // The copy does not come back from the disk either.
    pair.restart(BOB);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), None);
    assert_eq!(pair.sees(ANN, "net", "title"), Some("Net".into()));
}

#[test]
fn what_others_do_after_the_withdrawal_does_not_come() {
    let mut pair = two();
    pair.edit(ANN, vec![("cpu", set("title", "Secret"))]);
    // Ann's edit is in the stream, and Bob has not read it yet.
    pair.set_role(BOB, Role::None);
    pair.settle();
    pair.edit(ANN, vec![("cpu", set("title", "Secret, too"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Secret, too".into()));
    assert_eq!(pair.sees(BOB, "cpu", "title"), None);
    assert_eq!(copied(&pair, BOB), 0);
}

#[test]
fn pending_edits_stay_and_are_applied_once_the_right_is_back() {
    let mut pair = two();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.edit(BOB, vec![("net", create("Net"))]);
    pair.set_role(BOB, Role::None);
    pair.plug(BOB);
    pair.settle();
    let waiting = pair.entries(BOB);
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|entry| !entry.state.waits_for_person()));
    pair.restart(BOB);
    pair.settle();
    assert_eq!(pair.entries(BOB).len(), 2, "they are on the disk");
    assert_eq!(pair.applied(), 1);
    pair.set_role(BOB, Role::Editor);
    pair.wait_for_rights();
    assert_eq!(pair.entries(BOB).len(), 0);
    assert_eq!(pair.stored("cpu", "title"), Some("Bob's".into()));
    assert_eq!(pair.sees(BOB, "net", "title"), Some("Net".into()));
    assert_eq!(pair.sees(ANN, "net", "title"), Some("Net".into()));
}

#[test]
fn what_waited_for_a_right_is_still_judged_by_what_its_author_saw() {
    let mut pair = two();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.set_role(BOB, Role::None);
    pair.plug(BOB);
    pair.settle();
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.set_role(BOB, Role::Editor);
    pair.wait_for_rights();
    assert_eq!(pair.conflicts(BOB), 1);
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
}

#[test]
fn why_a_board_may_not_be_read_is_known_without_a_server_too() {
    let mut pair = two();
    let refused = |pair: &Pair| {
        let board = pair.people[BOB].replica.board(&board());
        board.and_then(|board| board.refused.clone())
    };
    assert_eq!(refused(&pair), None);
    pair.set_role(BOB, Role::None);
    pair.settle();
    let why = refused(&pair);
    assert!(why.is_some());
    pair.unplug(BOB);
    pair.restart(BOB);
    assert_eq!(refused(&pair), why);
    pair.set_role(BOB, Role::Viewer);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(refused(&pair), None);
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("CPU".into()));
    pair.restart(BOB);
    assert_eq!(refused(&pair), None, "nor on the disk");
}

/// Bob saw Ann's title, which the server lost while he might not read: what is there now he never
/// saw, although it has no higher a version.
#[test]
fn what_waited_for_a_right_while_the_server_was_restored_has_seen_nothing() {
    let mut pair = two();
    let backup = pair.backup();
    pair.edit(ANN, vec![("cpu", set("title", "Lost"))]);
    pair.settle();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.set_role(BOB, Role::None);
    pair.plug(BOB);
    pair.settle();
    pair.restore(&backup);
    pair.settle();
    pair.edit(ANN, vec![("cpu", set("title", "New"))]);
    pair.settle();
    pair.restart(BOB);
    pair.set_role(BOB, Role::Editor);
    pair.wait_for_rights();
    assert_eq!(pair.conflicts(BOB), 1);
    assert_eq!(pair.stored("cpu", "title"), Some("New".into()));
}

#[test]
fn an_edit_whose_outcome_was_lost_with_the_right_is_not_applied_twice() {
    let mut pair = two();
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    while pair.applied() < 2 {
        pair.settle_some();
    }
    pair.set_role(BOB, Role::None);
    pair.settle();
    pair.set_role(BOB, Role::Editor);
    pair.wait_for_rights();
    assert_eq!(pair.entries(BOB).len(), 0);
    assert_eq!(pair.applied(), 2);
}

#[test]
fn who_may_no_longer_edit_finds_the_edit_set_aside_with_reason_and_hint() {
    let mut pair = two();
    pair.set_role(BOB, Role::Viewer);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    let entries = pair.entries(BOB);
    let EntryProgress::Quarantined { code, detail, hint } = &entries[0].state else {
        panic!("not set aside: {entries:?}");
    };
    assert_eq!(*code, Code::Forbidden);
    assert!(!detail.is_empty() && !hint.is_empty());
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("CPU".into()));
    // Reading goes on.
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("Ann's".into()));
    // The seq is used up: the next edit is decided on its own.
    pair.set_role(BOB, Role::Editor);
    pair.edit(BOB, vec![("cpu", set("unit", "%"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "unit"), Some("%".into()));
}

#[test]
fn a_board_that_may_not_be_read_is_asked_for_now_and_then_and_told_once() {
    let mut pair = Pair::new(&["Ann"]);
    pair.set_role(ANN, Role::None);
    pair.settle();
    for _ in 0..3 {
        pair.wait_for_rights();
    }
    assert_eq!(refusals(&pair, ANN), 1);
    pair.set_role(ANN, Role::Viewer);
    pair.wait_for_rights();
    pair.set_role(ANN, Role::None);
    pair.settle();
    assert_eq!(refusals(&pair, ANN), 2);
}

/// An undo that was refused, and what its author wrote over it, are one entry. Tried again as an
/// undo, the title would be left out as stale, and be gone.
#[test]
fn what_was_written_over_a_refused_undo_is_asked_about_when_it_is_tried_again() {
    let mut pair = two();
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.set_role(BOB, Role::Viewer);
    pair.unplug(BOB);
    pair.command(BOB, Command::Undo(board()));
    pair.edit(BOB, vec![("cpu", set("title", "Bob's own"))]);
    pair.plug(BOB);
    pair.settle();
    let entries = pair.entries(BOB);
    assert_eq!(entries.len(), 1, "one entry: {entries:?}");
    pair.set_role(BOB, Role::Editor);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    ask_about_anns_title(&mut pair, entries[0].id);
}

/// Bob tries an entry again: it is not applied over what he has not seen.
fn ask_about_anns_title(pair: &mut Pair, edit: EditId) {
    let (board, id) = (board(), EditId(0xb0b));
    pair.command(BOB, Command::Retry { board, edit, id });
    pair.settle();
    assert_eq!(pair.conflicts(BOB), 1, "{:?}", pair.entries(BOB));
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
}

/// From seed 62,362 with tabs: an edit that waited for two others was set aside with the first of
/// them. The second, which had hidden Ann's title from him, is refused as well.
#[test]
fn what_is_tried_again_has_seen_nothing_that_a_refused_edit_had_hidden() {
    let mut pair = two();
    pair.edit(ANN, vec![("net", create("Net"))]);
    pair.settle();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("net", set("unit", "%"))]);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.edit(ANN, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    pair.set_role(BOB, Role::Viewer);
    pair.plug(BOB);
    let version = |pair: &Pair, who: usize| {
        let board = pair.people[who].replica.board(&board());
        board.map(|board| board.state.version())
    };
    while version(&pair, BOB) != version(&pair, ANN) {
        pair.settle_some();
    }
    let both = vec![
        ("cpu", set("title", "Bob's again")),
        ("net", set("unit", "MB")),
    ];
    pair.edit(BOB, both);
    pair.settle();
    let entries = pair.entries(BOB);
    assert_eq!(
        entries.len(),
        2,
        "the last one joined the first: {entries:?}"
    );
    pair.set_role(BOB, Role::Editor);
    pair.settle();
    ask_about_anns_title(&mut pair, entries[0].id);
}
