use std::collections::BTreeMap;
use std::sync::Arc;

use driftless_model::limits::{FEED_CHANGES_MAX, SERIES_PER_QUERY_MAX};
use driftless_protocol::feed::unpack;
use driftless_protocol::samples::HOUR_MS;
use driftless_protocol::{Aggregate, Query, Sample, SeriesName};
use proptest::prelude::*;

use super::{Answer, Evaluator, Mark};
use crate::data::FeedData;
use crate::history::{History, Wanted};
use crate::matching::Matching;
use crate::query::QueryError;

use crate::rollup::Settled;
use crate::selector::{Selector, series_name};
use crate::store::{Bounds, SeriesStore};

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
    let host = number % 2;
    series_name(&format!("s{{n=\"{number}\",host=\"{host}\"}}")).expect("a name")
}

fn push(store: &mut SeriesStore, series: usize, time_ms: u64, value: f64, now_ms: u64) {
    let sample = Sample { time_ms, value };
    store
        .push(&named(series), sample, now_ms)
        .expect("it is within the bounds");
}

type Reference = BTreeMap<SeriesName, BTreeMap<u64, f64>>;

/// Each group with the samples of its series, and the sample before each.
type Pairs = Vec<(Sample, Option<Sample>)>;

/// Everything that was ever taken, forgotten or not: by time, the value, and how many samples of
/// all series had come when the series last began. One that is gone from the store begins anew, and
/// its rate too.
type Taken = BTreeMap<SeriesName, BTreeMap<u64, (f64, usize)>>;

/// The answer as somebody would compute it who has all the time and the memory in the world.
fn slow_answer(taken: &Taken, query: &Query, now_ms: u64) -> Reference {
    let step_ms = u64::from(query.step_s) * 1_000;
    let last = now_ms / step_ms;
    let first = (last + 1).saturating_sub(u64::from(query.window_s.div_ceil(query.step_s)));
    let selector = Selector::parse(&query.selector).expect("a selector");
    let matching = Matching::new(&selector).expect("a selector");
    let mut groups = BTreeMap::<SeriesName, Vec<Pairs>>::new();
    for (name, samples) in taken.iter().filter(|(name, _)| matching.matches(name)) {
        let mut before: Option<(Sample, usize)> = None;
        let samples = samples.iter().map(|(time_ms, (value, began))| {
            let (time_ms, value) = (*time_ms, *value);
            (Sample { time_ms, value }, *began)
        });
        let pairs = samples.map(|(sample, began)| {
            let earlier = before.replace((sample, began));
            let earlier = earlier.filter(|(_, before)| *before == began);
            (sample, earlier.map(|(before, _)| before))
        });
        let group = groups.entry(matching.group_of(name)).or_default();
        group.push(pairs.collect());
    }
    let mut answer = Reference::new();
    for (name, group) in groups {
        for bucket in first..=last {
            let is_in = |(sample, _): &(Sample, _)| sample.time_ms / step_ms == bucket;
            let series = group
                .iter()
                .map(|it| it.iter().copied().filter(is_in).collect());
            if let Some(value) = slow_value(&series.collect::<Vec<Pairs>>(), query.aggregate) {
                answer
                    .entry(name.clone())
                    .or_default()
                    .insert(bucket, value);
            }
        }
    }
    answer
}

fn slow_value(group: &[Pairs], aggregate: Aggregate) -> Option<f64> {
    let mut values: Vec<f64> = group.iter().flatten().map(|(it, _)| it.value).collect();
    let count = f64::from(u32::try_from(values.len()).expect("few"));
    let sum: f64 = values.iter().sum();
    if let Some(share) = aggregate.quantile() {
        values.sort_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = (share * count).ceil() as usize;
        return values.get(rank.max(1) - 1).copied();
    }
    if aggregate == Aggregate::Rate {
        let rates = group.iter().filter_map(slow_rate);
        return rates.reduce(|sum, rate| sum + rate);
    }
    let mut newest = group.iter().flatten().map(|(sample, _)| sample);
    let first = newest.next()?;
    Some(match aggregate {
        Aggregate::Avg => sum / count,
        Aggregate::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Aggregate::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Aggregate::Sum => sum,
        Aggregate::Count => count,
        _ => {
            let later = |one: Sample, other: &Sample| {
                let is_later = other.time_ms > one.time_ms;
                if is_later { *other } else { one }
            };
            newest.fold(*first, later).value
        }
    })
}

fn slow_rate(pairs: &Pairs) -> Option<f64> {
    let (mut grown, mut elapsed_ms) = (0.0, 0.0);
    for (sample, before) in pairs {
        let Some(before) = before else { continue };
        let is_anew = sample.value < before.value;
        grown += sample.value - if is_anew { 0.0 } else { before.value };
        elapsed_ms += f64::from(u32::try_from(sample.time_ms - before.time_ms).expect("short"));
    }
    (elapsed_ms > 0.0).then(|| grown * 1_000.0 / elapsed_ms)
}

