//! History: what feeds show after restarts, and of times that memory has let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use driftless_feeds::{Answer, Bounds, Mark, Retention, Sample, SeriesStore};
use driftless_model::UserId;
use driftless_model::limits::HISTORY_SERIES_MAX;
use driftless_protocol::push::Pushed;
use driftless_protocol::samples::{HOUR_MS, MINUTE_MS, Tier, unpack_rollups};
use driftless_protocol::{Aggregate, Query, SeriesName};
use driftless_store::server::{Chunk, Kept, MemorySamples, SampleBatch, SampleStore, StoreError};
use driftless_sync::room::ConnectionId;

use crate::clock::now_ms;
use crate::feeds::archive::Archive;
use crate::feeds::keeper::round;
use crate::feeds::plane::{FeedPlane, OpenFeed};
use crate::feeds::pushes::{Batch, Receipt};
use crate::hub::Mailbox;
use crate::metrics::Metrics;

fn counter() -> SeriesName {
    SeriesName {
        name: "requests_total".to_owned(),
        labels: [("host".to_owned(), "a".to_owned())].into(),
    }
}

async fn plane(store: &MemorySamples, retention: Retention) -> Arc<FeedPlane> {
    plane_of(store, retention).await
}

async fn plane_of<S: SampleStore + Clone>(store: &S, retention: Retention) -> Arc<FeedPlane> {
    let mut samples = SeriesStore::new(Bounds::default());
    let archive = Archive::open(Arc::new(store.clone()), retention, &mut samples, now_ms()).await;
    let archive = archive.expect("opens");
    let metrics = Arc::new(Metrics::new());
    Arc::new(FeedPlane::new(samples, Some(archive), metrics))
}

/// A sample every ten seconds up to a time, which grows by five each, evaluated and written.
async fn run(plane: &Arc<FeedPlane>, from_ms: u64, until_ms: u64) {
    let step_ms = 10_000;
    for time_ms in (from_ms..until_ms).step_by(10_000) {
        #[allow(clippy::cast_precision_loss, reason = "small")]
        let value = (time_ms / step_ms % 100_000 * 5) as f64;
        plane.push([(&counter(), value)], time_ms);
        if time_ms % MINUTE_MS == 0 {
            plane.evaluate(time_ms);
            assert!(write(plane, time_ms).await);
        }
    }
    plane.evaluate(until_ms);
    assert!(write(plane, until_ms).await);
}

async fn write(plane: &FeedPlane, now_ms: u64) -> bool {
    round(plane, plane.kept().expect("there is history"), now_ms).await
}

fn open(plane: &Arc<FeedPlane>, window_s: u32, step_s: u32, aggregate: Aggregate) -> OpenFeed {
    let query = Query {
        selector: "requests_total by ()".to_owned(),
        window_s,
        step_s,
        aggregate,
    };
    let mailbox = Arc::new(Mailbox::default());
    let opened = plane.open(query, ConnectionId(1), &mailbox, now_ms());
    opened.expect("opens")
}

fn values(answer: &Answer) -> Vec<f64> {
    let runs = answer.runs.iter();
    runs.flat_map(|run| run.values.iter().copied()).collect()
}

/// The values of a feed once history has come.
async fn shown(feed: &OpenFeed, least: usize) -> Vec<f64> {
    for _ in 0..10_000 {
        let answer = feed.since(Mark::default()).expect("a full answer");
        if values(&answer).len() >= least {
            return values(&answer);
        }
        tokio::task::yield_now().await;
    }
    let answer = feed.since(Mark::default()).expect("a full answer");
    panic!("only {} of {least} values", values(&answer).len());
}

