use proptest::prelude::*;

use super::*;
use crate::selector::series_name;

const NOW_MS: u64 = 1_000_000;
const BOUNDS: Bounds = Bounds {
    late_ms: 10_000,
    settle_ms: 1_000,
    samples_per_series_max: 4,
    samples_max: 6,
    series_max: 2,
};

fn named(text: &str) -> SeriesName {
    series_name(text).expect("a name")
}

fn sample(time_ms: u64, value: f64) -> Sample {
    Sample { time_ms, value }
}

fn push(store: &mut SeriesStore, name: &str, time_ms: u64) -> Result<(), PushError> {
    store.push(&named(name), sample(time_ms, 0.0), NOW_MS)
}

fn times(store: &SeriesStore, name: &str) -> Vec<u64> {
    let series = store.find(&named(name)).expect("it exists");
    series.samples().map(|sample| sample.time_ms).collect()
}

#[test]
fn late_samples_are_put_in_order_and_the_same_time_replaces() {
    let mut store = SeriesStore::new(BOUNDS);
    for (time_ms, value) in [(3, 3.0), (1, 1.0), (2, 2.0), (1, 9.0)] {
        let sample = sample(NOW_MS - 10 + time_ms, value);
        assert_eq!(store.push(&named("a"), sample, NOW_MS), Ok(()));
    }
    let series = store.find(&named("a")).expect("it exists");
    let values: Vec<_> = series.samples().map(|sample| sample.value).collect();
    assert_eq!(values, [9.0, 2.0, 3.0]);
    assert_eq!(store.samples(), 3);
}

#[test]
fn the_samples_of_a_series_and_of_all_are_bounded_until_some_are_released() {
    let mut store = SeriesStore::new(BOUNDS);
    for time_ms in NOW_MS..NOW_MS + 4 {
        assert_eq!(push(&mut store, "a", time_ms), Ok(()));
    }
    let full = Err(PushError::TooManyOfSeries { samples_max: 4 });
    assert_eq!(push(&mut store, "a", NOW_MS + 4), full);
    assert_eq!(push(&mut store, "a", NOW_MS + 3), Ok(()), "it replaces");
    for time_ms in NOW_MS..NOW_MS + 2 {
        assert_eq!(push(&mut store, "b", time_ms), Ok(()));
    }
    let full = Err(PushError::TooManySamples { samples_max: 6 });
    assert_eq!(push(&mut store, "b", NOW_MS + 2), full);
    let later_ms = NOW_MS + 11_000;
    assert!(store.settle(later_ms).is_some());
    store.release(later_ms);
    let pushed = store.push(&named("b"), sample(later_ms, 0.0), later_ms);
    assert_eq!((pushed, store.samples()), (Ok(()), 1));
}

#[test]
fn a_store_holds_what_the_limits_say() {
    let bounds = Bounds::default();
    assert_eq!(bounds.late_ms, SAMPLE_LATE_MS_MAX);
    assert_eq!(bounds.samples_per_series_max, SAMPLES_PER_SERIES_MAX);
    assert_eq!(bounds.samples_max, SAMPLES_MAX);
    assert_eq!(bounds.series_max, SERIES_MAX);
}

#[test]
fn a_sample_may_come_as_late_as_that_and_no_later() {
    let mut store = SeriesStore::new(BOUNDS);
    let oldest_ms = NOW_MS - BOUNDS.late_ms;
    assert_eq!(push(&mut store, "a", oldest_ms), Ok(()));
    let time_ms = oldest_ms - 1;
    let refused = Err(PushError::TooOld { time_ms, oldest_ms });
    assert_eq!(push(&mut store, "a", time_ms), refused);
}

#[test]
fn nothing_is_taken_before_what_is_settled_also_where_the_clock_goes_back() {
    let mut store = SeriesStore::new(BOUNDS);
    assert_eq!(push(&mut store, "a", NOW_MS), Ok(()));
    let settled = store.settle(NOW_MS + 10_999).expect("something");
    assert_eq!(settled.until_ms, NOW_MS);
    assert_eq!(store.settle(NOW_MS + 10_999), None);
    let refused = PushError::TooOld {
        time_ms: NOW_MS - 1,
        oldest_ms: NOW_MS,
    };
    assert_eq!(push(&mut store, "a", NOW_MS - 1), Err(refused));
    assert_eq!(push(&mut store, "a", NOW_MS), Ok(()));
}

