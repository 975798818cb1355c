//! Who leads, and how that changes.

use driftless_model::Role;
use driftless_protocol::durable::{Key, Row};
use driftless_protocol::{TabMessage, Wish};
use driftless_sync::replica::view::{Connection, StorageVerdict};
use driftless_sync::replica::{Command, Input, Output, Replica};

use crate::pair::{Pair, board, create, set};
use crate::tabs::edits::three;

#[test]
fn nobody_connects_before_a_tab_is_elected() {
    let mut pair = Pair::new(&["Bob"]);
    let tab = pair.open_first_tab("Ann");
    pair.reopen(tab);
    pair.some_rounds(5);
    let status = pair.people[tab].replica.status();
    assert_eq!(status.connection, Connection::Idle);
    assert_eq!(status.storage, StorageVerdict::Durable);
    pair.elect(tab);
    pair.settle();
    assert!(is_online(&pair, tab));
}

#[test]
fn an_edit_made_before_a_tab_is_elected_is_kept() {
    let mut pair = Pair::new(&["Bob"]);
    let tab = pair.open_first_tab("Ann");
    pair.reopen(tab);
    pair.edit(tab, vec![("cpu", create("CPU"))]);
    assert!(pair.entries(tab)[0].is_stored);
    pair.elect(tab);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
}

#[test]
fn a_thawed_leader_cannot_write_and_follows() {
    let (mut pair, first, second, bob) = three();
    pair.people[first].is_frozen = true;
    pair.elect(second);
    pair.settle();
    // It thaws, has heard nothing, and its person goes on.
    pair.people[first].told.clear();
    let before = pair.people[first].disk.clone();
    pair.edit(first, vec![("cpu", set("title", "thawed"))]);
    let term = |row: Option<&Row>| match row {
        Some(Row::Replica(row)) => row.term,
        _ => 0,
    };
    let now = &pair.people[first].disk;
    assert_eq!(
        term(before.get(&Key::Replica)),
        term(now.get(&Key::Replica))
    );
    pair.people[first].is_frozen = false;
    pair.settle();
    let storage = pair.people[second].replica.status().storage;
    assert_eq!(storage, StorageVerdict::Durable);
    assert_eq!(pair.sees(bob, "cpu", "title"), Some("thawed".into()));
    assert_eq!(pair.applied(), 2, "once");
    assert!(pair.entries(first).is_empty() && pair.entries(second).is_empty());
}

#[test]
fn a_follower_knows_why_its_board_may_not_be_read() {
    let (mut pair, leader, follower, _) = three();
    pair.set_role(leader, Role::None);
    pair.settle();
    assert_eq!(pair.sees(follower, "cpu", "title"), None);
    let refused = |tab: usize| {
        let board = pair.people[tab].replica.board(&board());
        board.and_then(|board| board.refused.clone())
    };
    assert!(refused(leader).is_some());
    assert_eq!(refused(follower), refused(leader));
}

#[test]
fn a_closed_leader_hands_over() {
    let (mut pair, first, second, _) = three();
    pair.unplug(first);
    pair.edit(first, vec![("cpu", set("title", "last words"))]);
    pair.people[first].is_frozen = true;
    pair.people[first].is_plugged = false;
    pair.elect(second);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("last words".into()));
    assert_eq!(pair.sees(second, "cpu", "title"), Some("last words".into()));
}

