//! Edits that are made with a token before a server has said whose it is: they are not sent for
//! whoever is let in with another one.

use driftless_model::{EditId, UserId};
use driftless_protocol::Code;
use driftless_sync::replica::view::{AutoResolve, Connection, EntryProgress};
use driftless_sync::replica::{Command, Notice, Settlement};

use crate::identity::{BOB, cleo_at_bobs, left_by_bob, two};
use crate::pair::{Pair, board, create, path, record, set};
use crate::tabs::edits::three;

/// Cleo, who no server had heard of yet, made an edit at Bob's device; then Bob came back.
fn bob_is_back() -> (Pair, EditId) {
    let mut pair = left_by_bob();
    let cleos = pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.restart_as(BOB, "Bob");
    pair.edit(BOB, vec![("mem", create("Bob's"))]);
    pair.plug(BOB);
    pair.settle();
    (pair, cleos)
}

fn send_again(pair: &mut Pair, who: usize, edit: EditId) {
    let retry = Command::Retry {
        board: board(),
        edit,
        id: EditId(77),
    };
    pair.command(who, retry);
    pair.settle();
}

fn author_of(pair: &Pair, id: &str, leaf: &str) -> String {
    let row = pair.state().record(&record(id)).expect("is there");
    row.leaves[&path(leaf)].author.to_string()
}

/// The only entry waits since nobody knows who made it.
fn waits(pair: &Pair, who: usize, edit: EditId) {
    let entries = pair.entries(who);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].id, edit);
    assert!(
        matches!(&entries[0].state, EntryProgress::Quarantined { code, .. }
        if *code == Code::WrongUser)
    );
}

#[test]
fn what_was_made_with_a_token_that_no_server_knew_is_not_sent_for_the_former_user() {
    let (mut pair, cleos) = bob_is_back();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    assert_eq!(author_of(&pair, "mem", "title"), "Bob", "his own goes");
    assert_eq!(pair.sees(BOB, "cpu", "title"), Some("CPU".into()));
    waits(&pair, BOB, cleos);
    let is_told = |notice: &Notice| {
        matches!(notice, Notice::EditSettled { id, settlement: Settlement::Rejected { .. }, .. }
            if *id == cleos)
    };
    assert!(pair.notices(BOB).iter().any(is_told));
    send_again(&mut pair, BOB, cleos);
    assert_eq!(author_of(&pair, "cpu", "title"), "Bob", "he asked for it");
    assert!(pair.entries(BOB).is_empty());
}

#[test]
fn it_locks_nobody_out_and_whoever_made_it_can_send_it() {
    let (mut pair, cleos) = bob_is_back();
    pair.restart_as(BOB, "Cleo");
    assert_eq!(pair.people[BOB].replica.status().user, None);
    pair.plug(BOB);
    pair.settle();
    let status = pair.people[BOB].replica.status();
    assert!(matches!(status.connection, Connection::Online { .. }));
    assert_eq!(status.user, UserId::new("Cleo").ok());
    waits(&pair, BOB, cleos);
    send_again(&mut pair, BOB, cleos);
    assert_eq!(pair.stored("cpu", "title"), Some("Cleo's".into()));
    assert_eq!(author_of(&pair, "cpu", "title"), "Cleo");
}

#[test]
fn it_stays_where_an_edit_of_the_user_has_joined_it() {
    let mut pair = left_by_bob();
    pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.people[BOB].user = UserId::new("Bob").expect("a user");
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.edit(BOB, vec![("cpu", set("title", "Bob's, over Cleo's"))]);
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.entries(BOB).len(), 1);
    pair.restart_as(BOB, "Cleo");
    pair.plug(BOB);
    pair.some_rounds(5);
    let connection = pair.people[BOB].replica.status().connection;
    assert!(matches!(connection, Connection::Closed { .. }));
}

#[test]
fn what_the_next_one_makes_beside_what_waits_is_not_sent_with_it() {
    let mut pair = two();
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.settle();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("mem", create("Bob's"))]);
    pair.restart_as(BOB, "Cleo");
    let cleos = pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.restart_as(BOB, "Bob");
    pair.plug(BOB);
    pair.settle();
    assert_eq!(author_of(&pair, "mem", "title"), "Bob");
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    waits(&pair, BOB, cleos);
}

#[test]
fn a_gesture_does_not_go_on_in_the_edit_of_somebody_else() {
    let mut pair = cleo_at_bobs(two());
    let shown = pair.mark(BOB);
    let title = |text| vec![("cpu", set("title", text))];
    pair.edit_on(BOB, &shown, Some(7), title("Cleo's"));
    pair.command(BOB, Command::SetToken(Some("Dan".to_owned())));
    pair.edit_on(BOB, &shown, Some(7), title("Dan's"));
    assert_eq!(pair.entries(BOB).len(), 2);
}

