//! What the client says and does where the storage fails.

use driftless_client::{ClientError, ClientEvent, EditError};
use driftless_protocol::durable::Key;
use driftless_store::replica::{MemoryRows, ReplicaStoreError};
use driftless_sync::replica::view::StorageVerdict;
use futures::FutureExt;

use crate::faulty::Disk;
use crate::stage::{Stage, builder, drain, home, make_note, shown};

fn full() -> ReplicaStoreError {
    let detail = "quota".to_owned();
    ReplicaStoreError::Full { detail }
}

#[test]
fn a_write_that_fails_is_said_plainly_tried_again_and_not_sent_before() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, mut peer) = stage.online(disk.clone());
    let mut events = client.events();
    disk.fail(Some(full()));
    let edit = make_note(&client, "One");
    stage.settle();
    assert!(matches!(
        client.status().storage,
        StorageVerdict::NotSaved { .. }
    ));
    let is_told =
        |event: &ClientEvent| matches!(event, ClientEvent::Error(ClientError::Storage { .. }));
    assert!(drain(&mut events).iter().any(is_told));
    assert_eq!(
        (edit.stored().now_or_never(), peer.pushes().len()),
        (None, 0)
    );
    disk.fail(None);
    stage.pass_ms(5_000);
    assert_eq!(edit.stored().now_or_never(), Some(Ok(())));
    assert_eq!(client.status().storage, StorageVerdict::Durable);
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn a_device_that_keeps_nothing_still_works_in_memory_and_says_so() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    disk.fail(Some(ReplicaStoreError::Refused {
        detail: "private mode".to_owned(),
    }));
    let (client, mut peer) = stage.online(disk);
    let StorageVerdict::MemoryOnly { reason } = client.status().storage else {
        panic!("memory only: {:?}", client.status().storage);
    };
    assert!(reason.contains("private mode"));
    make_note(&client, "One");
    stage.settle();
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn memory_says_that_it_is_memory() {
    let mut stage = Stage::new();
    let (client, _peer) = stage.online(MemoryRows::new());
    assert!(matches!(
        client.status().storage,
        StorageVerdict::MemoryOnly { .. }
    ));
}

#[test]
fn what_a_newer_build_wrote_is_left_alone() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    disk.rows
        .put_bytes(&Key::Replica, b"\x81\xa6format\x04".to_vec());
    let client = stage.start(builder().storage(disk.clone()));
    assert!(matches!(
        client.status().storage,
        StorageVerdict::Unusable { .. }
    ));
    let edit = make_note(&client, "One");
    // It is nowhere: neither saved nor sent.
    let refused = stage.now(edit.stored());
    assert!(matches!(refused, Err(EditError::Refused { .. })));
    assert!(stage.now(edit.applied()).is_err());
    assert!(stage.connection().is_none());
    assert!(matches!(
        disk.rows.load_now(),
        Err(ReplicaStoreError::Newer { .. })
    ));
}

#[test]
fn a_restart_with_the_same_storage_shows_and_sends_what_was_made() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let client = stage.start(builder().storage(disk.clone()).auto_connect(false));
    let edit = make_note(&client, "One");
    assert_eq!(stage.now(edit.stored()), Ok(()));
    drop((client, edit));
    stage.settle();
    let (client, mut peer) = stage.online(disk);
    assert_eq!(shown(&client).as_deref(), Some("One"));
    assert_eq!(client.board(home()).outbox().len(), 1);
    assert_eq!(peer.pushes().len(), 1);
}

#[test]
fn a_sealed_edit_is_resent_letter_by_letter_after_a_restart() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let (client, mut peer) = stage.online(disk.clone());
    make_note(&client, "One");
    stage.settle();
    let before = peer.pushes();
    drop(client);
    stage.settle();
    let (_client, mut peer) = stage.online(disk);
    assert_eq!(before.len(), 1);
    assert_eq!(peer.pushes(), before);
}
