//! Edits that are made without a connection arrive later, once.

use driftless_client::{EditError, NetworkConditions, NetworkControl};
use driftless_model::{RecordId, Value};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::view::Connection;

use crate::world::{Person, Server, applied, note, title};

fn add_note(person: &Person, number: usize) {
    let record = RecordId::new(format!("n{number}")).expect("an id");
    let edit = person.board.edit("Add", |edit| {
        edit.create(&record, "note", [(title(), Value::from("new"))]);
    });
    edit.expect("a valid edit");
}

#[tokio::test]
async fn edits_made_with_the_cable_out_arrive_once_when_it_is_back() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    ann.client.hold_network(true);
    ann.until(|ann| ann.client.status().connection == Connection::Offline)
        .await;
    (0..30).for_each(|number| add_note(&ann, number));
    ann.until(|ann| ann.client.status().pending == 30).await;
    assert_eq!(ann.board.records().len(), 30);
    assert_eq!(bob.board.records().len(), 0);
    ann.client.hold_network(false);
    Person::meet(&[&ann, &bob], 30).await;
    assert_eq!(bob.board.records().len(), 30);
}

#[tokio::test]
async fn over_a_network_that_is_slow_lossy_and_then_cut_edits_arrive_once() {
    let server = Server::start().await;
    let network = NetworkControl::new(7);
    let mut conditions = NetworkConditions::none();
    (conditions.latency_ms, conditions.loss_percent) = (5, 10);
    network.set(conditions);
    let ann = Person::with(server.client("Ann").start_over(&network));
    let bob = Person::arrives(server.client("Bob")).await;
    (0..20).for_each(|number| add_note(&ann, number));
    Person::meet(&[&ann, &bob], 20).await;
    assert!(network.traffic().frames_sent >= 20);

    conditions.is_cut = true;
    network.set(conditions);
    (20..30).for_each(|number| add_note(&ann, number));
    ann.until(|ann| ann.client.status().pending == 10).await;
    assert_eq!(bob.board.records().len(), 20);
    network.set(NetworkConditions::none());
    Person::meet(&[&ann, &bob], 30).await;
    ann.client.shutdown().await;
}

#[tokio::test]
async fn a_server_killed_with_edits_under_way_ends_up_with_each_of_them_once() {
    let mut server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    for round in 0..5 {
        (round * 40..round * 40 + 40).for_each(|number| add_note(&ann, number));
        ann.until(move |ann| ann.board.version().0 > round as u64 * 40)
            .await;
        server.kill().await;
        server.restart().await;
    }
    Person::meet(&[&ann], 200).await;
    let bob = Person::arrives(server.client("Bob")).await;
    Person::meet(&[&ann, &bob], 200).await;
    assert_eq!(bob.board.records().len(), 200);
}

#[tokio::test]
async fn a_client_that_starts_again_on_its_storage_sends_what_it_had_made() {
    let server = Server::start().await;
    let disk = MemoryRows::new();
    let offline = || {
        server
            .client("Ann")
            .storage(disk.clone())
            .auto_connect(false)
    };
    let ann = Person::opens(offline());
    let edit = ann.make_note("One");
    assert_eq!(edit.stored().await, Ok(()));
    ann.client.shutdown().await;
    assert_eq!(edit.applied().await, Err(EditError::Closed));
    let ann = Person::opens(offline());
    ann.until(|ann| ann.title().as_deref() == Some("One")).await;
    assert_eq!(ann.client.status().pending, 1);
    ann.client.connect();
    Person::meet(&[&ann], 1).await;
    ann.client.shutdown().await;
    let ann = Person::opens(server.client("Ann").storage(disk.clone()));
    let bob = Person::arrives(server.client("Bob")).await;
    Person::meet(&[&ann, &bob], 1).await;
}

#[tokio::test]
async fn what_happened_meanwhile_comes_with_the_reconnect() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("One")).await;
    Person::meet(&[&ann, &bob], 1).await;
    ann.client.hold_network(true);
    for number in 0..50 {
        applied(bob.retitle(&format!("Title {number}"))).await;
    }
    assert_eq!(ann.title().as_deref(), Some("One"));
    ann.client.hold_network(false);
    Person::meet(&[&ann, &bob], 51).await;
    assert_eq!(ann.title().as_deref(), Some("Title 49"));
    assert!(ann.board.record(note()).is_some());
}
