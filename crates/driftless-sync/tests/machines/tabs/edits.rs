//! Edits that are made in a tab that does not lead.

use driftless_model::{Op, UserId, limits};
use driftless_protocol::durable::{Key, Row};
use driftless_sync::replica::view::{Connection, StorageVerdict};
use driftless_sync::replica::{Command, Notice, Settlement};

use crate::pair::{Pair, create, path, record, set};

/// Ann with two tabs, of which the first leads, and Bob; and a chart titled "CPU" that all see.
pub fn three() -> (Pair, usize, usize, usize) {
    let mut pair = Pair::new(&["Bob"]);
    let leader = pair.open_first_tab("Ann");
    let follower = pair.open_tab(leader);
    pair.edit(0, vec![("cpu", create("CPU"))]);
    pair.settle();
    (pair, leader, follower, 0)
}

#[test]
fn the_follower_shows_what_the_leader_stores() {
    let (pair, leader, follower, _) = three();
    assert_eq!(pair.sees(leader, "cpu", "title"), Some("CPU".into()));
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("CPU".into()));
    let status = pair.people[follower].replica.status();
    assert_eq!(
        status.connection,
        pair.people[leader].replica.status().connection
    );
}

#[test]
fn a_followers_edit_is_stored_by_itself_and_sent_by_the_leader() {
    let (mut pair, leader, follower, bob) = three();
    pair.people[leader].is_frozen = true;
    let edit = pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    assert!(
        pair.notices(follower)
            .contains(&Notice::EditStored { id: edit })
    );
    assert_eq!(pair.applied(), 1, "nobody sent it yet");
    pair.people[leader].is_frozen = false;
    pair.settle();
    assert_eq!(pair.sees(bob, "cpu", "title"), Some("Ann's".into()));
    let is_told = |notice: &Notice| {
        matches!(notice, Notice::EditSettled { id, settlement: Settlement::Applied(_), .. }
            if *id == edit)
    };
    assert!(pair.notices(follower).iter().any(is_told));
    assert!(pair.entries(follower).is_empty() && pair.entries(leader).is_empty());
}

#[test]
fn two_tabs_that_edit_at_once_agree_on_an_order() {
    let (mut pair, leader, follower, _) = three();
    let third = pair.open_tab(leader);
    pair.unplug(leader);
    for (tab, id) in [(leader, "mem"), (follower, "net"), (third, "disk")] {
        pair.edit(tab, vec![(id, create(id))]);
    }
    pair.some_rounds(5);
    let order = |tab: usize| -> Vec<_> {
        let entries = pair.entries(tab).into_iter();
        entries
            .map(|entry| (entry.number, entry.id, entry.is_stored))
            .collect()
    };
    assert_eq!(order(leader).len(), 3);
    assert_eq!(order(leader), order(follower));
    assert_eq!(order(leader), order(third));
    assert!(order(leader).iter().all(|(_, _, is_stored)| *is_stored));
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.applied(), 4);
}

#[test]
fn a_closed_follower_loses_nothing() {
    let (mut pair, _, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.reopen(follower);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("Ann's".into()));
}

/// Ann's second tab stores an edit, and is closed before anybody heard of it.
fn closed_unheard() -> (Pair, usize) {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.people[leader].told.clear();
    pair.people[follower].is_frozen = true;
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    (pair, leader)
}

/// Seed 16,791 of the simulator: it waited until somebody wrote.
#[test]
fn what_a_closed_tab_wrote_last_is_read_where_another_tab_has_read_it() {
    let (mut pair, leader) = closed_unheard();
    pair.open_tab(leader);
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
}

#[test]
fn what_a_closed_tab_wrote_last_is_read_when_the_tab_is_forgotten() {
    let (mut pair, _) = closed_unheard();
    pair.wait(limits::TAB_FORGOTTEN_MS);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
}