#[test]
fn what_was_made_without_a_token_goes_with_whoever_signs_in_first() {
    let mut pair = cleo_at_bobs(two());
    pair.command(BOB, Command::SetToken(None));
    pair.edit(BOB, vec![("cpu", set("title", "Made before"))]);
    pair.restart_as(BOB, "Cleo");
    pair.plug(BOB);
    pair.settle();
    assert_eq!(author_of(&pair, "cpu", "title"), "Cleo");
    assert!(pair.entries(BOB).is_empty());
}

/// Bob's device, where an edit of Cleo's came that far with the server, and then the network went.
fn cut_off(is_far_enough: &dyn Fn(&Pair) -> bool) -> Pair {
    let mut pair = left_by_bob();
    pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.people[BOB].is_plugged = true;
    pair.command(BOB, Command::Network(true));
    for _ in 0..200 {
        if is_far_enough(&pair) {
            break;
        }
        pair.settle_some();
    }
    assert!(is_far_enough(&pair));
    pair.unplug(BOB);
    assert_eq!(pair.entries(BOB).len(), 1, "it was not settled yet");
    pair
}

#[test]
fn a_token_that_is_renewed_once_a_server_has_taken_it_keeps_what_was_made_with_it() {
    for restarts in [false, true] {
        let mut pair = cut_off(&|pair| pair.people[BOB].replica.status().user.is_some());
        if restarts {
            pair.restart_as(BOB, "Cleo");
        }
        for token in ["Cleo's next", "Cleo's last"] {
            pair.command(BOB, Command::SetToken(Some(token.to_owned())));
        }
        pair.plug(BOB);
        pair.settle();
        assert_eq!(author_of(&pair, "cpu", "title"), "Cleo");
        assert!(pair.entries(BOB).is_empty());
    }
}

/// Cleo's edit waits for an edit that is under way: the server has said who she is, and has it not.
fn vouched_for() -> Pair {
    let pair = cut_off(&|pair| pair.people[BOB].replica.status().user.is_some());
    let queued = &pair.entries(BOB)[0];
    assert!(matches!(queued.state, EntryProgress::Queued { .. }));
    pair
}

#[test]
fn once_a_server_has_said_who_made_it_it_is_theirs_after_a_restart_too() {
    let mut pair = vouched_for();
    pair.restart_as(BOB, "Bob");
    pair.plug(BOB);
    pair.some_rounds(5);
    let connection = pair.people[BOB].replica.status().connection;
    assert!(matches!(connection, Connection::Closed { .. }));
    for token in ["Cleo's next", "Cleo's last"] {
        pair.restart_as(BOB, "Cleo");
        pair.command(BOB, Command::SetToken(Some(token.to_owned())));
        pair.people[BOB].is_plugged = true;
        pair.command(BOB, Command::Network(true));
        for _ in 0..200 {
            let connection = pair.people[BOB].replica.status().connection;
            if matches!(connection, Connection::Online { .. }) {
                break;
            }
            pair.settle_some();
        }
        pair.unplug(BOB);
    }
    pair.plug(BOB);
    pair.settle();
    assert_eq!(author_of(&pair, "cpu", "title"), "Cleo");
}

#[test]
fn what_was_sent_is_its_authors_like_any_other_edit() {
    let is_sealed =
        |pair: &Pair| matches!(pair.entries(BOB)[0].state, EntryProgress::Sealed { .. });
    let mut pair = cut_off(&is_sealed);
    pair.restart_as(BOB, "Dan");
    pair.plug(BOB);
    pair.some_rounds(5);
    let connection = pair.people[BOB].replica.status().connection;
    assert!(matches!(connection, Connection::Closed { .. }));
    pair.restart_as(BOB, "Cleo");
    pair.plug(BOB);
    pair.settle();
    assert_eq!(author_of(&pair, "cpu", "title"), "Cleo");
}

/// Ann's two tabs, which have a token of this name since the server took it.
fn anns_tabs(token: &str) -> (Pair, usize, usize) {
    let (mut pair, leader, follower, _) = three();
    for (tab, command) in [
        (leader, Command::SetToken(Some(token.to_owned()))),
        (follower, Command::AdoptToken(Some(token.to_owned()))),
    ] {
        pair.command(tab, command);
        pair.settle();
    }
    (pair, leader, follower)
}

/// What was made in the tab that follows is applied as Ann's.
fn goes_as_anns(mut pair: Pair, leader: usize, follower: usize) {
    pair.plug(leader);
    pair.settle();
    assert_eq!(author_of(&pair, "cpu", "title"), "Ann");
    assert!(pair.entries(follower).is_empty());
}

