//! Two tabs of one replica.

use driftless_client::{Client, EditError};
use driftless_sync::replica::view::StorageVerdict;

use crate::faulty::Disk;
use crate::stage::{Stage, builder, home, make_note, retitle, shown};

fn tab(stage: &mut Stage, disk: &Disk, hears_tabs: bool) -> Client {
    let builder = builder().storage(disk.clone()).auto_connect(false);
    let client = stage.start_tab(builder, hears_tabs);
    client.board(home());
    stage.settle();
    client
}

#[test]
fn the_older_tab_hears_at_once_that_another_one_opened() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let older = tab(&mut stage, &disk, true);
    let newer = tab(&mut stage, &disk, true);
    assert_eq!(older.status().storage, StorageVerdict::OpenElsewhere);
    assert_eq!(newer.status().storage, StorageVerdict::Durable);
}

#[test]
fn a_tab_that_hears_nothing_finds_out_at_its_next_write() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let older = tab(&mut stage, &disk, false);
    let newer = tab(&mut stage, &disk, false);
    make_note(&newer, "New");
    stage.settle();
    assert_eq!(older.status().storage, StorageVerdict::Durable);
    make_note(&older, "Old");
    stage.settle();
    assert_eq!(older.status().storage, StorageVerdict::OpenElsewhere);
    assert_eq!(newer.status().storage, StorageVerdict::Durable);
}

#[test]
fn use_here_takes_the_replica_back_with_everything_that_was_made_elsewhere() {
    let mut stage = Stage::new();
    let disk = Disk::default();
    let older = tab(&mut stage, &disk, true);
    let newer = tab(&mut stage, &disk, true);
    let edit = make_note(&newer, "New");
    assert_eq!(stage.now(edit.stored()), Ok(()));
    let refused = retitle(&older, "Old");
    assert!(matches!(
        stage.now(refused.applied()),
        Err(EditError::Rejected { .. })
    ));
    older.take_over();
    stage.settle();
    assert_eq!(older.status().storage, StorageVerdict::Durable);
    assert_eq!(newer.status().storage, StorageVerdict::OpenElsewhere);
    assert_eq!(shown(&older).as_deref(), Some("New"));
}
