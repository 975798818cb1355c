//! The kit, used as an adopter's test would.

use driftless_client::{ClientEvent, EditError};
use driftless_feeds::SeriesData;
use driftless_model::{BoardId, Note, RecordId, SortedMap, Value};
use driftless_protocol::{Aggregate, Query, SeriesName};
use driftless_sync::replica::view::Resolution;
use driftless_testkit::{Person, TestKit};
use futures::{FutureExt, StreamExt};

fn home() -> BoardId {
    BoardId::new("home").unwrap()
}

fn note() -> RecordId {
    RecordId::new("note").unwrap()
}

fn add_note(person: &Person, text: &str) -> driftless_client::EditHandle {
    let text = Value::from(text);
    person.edit(&home(), "Add a note", |edit| {
        edit.create(note(), "note", [(Note::TEXT.path(), text)]);
    })
}

fn write(person: &Person, text: &str) -> driftless_client::EditHandle {
    let text = text.to_owned();
    person.edit(&home(), "Write", |edit| {
        edit.set(note(), Note::TEXT, text);
    })
}

fn shown(person: &Person) -> Option<String> {
    let record = person.client().board(home()).record(note())?;
    record
        .value(&Note::TEXT.path())?
        .as_text()
        .map(str::to_owned)
}

fn stored(kit: &TestKit) -> Option<String> {
    let board = kit.server().board(&home());
    let text = board.record(&note())?.value(&Note::TEXT.path())?.as_text();
    text.map(str::to_owned)
}

#[test]
fn an_edit_is_stored_applied_and_shown_to_others() {
    let kit = TestKit::new();
    let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    bob.client().board(home());
    let edit = add_note(&ann, "hello");
    assert_eq!(kit.until(edit.stored()), Ok(()));
    assert_eq!(kit.until(edit.applied()).map(|version| version.0), Ok(1));
    kit.advance_ms(100);
    assert_eq!(shown(&bob).as_deref(), Some("hello"));
    assert_eq!(kit.server().connections(), 2);
}

#[test]
fn edits_wait_while_offline_and_arrive_once() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add_note(&ann, "first").applied()).unwrap();
    ann.go_offline();
    let edit = write(&ann, "second");
    kit.advance_ms(3_600_000);
    assert!(edit.applied().now_or_never().is_none());
    assert_eq!(shown(&ann).as_deref(), Some("second"));
    assert_eq!(stored(&kit).as_deref(), Some("first"));
    ann.go_online();
    kit.until(edit.applied()).unwrap();
    assert_eq!(stored(&kit).as_deref(), Some("second"));
    assert_eq!(kit.server().version(&home()).0, 2);
}

#[test]
fn a_cut_that_nobody_tells_of_is_found_by_silence() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    ann.cut_cable();
    let edit = add_note(&ann, "into the void");
    kit.advance_ms(5_000);
    assert_eq!(kit.server().version(&home()).0, 0);
    ann.mend_cable();
    kit.until(edit.applied()).unwrap();
    assert_eq!(kit.server().version(&home()).0, 1);
}

#[test]
fn a_lost_answer_does_not_apply_an_edit_twice() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add_note(&ann, "first").applied()).unwrap();
    kit.server().lose_next_answer();
    let edit = write(&ann, "second");
    kit.advance_ms(100);
    assert_eq!(kit.server().version(&home()).0, 2, "it is stored");
    assert_eq!(kit.until(edit.applied()).map(|version| version.0), Ok(2));
    kit.advance_ms(60_000);
    assert_eq!(kit.server().version(&home()).0, 2);
}

#[test]
fn a_killed_server_and_a_killed_client_lose_nothing() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add_note(&ann, "first").applied()).unwrap();
    kit.server().kill();
    write(&ann, "second");
    ann.restart();
    ann.client().board(home());
    kit.advance_ms(1_000);
    assert_eq!(shown(&ann).as_deref(), Some("second"));
    assert_eq!(ann.client().status().pending, 1);
    kit.server().start();
    kit.advance_ms(60_000);
    assert_eq!(ann.client().status().pending, 0);
    assert_eq!(stored(&kit).as_deref(), Some("second"));
}

#[test]
fn a_scripted_person_makes_a_conflict_and_it_can_be_resolved_offline() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    kit.until(add_note(&ann, "first").applied()).unwrap();
    let bob = kit
        .script("Bob", &home())
        .after_ms(500)
        .edit("Write", |edit| {
            edit.set(note(), Note::TEXT, "Bob's".to_owned());
        })
        .after_ms(500)
        .act(Person::go_offline)
        .person();
    ann.go_offline();
    let mine = write(&ann, "Ann's");
    kit.advance_ms(1_000);
    ann.go_online();
    assert_eq!(kit.until(mine.applied()), Err(EditError::Conflicted));
    ann.go_offline();
    let board = ann.client().board(home());
    let entry = board.outbox().first().cloned().expect("the conflict waits");
    let resolved = board.resolve(&entry, Resolution::KeepMine);
    resolved.expect("nothing changed");
    ann.go_online();
    kit.advance_ms(10_000);
    assert_eq!(stored(&kit).as_deref(), Some("Ann's"));
    assert_eq!(shown(&bob).as_deref(), Some("Bob's"), "he is offline");
}

#[test]
fn samples_reach_those_who_watch_within_a_second() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    let feed = ann.client().feed(Query {
        selector: "load".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    });
    let name = SeriesName {
        name: "load".to_owned(),
        labels: SortedMap::new(),
    };
    kit.settle();
    kit.server().push_samples([(&name, 0.5)]).unwrap();
    kit.advance_ms(2_000);
    let data = feed.data();
    let latest = data.series.first().and_then(SeriesData::latest);
    assert_eq!(latest.map(|(_, value)| value), Some(0.5));
}

#[test]
fn a_restarted_client_is_one_connection_and_hears_no_errors() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    let mut events = ann.client().events();
    ann.restart();
    kit.advance_ms(1_000);
    while let Some(Some(event)) = events.next().now_or_never() {
        assert!(!matches!(event, ClientEvent::Error(_)), "{event:?}");
    }
    assert_eq!(kit.server().connections(), 1);
}

#[test]
#[should_panic(expected = "ten minutes passed")]
fn waiting_for_what_cannot_come_panics() {
    let kit = TestKit::new();
    let ann = kit.person("Ann");
    ann.go_offline();
    let edit = add_note(&ann, "never sent");
    let _ = kit.until(edit.applied());
}
