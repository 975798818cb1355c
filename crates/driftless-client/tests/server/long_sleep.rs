//! Away for a month: thousands of edits that were made without a connection arrive in slices, each
//! once, and whoever waits for them sees how far they are.
//!
//! `DRIFTLESS_LONG_SLEEP=10000` makes more of them, to measure (with `--release`).

use std::cell::{Cell, RefCell};

use driftless_model::{RecordId, Value, limits};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::view::{Connection, EntryProgress, EntryView};

use crate::world::{Person, Server, title};

const WIDGETS: usize = 500;

fn edits() -> usize {
    let said = std::env::var("DRIFTLESS_LONG_SLEEP").ok();
    said.map_or(1_000, |said| said.parse().expect("a number"))
}

fn widget(number: usize) -> RecordId {
    RecordId::new(format!("w{}", number % WIDGETS)).expect("an id")
}

fn name(person: &Person, number: usize) {
    let text = Value::from(format!("Title {number}"));
    let edit = person
        .board
        .edit("Rename", |edit| edit.set(widget(number), title(), text));
    edit.expect("a valid edit");
}

async fn fill_board(server: &Server) -> Person {
    let bob = Person::arrives(server.client("Bob")).await;
    for number in 0..WIDGETS {
        let edit = bob.board.edit("Add", |edit| {
            edit.create(widget(number), "note", [(title(), Value::from("new"))]);
        });
        edit.expect("a valid edit");
    }
    Person::meet(&[&bob], WIDGETS as u64).await;
    bob
}

fn is_under_way(entry: &EntryView) -> bool {
    matches!(entry.state, EntryProgress::Sealed { .. })
}

#[tokio::test]
async fn a_month_of_edits_on_five_hundred_widgets_is_sent_in_slices_and_ends_exact() {
    let edits = edits();
    let server = Server::start().await;
    let bob = fill_board(&server).await;
    let disk = MemoryRows::new();
    let ann = Person::arrives(server.client("Ann").storage(disk.clone())).await;
    ann.client.hold_network(true);
    ann.until(|ann| ann.client.status().connection == Connection::Offline)
        .await;
    (0..edits).for_each(|number| name(&ann, number));
    ann.until(|ann| ann.client.status().pending == edits).await;
    ann.client.shutdown().await;

    let ann = Person::opens(server.client("Ann").storage(disk).auto_connect(false));
    ann.until(|ann| ann.client.status().pending == edits).await;
    ann.client.connect();
    let seen = RefCell::new(Vec::new());
    let under_way_max = Cell::new(0);
    ann.until(|ann| {
        let outbox = ann.board.outbox();
        let under_way = outbox.iter().filter(|entry| is_under_way(entry)).count();
        under_way_max.set(under_way_max.get().max(under_way));
        seen.borrow_mut().push(outbox.len());
        outbox.is_empty()
    })
    .await;
    Person::meet(&[&ann, &bob], (WIDGETS + edits) as u64).await;
    let mut seen = seen.into_inner();
    seen.dedup();
    assert!(
        seen.is_sorted_by(|before, after| before > after),
        "{seen:?}"
    );
    assert!(seen.len() > 3, "whoever looks sees it go on: {seen:?}");
    assert!((1..=limits::IN_FLIGHT_MAX).contains(&under_way_max.get()));
    let last = bob.board.record(widget(edits - 1)).expect("a widget");
    let last = last.value(&title()).and_then(Value::as_text);
    assert_eq!(last, Some(&*format!("Title {}", edits - 1)));
}
