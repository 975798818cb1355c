use std::collections::BTreeMap;

use driftless_model::limits::{FEED_CHANGES_MAX, SERIES_PER_QUERY_MAX};
use driftless_protocol::feed::unpack;
use driftless_protocol::{Aggregate, Query, SeriesName};
use proptest::prelude::*;

use super::{Answer, Evaluator, Mark};
use crate::data::FeedData;
use crate::query::QueryError;
use crate::selector::{Selector, series_name};
use crate::series::{Bounds, Sample, SeriesStore};

const NOW_MS: u64 = 1_000_000;
const QUERY_WINDOW_S: u32 = 10;

fn query(aggregate: Aggregate, step_s: u32) -> Query {
    Query {
        selector: "s*".into(),
        window_s: QUERY_WINDOW_S,
        step_s,
        aggregate,
    }
}

fn named(number: usize) -> SeriesName {
    series_name(&format!("s{number}")).expect("a name")
}

fn push(store: &mut SeriesStore, series: usize, time_ms: u64, value: f64, now_ms: u64) {
    let sample = Sample { time_ms, value };
    store
        .push(&named(series), sample, now_ms)
        .expect("it is within the bounds");
}

type Reference = BTreeMap<SeriesName, BTreeMap<u64, u64>>;

/// The answer as somebody would compute it who has all the time in the world; values as bits.
fn slow_answer(store: &SeriesStore, query: &Query, now_ms: u64) -> Reference {
    let step_ms = u64::from(query.step_s) * 1_000;
    let last = now_ms / step_ms;
    let first = (last + 1).saturating_sub(u64::from(query.window_s.div_ceil(query.step_s)));
    let selector = Selector::parse(&query.selector).expect("a selector");
    let mut answer = Reference::new();
    for series in store.matching(&selector) {
        for bucket in first..=last {
            let samples = series.samples().filter(|it| it.time_ms / step_ms == bucket);
            let values: Vec<f64> = samples.map(|sample| sample.value).collect();
            let Some(latest) = values.last() else {
                continue;
            };
            let sum: f64 = values.iter().sum();
            let value = match query.aggregate {
                Aggregate::Avg => sum / f64::from(u32::try_from(values.len()).expect("few")),
                Aggregate::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
                Aggregate::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Aggregate::Sum => sum,
                Aggregate::Count => f64::from(u32::try_from(values.len()).expect("few")),
                Aggregate::Last => *latest,
            };
            let buckets = answer.entry((**series.name()).clone()).or_default();
            buckets.insert(bucket, (value + 0.0).to_bits());
        }
    }
    answer
}

fn told(answer: &Answer) -> Reference {
    let mut told = Reference::new();
    for run in &answer.runs {
        let name = (*answer.series[run.series as usize]).clone();
        let buckets = told.entry(name).or_default();
        for (bucket, value) in (run.first_bucket..).zip(&run.values) {
            buckets.insert(bucket, value.to_bits());
        }
    }
    assert_eq!(told.len(), answer.series.len(), "each series has a value");
    told
}

#[derive(Debug, Clone)]
enum Step {
    Push {
        series: usize,
        age_ms: i64,
        value: i8,
    },
    Pass {
        pause_ms: u64,
    },
    ClockBack {
        by_ms: u64,
    },
    Tick,
    Look {
        viewer: usize,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize, -3_000..14_000_i64, any::<i8>())
            .prop_map(|(series, age_ms, value)| Step::Push { series, age_ms, value }),
        4 => (0..2_500_u64).prop_map(|pause_ms| Step::Pass { pause_ms }),
        1 => (0..20_000_u64).prop_map(|pause_ms| Step::Pass { pause_ms }),
        1 => (0..5_000_u64).prop_map(|by_ms| Step::ClockBack { by_ms }),
        6 => Just(Step::Tick),
        4 => (0..2_usize).prop_map(|viewer| Step::Look { viewer }),
    ]
}

fn any_aggregate() -> impl Strategy<Value = Aggregate> {
    prop::sample::select(vec![
        Aggregate::Avg,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Sum,
        Aggregate::Count,
        Aggregate::Last,
    ])
}