#[test]
fn what_is_settled_is_taken_together_and_stays_until_it_is_released() {
    let bounds = Bounds {
        settle_ms: HOUR_MS,
        late_ms: HOUR_MS,
        ..Bounds::default()
    };
    let mut store = SeriesStore::new(bounds);
    let now_ms = 100 * HOUR_MS;
    for (time_ms, value) in [(1_000, 5.0), (2_000, 7.0), (61_000, 1.0), (HOUR_MS, 2.0)] {
        let sample = sample(now_ms + time_ms, value);
        let pushed = store.push(&named("a"), sample, now_ms + HOUR_MS);
        assert_eq!(pushed, Ok(()));
    }
    let settled = store.settle(now_ms + 2 * HOUR_MS).expect("an hour");
    let [series] = settled.series.as_slice() else {
        panic!("one series: {settled:?}");
    };
    assert_eq!(series.newest_ms(), now_ms + 61_000);
    let minutes: Vec<_> = series
        .minutes
        .iter()
        .map(|it| (it.start_ms, it.count))
        .collect();
    assert_eq!(minutes, [(now_ms, 2), (now_ms + 60_000, 1)]);
    assert_eq!(
        (series.hours.len(), series.hours[0].sum.to_bits()),
        (1, 13_f64.to_bits())
    );
    // From 5 to 7, and anew to 1: three in a minute.
    assert_eq!(
        (
            series.hours[0].increase.to_bits(),
            series.hours[0].elapsed_ms
        ),
        (3_f64.to_bits(), 60_000)
    );
    assert_eq!(times(&store, "a").len(), 4);
    store.release(settled.until_ms);
    assert_eq!((times(&store, "a").len(), store.samples()), (1, 1));
    let next = store.settle(now_ms + 3 * HOUR_MS).expect("another hour");
    let rollup = &next.series[0].hours[0];
    assert_eq!(
        (rollup.increase.to_bits(), rollup.count),
        (1_f64.to_bits(), 1),
        "since the one before"
    );
}

#[test]
fn a_sample_may_be_five_minutes_ahead_and_no_more() {
    let mut store = SeriesStore::new(BOUNDS);
    let time_ms = NOW_MS + SAMPLE_AHEAD_MS_MAX;
    assert_eq!(push(&mut store, "a", time_ms), Ok(()));
    let (time_ms, now_ms) = (time_ms + 1, NOW_MS);
    assert_eq!(
        push(&mut store, "a", time_ms),
        Err(PushError::Ahead { time_ms, now_ms })
    );
}

#[test]
fn the_number_of_series_is_bounded_and_a_dropped_one_makes_room() {
    let mut store = SeriesStore::new(BOUNDS);
    assert_eq!(push(&mut store, "a", NOW_MS), Ok(()));
    assert_eq!(push(&mut store, "b", NOW_MS), Ok(()));
    let refused = Err(PushError::TooManySeries { series_max: 2 });
    assert_eq!(push(&mut store, "c", NOW_MS), refused);
    let later_ms = NOW_MS + 11_000;
    let pushed = store.push(&named("a"), sample(later_ms, 0.0), later_ms);
    assert_eq!(pushed, Ok(()));
    store.settle(later_ms);
    store.release(later_ms);
    assert_eq!(push(&mut store, "c", later_ms), Ok(()));
    assert!(store.find(&named("b")).is_none());
    assert_eq!(times(&store, "a"), [later_ms]);
}

#[test]
fn what_cannot_be_shown_is_refused_and_begins_no_series() {
    let mut store = SeriesStore::new(BOUNDS);
    for value in [f64::NAN, f64::INFINITY] {
        let refused = store.push(&named("a"), sample(NOW_MS, value), NOW_MS);
        assert_eq!(refused, Err(PushError::NotFinite));
    }
    let mut name = named("a");
    name.name.push('{');
    let refused = store.push(&name, sample(NOW_MS, 0.0), NOW_MS);
    assert!(matches!(refused, Err(PushError::Name(_))));
    assert!(store.is_empty());
}

#[test]
fn what_is_not_stored_yet_is_taken_out_by_the_minute_and_comes_back_if_it_fails() {
    let mut store = SeriesStore::new(BOUNDS);
    assert_eq!(push(&mut store, "a", NOW_MS), Ok(()));
    assert_eq!(store.take_dirty(), [], "nobody stores");
    let minute_ms = NOW_MS - NOW_MS % MINUTE_MS;
    store.resume(minute_ms);
    assert_eq!(
        store.recall(&named("b"), sample(minute_ms - 1, 1.0)),
        Ok(())
    );
    assert_eq!(store.recall(&named("b"), sample(minute_ms, 1.0)), Ok(()));
    assert_eq!(push(&mut store, "a", NOW_MS + 1), Ok(()));
    let taken = store.take_dirty();
    let [minute] = taken.as_slice() else {
        panic!("one minute: {taken:?}");
    };
    assert_eq!((minute.start_ms, minute.samples.len()), (minute_ms, 2));
    assert_eq!(store.take_dirty(), []);
    store.put_back_dirty(minute.id, minute.start_ms);
    assert_eq!(store.take_dirty(), taken);
}

proptest! {
    #[test]
    fn samples_stay_in_order_and_within_bounds(
        pushes in prop::collection::vec((0..3_u8, 0..20_000_u64, 0..500_u64), 0..60),
    ) {
        let mut store = SeriesStore::new(BOUNDS);
        let mut now_ms = NOW_MS;
        for (name, age_ms, pause_ms) in pushes {
            now_ms += pause_ms;
            let sample = sample(now_ms + 2_000 - age_ms, 1.0);
            let _ = store.push(&named(&format!("s{name}")), sample, now_ms);
            if pause_ms % 7 == 0 {
                store.settle(now_ms);
                store.release(now_ms);
            }
            prop_assert!(store.len() <= BOUNDS.series_max);
            let mut count = 0;
            for (_, series) in store.begun_after(SeriesId::default()) {
                let times: Vec<_> = series.samples().map(|sample| sample.time_ms).collect();
                prop_assert!(times.is_sorted_by(|one, other| one < other));
                prop_assert!((1..=4).contains(&times.len()));
                count += times.len();
            }
            prop_assert_eq!(count, store.samples());
            prop_assert!(count <= BOUNDS.samples_max);
        }
    }
}