fn told(answer: &Answer) -> Reference {
    let mut told = Reference::new();
    for run in &answer.runs {
        let name = (*answer.series[run.series as usize]).clone();
        let buckets = told.entry(name).or_default();
        for (bucket, value) in (run.first_bucket..).zip(&run.values) {
            buckets.insert(bucket, *value);
        }
    }
    assert_eq!(told.len(), answer.series.len(), "each series has a value");
    told
}

/// Percentiles are within a hundredth; everything else is exact, in these small whole numbers.
fn assert_told(answer: &Answer, expected: &Reference, aggregate: Aggregate) {
    let told = told(answer);
    let keys = |reference: &Reference| {
        let names = reference.iter();
        let buckets = names.flat_map(|(name, it)| it.keys().map(|at| (name.clone(), *at)));
        buckets.collect::<Vec<_>>()
    };
    assert_eq!(keys(&told), keys(expected), "{aggregate:?}");
    let error = aggregate.quantile().map_or(0.0, |_| 0.010_001);
    for (told, expected) in told.values().zip(expected.values()) {
        for (told, expected) in told.values().zip(expected.values()) {
            let is_close = (told - expected).abs() <= error * expected.abs();
            assert!(is_close, "{aggregate:?}: {told} is not {expected}");
        }
    }
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

fn any_query() -> impl Strategy<Value = Query> {
    let aggregate = Aggregate::NAMED.map(|(_, aggregate)| aggregate);
    let selector = ["s*", "s{n=~\"[01]\"}", "s by (host)", "s{n!~\"0\"} by ()"];
    let aggregate = prop::sample::select(aggregate.to_vec());
    let selector = prop::sample::select(selector.to_vec());
    (aggregate, selector, 1..4_u32).prop_map(|(aggregate, selector, step_s)| Query {
        selector: selector.to_owned(),
        ..query(aggregate, step_s)
    })
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

/// Advances it, and tells it what it lacks.
fn advance(evaluator: &mut Evaluator, store: &SeriesStore, taken: &Taken, now_ms: u64) {
    evaluator.advance(store, now_ms);
    let Some(wanted) = evaluator.take_wanted() else {
        return;
    };
    let history = taken.iter().map(|(name, samples)| {
        let mut history = History::new(Arc::new(name.clone()));
        let mut before: Option<(Sample, usize)> = None;
        for (time_ms, (value, began)) in samples {
            let earlier = before.filter(|(_, before)| before == began);
            let sample = Sample {
                time_ms: *time_ms,
                value: *value,
            };
            let earlier = earlier.map(|(sample, _)| sample);
            let last = history.add_samples(&[sample], &wanted, earlier);
            before = last.map(|last| (last, *began));
        }
        history
    });
    evaluator.recall(&wanted, history.collect());
    evaluator.advance(store, now_ms);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_viewer_ends_with_the_full_answer_and_that_is_the_slow_one(
        query in any_query(),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let bounds = Bounds {
            late_ms: 3_000,
            settle_ms: 2_000,
            samples_per_series_max: 12,
            series_max: 3,
            ..Bounds::default()
        };
        let mut store = SeriesStore::new(bounds);
        let (mut taken, mut began, mut pushes) = (Taken::new(), BTreeMap::new(), 0);
        let mut evaluator = Evaluator::new(query.clone()).expect("allowed");
        let mut viewers = [0, 1].map(|_| (Mark::default(), FeedData::new(&query)));
        let mut now_ms = NOW_MS;
        for step in steps {
            match step {
                Step::Push { series, age_ms, value } => {
                    let time_ms = now_ms.saturating_add_signed(-age_ms);
                    let sample = Sample { time_ms, value: f64::from(value) };
                    let name = named(series);
                    pushes += 1;
                    if store.find(&name).is_none() {
                        began.insert(name.clone(), pushes);
                    }
                    if store.push(&name, sample, now_ms).is_ok() {
                        let series = taken.entry(name.clone()).or_default();
                        series.insert(time_ms, (sample.value, began[&name]));
                    }
                }
                Step::Pass { pause_ms } => now_ms += pause_ms,
                Step::ClockBack { by_ms } => now_ms -= by_ms,
                Step::Look { viewer } => {
                    let (mark, data) = &mut viewers[viewer];
                    look(&evaluator, mark, data);
                }
                Step::Tick => {
                    store.settle(now_ms);
                    advance(&mut evaluator, &store, &taken, now_ms);
                    store.release(now_ms);
                    let expected = slow_answer(&taken, &query, now_ms);
                    assert_told(&evaluator.full(), &expected, query.aggregate);
                }
            }
        }
        advance(&mut evaluator, &store, &taken, now_ms);
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
    for selector in ["s{", "s{n=~\"(\"}", "s by"] {
        let selector = selector.to_owned();
        let error = refused(Query {
            selector,
            ..base.clone()
        });
        assert!(matches!(error, QueryError::Selector(_)), "{error}");
    }
    assert_eq!(refused(Query { step_s: 0, ..base }), QueryError::NoStep);
}

#[test]
fn a_group_goes_on_without_a_series_that_is_dropped() {
    let bounds = Bounds {
        late_ms: 5_000,
        settle_ms: 1_000,
        ..Bounds::default()
    };
    let mut store = SeriesStore::new(bounds);
    let selector = "s by ()".to_owned();
    let query = Query {
        selector,
        window_s: 60,
        ..query(Aggregate::Sum, 10)
    };
    let mut evaluator = Evaluator::new(query).expect("allowed");
    push(&mut store, 0, NOW_MS - 4_000, 3.0, NOW_MS);
    push(&mut store, 1, NOW_MS - 4_000, 4.0, NOW_MS);
    evaluator.advance(&store, NOW_MS);
    let mark = evaluator.mark();
    let later_ms = NOW_MS + 5_000;
    push(&mut store, 1, later_ms, 5.0, later_ms);
    store.settle(later_ms);
    evaluator.advance(&store, later_ms);
    store.release(later_ms);
    assert_eq!(store.len(), 1);
    evaluator.advance(&store, later_ms + 1_000);
    let values: Vec<_> = told(&evaluator.full()).into_values().collect();
    let buckets = [(99, 7.0), (100, 5.0)];
    assert_eq!(values, [BTreeMap::from(buckets)]);
    let answer = evaluator.since(mark).expect("news");
    assert!(!answer.full, "the group is the same series as before");
}

/// A store that settles real hours, and history by the minute of what it settled.
fn watched_for_hours(query: &Query) -> (SeriesStore, Evaluator, Vec<Settled>, u64) {
    let mut store = SeriesStore::new(Bounds::default());
    let mut evaluator = Evaluator::new(query.clone()).expect("allowed");
    let (mut settled, mut now_ms) = (Vec::new(), 1_000 * HOUR_MS);
    for round in 0..400_u32 {
        now_ms += 41_000;
        for series in 0..3 {
            let value = f64::from((round * 7 + u32::try_from(series).expect("few")) % 50);
            push(&mut store, series, now_ms, value, now_ms);
        }
        settled.extend(store.settle(now_ms));
        evaluator.advance(&store, now_ms);
        store.release(now_ms);
    }
    (store, evaluator, settled, now_ms)
}

fn recalled(wanted: &Wanted, settled: &[Settled]) -> Vec<History> {
    let series = settled.iter().flat_map(|it| &it.series);
    let history = series.map(|series| {
        let mut history = History::new(series.name.clone());
        history.add_rollups(series.minutes.clone(), wanted);
        history
    });
    history.collect()
}

#[test]
fn whoever_opens_late_sees_by_history_what_the_others_saw() {
    for (_, aggregate) in Aggregate::NAMED {
        for selector in ["s", "s by (host)"] {
            let query = Query {
                selector: selector.to_owned(),
                window_s: 4 * 3_600,
                step_s: 120,
                aggregate,
            };
            let (store, evaluator, settled, now_ms) = watched_for_hours(&query);
            assert!(settled.len() >= 3 && store.floor_ms() > 1_000 * HOUR_MS);
            let mut late = Evaluator::new(query.clone()).expect("allowed");
            late.advance(&store, now_ms);
            let wanted = late.take_wanted().expect("the store has two hours");
            assert_eq!(wanted.before_ms, store.floor_ms());
            assert!(told(&late.full()) != told(&evaluator.full()));
            late.recall(&wanted, recalled(&wanted, &settled));
            late.advance(&store, now_ms);
            assert_told(&late.full(), &told(&evaluator.full()), aggregate);
            assert_eq!(late.take_wanted(), None, "it is told once");
        }
    }
}

#[test]
fn history_that_was_wanted_before_the_clock_went_back_is_left_out() {
    let query = Query {
        window_s: 4 * 3_600,
        ..query(Aggregate::Sum, 60)
    };
    let (store, _, settled, now_ms) = watched_for_hours(&query);
    let mut late = Evaluator::new(query).expect("allowed");
    late.advance(&store, now_ms);
    let before = late.take_wanted().expect("the store has two hours");
    late.advance(&store, now_ms - 120_000);
    let after = late.take_wanted().expect("it begins anew");
    late.recall(&before, recalled(&before, &settled));
    late.advance(&store, now_ms - 120_000);
    let without = told(&late.full());
    late.recall(&after, recalled(&after, &settled));
    late.advance(&store, now_ms - 120_000);
    assert!(told(&late.full()) != without);
}
