//! Live samples.

use driftless_client::{ClientEvent, Feed};
use driftless_protocol::feed::{Run, pack};
use driftless_protocol::{Aggregate, ClientMessage, FeedFrame, Query, SeriesName, ServerMessage};

use crate::faulty::Disk;
use crate::stage::{Peer, Stage, drain};
use driftless_model::SortedMap;

fn query() -> Query {
    Query {
        selector: "cpu".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Avg,
    }
}

fn frame(feed: &Feed, full: bool, series: u32, value: f64) -> ServerMessage {
    let name = SeriesName {
        name: "cpu".to_owned(),
        labels: SortedMap::new(),
    };
    let run = Run {
        series,
        first_bucket: 1_000,
        values: vec![value],
    };
    ServerMessage::Feed(FeedFrame {
        feed: feed.id(),
        full,
        now_ms: 1_000_500,
        step_s: 1,
        series: if full { vec![name] } else { vec![] },
        points: pack(&[run]),
    })
}

fn opened(peer: &mut Peer) -> usize {
    let is_open = |message: &ClientMessage| matches!(message, ClientMessage::OpenFeed { .. });
    peer.heard()
        .iter()
        .filter(|message| is_open(message))
        .count()
}

fn latest(feed: &Feed) -> Option<f64> {
    feed.data().latest().map(|(_, _, value)| value).next()
}

#[test]
fn a_feed_is_opened_shown_and_closed_with_its_last_handle() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let feed = client.feed(query());
    stage.settle();
    assert_eq!(opened(&mut peer), 1);
    assert!(!feed.data().is_loaded);
    let mut events = client.events();
    peer.say(&frame(&feed, true, 0, 0.5));
    stage.pass_ms(100);
    assert_eq!((feed.data().is_loaded, latest(&feed)), (true, Some(0.5)));
    let told = ClientEvent::Feed { feed: feed.id() };
    assert!(drain(&mut events).contains(&told));
    let other = feed.clone();
    drop(feed);
    stage.settle();
    assert_eq!(peer.heard(), []);
    let id = other.id();
    drop(other);
    stage.settle();
    assert_eq!(peer.heard(), [ClientMessage::CloseFeed { feed: id }]);
}

#[test]
fn an_increment_that_does_not_fit_is_answered_by_asking_again() {
    let mut stage = Stage::new();
    let (client, mut peer) = stage.online(Disk::default());
    let feed = client.feed(query());
    stage.settle();
    opened(&mut peer);
    peer.say(&frame(&feed, false, 9, 0.5));
    stage.pass_ms(100);
    assert_eq!(opened(&mut peer), 1);
    assert!(feed.data().error.is_some());
    peer.say(&frame(&feed, true, 0, 0.25));
    stage.pass_ms(100);
    assert_eq!(
        (feed.data().error.clone(), latest(&feed)),
        (None, Some(0.25))
    );
}

#[test]
fn a_feed_that_the_server_refuses_says_why() {
    let mut stage = Stage::new();
    let (client, peer) = stage.online(Disk::default());
    let feed = client.feed(query());
    stage.settle();
    peer.say(&ServerMessage::Error {
        code: driftless_protocol::Code::BadQuery,
        detail: "no such series".to_owned(),
        board: None,
        feed: Some(feed.id()),
    });
    stage.settle();
    assert_eq!(feed.data().error.as_deref(), Some("no such series"));
}
