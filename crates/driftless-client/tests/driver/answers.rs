//! What the handle of an edit answers on a bad day: every question gets an answer, and none says
//! "stored" of what is not.

use driftless_client::{Board, Client, ClientEvent, EditError, EditHandle, SeenMark};
use driftless_model::{EditId, Note, Value, Version, limits};
use driftless_protocol::message::Outcome;
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::view::Resolution;
use futures::FutureExt;

use crate::faulty::Disk;
use crate::stage::{Peer, Stage, drain, home, make_note, note, retitle, shown, title};

/// Of a note's text, as each may have, in bytes.
const TEXT_BYTES: usize = 16_384;

/// Somebody online, whose note is applied.
fn with_a_note() -> (Stage, Disk, Client, Peer) {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, mut peer) = stage.online(disk.clone());
    make_note(&client, "One");
    stage.settle();
    let push = peer.pushes().remove(0);
    peer.apply(&push, 1);
    (stage, disk, client, peer)
}

/// A second title by whoever had this on screen.
fn retitle_on(board: &Board, seen: SeenMark, text: &str) -> EditHandle {
    let edit = board.edit("Rename", |edit| {
        edit.seen(seen);
        edit.set(note(), title(), Value::from(text));
    });
    edit.expect("a valid edit")
}

/// The server says of the edit that was pushed last that somebody changed the same.
fn refuse(peer: &mut Peer) -> EditId {
    let push = peer.pushes().pop().expect("an edit");
    let conflict = Outcome::Conflict {
        at: Version(2),
        stale: Vec::new(),
    };
    peer.outcome(&push, conflict);
    push.id
}

#[test]
fn an_edit_on_a_screen_that_showed_what_conflicts_by_now_is_told_that_it_waits_too() {
    let (mut stage, disk, client, mut peer) = with_a_note();
    retitle(&client, "Mine");
    stage.settle();
    let board = client.board(home());
    let seen = board.seen();
    refuse(&mut peer);
    stage.settle();
    disk.hold();
    let joined = retitle_on(&board, seen, "Mine, too");
    stage.settle();
    assert_eq!(
        joined.applied().now_or_never(),
        Some(Err(EditError::Conflicted))
    );
    assert_eq!(
        joined.stored().now_or_never(),
        None,
        "nothing is stored yet"
    );
    assert_eq!(board.outbox()[0].edits, 2);
    disk.let_go();
    assert_eq!(stage.now(joined.stored()), Ok(()));
}

#[test]
fn an_edit_that_is_pulled_into_a_conflict_before_it_is_stored_is_not_said_to_be() {
    let (mut stage, disk, client, mut peer) = with_a_note();
    let first = retitle(&client, "Mine");
    stage.settle();
    disk.hold();
    let second = retitle(&client, "Mine, too");
    assert_eq!(refuse(&mut peer), first.id());
    stage.settle();
    assert_eq!(
        second.applied().now_or_never(),
        Some(Err(EditError::Conflicted))
    );
    assert_eq!(second.stored().now_or_never(), None);
    assert_eq!(first.stored().now_or_never(), Some(Ok(())));
    // Taken back before it was stored, it never will be.
    let board = client.board(home());
    board.roll_back(board.outbox()[0].number);
    stage.settle();
    assert_eq!(
        second.stored().now_or_never(),
        Some(Err(EditError::RolledBack))
    );
    disk.let_go();
    stage.settle();
    assert_eq!(board.outbox().len(), 0);
}

#[test]
fn what_is_decided_and_cannot_be_sent_is_said_and_leaves_the_screen() {
    let (mut stage, _disk, client, mut peer) = with_a_note();
    let board = client.board(home());
    stage.settle();
    let seen = board.seen();
    let half = "x".repeat(TEXT_BYTES);
    // Each is as large as one may be, and they wait for a person together.
    let many = limits::PAYLOAD_BYTES_MAX / TEXT_BYTES + 1;
    retitle(&client, "Mine");
    stage.settle();
    for at in 0..many {
        let edit = board.edit("Write", |edit| {
            edit.seen(seen.clone());
            edit.set(note(), title(), Value::from("Mine"));
            edit.create(
                format!("more-{at}"),
                "note",
                [(Note::TEXT.path().clone(), Value::from(half.as_str()))],
            );
        });
        edit.expect("a valid edit");
    }
    stage.settle();
    refuse(&mut peer);
    stage.settle();
    let entry = board.outbox()[0].clone();
    assert_eq!((board.outbox().len(), entry.edits), (1, many + 1));
    let mut events = client.events();
    board
        .resolve(&entry, Resolution::KeepMine)
        .expect("as looked at");
    stage.settle();
    assert_eq!(client.status().quarantined, 1, "{:?}", board.outbox());
    let is_told = |event: &ClientEvent| match event {
        ClientEvent::EditFailed { id, detail, .. } => {
            *id == board.outbox()[0].id && detail.contains("split it")
        }
        _ => false,
    };
    assert!(drain(&mut events).iter().any(is_told));
    assert_eq!(
        shown(&client).as_deref(),
        Some("One"),
        "it is not on its way"
    );
}

#[test]
fn what_memory_alone_has_is_not_said_to_be_stored_here() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(MemoryRows::new());
    make_note(&client, "One");
    stage.settle();
    let receipt = &client.board(home()).receipts()[0];
    assert_eq!((receipt.stored_ms, receipt.sent_ms.is_some()), (None, true));
    assert_eq!(peer.pushes().len(), 1);
}
