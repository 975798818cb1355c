//! A bad network: edits are late and never lost, and what comes back is the same.

use driftless_client::{EditHandle, NetworkConditions};
use driftless_model::{BoardId, Kind, LeafPath, Note, RecordId, Value};
use driftless_sync::replica::view::Connection;
use driftless_testkit::{Person, TestKit};
use futures::FutureExt;

fn home() -> BoardId {
    BoardId::new("home").unwrap()
}

fn note(number: usize) -> RecordId {
    RecordId::new(format!("note-{number}")).unwrap()
}

fn add(person: &Person, number: usize) -> EditHandle {
    person.edit(&home(), "Add a note", |edit| {
        edit.create(note(number), Note::NAME, []);
    })
}

fn conditions(change: impl FnOnce(&mut NetworkConditions)) -> NetworkConditions {
    let mut conditions = NetworkConditions::none();
    change(&mut conditions);
    conditions
}

#[test]
fn latency_is_seen_in_every_round_trip_and_goes_when_it_is_set_back() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add(&ann, 0).applied()).unwrap();
    let took_ms = |number| {
        let made_ms = kit.now_ms();
        kit.until(add(&ann, number).applied()).unwrap();
        kit.now_ms() - made_ms
    };
    ann.network().set(conditions(|it| it.latency_ms = 300));
    assert!((600..700).contains(&took_ms(1)));
    ann.network().set(NetworkConditions::none());
    assert!(took_ms(2) < 100);
}

#[test]
fn on_a_lossy_network_every_edit_arrives_once_and_in_order() {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    bob.client().board(home());
    ann.network().set(NetworkConditions::poor());
    let edits: Vec<EditHandle> = (0..60).map(|number| add(&ann, number)).collect();
    let versions: Vec<u64> = edits
        .iter()
        .map(|edit| kit.until(edit.applied()).unwrap().0)
        .collect();
    assert_eq!(versions, (1..=60).collect::<Vec<_>>());
    kit.advance_ms(10_000);
    assert_eq!(kit.server().version(&home()).0, 60);
    assert_eq!(bob.client().board(home()).records().len(), 60);
    assert!(ann.network().traffic().losses > 0);
    assert_eq!(bob.network().traffic().losses, 0);
}

#[test]
fn a_short_cut_is_a_stall_and_a_long_one_is_found_by_silence() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add(&ann, 0).applied()).unwrap();
    let online = || matches!(ann.client().status().connection, Connection::Online { .. });
    ann.network().set(conditions(|it| it.is_cut = true));
    let edit = add(&ann, 1);
    kit.advance_ms(2_000);
    assert!(edit.applied().now_or_never().is_none());
    assert!(online(), "nobody has told it, and it was not long");
    ann.network().set(NetworkConditions::none());
    kit.advance_ms(10);
    assert_eq!(edit.applied().now_or_never().unwrap().unwrap().0, 2);

    ann.network().set(conditions(|it| it.is_cut = true));
    let edit = add(&ann, 2);
    kit.advance_ms(120_000);
    assert!(!online());
    ann.network().set(NetworkConditions::none());
    assert_eq!(kit.until(edit.applied()).unwrap().0, 3);
}

#[test]
fn a_frame_that_is_always_lost_breaks_the_connection_and_the_client_comes_back() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add(&ann, 0).applied()).unwrap();
    ann.network().set(conditions(|it| it.loss_percent = 100));
    let edit = add(&ann, 1);
    kit.advance_ms(60_000);
    assert!(edit.applied().now_or_never().is_none());
    assert_eq!(kit.server().connections(), 0);
    ann.network().set(NetworkConditions::none());
    kit.until(edit.applied()).unwrap();
    assert_eq!(kit.server().version(&home()).0, 2);
}

#[test]
fn a_narrow_line_takes_as_long_as_its_bytes() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add(&ann, 0).applied()).unwrap();
    ann.network()
        .set(conditions(|it| it.bytes_per_second = Some(1_000)));
    let before = ann.network().traffic();
    let made_ms = kit.now_ms();
    let text = "x".repeat(3_000);
    let edit = ann.edit(&home(), "Write", |edit| edit.set(note(0), Note::TEXT, text));
    kit.until(edit.applied()).unwrap();
    let sent = ann.network().traffic().bytes_sent - before.bytes_sent;
    assert!(sent > 3_000);
    assert!(kit.now_ms() - made_ms >= sent, "a byte a millisecond");
}

/// A value of so many bytes, in a leaf of a note that takes any.
fn large(bytes: usize) -> (LeafPath, Value) {
    let leaf = LeafPath::new("options/large").unwrap();
    (leaf, Value::from("x".repeat(bytes)))
}

/// Which connection this is, where it is online. A new one has another name.
fn session(person: &Person) -> Option<String> {
    match person.client().status().connection {
        Connection::Online { session, .. } => Some(session),
        _ => None,
    }
}

/// A board of 1.2 MB, and somebody who comes to it over such a network: when they have it whole.
fn joins_a_large_board(bad: NetworkConditions) -> u64 {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    for number in 0..20 {
        let edit = ann.edit(&home(), "Add a note", |edit| {
            edit.create(note(number), Note::NAME, [large(60_000)]);
        });
        kit.until(edit.applied()).unwrap();
    }
    let joined_ms = kit.now_ms();
    bob.network().set(bad);
    let board = bob.client().board(home());
    kit.until(board.loaded()).unwrap();
    assert_eq!(
        session(&bob).as_deref(),
        Some("link-1"),
        "the first connection"
    );
    assert_eq!(board.records().len(), 20);
    kit.now_ms() - joined_ms
}

#[test]
fn a_large_board_comes_whole_over_a_narrow_line_with_one_connection() {
    assert!(joins_a_large_board(NetworkConditions::poor()) > 20_000);
    let narrow = conditions(|it| it.bytes_per_second = Some(10_000));
    assert!(joins_a_large_board(narrow) > 120_000);
}

#[test]
fn a_large_edit_goes_out_over_a_narrow_line_with_one_connection() {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    kit.until(ann.client().board(home()).loaded()).unwrap();
    ann.network()
        .set(conditions(|it| it.bytes_per_second = Some(10_000)));
    let before = session(&ann);
    let made_ms = kit.now_ms();
    let edit = ann.edit(&home(), "Add notes", |edit| {
        for number in 0..4 {
            edit.create(note(number), Note::NAME, [large(50_000)]);
        }
    });
    // What others do meanwhile is heard, and says nothing about the push.
    kit.advance_ms(1_000);
    kit.until(add(&bob, 9).applied()).unwrap();
    kit.until(edit.applied()).unwrap();
    assert!(kit.now_ms() - made_ms > 20_000);
    assert!(before.is_some());
    assert_eq!(session(&ann), before);
}
