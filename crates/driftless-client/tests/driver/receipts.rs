//! What a receipt tells of an edit's way, from being made to the server's word.

use driftless_client::{Client, Receipt};
use driftless_model::Version;
use driftless_protocol::message::Outcome;
use futures::FutureExt;

use crate::faulty::Disk;
use crate::stage::{Stage, builder, home, make_note, retitle};

fn receipts(client: &Client) -> Vec<Receipt> {
    client.board(home()).receipts()
}

#[test]
fn each_step_is_told_when_it_happened_and_not_before() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, mut peer) = stage.online(disk.clone());
    disk.hold();
    let edit = make_note(&client, "One");
    stage.settle();
    let made = &receipts(&client)[0];
    assert_eq!((made.id, made.label.as_str()), (edit.id(), "Add a note"));
    assert_eq!((made.stored_ms, made.sent_ms), (None, None));

    stage.pass_ms(30);
    disk.let_go();
    stage.settle();
    let sent = &receipts(&client)[0];
    assert!(sent.stored_ms >= Some(30) && sent.sent_ms >= sent.stored_ms);
    assert_eq!((sent.committed_ms, sent.version), (None, None));

    stage.pass_ms(20);
    let push = peer.pushes().remove(0);
    peer.apply(&push, 1);
    stage.settle();
    let committed = &receipts(&client)[0];
    assert_eq!(committed.sent_ms, sent.sent_ms);
    assert!(committed.committed_ms >= Some(50));
    assert_eq!(committed.version, Some(Version(1)));
}

#[test]
fn an_edit_that_is_sent_again_keeps_the_time_of_its_first_sending() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    let first = receipts(&client)[0].sent_ms;
    assert!(first.is_some() && peer.pushes().len() == 1);
    client.hold_network(true);
    stage.pass_ms(100);
    client.hold_network(false);
    let mut again = stage.accept();
    assert_eq!(again.pushes().len(), 1);
    assert_eq!(receipts(&client)[0].sent_ms, first);
}

#[test]
fn what_was_not_applied_or_taken_back_has_no_receipt() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    make_note(&client, "One");
    stage.settle();
    let push = peer.pushes().remove(0);
    let outcome = Outcome::Conflict {
        at: Version(1),
        stale: Vec::new(),
    };
    peer.outcome(&push, outcome);
    stage.settle();
    assert_eq!(receipts(&client), []);

    client.hold_network(true);
    retitle(&client, "Two");
    stage.settle();
    let waiting = client.board(home()).pending();
    for entry in waiting {
        entry.roll_back().expect("it is there");
    }
    stage.settle();
    assert_eq!(receipts(&client), []);
}

#[test]
fn what_was_made_before_the_start_has_a_receipt_once_it_is_sent() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let offline = stage.start(builder().auto_connect(false).storage(disk.clone()));
    offline.board(home());
    let edit = make_note(&offline, "One");
    assert_eq!(stage.now(edit.stored()), Ok(()));
    let stopping = offline.shutdown().shared();
    assert_eq!(stopping.clone().now_or_never(), None);
    stage.now(stopping);
    let (client, mut peer) = stage.online(disk);
    let pushes = peer.pushes();
    let receipt = &receipts(&client)[0];
    assert_eq!((receipt.id, pushes[0].id), (edit.id(), edit.id()));
    assert_eq!(receipt.stored_ms, None, "another process saw that");
    assert!(receipt.sent_ms.is_some());
}