/// The beginning of the hour that it is, so that what is run up to now is settled in parts.
fn this_hour_ms() -> u64 {
    now_ms() - now_ms() % HOUR_MS
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_with_everything_that_is_not_settled() {
    let store = MemorySamples::new();
    let end_ms = this_hour_ms();
    let before = plane(&store, Retention::default()).await;
    run(&before, end_ms - 5 * HOUR_MS, end_ms).await;
    let floor_ms = before.samples_mut().floor_ms();
    assert_eq!(
        floor_ms,
        end_ms - HOUR_MS,
        "four hours are settled and let go"
    );
    drop(before);
    let after = plane(&store, Retention::default()).await;
    assert_eq!(after.samples_mut().floor_ms(), floor_ms);
    assert_eq!(after.samples_mut().samples(), 360);
    for (aggregate, value) in [(Aggregate::Count, 6.0), (Aggregate::Rate, 0.5)] {
        // By the minute, from rollups; the last hour from memory.
        let feed = open(&after, 7 * 3_600, 60, aggregate);
        let shown = shown(&feed, 5 * 60).await;
        let wrong = shown
            .iter()
            .skip(1)
            .filter(|it| (**it - value).abs() > 1e-9);
        // The counter begins anew now and then, and a restart may cost the first pair.
        assert!(wrong.count() <= 3, "{aggregate:?}: {shown:?}");
    }
    // Finer than a minute, from the samples of a day.
    let feed = open(&after, 7 * 3_600, 10, Aggregate::Count);
    assert_eq!(shown(&feed, 5 * 360).await, vec![1.0; 5 * 360]);
}

#[tokio::test]
async fn a_series_that_lived_shorter_than_an_hour_is_settled_whole_after_a_restart() {
    let store = MemorySamples::new();
    let end_ms = this_hour_ms();
    let before = plane(&store, Retention::default()).await;
    run(&before, end_ms - 70 * MINUTE_MS, end_ms - 20 * MINUTE_MS).await;
    before.evaluate(end_ms);
    assert!(write(&before, end_ms).await);
    drop(before);
    let after = plane(&store, Retention::default()).await;
    assert_eq!(after.samples_mut().samples(), 40 * 6);
    after.evaluate(end_ms + HOUR_MS);
    assert!(write(&after, end_ms + HOUR_MS).await);
    let hours = store.read(Tier::Hours, &[1], 0, u64::MAX).await;
    let counts = hours.expect("reads").into_iter().flat_map(|chunk| {
        let rollups = unpack_rollups(&chunk.data).expect("unpacks");
        rollups.into_iter().map(|rollup| rollup.count)
    });
    assert_eq!(counts.collect::<Vec<_>>(), [10 * 6, 40 * 6]);
}

#[tokio::test]
async fn each_grain_is_forgotten_after_its_time_and_a_coarser_one_stays() {
    let store = MemorySamples::new();
    let end_ms = this_hour_ms();
    let retention = Retention {
        samples_ms: 2 * HOUR_MS,
        minutes_ms: 4 * HOUR_MS,
        hours_ms: 8 * HOUR_MS,
    };
    let plane = plane(&store, retention).await;
    run(&plane, end_ms - 12 * HOUR_MS, end_ms).await;
    for (tier, kept_ms) in [
        (Tier::Samples, 2 * HOUR_MS),
        (Tier::Minutes, 4 * HOUR_MS),
        (Tier::Hours, 8 * HOUR_MS),
    ] {
        let chunks = store.read(tier, &[1], 0, u64::MAX).await.expect("reads");
        let oldest_ms = chunks.first().expect("some are kept").start_ms;
        let least_ms = end_ms - kept_ms - tier.chunk_ms();
        assert!(
            oldest_ms >= least_ms,
            "{tier:?}: {} h",
            (end_ms - oldest_ms) / HOUR_MS
        );
        assert!(oldest_ms <= end_ms - kept_ms, "{tier:?}: {oldest_ms}");
    }
    let feed = open(&plane, 12 * 3_600, 3_600, Aggregate::Count);
    let shown = shown(&feed, 7).await;
    assert!(
        shown.iter().all(|count| (*count - 360.0).abs() < 0.5),
        "{shown:?}"
    );
}

#[tokio::test]
async fn a_series_past_its_time_is_forgotten_whole() {
    let store = MemorySamples::new();
    let end_ms = this_hour_ms();
    let retention = Retention {
        samples_ms: HOUR_MS,
        minutes_ms: HOUR_MS,
        hours_ms: HOUR_MS,
    };
    let plane = plane(&store, retention).await;
    run(&plane, end_ms - 6 * HOUR_MS, end_ms - 5 * HOUR_MS).await;
    assert_eq!(store.kept().await.expect("reads").series.len(), 1);
    plane.evaluate(now_ms());
    assert!(write(&plane, now_ms()).await);
    assert_eq!(store.kept().await.expect("reads").series, []);
    assert_eq!(plane.samples_mut().len(), 0);
}

#[tokio::test]
async fn there_is_history_of_so_many_series_and_the_longest_unseen_goes_first() {
    let plane = plane(&MemorySamples::new(), Retention::default()).await;
    let archive = &plane.kept().expect("there is history").archive;
    let now = now_ms();
    let see = |number: usize| {
        let mut name = counter();
        name.labels.insert("n".to_owned(), number.to_string());
        let seen_ms = now - 1_000 * u64::from(number != 5);
        archive.number(&Arc::new(name), seen_ms);
    };
    (0..HISTORY_SERIES_MAX).for_each(see);
    assert!(archive.forget(now).series.is_empty());
    see(HISTORY_SERIES_MAX);
    assert_eq!(archive.forget(now).series, [1_u64]);
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_while_costs_no_samples_after_the_next_start() {
    let store = MemorySamples::new();
    let now = now_ms();
    let before = plane(&store, Retention::default()).await;
    before.evaluate(now + 1_000 * HOUR_MS);
    assert!(write(&before, now + 1_000 * HOUR_MS).await);
    assert!(store.kept().await.expect("reads").settled_ms > now);
    let sample = Sample {
        time_ms: now,
        value: 1.0,
    };
    let refused = before.samples_mut().push(&counter(), sample, now);
    assert!(refused.is_err());
    let after = plane(&store, Retention::default()).await;
    let taken = after.samples_mut().push(&counter(), sample, now);
    assert_eq!(taken, Ok(()));
}

/// A store that refuses to write, and to read, as often as it is told.
#[derive(Clone, Default)]
struct Failing {
    inner: MemorySamples,
    failures: Arc<AtomicU32>,
    read_failures: Arc<AtomicU32>,
}

fn fail(failures: &AtomicU32) -> Result<(), StoreError> {
    let less = failures.try_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1));
    if less.is_ok() {
        let reason = "the disk is full".to_owned();
        return Err(StoreError::Unavailable { reason });
    }
    Ok(())
}