#[test]
fn what_another_tab_wrote_was_not_seen_before_it_was_on_screen() {
    let (mut pair, leader, follower, _) = three();
    let mark = pair.mark(follower);
    pair.edit(leader, vec![("cpu", set("title", "here"))]);
    pair.settle();
    pair.edit_on(follower, &mark, None, vec![("cpu", set("title", "there"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("here".into()));
    assert_eq!(pair.conflicts(follower), 1);
    assert_eq!(pair.conflicts(leader), 1);
}

#[test]
fn what_a_removal_hid_is_unseen_when_the_removal_is_taken_back() {
    let (mut pair, leader, follower, _) = three();
    pair.unplug(leader);
    pair.edit(leader, vec![("cpu", set("title", "here"))]);
    pair.edit(follower, vec![("cpu", Op::Remove)]);
    assert_eq!(
        pair.entries(follower).len(),
        2,
        "above what it never showed"
    );
    pair.some_rounds(3);
    assert_eq!(pair.sees(leader, "cpu", "title"), None);
    pair.take_back(leader);
    assert_eq!(pair.sees(leader, "cpu", "title"), Some("here".into()));
    pair.edit(follower, vec![("cpu", create("there"))]);
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("here".into()));
    assert_eq!(pair.conflicts(follower), 1);
}

#[test]
fn what_lies_beside_an_edit_that_is_taken_back_stays_seen() {
    let (mut pair, leader, follower, _) = three();
    pair.unplug(leader);
    for (leaf, value) in [("title", "here"), ("unit", "%")] {
        pair.edit(leader, vec![("cpu", set(leaf, value))]);
        for _ in 0..3 {
            pair.settle_some();
        }
        assert_eq!(pair.sees(follower, "cpu", leaf), Some(value.into()));
    }
    pair.edit(follower, vec![("cpu", Op::Remove)]);
    pair.take_back(leader);
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.conflicts(follower), 0);
    assert_eq!(pair.stored("cpu", "title"), None);
}

#[test]
fn what_became_of_a_gesture_after_it_was_on_screen_was_not_seen() {
    let (mut pair, leader, follower, _) = three();
    pair.unplug(leader);
    let began = pair.mark(leader);
    pair.edit_on(leader, &began, Some(7), vec![("cpu", set("title", "half"))]);
    pair.some_rounds(3);
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("half".into()));
    let mark = pair.mark(follower);
    pair.edit_on(
        leader,
        &began,
        Some(7),
        vec![("cpu", set("title", "whole"))],
    );
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("whole".into()));
    pair.edit_on(follower, &mark, None, vec![("cpu", set("title", "there"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("whole".into()));
    assert_eq!(pair.conflicts(follower), 1);
}

#[test]
fn what_another_tab_wrote_is_waited_for_where_it_was_on_screen() {
    let (mut pair, leader, follower, _) = three();
    pair.unplug(leader);
    pair.edit(leader, vec![("cpu", set("title", "here"))]);
    pair.some_rounds(3);
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("here".into()));
    pair.edit(follower, vec![("cpu", set("title", "there"))]);
    pair.plug(leader);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("there".into()));
    assert_eq!(pair.conflicts(follower), 0);
}

#[test]
fn an_edit_that_waits_for_one_that_was_settled_unheard_goes_out() {
    let (mut pair, leader, follower, _) = three();
    pair.unplug(leader);
    pair.edit(leader, vec![("cpu", set("title", "here"))]);
    pair.some_rounds(3);
    // The follower hears nothing of the outcome before it makes an edit over it.
    pair.people[follower].is_frozen = true;
    pair.plug(leader);
    pair.settle();
    pair.edit(follower, vec![("cpu", set("title", "there"))]);
    pair.people[follower].is_frozen = false;
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("there".into()));
    assert!(pair.entries(leader).is_empty());
}

#[test]
fn lost_messages_are_noticed() {
    let (mut pair, _, follower, bob) = three();
    pair.people[follower].is_frozen = true;
    pair.edit(bob, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    pair.people[follower].told.clear();
    pair.people[follower].is_frozen = false;
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("CPU".into()));
    // Whatever the leader says next tells how often it wrote.
    pair.some_rounds(200);
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("Bob's".into()));
}

