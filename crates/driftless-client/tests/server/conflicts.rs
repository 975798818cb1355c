//! Both changed the same: what each resolution does, for both of them.

use driftless_client::EditError;
use driftless_model::{LeafRef, UserId, Value};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::view::{ConflictView, EntryProgress, EntryView, Resolution};

use crate::world::{Person, Server, applied, note, title};

/// Ann's "Mine" meets Bob's "Theirs", both on "Base".
async fn clash(server: &Server) -> (Person, Person, EntryView) {
    clash_on(server, MemoryRows::new()).await
}

async fn clash_on(server: &Server, disk: MemoryRows) -> (Person, Person, EntryView) {
    let ann = Person::arrives(server.client("Ann").storage(disk)).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("Base")).await;
    Person::meet(&[&ann, &bob], 1).await;
    ann.client.hold_network(true);
    let mine = ann.retitle("Mine");
    applied(bob.retitle("Theirs")).await;
    ann.client.hold_network(false);
    assert_eq!(mine.applied().await, Err(EditError::Conflicted));
    let entry = ann.conflict().await;
    ann.until(|ann| ann.title().as_deref() == Some("Theirs"))
        .await;
    (ann, bob, entry)
}

fn view(entry: &EntryView) -> &ConflictView {
    match &entry.state {
        EntryProgress::Conflicted(view) => view,
        other => panic!("a conflict: {other:?}"),
    }
}

async fn all_see(people: [&Person; 2], version: u64, text: &str) {
    Person::meet(&people, version).await;
    for person in people {
        assert_eq!(person.title().as_deref(), Some(text));
        assert_eq!(person.board.outbox().len(), 0);
    }
}

#[tokio::test]
async fn a_conflict_shows_base_mine_and_theirs_with_its_author() {
    let server = Server::start().await;
    let (_ann, _bob, entry) = clash(&server).await;
    let [leaf] = view(&entry).leaves.as_slice() else {
        panic!("one leaf: {entry:?}");
    };
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_text).map(str::to_owned);
    let shown = [&leaf.base, &leaf.theirs, &leaf.mine].map(text);
    assert_eq!(
        shown.map(Option::unwrap_or_default),
        ["Base", "Theirs", "Mine"]
    );
    assert_eq!(leaf.author.as_ref().map(UserId::as_str), Some("Bob"));
    assert!(leaf.is_stale);
}

#[tokio::test]
async fn keeping_mine_replaces_theirs_for_everybody() {
    let server = Server::start().await;
    let (ann, bob, entry) = clash(&server).await;
    ann.board
        .resolve(&entry, Resolution::KeepMine)
        .expect("nothing changed");
    all_see([&ann, &bob], 3, "Mine").await;
}

#[tokio::test]
async fn taking_theirs_settles_it_without_an_edit() {
    let server = Server::start().await;
    let (ann, bob, entry) = clash(&server).await;
    ann.board
        .resolve(&entry, Resolution::TakeTheirs)
        .expect("nothing changed");
    ann.until(|ann| ann.board.outbox().is_empty()).await;
    all_see([&ann, &bob], 2, "Theirs").await;
}

#[tokio::test]
async fn an_edited_merge_is_what_everybody_sees() {
    let server = Server::start().await;
    let (ann, bob, entry) = clash(&server).await;
    let at = LeafRef {
        record: note(),
        leaf: Some(title()),
    };
    let merged = vec![(at, Some(Value::from("Both")))];
    ann.board
        .resolve(&entry, Resolution::Merge(merged))
        .expect("nothing changed");
    all_see([&ann, &bob], 3, "Both").await;
}

#[tokio::test]
async fn a_conflict_survives_a_restart_and_can_be_settled_offline() {
    let server = Server::start().await;
    let disk = MemoryRows::new();
    let (ann, bob, _) = clash_on(&server, disk.clone()).await;
    ann.client.shutdown().await;
    let again = server.client("Ann").storage(disk).auto_connect(false);
    let ann = Person::opens(again);
    let entry = ann.conflict().await;
    ann.board
        .resolve(&entry, Resolution::KeepMine)
        .expect("nothing changed");
    ann.until(|ann| ann.title().as_deref() == Some("Mine"))
        .await;
    assert_eq!(
        (ann.client.status().conflicts, ann.client.status().pending),
        (0, 1)
    );
    ann.client.connect();
    all_see([&ann, &bob], 3, "Mine").await;
}

#[tokio::test]
async fn a_change_to_a_removed_record_can_bring_it_back() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("Base")).await;
    Person::meet(&[&ann, &bob], 1).await;
    ann.client.hold_network(true);
    let mine = ann.retitle("Mine");
    applied(bob.remove()).await;
    ann.client.hold_network(false);
    assert_eq!(mine.applied().await, Err(EditError::Conflicted));
    let entry = ann.conflict().await;
    let [removed] = view(&entry).removed.as_slice() else {
        panic!("one removed record: {entry:?}");
    };
    assert_eq!(removed.author.as_ref().map(UserId::as_str), Some("Bob"));
    ann.until(|ann| ann.title().is_none()).await;
    ann.board
        .resolve(&entry, Resolution::KeepMine)
        .expect("nothing changed");
    all_see([&ann, &bob], 3, "Mine").await;
}