impl SampleStore for Failing {
    async fn kept(&self) -> Result<Kept, StoreError> {
        self.inner.kept().await
    }

    async fn write(&self, batch: SampleBatch) -> Result<(), StoreError> {
        fail(&self.failures)?;
        self.inner.write(batch).await
    }

    async fn read(
        &self,
        tier: Tier,
        series: &[u64],
        from_ms: u64,
        before_ms: u64,
    ) -> Result<Vec<Chunk>, StoreError> {
        fail(&self.read_failures)?;
        self.inner.read(tier, series, from_ms, before_ms).await
    }
}

fn batch(id: &str, now_ms: u64) -> Batch {
    Batch {
        user: UserId::new("Ann").expect("a user"),
        id: Some(id.to_owned()),
        samples: vec![Pushed {
            line: 1,
            name: counter(),
            time_ms: Some(now_ms),
            value: 1.0,
        }],
    }
}

/// Pushes a batch and writes once; what who pushed is told.
async fn push(plane: &FeedPlane, batch: &Batch) -> Option<Receipt> {
    let now = now_ms();
    let kept = plane.kept().expect("there is history");
    // What was pushed waits by the time that it is written.
    let (receipt, _) = futures::join!(plane.take(batch, now), round(plane, kept, now));
    receipt
}