#[test]
fn messages_that_come_late_or_twice_do_no_harm() {
    let (mut pair, leader, follower, bob) = three();
    pair.people[follower].is_frozen = true;
    pair.edit(bob, vec![("cpu", set("title", "one"))]);
    pair.settle();
    let late = pair.people[follower].told.clone();
    pair.people[follower].is_frozen = false;
    pair.settle();
    pair.edit(bob, vec![("cpu", set("title", "two"))]);
    pair.settle();
    pair.people[follower].told.extend(late.into_iter().rev());
    pair.settle();
    assert_eq!(pair.sees(follower, "cpu", "title"), Some("two".into()));
    assert_eq!(pair.sees(leader, "cpu", "title"), Some("two".into()));
}

#[test]
fn an_edit_does_not_become_another_users() {
    let (mut pair, leader, follower, _) = three();
    // Somebody else signs in where the leader is, before the follower's write gets through.
    let cleo = UserId::new("Cleo").expect("a user");
    pair.people[leader].user = cleo.clone();
    pair.command(leader, Command::SetToken(Some("Cleo".to_owned())));
    let edit = pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    let is_told = |notice: &Notice| {
        matches!(notice, Notice::EditSettled { id, settlement: Settlement::Refused { .. }, .. }
            if *id == edit)
    };
    assert!(pair.notices(follower).iter().any(is_told));
    assert_eq!(pair.people[follower].replica.status().user, Some(cleo));
}

/// Seed 9,811 of the simulator: another tab wrote first when somebody had just signed in. What they
/// made then went out under the name of whoever signed in next.
#[test]
fn whoever_is_shown_as_signed_in_is_stored_as_the_owner() {
    let (mut pair, leader, follower, _) = three();
    let ann = pair.people[leader].user.clone();
    pair.command(leader, Command::SetToken(Some("Ann, again".to_owned())));
    assert_eq!(pair.people[leader].replica.status().user, None);
    pair.says_hello(leader);
    pair.listens(follower);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.people[leader].told.clear();
    pair.settle_some();
    let status = pair.people[leader].replica.status();
    assert_eq!(status.user, Some(ann.clone()));
    assert_ne!(status.connection, Connection::Idle);
    let desk = &pair.people[leader].disk;
    assert!(matches!(&desk[&Key::Replica], Row::Replica(row) if row.user == Some(ann)));
}

#[test]
fn a_followers_writes_are_counted_where_the_replica_changes_its_user() {
    let (mut pair, leader, follower, _) = three();
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    let desk = &pair.people[leader].disk;
    assert!(matches!(desk.get(&Key::Tabs), Some(Row::Tabs(row)) if row.writes == 1));
    // The leader has not heard of it when somebody else signs in there.
    cleo_signs_in(&mut pair, leader);
    pair.some_rounds(10);
    stays_anns(&pair, leader);
}

/// Seed 7,104 of the simulator: it was taken into the next user's copy, and sent in their name.
#[test]
fn what_a_follower_wrote_is_not_taken_into_a_copy_that_becomes_another_users() {
    let (mut pair, leader, follower, _) = three();
    pair.people[leader].is_full = true;
    cleo_signs_in(&mut pair, leader);
    pair.some_rounds(3);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.some_rounds(3);
    pair.people[leader].is_full = false;
    pair.some_rounds(200);
    stays_anns(&pair, leader);
    // Once it was said that nothing can be made there, that stays, whatever is read again.
    pair.edit(follower, vec![("cpu", set("unit", "%"))]);
    pair.some_rounds(3);
    assert_eq!(pair.entries(leader).len(), 2);
    pair.edit(leader, vec![("cpu", set("unit", "ms"))]);
    assert_eq!(pair.entries(leader).len(), 2);
}