#[test]
fn a_tab_that_has_not_the_renewed_token_yet_makes_edits_of_the_same_person() {
    let (mut pair, leader, follower) = anns_tabs("Ann");
    pair.unplug(leader);
    pair.command(leader, Command::SetToken(Some("Ann's next".to_owned())));
    pair.some_rounds(5);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.some_rounds(5);
    assert_eq!(pair.people[follower].replica.status().user, None);
    goes_as_anns(pair, leader, follower);
}

#[test]
fn a_tab_with_another_token_that_nobody_signs_in_with_edits_as_whose_the_copy_is() {
    let (mut pair, leader, follower) = anns_tabs("Ann");
    pair.unplug(leader);
    let old = Command::AdoptToken(Some("from last time".to_owned()));
    pair.command(follower, old);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    goes_as_anns(pair, leader, follower);
}

#[test]
fn an_edit_that_was_made_as_the_server_said_whose_the_token_is_goes_too() {
    let (mut pair, leader, follower) = anns_tabs("Ann");
    pair.unplug(leader);
    for tab in [leader, follower] {
        pair.command(tab, Command::AdoptToken(Some("Ann's next".to_owned())));
    }
    pair.some_rounds(5);
    pair.hold(follower);
    pair.edit(follower, vec![("cpu", set("title", "Ann's"))]);
    pair.plug(leader);
    pair.some_rounds(20);
    assert!(pair.people[leader].replica.status().user.is_some());
    pair.let_go(follower);
    goes_as_anns(pair, leader, follower);
}

#[test]
fn what_was_made_where_somebody_signed_in_at_a_tab_that_follows_is_not_sent_for_the_former_user() {
    let (mut pair, leader, follower) = anns_tabs("Ann");
    pair.unplug(leader);
    pair.unplug(follower);
    pair.command(follower, Command::SetToken(Some("Cleo".to_owned())));
    let cleos = pair.edit(follower, vec![("cpu", set("title", "Cleo's"))]);
    pair.elect(follower);
    pair.some_rounds(5);
    pair.command(follower, Command::SetToken(Some("Ann".to_owned())));
    pair.plug(follower);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("CPU".into()));
    waits(&pair, follower, cleos);
}

#[test]
fn a_jwt_that_was_renewed_is_known_without_the_server() {
    let mut pair = two();
    let token = |signature| Command::SetToken(Some(format!("e30.eyJzdWIiOiJCb2IifQ.{signature}")));
    pair.command(BOB, token("first"));
    pair.settle();
    pair.unplug(BOB);
    let bob = Some(pair.people[BOB].user.clone());
    for signature in ["second", "third"] {
        pair.command(BOB, token(signature));
        assert_eq!(pair.people[BOB].replica.status().user, bob);
        pair.edit(BOB, vec![("cpu", set("title", signature))]);
    }
    pair.command(BOB, token("fourth"));
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.stored("cpu", "title"), Some("third".into()));
}

#[test]
fn what_several_made_whom_nobody_knows_is_in_nobodys_way_either() {
    let mut pair = left_by_bob();
    let cleos = pair.edit(BOB, vec![("cpu", set("title", "Cleo's"))]);
    pair.command(BOB, Command::SetToken(Some("Dan".to_owned())));
    pair.edit(BOB, vec![("cpu", set("title", "Dan's, over Cleo's"))]);
    for name in ["Bob", "Dan"] {
        pair.restart_as(BOB, name);
        pair.plug(BOB);
        pair.settle();
        assert_eq!(
            pair.people[BOB].replica.status().user,
            UserId::new(name).ok()
        );
        waits(&pair, BOB, cleos);
    }
}

#[test]
fn a_conflict_does_not_settle_itself_for_who_is_not_known_yet() {
    let mut pair = two();
    pair.command(BOB, Command::SetToken(Some("Bob".to_owned())));
    pair.settle();
    pair.unplug(BOB);
    pair.edit(BOB, vec![("cpu", set("title", "Bob's"))]);
    pair.edit(0, vec![("cpu", set("title", "Ann's"))]);
    pair.settle();
    pair.plug(BOB);
    pair.settle();
    assert_eq!(pair.conflicts(BOB), 1);
    pair.restart_as(BOB, "Cleo");
    pair.command(BOB, Command::AutoResolve(AutoResolve::Mine));
    pair.plug(BOB);
    pair.some_rounds(5);
    assert_eq!(pair.stored("cpu", "title"), Some("Ann's".into()));
    assert_eq!(pair.conflicts(BOB), 1);
    pair.restart_as(BOB, "Bob");
    pair.command(BOB, Command::AutoResolve(AutoResolve::Mine));
    pair.plug(BOB);
    pair.settle();
    assert_eq!(author_of(&pair, "cpu", "title"), "Bob");
}