#[tokio::test]
async fn a_push_that_could_not_be_stored_is_stored_once_when_it_comes_again() {
    let store = Failing::default();
    let plane = plane_of(&store, Retention::default()).await;
    let batch = batch("first", now_ms());
    store.failures.store(1, Ordering::Relaxed);
    assert_eq!(push(&plane, &batch).await, None);
    let kept = store.kept().await.expect("reads");
    assert_eq!((kept.series.len(), kept.pushes.len()), (0, 0));
    let receipt = push(&plane, &batch).await.expect("is stored");
    assert_eq!((receipt.accepted, receipt.duplicate), (1, true));
    let kept = store.kept().await.expect("reads");
    assert_eq!((kept.series.len(), kept.pushes.len()), (1, 1));
    assert_eq!(plane.samples_mut().samples(), 1);
}

#[tokio::test]
async fn a_push_of_which_nothing_was_taken_is_no_duplicate_when_it_comes_again() {
    let store = MemorySamples::new();
    let plane = plane(&store, Retention::default()).await;
    let mut batch = batch("first", now_ms());
    batch.samples[0].value = f64::NAN;
    for _ in 0..2 {
        let receipt = push(&plane, &batch).await.expect("an answer");
        assert_eq!((receipt.refused, receipt.duplicate), (1, false));
    }
    batch.samples[0].value = 1.0;
    let receipt = push(&plane, &batch).await.expect("an answer");
    assert_eq!((receipt.accepted, receipt.duplicate), (1, false));
    assert_eq!(store.kept().await.expect("reads").pushes.len(), 1);
}

#[tokio::test]
async fn what_could_not_be_settled_stays_in_memory_until_it_is() {
    let store = Failing::default();
    let plane = plane_of(&store, Retention::default()).await;
    let end_ms = this_hour_ms();
    plane.push([(&counter(), 1.0)], end_ms - 4 * HOUR_MS);
    plane.evaluate(end_ms - 4 * HOUR_MS);
    assert!(write(&plane, end_ms).await);
    plane.evaluate(end_ms);
    store.failures.store(1, Ordering::Relaxed);
    assert!(!write(&plane, end_ms).await);
    assert_eq!(plane.samples_mut().samples(), 1);
    assert!(write(&plane, end_ms).await);
    assert_eq!(plane.samples_mut().samples(), 0);
    let hours = store.read(Tier::Hours, &[1], 0, u64::MAX).await;
    assert_eq!(hours.expect("reads").len(), 1);
    assert_eq!(plane.metrics().history_failures.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn history_that_could_not_be_read_is_shown_once_it_can_be() {
    let store = Failing::default();
    let end_ms = this_hour_ms();
    let before = plane_of(&store, Retention::default()).await;
    run(&before, end_ms - 3 * HOUR_MS, end_ms).await;
    let after = plane_of(&store, Retention::default()).await;
    store.read_failures.store(2, Ordering::Relaxed);
    let feed = open(&after, 4 * 3_600, 60, Aggregate::Count);
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(after.metrics().history_failures.get(), 2);
    assert!(shown(&feed, 2 * 60).await.len() >= 2 * 60);
}

#[tokio::test]
async fn a_late_sample_is_written_over_what_was_written() {
    let store = MemorySamples::new();
    let now = now_ms();
    let before = plane(&store, Retention::default()).await;
    before.push([(&counter(), 1.0)], now);
    assert!(write(&before, now).await);
    let late = Sample {
        time_ms: now - 30 * 60_000,
        value: 2.0,
    };
    let pushed = before.samples_mut().push(&counter(), late, now);
    assert_eq!(pushed, Ok(()));
    assert!(write(&before, now).await);
    let after = plane(&store, Retention::default()).await;
    let samples = after.samples_mut();
    let series = samples.find(&counter()).expect("it is there");
    let values: Vec<_> = series.samples().map(|sample| sample.value).collect();
    assert_eq!(values, [2.0, 1.0]);
}
