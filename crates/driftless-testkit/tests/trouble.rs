//! What goes wrong around a client, and what it says of it.

use driftless_model::{BoardId, Kind, Note, RecordId, Role};
use driftless_protocol::CloseCode;
use driftless_sync::replica::view::{Connection, StorageVerdict};
use driftless_testkit::{Disk, Person, TestKit};
use futures::FutureExt;

fn home() -> BoardId {
    BoardId::new("home").unwrap()
}

fn add(person: &Person, id: &str) -> driftless_client::EditHandle {
    person.edit(&home(), "Add a note", |edit| {
        edit.create(RecordId::new(id).unwrap(), Note::NAME, []);
    })
}

fn connection(person: &Person) -> Connection {
    person.client().status().connection
}

#[test]
fn whoever_is_turned_away_does_what_the_code_says_and_is_let_in_again() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.server().turn_away(Some(CloseCode::Unauthorised));
    kit.advance_ms(60_000);
    assert!(matches!(connection(&ann), Connection::Unauthorised { .. }));
    kit.server().turn_away(Some(CloseCode::Protocol));
    ann.client().connect();
    kit.advance_ms(60_000);
    assert!(matches!(connection(&ann), Connection::Closed { .. }));
    kit.server().turn_away(None);
    ann.client().connect();
    kit.until(add(&ann, "one").applied()).unwrap();
}

#[test]
fn a_viewers_edit_is_refused_and_stays_visible() {
    let kit = TestKit::new();
    kit.server().set_role("Ann", Role::Viewer);
    let ann = kit.person("Ann");
    ann.client().board(home());
    kit.settle();
    let edit = add(&ann, "one");
    kit.advance_ms(10_000);
    assert!(edit.applied().now_or_never().unwrap().is_err());
    assert_eq!(ann.client().status().quarantined, 1);
    assert_eq!(kit.server().version(&home()).0, 0);
}

#[test]
fn a_full_disk_is_said_and_what_waited_is_stored_once_there_is_room() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    let storage = || ann.client().status().storage;
    assert_eq!(storage(), StorageVerdict::Durable);
    ann.set_disk(Disk::Full);
    let edit = add(&ann, "one");
    kit.advance_ms(1_000);
    assert!(matches!(storage(), StorageVerdict::NotSaved { .. }));
    assert!(edit.stored().now_or_never().is_none());
    ann.set_disk(Disk::Works);
    kit.until(edit.applied()).unwrap();
    assert_eq!(storage(), StorageVerdict::Durable);
}

#[test]
fn storage_that_is_damaged_or_missing_is_said_at_the_start() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    ann.set_disk(Disk::Unreadable);
    ann.restart();
    kit.advance_ms(1_000);
    let storage = ann.client().status().storage;
    assert!(
        matches!(storage, StorageVerdict::Unusable { .. }),
        "{storage:?}"
    );
    ann.set_disk(Disk::Missing);
    ann.restart();
    kit.advance_ms(1_000);
    let storage = ann.client().status().storage;
    assert!(
        matches!(storage, StorageVerdict::MemoryOnly { .. }),
        "{storage:?}"
    );
}

#[test]
fn a_kit_may_begin_at_a_date() {
    let kit = TestKit::new().dated(1_800_000_000_000);
    let ann = kit.person("Ann");
    kit.until(add(&ann, "one").applied()).unwrap();
    let made_at_ms = ann.client().board(home()).receipts()[0].made_at_ms;
    assert_eq!(made_at_ms, 1_800_000_000_000);
}
