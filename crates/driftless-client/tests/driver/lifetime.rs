//! How a client ends.

use driftless_client::EditError;
use driftless_sync::replica::view::Connection;
use futures::{FutureExt, StreamExt};

use crate::faulty::Disk;
use crate::stage::{Stage, builder, drain, home, make_note, note, shown, title};

#[test]
fn a_shutdown_stores_first_and_then_everybody_hears_the_end() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, peer) = stage.online(disk.clone());
    let mut events = client.events();
    disk.hold();
    let edit = make_note(&client, "One");
    let stopping = client.shutdown().shared();
    assert_eq!(stopping.clone().now_or_never(), None);
    stage.settle();
    assert_eq!(
        stopping.clone().now_or_never(),
        None,
        "the write is not done"
    );
    disk.let_go();
    stage.now(stopping);
    assert_eq!(stage.now(edit.stored()), Ok(()));
    assert_eq!(stage.now(edit.applied()), Err(EditError::Closed));
    assert!(peer.is_closed());
    assert_eq!(client.status().connection, Connection::Idle);
    drain(&mut events);
    assert_eq!(
        events.next().now_or_never(),
        Some(None),
        "the events have ended"
    );
    assert_eq!(shown(&client).as_deref(), Some("One"), "reading goes on");
    let late = client
        .board(home())
        .edit("Late", |edit| edit.unset(note(), title()));
    assert!(matches!(late, Err(EditError::Closed)));
    stage.now(client.shutdown());
}

#[test]
fn each_of_two_shutdowns_waits_until_what_was_made_is_stored() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, _peer) = stage.online(disk.clone());
    let other = client.clone();
    disk.hold();
    let edit = make_note(&client, "One");
    let stopping = [client.shutdown().shared(), other.shutdown().shared()];
    // Both are asked for before the driver gets round to either.
    for one in &stopping {
        assert_eq!(one.clone().now_or_never(), None);
    }
    stage.settle();
    for one in &stopping {
        assert_eq!(one.clone().now_or_never(), None, "the write is not done");
    }
    disk.let_go();
    for one in stopping {
        stage.now(one);
    }
    assert_eq!(stage.now(edit.stored()), Ok(()));
}

#[test]
fn the_last_handle_that_goes_ends_the_driver_after_storing() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let client = stage.start(builder().storage(disk.clone()));
    let peer = stage.connection().expect("a connection");
    let board = client.board(home());
    make_note(&client, "One");
    drop(client);
    stage.settle();
    assert!(!peer.is_gone(), "the board is still held");
    drop(board);
    stage.settle();
    assert!(peer.is_gone());
    assert_eq!(
        disk.rows.load_now().expect("rows").len(),
        2,
        "the replica and the entry"
    );
}

#[test]
fn a_driver_that_is_dropped_before_its_first_step_lets_nobody_wait() {
    let mut stage = Stage::new();
    let client = stage.stillborn(builder());
    let edit = client
        .board(home())
        .edit("Add", |edit| edit.create(note(), "note", []));
    assert!(matches!(edit, Err(EditError::Closed)));
    assert_eq!(
        stage.now(client.board(home()).loaded()),
        Err(EditError::Closed)
    );
    stage.now(client.shutdown());
}

#[test]
fn a_shutdown_that_is_asked_for_right_after_something_else_needs_nothing_more_to_happen() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    client.hold_network(true);
    let stopping = client.shutdown().shared();
    assert_eq!(stopping.clone().now_or_never(), None);
    stage.now(stopping);
    assert!(peer.is_gone());
}
