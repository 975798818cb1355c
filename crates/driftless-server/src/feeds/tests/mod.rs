mod history;

use std::sync::Arc;

use driftless_feeds::{Bounds, Mark, SeriesStore};
use driftless_model::limits::PUSHES_AT_ONCE;
use driftless_protocol::{Aggregate, Query, SeriesName};
use driftless_sync::room::ConnectionId;

use crate::feeds::{FeedPlane, OpenFeed};
use crate::hub::Mailbox;
use crate::metrics::Metrics;

const NOW_MS: u64 = 1_700_000_000_000;

fn query(selector: &str) -> Query {
    Query {
        selector: selector.to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Last,
    }
}

fn cpu() -> SeriesName {
    SeriesName {
        name: "cpu".to_owned(),
        labels: [].into(),
    }
}

fn plane() -> Arc<FeedPlane> {
    let samples = SeriesStore::new(Bounds::default());
    let plane = Arc::new(FeedPlane::new(samples, None, Arc::new(Metrics::new())));
    plane.push([(&cpu(), 1.0)], NOW_MS);
    plane
}

fn open(plane: &Arc<FeedPlane>, connection: u64) -> OpenFeed {
    let mailbox = Arc::new(Mailbox::default());
    let connection = ConnectionId(connection);
    plane
        .open(query("cpu"), connection, &mailbox, NOW_MS)
        .expect("opens")
}

#[test]
fn equal_queries_are_one_however_many_watch_and_none_when_nobody_does() {
    let plane = plane();
    let feeds: Vec<_> = (1..=10)
        .map(|connection| open(&plane, connection))
        .collect();
    assert_eq!(plane.queries_watched(), 1);
    let answers: Vec<_> = feeds
        .iter()
        .map(|feed| feed.since(Mark::default()).expect("a first answer"))
        .collect();
    assert!(
        answers
            .iter()
            .all(|answer| Arc::ptr_eq(answer, &answers[0]))
    );
    drop(feeds);
    assert_eq!(plane.queries_watched(), 0);
}

#[test]
fn a_thousand_viewers_cost_one_evaluation_and_one_answer() {
    let plane = plane();
    let feeds: Vec<_> = (1..=1_000)
        .map(|connection| open(&plane, connection))
        .collect();
    let evaluations = || plane.metrics().evaluations.get();
    assert_eq!(evaluations(), 1, "when the first one opened it");
    let mark = feeds[0].since(Mark::default()).expect("an answer").mark;
    plane.push([(&cpu(), 2.0)], NOW_MS + 1_000);
    plane.evaluate(NOW_MS + 1_000);
    assert_eq!(evaluations(), 2);
    let answers = feeds.iter().map(|feed| feed.since(mark).expect("news"));
    let answers: Vec<_> = answers.collect();
    let is_first = |answer| Arc::ptr_eq(answer, &answers[0]);
    assert!(answers.iter().all(is_first), "made once, and shared");
    assert_eq!(evaluations(), 2);
}

#[test]
fn so_many_pushes_are_read_at_once_and_not_one_more() {
    let plane = plane();
    let turns: Vec<_> = (0..PUSHES_AT_ONCE)
        .map(|_| plane.reading().try_acquire().expect("a turn"))
        .collect();
    assert!(plane.reading().try_acquire().is_err());
    drop(turns);
    assert!(plane.reading().try_acquire().is_ok());
}

#[test]
fn a_viewer_that_skipped_gets_every_bucket_that_changed() {
    let plane = plane();
    let (quick, slow) = (open(&plane, 1), open(&plane, 2));
    let mut mark = quick.since(Mark::default()).expect("a first answer").mark;
    let slow_mark = slow.since(Mark::default()).expect("a first answer").mark;
    for second in 1..=3 {
        let now_ms = NOW_MS + second * 1_000;
        plane.push([(&cpu(), 2.0)], now_ms);
        plane.evaluate(now_ms);
        let answer = quick.since(mark).expect("something new");
        assert_eq!((answer.full, answer.runs[0].values.len()), (false, 1));
        mark = answer.mark;
    }
    assert!(quick.since(mark).is_none());
    let answer = slow.since(slow_mark).expect("something new");
    assert_eq!(answer.runs[0].values, [2.0, 2.0, 2.0]);
}

#[tokio::test]
async fn an_evaluation_rings_the_bell_of_viewers_until_their_last_feed_closes() {
    let plane = plane();
    let mailbox = Arc::new(Mailbox::default());
    let open = |selector| plane.open(query(selector), ConnectionId(1), &mailbox, NOW_MS);
    let feeds = [open("cpu").expect("opens"), open("c*").expect("opens")];
    let tick = plane.tick();
    plane.evaluate(NOW_MS + 1_000);
    assert_eq!(plane.tick(), tick + 1);
    mailbox.rung().await;
    drop(feeds);
    plane.evaluate(NOW_MS + 2_000);
    assert!(futures::poll!(Box::pin(mailbox.rung())).is_pending());
}

#[test]
fn a_query_that_cannot_be_read_is_refused_and_not_kept() {
    let plane = plane();
    let mailbox = Arc::new(Mailbox::default());
    let opened = plane.open(query("cpu{"), ConnectionId(1), &mailbox, NOW_MS);
    assert!(opened.is_err());
    assert_eq!(plane.queries_watched(), 0);
}
