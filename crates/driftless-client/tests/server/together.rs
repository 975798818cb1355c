//! People on one board at the same time.

use driftless_client::ClientEvent;
use driftless_model::{LeafPath, RecordId, SortedMap, UserId, Value};
use driftless_protocol::{Aggregate, Query, SeriesName};
use futures::StreamExt;

use crate::world::{Person, Server, applied, note, title};

#[tokio::test]
async fn two_people_see_each_others_edits_and_end_up_with_the_same_board() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("One")).await;
    bob.until(|bob| bob.title().as_deref() == Some("One")).await;
    let author = bob
        .board
        .record(note())
        .and_then(|record| record.leaves[&title()].author.clone());
    assert_eq!(author.as_ref().map(UserId::as_str), Some("Ann"));
    applied(bob.retitle("Two")).await;
    ann.until(|ann| ann.title().as_deref() == Some("Two")).await;
    Person::meet(&[&ann, &bob], 2).await;
    assert_eq!(
        ann.client
            .status()
            .user
            .map(|user| user.to_string())
            .as_deref(),
        Some("Ann")
    );
    assert_eq!(server.driftless().connections(), 2);
}

#[tokio::test]
async fn many_edits_of_two_people_at_once_are_all_applied_once() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    for number in 0..100 {
        for person in [&ann, &bob] {
            let name = person.client.status().user.expect("signed in");
            let record = RecordId::new(format!("{name}-{number}")).expect("an id");
            let edit = person.board.edit("Add", |edit| {
                edit.create(&record, "note", [(title(), Value::from("new"))]);
            });
            edit.expect("a valid edit");
        }
    }
    Person::meet(&[&ann, &bob], 200).await;
    assert_eq!(ann.board.records().len(), 200);
}

#[tokio::test]
async fn the_later_of_two_moves_wins_and_is_told_whose_it_replaced() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let bob = Person::arrives(server.client("Bob")).await;
    applied(ann.make_note("One")).await;
    bob.until(|bob| bob.title().is_some()).await;
    let layout = LeafPath::new("layout/lg").expect("a path");
    let place = |x: u32| Value::from([x, 0, 4, 2].map(Value::from).to_vec());
    let mark = bob.board.seen();
    let moved = ann
        .board
        .edit("Move", |edit| edit.set(note(), layout.clone(), place(1)));
    applied(moved.expect("a valid edit")).await;
    let mut events = bob.client.events();
    let moved = bob.board.edit("Move", |edit| {
        edit.seen(mark);
        edit.set(note(), layout.clone(), place(2));
    });
    applied(moved.expect("a valid edit")).await;
    Person::meet(&[&ann, &bob], 3).await;
    let shown = ann
        .board
        .record(note())
        .and_then(|record| record.value(&layout).cloned());
    assert_eq!(shown, Some(place(2)));
    let mut told = std::iter::from_fn(|| futures::FutureExt::now_or_never(events.next()).flatten());
    let replaced = |event: &ClientEvent| match event {
        ClientEvent::Replaced { value, author, .. } => {
            *value == Some(place(1)) && author.as_str() == "Ann"
        }
        _ => false,
    };
    assert!(told.any(|event| replaced(&event)));
}

#[tokio::test]
async fn samples_reach_a_feed() {
    let server = Server::start().await;
    let ann = Person::arrives(server.client("Ann")).await;
    let feed = ann.client.feed(Query {
        selector: "load".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    });
    let load = SeriesName {
        name: "load".to_owned(),
        labels: SortedMap::new(),
    };
    server.driftless().push_samples([(&load, 0.75)]);
    let latest = || feed.data().latest().map(|(_, _, value)| value).next();
    ann.until(|_| latest() == Some(0.75)).await;
    drop(feed);
}