/// Seed 7,492 of the simulator: the tab at which somebody signed in had read the storage, and the
/// one that led until then wrote to it before it no longer could.
#[test]
fn an_edit_that_is_stored_while_another_tab_takes_the_lead_stays_its_authors() {
    for signs_in_first in [true, false] {
        let (mut pair, leader, follower, _) = three();
        pair.hold(follower);
        if signs_in_first {
            cleo_signs_in(&mut pair, follower);
        }
        pair.elect(follower);
        cleo_signs_in(&mut pair, follower);
        pair.edit(leader, vec![("cpu", set("title", "Ann's"))]);
        pair.people[leader].is_frozen = true;
        pair.let_go(follower);
        pair.some_rounds(10);
        stays_anns(&pair, follower);
    }
}

#[test]
fn a_lead_that_could_not_be_taken_at_first_is_taken_with_nothing_beside_it() {
    let (mut pair, leader, follower, _) = three();
    pair.people[follower].is_full = true;
    cleo_signs_in(&mut pair, follower);
    pair.edit(follower, vec![("mem", create("Cleo's"))]);
    pair.elect(follower);
    pair.edit(follower, vec![("mem", set("title", "Cleo's own"))]);
    let storage = pair.people[follower].replica.status().storage;
    assert!(matches!(storage, StorageVerdict::NotSaved { .. }));
    pair.people[follower].is_full = false;
    pair.people[leader].is_frozen = true;
    pair.some_rounds(300);
    assert_eq!(pair.stored("mem", "title"), Some("Cleo's own".into()));
    let mem = pair.state().record(&record("mem")).expect("is there");
    assert_eq!(mem.leaves[&path("title")].author.as_str(), "Cleo");
    let storage = pair.people[follower].replica.status().storage;
    assert_eq!(storage, StorageVerdict::Durable);
}

/// Seed 3,606 of the simulator: the disk had no room for who had signed in, nor for what they made.
#[test]
fn what_is_made_after_a_sign_in_that_is_not_stored_is_not_the_former_users() {
    let (mut pair, leader, follower, _) = three();
    pair.people[leader].is_full = true;
    cleo_signs_in(&mut pair, leader);
    pair.some_rounds(20);
    let cleo = pair.people[leader].user.clone();
    assert_eq!(pair.people[leader].replica.status().user, Some(cleo));
    let edit = pair.edit(leader, vec![("cpu", set("title", "Cleo's"))]);
    pair.some_rounds(3);
    pair.people[leader].is_full = false;
    pair.elect(follower);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    let is_told = |notice: &Notice| {
        matches!(notice, Notice::EditSettled { id, settlement: Settlement::Refused { .. }, .. }
            if *id == edit)
    };
    assert!(pair.notices(leader).iter().any(is_told));
}

#[test]
fn whoever_signs_in_at_a_tab_that_follows_goes_on_with_what_they_made_there() {
    let (mut pair, leader, follower, _) = three();
    pair.hold(follower);
    cleo_signs_in(&mut pair, follower);
    pair.edit(follower, vec![("mem", create("Cleo's"))]);
    pair.elect(follower);
    pair.edit(follower, vec![("mem", set("title", "Cleo's own"))]);
    pair.let_go(follower);
    pair.people[leader].user = UserId::new("Cleo").expect("a user");
    pair.command(leader, Command::AdoptToken(Some("Cleo".to_owned())));
    pair.settle();
    assert_eq!(pair.stored("mem", "title"), Some("Cleo's own".into()));
    let mem = pair.state().record(&record("mem")).expect("is there");
    let author = &mem.leaves[&path("title")].author;
    assert_eq!(author.as_str(), "Cleo");
}

fn cleo_signs_in(pair: &mut Pair, tab: usize) {
    pair.people[tab].user = UserId::new("Cleo").expect("a user");
    pair.command(tab, Command::SetToken(Some("Cleo".to_owned())));
}

fn stays_anns(pair: &Pair, leader: usize) {
    assert_eq!(
        pair.stored("cpu", "title"),
        Some("CPU".into()),
        "it is not Cleo's"
    );
    assert_eq!(pair.entries(leader).len(), 1);
}
