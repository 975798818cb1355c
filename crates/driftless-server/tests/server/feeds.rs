use driftless_protocol::feed::{Run, unpack};
use driftless_protocol::{
    Aggregate, ClientMessage, Code, Codec, FeedFrame, Query, SeriesName, ServerMessage,
};
use driftless_server::Driftless;

use crate::person::{Person, Server};

fn query(selector: &str) -> Query {
    Query {
        selector: selector.to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    }
}

fn series(name: &str) -> SeriesName {
    SeriesName {
        name: name.to_owned(),
        labels: [("core".to_owned(), "0".to_owned())].into(),
    }
}

async fn frame(person: &mut Person) -> (FeedFrame, Vec<Run>) {
    match person.message().await {
        ServerMessage::Feed(frame) => {
            let runs = unpack(&frame.points).expect("unpacks");
            (frame, runs)
        }
        other => panic!("no samples: {other:?}"),
    }
}

async fn open(person: &mut Person, feed: u32, selector: &str) {
    let query = query(selector);
    person.send(ClientMessage::OpenFeed { feed, query }).await;
}

#[tokio::test]
async fn a_feed_begins_whole_and_goes_on_with_what_changed() {
    let server = Server::start(Driftless::builder()).await;
    server.driftless.push_samples([(&series("load"), 1.5)]);
    for codec in [Codec::Json, Codec::MessagePack] {
        let (mut ann, _) = server.person_with(codec, 1, "Ann").await;
        open(&mut ann, 3, "load").await;
        let (first, runs) = frame(&mut ann).await;
        assert_eq!((first.feed, first.full, first.step_s), (3, true, 1));
        assert_eq!(first.series, [series("load")]);
        assert!(runs[0].values.contains(&1.5), "{runs:?}");
        server.driftless.push_samples([(&series("load"), 2.5)]);
        let increment = loop {
            let (next, runs) = frame(&mut ann).await;
            assert!(!next.full);
            if let Some(run) = runs.first() {
                break run.clone();
            }
        };
        assert_eq!(increment.values.last(), Some(&2.5));
        assert!(
            increment.values.len() <= 2,
            "only what changed: {increment:?}"
        );
        server.driftless.push_samples([(&series("load"), 1.5)]);
    }
}

#[tokio::test]
async fn a_query_is_evaluated_once_however_many_watch_it() {
    let server = Server::start(Driftless::builder()).await;
    server.driftless.push_samples([(&series("load"), 1.5)]);
    let mut people = Vec::new();
    for client in 1..=5 {
        let mut person = server.person(client, "Ann").await;
        open(&mut person, 1, "load").await;
        frame(&mut person).await;
        people.push(person);
    }
    assert_eq!(server.driftless.queries_watched(), 1);
    for person in &mut people {
        person.send(ClientMessage::CloseFeed { feed: 1 }).await;
        person.send(ClientMessage::Ping { nonce: 1 }).await;
        while !matches!(person.message().await, ServerMessage::Pong { nonce: 1 }) {}
    }
    assert_eq!(server.driftless.queries_watched(), 0);
}

#[tokio::test]
async fn a_query_that_cannot_be_answered_is_an_error_of_its_feed() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.person(1, "Ann").await;
    open(&mut ann, 9, "load{").await;
    let ServerMessage::Error { code, feed, .. } = ann.message().await else {
        panic!("no error");
    };
    assert_eq!((code, feed), (Code::BadQuery, Some(9)));
    ann.send(ClientMessage::Ping { nonce: 1 }).await;
    assert_eq!(ann.message().await, ServerMessage::Pong { nonce: 1 });
}

#[tokio::test]
async fn feeds_hold_at_their_limit_and_not_one_past_it() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.person(1, "Ann").await;
    let limit = u32::try_from(driftless_model::limits::FEEDS_PER_CONNECTION_MAX).expect("small");
    for feed in 0..=limit {
        open(&mut ann, feed, "nothing").await;
    }
    let mut full = 0;
    loop {
        match ann.message().await {
            ServerMessage::Feed(_) => full += 1,
            ServerMessage::Error { code, feed, .. } => {
                assert_eq!((code, feed), (Code::TooLarge, Some(limit)));
                break;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    while full < limit {
        frame(&mut ann).await;
        full += 1;
    }
}

#[cfg(feature = "host-metrics")]
#[tokio::test]
async fn this_machine_is_seen_at_once_and_goes_on_moving() {
    let server = Server::start(Driftless::builder().host_metrics()).await;
    let mut ann = server.person(1, "Ann").await;
    open(&mut ann, 1, "memory_used_percent").await;
    let (first, runs) = frame(&mut ann).await;
    assert!(first.full);
    let values: Vec<f64> = runs.iter().flat_map(|run| run.values.clone()).collect();
    assert!(!values.is_empty(), "back-filled on load");
    assert!(values.iter().all(|value| (0.0..=100.0).contains(value)));
    let (next, runs) = frame(&mut ann).await;
    assert!(!next.full);
    assert_eq!(runs.len(), 1);
    open(&mut ann, 2, "cpu_*").await;
    let names = loop {
        let (frame, _) = frame(&mut ann).await;
        if frame.feed == 2 && !frame.series.is_empty() {
            break frame.series;
        }
    };
    assert!(names.iter().any(|name| name.name == "cpu_usage_percent"));
    assert!(names.iter().any(|name| name.labels.contains_key("core")));
}