fn look(evaluator: &Evaluator, mark: &mut Mark, data: &mut FeedData) {
    if let Some(answer) = evaluator.since(*mark) {
        let frame = answer.frame(1);
        assert_eq!(
            unpack(&frame.points).map(|runs| runs.len()),
            Ok(answer.runs.len())
        );
        data.apply(&frame).expect("frames fit on one another");
        *mark = answer.mark;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_viewer_ends_with_the_full_answer_and_that_is_the_slow_one(
        aggregate in any_aggregate(),
        step_s in 1..4_u32,
        samples_per_series_max in 1..12_usize,
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let bounds = Bounds { retention_ms: 12_000, samples_per_series_max, series_max: 3 };
        let query = query(aggregate, step_s);
        let mut store = SeriesStore::new(bounds);
        let mut evaluator = Evaluator::new(query.clone()).expect("allowed");
        let mut viewers = [0, 1].map(|_| (Mark::default(), FeedData::new(&query)));
        let mut now_ms = NOW_MS;
        for step in steps {
            match step {
                Step::Push { series, age_ms, value } => {
                    let time_ms = now_ms.saturating_add_signed(-age_ms);
                    let sample = Sample { time_ms, value: f64::from(value) };
                    let _ = store.push(&named(series), sample, now_ms);
                }
                Step::Pass { pause_ms } => now_ms += pause_ms,
                Step::ClockBack { by_ms } => now_ms -= by_ms,
                Step::Look { viewer } => {
                    let (mark, data) = &mut viewers[viewer];
                    look(&evaluator, mark, data);
                }
                Step::Tick => {
                    store.expire(now_ms);
                    evaluator.advance(&store, now_ms);
                    let expected = slow_answer(&store, &query, now_ms);
                    prop_assert_eq!(told(&evaluator.full()), expected);
                }
            }
        }
        evaluator.advance(&store, now_ms);
        let mut fresh = FeedData::new(&query);
        fresh.apply(&evaluator.full().frame(1)).expect("a full frame");
        for (mark, data) in &mut viewers {
            look(&evaluator, mark, data);
            // A frame that would bring no news is not sent, and the window moves with the next.
            let mut expected = fresh.clone();
            expected.now_ms = data.now_ms;
            let window = evaluator.buckets.clone();
            data.series.iter_mut().for_each(|series| series.keep(&window));
            prop_assert_eq!(&*data, &expected);
            prop_assert_eq!(evaluator.since(evaluator.mark()), None);
        }
    }
}

fn three_series() -> (SeriesStore, Evaluator) {
    let mut store = SeriesStore::new(Bounds::default());
    for series in 0..3 {
        push(&mut store, series, NOW_MS - 5_000, 1.0, NOW_MS);
        push(&mut store, series, NOW_MS, 2.0, NOW_MS);
    }
    let mut evaluator = Evaluator::new(query(Aggregate::Last, 1)).expect("allowed");
    evaluator.advance(&store, NOW_MS);
    (store, evaluator)
}

#[test]
fn a_viewer_gets_only_the_buckets_that_changed_since_its_mark() {
    let (mut store, mut evaluator) = three_series();
    let mark = evaluator.mark();
    push(&mut store, 1, NOW_MS + 1_000, 3.0, NOW_MS + 1_000);
    evaluator.advance(&store, NOW_MS + 1_000);
    push(&mut store, 1, NOW_MS + 2_000, 4.0, NOW_MS + 2_000);
    push(&mut store, 1, NOW_MS - 5_000, 5.0, NOW_MS + 2_000);
    push(&mut store, 2, NOW_MS, 2.0, NOW_MS + 2_000);
    evaluator.advance(&store, NOW_MS + 2_000);
    let answer = evaluator.since(mark).expect("news");
    assert!(!answer.full && answer.series.is_empty());
    let runs: Vec<_> = answer
        .runs
        .iter()
        .map(|run| (run.series, run.first_bucket, run.values.as_slice()))
        .collect();
    let bucket = NOW_MS / 1_000;
    let expected: [(u32, u64, &[f64]); 2] = [(1, bucket - 5, &[5.0]), (1, bucket + 1, &[3.0, 4.0])];
    assert_eq!(runs, expected);
}

#[test]
fn a_new_series_comes_whole_with_the_next_number() {
    let (mut store, mut evaluator) = three_series();
    let mark = evaluator.mark();
    push(&mut store, 7, NOW_MS - 3_000, 1.0, NOW_MS);
    push(&mut store, 7, NOW_MS, 2.0, NOW_MS);
    evaluator.advance(&store, NOW_MS);
    let answer = evaluator.since(mark).expect("news");
    assert!(!answer.full);
    assert_eq!(*answer.series[0], named(7));
    assert_eq!(answer.runs.len(), 2);
    assert!(answer.runs.iter().all(|run| run.series == 3));
}

#[test]
fn a_series_that_leaves_renumbers_the_others_in_a_full_answer() {
    let (mut store, mut evaluator) = three_series();
    let mark = evaluator.mark();
    let later_ms = NOW_MS + u64::from(QUERY_WINDOW_S) * 1_000;
    push(&mut store, 1, later_ms, 1.0, later_ms);
    evaluator.advance(&store, later_ms);
    let answer = evaluator.since(mark).expect("news");
    assert!(answer.full);
    assert_eq!(
        answer
            .series
            .iter()
            .map(|it| (**it).clone())
            .collect::<Vec<_>>(),
        [named(1)]
    );
    push(&mut store, 0, later_ms, 1.0, later_ms);
    evaluator.advance(&store, later_ms);
    let answer = evaluator.since(answer.mark).expect("news");
    assert!(!answer.full);
    assert_eq!(*answer.series[0], named(0));
}

#[test]
fn a_viewer_whose_changes_are_dropped_gets_the_full_answer() {
    let (mut store, mut evaluator) = three_series();
    let mark = evaluator.mark();
    let mut value = 2.0;
    for _ in 0..=FEED_CHANGES_MAX / 3 {
        value += 1.0;
        (0..3).for_each(|series| push(&mut store, series, NOW_MS, value, NOW_MS));
        evaluator.advance(&store, NOW_MS);
    }
    assert!(evaluator.since(mark).is_some_and(|answer| answer.full));
    let recent = Mark(evaluator.mark().0 - 100);
    let answer = evaluator.since(recent).expect("news");
    assert!(!answer.full);
    assert_eq!(answer.runs.len(), 3);
}

#[test]
fn the_series_of_an_answer_are_bounded_and_the_rest_is_told() {
    let mut store = SeriesStore::new(Bounds::default());
    let mut evaluator = Evaluator::new(query(Aggregate::Last, 1)).expect("allowed");
    for series in 0..SERIES_PER_QUERY_MAX {
        push(&mut store, series, NOW_MS, 1.0, NOW_MS);
    }
    evaluator.advance(&store, NOW_MS);
    assert_eq!(evaluator.overflow(), None);
    push(&mut store, SERIES_PER_QUERY_MAX, NOW_MS, 1.0, NOW_MS);
    evaluator.advance(&store, NOW_MS);
    let matching = SERIES_PER_QUERY_MAX + 1;
    assert_eq!(
        evaluator.overflow(),
        Some(QueryError::TooManySeries { matching })
    );
    assert_eq!(evaluator.full().series.len(), SERIES_PER_QUERY_MAX);
}

#[test]
fn a_new_viewer_of_an_empty_answer_is_told_that_it_is_empty() {
    let store = SeriesStore::new(Bounds::default());
    let mut evaluator = Evaluator::new(query(Aggregate::Last, 1)).expect("allowed");
    evaluator.advance(&store, NOW_MS);
    let answer = evaluator.since(Mark::default()).expect("a full answer");
    assert!(answer.full && answer.series.is_empty());
    assert_eq!(evaluator.since(answer.mark), None);
}

#[test]
fn a_query_that_cannot_be_answered_is_refused() {
    let refused = |query| Evaluator::new(query).map(|_| ()).expect_err("refused");
    let base = query(Aggregate::Avg, 1);
    let selector = "s{".to_owned();
    assert!(matches!(
        refused(Query {
            selector,
            ..base.clone()
        }),
        QueryError::Selector(_)
    ));
    assert_eq!(refused(Query { step_s: 0, ..base }), QueryError::NoStep);
}
