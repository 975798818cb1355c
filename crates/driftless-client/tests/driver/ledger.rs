//! Whether all edits are accounted for, by what the server says of its log; and what coming back
//! cost, by what it sent.

use driftless_client::platform::SocketEvent;
use driftless_client::{Client, Ledger};
use driftless_model::{Check, Cursor, EditId, UserId, Version};
use driftless_protocol::ServerMessage;
use driftless_protocol::message::{ChangedLeaf, Event, Outcome};

use crate::faulty::Disk;
use crate::stage::{Peer, Stage, empty_resume, home, make_note, note, retitle, title, welcome};

/// Made, applied, pending, conflicted, lost, doubled.
fn account(client: &Client) -> [u64; 6] {
    let ledger = client.board(home()).ledger();
    let unsettled = ledger.pending + ledger.conflicted + ledger.quarantined;
    let accounted = ledger.applied + unsettled + ledger.taken_back + ledger.lost;
    assert_eq!(ledger.made, accounted);
    let Ledger { made, applied, .. } = ledger;
    let (pending, conflicted) = (ledger.pending, ledger.conflicted);
    [
        made,
        applied,
        pending,
        conflicted,
        ledger.lost,
        ledger.doubled,
    ]
}

/// The server says that its log has an edit of somebody's at a version.
fn log(peer: &Peer, version: u64, id: EditId) {
    peer.say(&ServerMessage::Event(Event {
        board: home(),
        version: Version(version),
        check: Check(version),
        id,
        author: UserId::new("Bob").expect("a user"),
        time_ms: 0,
        label: "Something".to_owned(),
        effects: Vec::new(),
        replaced: Vec::new(),
    }));
}

#[test]
fn the_account_follows_an_edit_from_being_made_to_being_applied_or_set_aside() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    assert_eq!(account(&client), [1, 0, 1, 0, 0, 0]);
    peer.apply_next(1);
    stage.settle();
    assert_eq!(account(&client), [1, 1, 0, 0, 0, 0]);

    retitle(&client, "Two");
    stage.settle();
    let outcome = Outcome::Conflict {
        at: Version(1),
        stale: Vec::new(),
    };
    let push = peer.pushes().remove(0);
    peer.outcome(&push, outcome);
    stage.settle();
    assert_eq!(account(&client), [2, 1, 0, 1, 0, 0]);
    let conflict = client.board(home()).conflicts().remove(0);
    conflict.take_theirs().expect("it is open");
    stage.settle();
    let ledger = client.board(home()).ledger();
    assert_eq!((ledger.made, ledger.applied, ledger.taken_back), (2, 1, 1));
    assert!(ledger.adds_up());
}

#[test]
fn an_undo_is_an_edit_of_this_device_too() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    peer.apply_next(1);
    stage.settle();
    client.board(home()).undo();
    stage.settle();
    assert_eq!(account(&client), [2, 1, 1, 0, 0, 0]);
    peer.apply_next(2);
    stage.settle();
    assert_eq!(account(&client), [2, 2, 0, 0, 0, 0]);
}

#[test]
fn a_server_that_lost_an_applied_edit_is_found_out() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    peer.apply_next(1);
    stage.settle();
    // It acknowledged version 1, and gave it to somebody else.
    log(&peer, 1, EditId(77));
    log(&peer, 2, EditId(78));
    stage.pass_ms(100);
    assert_eq!(account(&client), [1, 0, 0, 0, 1, 0]);
    assert!(!client.board(home()).ledger().adds_up());
}

#[test]
fn a_server_that_applied_an_edit_twice_is_found_out() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let edit = make_note(&client, "One");
    stage.settle();
    peer.apply_next(1);
    stage.settle();
    log(&peer, 2, edit.id());
    stage.pass_ms(100);
    assert_eq!(account(&client), [1, 1, 0, 0, 0, 1]);
    assert!(!client.board(home()).ledger().adds_up());
}

#[test]
fn coming_back_costs_what_the_server_sent() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let board = client.board(home());
    let first = board.reconnect_bill().expect("it was reached");
    assert_eq!((first.missed, first.leaves), (None, 0));
    make_note(&client, "One");
    stage.settle();
    peer.apply_next(1);
    stage.settle();
    client.hold_network(true);
    stage.settle();
    client.hold_network(false);
    let mut again = stage.connection().expect("a connection");
    again.event(SocketEvent::Opened);
    stage.settle();
    again.hello();
    let mut resume = empty_resume(&home());
    resume.full = false;
    resume.last_seq = 1;
    resume.cursor = Cursor {
        version: Version(10_001),
        check: Check(10_001),
    };
    resume.leaves = vec![ChangedLeaf {
        record: note(),
        leaf: title(),
        value: Some("Another".into()),
        version: Version(10_001),
        author: UserId::new("Bob").expect("a user"),
    }];
    again.say(&ServerMessage::Welcome(welcome()));
    again.say(&ServerMessage::Resume(Box::new(resume)));
    stage.pass_ms(100);
    let bill = board.reconnect_bill().expect("it came back");
    assert_eq!(
        (bill.missed, bill.leaves, bill.records),
        (Some(10_000), 1, 0)
    );
    assert!((50..1_000).contains(&bill.bytes), "{} bytes", bill.bytes);
}