#[test]
fn a_silent_leader_is_replaced_by_a_tab_that_is_seen() {
    let (mut pair, first, second, _) = three();
    let third = pair.open_tab(first);
    pair.command(third, Command::Visible(false));
    pair.some_rounds(200);
    assert!(!pair.people[second].asks_to_lead, "the leader answers");
    pair.people[first].is_frozen = true;
    pair.some_rounds(200);
    assert!(pair.people[second].asks_to_lead);
    assert!(!pair.people[third].asks_to_lead, "it is hidden");
    pair.elect(second);
    pair.settle();
    pair.edit(third, vec![("cpu", set("title", "third"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("third".into()));
}

#[test]
fn a_tab_that_was_frozen_itself_asks_again_first() {
    let (mut pair, first, second, _) = three();
    pair.people[first].is_frozen = true;
    pair.edit(second, vec![("cpu", set("title", "second"))]);
    pair.people[second].is_frozen = true;
    pair.some_rounds(200);
    pair.people[second].is_frozen = false;
    pair.settle_some();
    assert!(!pair.people[second].asks_to_lead);
}

#[test]
fn a_person_may_take_over() {
    let (mut pair, _, second, _) = three();
    pair.command(second, Command::TakeOver);
    assert!(pair.people[second].asks_to_lead);
}

#[test]
fn a_leader_that_lost_the_lock_follows() {
    let (mut pair, first, second, _) = three();
    pair.edit(first, vec![("cpu", set("title", "one"))]);
    pair.input(first, Input::Superseded);
    pair.elect(second);
    pair.settle();
    pair.edit(first, vec![("cpu", set("title", "two"))]);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("two".into()));
    assert_eq!(pair.applied(), 3);
}

#[test]
fn two_that_believe_to_be_elected_come_to_rest() {
    let (mut pair, first, second, bob) = three();
    pair.input(first, Input::Superseded);
    pair.elect(second);
    pair.elect(first);
    pair.settle();
    pair.edit(bob, vec![("cpu", set("title", "Bob's"))]);
    pair.settle();
    for tab in [first, second] {
        assert_eq!(pair.sees(tab, "cpu", "title"), Some("Bob's".into()));
    }
}

#[test]
fn a_replica_that_is_alone_has_no_use_for_an_election() {
    let mut pair = Pair::new(&["Ann", "Bob"]);
    pair.input(0, Input::Elected);
    let wish = Wish::default().then(false);
    pair.input(0, Input::Told(Box::new(TabMessage::Connect(wish))));
    pair.edit(0, vec![("cpu", create("CPU"))]);
    pair.settle();
    assert_eq!(pair.sees(1, "cpu", "title"), Some("CPU".into()));
}

fn connection(pair: &Pair, tab: usize) -> Connection {
    let replica: &Replica = &pair.people[tab].replica;
    replica.status().connection
}

fn is_online(pair: &Pair, tab: usize) -> bool {
    matches!(connection(pair, tab), Connection::Online { .. })
}

#[test]
fn a_tab_may_want_to_be_disconnected() {
    let (mut pair, first, second, _) = three();
    pair.command(second, Command::Disconnect);
    pair.some_rounds(3);
    assert_eq!(connection(&pair, first), Connection::Idle);
    assert_eq!(connection(&pair, second), Connection::Idle);
    pair.command(second, Command::Connect);
    pair.settle();
    assert!(is_online(&pair, second));
}

/// Seed 15,031 of the simulator: the tab that led stayed idle though all had asked to connect.
#[test]
fn a_wish_that_comes_late_undoes_nothing() {
    let (mut pair, first, second, _) = three();
    let late = Wish::default().then(false);
    pair.command(second, Command::Disconnect);
    pair.some_rounds(3);
    pair.command(first, Command::Connect);
    pair.input(first, Input::Told(Box::new(TabMessage::Connect(late))));
    pair.settle();
    assert!(is_online(&pair, first));
}

#[test]
fn a_tab_that_comes_later_wants_what_was_asked_for_last() {
    let (mut pair, first, second, _) = three();
    pair.command(first, Command::Disconnect);
    pair.reopen(second);
    pair.some_rounds(3);
    pair.people[first].is_frozen = true;
    pair.elect(second);
    pair.some_rounds(3);
    assert_eq!(connection(&pair, second), Connection::Idle);
    pair.command(second, Command::Connect);
    pair.settle();
    assert!(is_online(&pair, second));
}

/// A tab of a build that knows no order asks.
#[test]
fn a_wish_without_an_order_is_obeyed_when_it_comes() {
    let (mut pair, first, second, _) = three();
    pair.command(second, Command::Connect);
    for is_wanted in [false, true] {
        pair.some_rounds(3);
        let order = 0;
        let wish = TabMessage::Connect(Wish { order, is_wanted });
        pair.input(first, Input::Told(Box::new(wish)));
        pair.some_rounds(3);
        let connection = connection(&pair, first);
        let is_idle = connection == Connection::Idle;
        assert_eq!(is_idle, !is_wanted, "{connection:?}");
    }
}

/// Whoever takes the lock from a tab that has just got it: that one has no lock to lead with.
#[test]
fn a_tab_that_lost_the_lock_before_it_led_follows() {
    for is_lost in [false, true] {
        let mut tab = Replica::shared(
            driftless_sync::replica::RealtimeConfig::default(),
            std::sync::Arc::new(driftless_model::Schema::builtin()),
            [7; 32],
        );
        let read = || Input::Loaded {
            rows: Vec::new(),
            volatile: None,
        };
        let mut inputs = vec![read(), Input::Elected];
        inputs.extend(is_lost.then_some(Input::Superseded));
        inputs.extend([Input::Wake, read()]);
        let mut claims = 0;
        for input in inputs {
            let now = driftless_sync::replica::Now {
                mono_ms: 1_000,
                epoch_ms: 1_000,
            };
            tab.handle(input, now);
            while let Some(output) = tab.poll_output() {
                claims += usize::from(matches!(output, Output::Commit { .. }));
            }
        }
        assert_eq!(claims, usize::from(!is_lost));
    }
}

#[test]
fn what_a_tab_could_not_write_while_it_led_is_no_longer_its_to_say() {
    let (mut pair, first, second, bob) = three();
    pair.people[first].is_full = true;
    pair.edit(bob, vec![("cpu", set("title", "Bob's"))]);
    pair.some_rounds(5);
    let storage = |pair: &Pair| pair.people[first].replica.status().storage;
    assert!(matches!(storage(&pair), StorageVerdict::NotSaved { .. }));
    pair.elect(second);
    pair.some_rounds(20);
    assert!(is_online(&pair, second));
    assert_eq!(storage(&pair), StorageVerdict::Durable);
    // What its own person makes is not saved, and it says so.
    pair.edit(first, vec![("cpu", set("title", "Ann's"))]);
    pair.some_rounds(20);
    assert!(matches!(storage(&pair), StorageVerdict::NotSaved { .. }));
}
