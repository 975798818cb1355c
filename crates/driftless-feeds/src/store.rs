//! The samples that the server holds, bounded in every direction.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use driftless_model::limits::SAMPLE_AHEAD_MS_MAX;
use driftless_protocol::SeriesName;

use crate::matching::Matching;
use crate::name::{self, NameError};
use crate::sample::Sample;
use crate::series::Series;

/// How much a [`SeriesStore`] holds. A sample takes 16 bytes, so the default bounds come to 700 MB
/// if every one of the series is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long a sample is kept, in milliseconds.
    pub retention_ms: u64,
    /// Most samples of one series; the oldest make room. At least 1.
    pub samples_per_series_max: usize,
    /// Most series; more are refused.
    pub series_max: usize,
}

impl Default for Bounds {
    /// Six hours of a sample a second, for 2,048 series.
    fn default() -> Self {
        Self {
            retention_ms: 6 * 3_600 * 1_000,
            samples_per_series_max: 6 * 3_600,
            series_max: 2_048,
        }
    }
}

/// Why a sample is not taken. All of them are the sender's to mend.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The series may not be called that.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a number that can be shown.
    #[error("a sample's value is a finite number; leave the sample out where there is none")]
    NotFinite,
    /// Older than what is kept.
    #[error(
        "the sample of {time_ms} ms is older than what this series keeps, from {oldest_ms} ms on; \
         send newer ones"
    )]
    TooOld {
        /// The sample's time, in milliseconds since 1970.
        time_ms: u64,
        /// The oldest time that would be taken, in milliseconds since 1970.
        oldest_ms: u64,
    },
    /// Further ahead than [`SAMPLE_AHEAD_MS_MAX`].
    #[error(
        "the sample of {time_ms} ms is more than five minutes ahead of the server's {now_ms} ms; \
         set the sender's clock, or send milliseconds since 1970"
    )]
    Ahead {
        /// The sample's time, in milliseconds since 1970.
        time_ms: u64,
        /// The server's time, in milliseconds since 1970.
        now_ms: u64,
    },
    /// A new series where there is room for none.
    #[error(
        "there are {series_max} series already; use fewer distinct labels, or wait until unused \
         series are dropped"
    )]
    TooManySeries {
        /// The bound.
        series_max: usize,
    },
}

/// A series within its store. Ascends with the order of first samples, and is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SeriesId(u64);

/// Every series of a server.
///
/// The rules of time: a sample may arrive late and is put in order; one of the same time as another
/// replaces it; one older than the retention, not newer than one of its series that was forgotten,
/// or further ahead than [`SAMPLE_AHEAD_MS_MAX`], is refused.
#[derive(Debug, Clone)]
pub struct SeriesStore {
    bounds: Bounds,
    series: BTreeMap<SeriesId, Series>,
    ids: HashMap<Arc<SeriesName>, SeriesId>,
    newest: SeriesId,
    revision: u64,
}

impl SeriesStore {
    /// An empty store.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            series: BTreeMap::new(),
            ids: HashMap::new(),
            newest: SeriesId::default(),
            revision: 0,
        }
    }

    /// Takes a sample; the first one of a name begins a series.
    pub fn push(
        &mut self,
        name: &SeriesName,
        sample: Sample,
        now_ms: u64,
    ) -> Result<(), PushError> {
        let oldest_ms = self.oldest_ms(now_ms);
        check_sample(sample, oldest_ms, now_ms)?;
        let id = match self.ids.get(name) {
            Some(id) => *id,
            None => self.begin(name)?,
        };
        let series = self.series.get_mut(&id).expect("ids and series agree");
        let time_ms = sample.time_ms;
        let put = series.put(sample, self.bounds.samples_per_series_max.max(1));
        put.map_err(|forgotten| PushError::TooOld {
            time_ms,
            oldest_ms: forgotten.oldest_ms,
        })?;
        series.forget_before(oldest_ms);
        self.revision += 1;
        series.changed(self.revision, time_ms);
        Ok(())
    }

    /// Forgets samples past the retention, and series that have none left. To be called now and
    /// then, such as once a tick.
    pub fn expire(&mut self, now_ms: u64) {
        let oldest_ms = self.oldest_ms(now_ms);
        let ids = &mut self.ids;
        self.series.retain(|_, series| {
            series.forget_before(oldest_ms);
            let is_kept = !series.is_empty();
            if !is_kept {
                ids.remove(series.name());
            }
            is_kept
        });
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// A series that has not been dropped.
    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(&id)
    }

    /// A series by its name.
    pub fn find(&self, name: &SeriesName) -> Option<&Series> {
        self.series.get(self.ids.get(name)?)
    }

    /// The series that a selector asks for, in order of their first samples.
    pub fn matching(&self, matching: &Matching) -> impl Iterator<Item = &Series> {
        let series = self.series.values();
        series.filter(|series| matching.matches(series.name()))
    }

    /// The series that began after another one, in order of their first samples.
    pub fn begun_after(&self, id: SeriesId) -> impl Iterator<Item = (SeriesId, &Series)> {
        let later = (Bound::Excluded(id), Bound::Unbounded);
        self.series.range(later).map(|(id, series)| (*id, series))
    }

    fn oldest_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.bounds.retention_ms)
    }

    fn begin(&mut self, name: &SeriesName) -> Result<SeriesId, PushError> {
        name::check(name)?;
        let series_max = self.bounds.series_max;
        if self.series.len() >= series_max {
            return Err(PushError::TooManySeries { series_max });
        }
        let name = Arc::new(name.clone());
        self.newest.0 += 1;
        self.ids.insert(Arc::clone(&name), self.newest);
        self.series.insert(self.newest, Series::new(name));
        Ok(self.newest)
    }
}

fn check_sample(sample: Sample, oldest_ms: u64, now_ms: u64) -> Result<(), PushError> {
    let time_ms = sample.time_ms;
    if !sample.value.is_finite() {
        Err(PushError::NotFinite)
    } else if time_ms < oldest_ms {
        Err(PushError::TooOld { time_ms, oldest_ms })
    } else if time_ms > now_ms.saturating_add(SAMPLE_AHEAD_MS_MAX) {
        Err(PushError::Ahead { time_ms, now_ms })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selector::series_name;

    const NOW_MS: u64 = 1_000_000;
    const BOUNDS: Bounds = Bounds {
        retention_ms: 10_000,
        samples_per_series_max: 4,
        series_max: 2,
    };

    fn named(text: &str) -> SeriesName {
        series_name(text).expect("a name")
    }

    fn sample(time_ms: u64, value: f64) -> Sample {
        Sample { time_ms, value }
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
    }

    #[test]
    fn the_samples_of_a_series_are_bounded_and_the_oldest_make_room() {
        let mut store = SeriesStore::new(BOUNDS);
        for time_ms in NOW_MS..NOW_MS + 5 {
            assert_eq!(
                store.push(&named("a"), sample(time_ms, 0.0), NOW_MS),
                Ok(())
            );
        }
        let kept: Vec<_> = (NOW_MS + 1..NOW_MS + 5).collect();
        assert_eq!(times(&store, "a"), kept);
        let refused = store.push(&named("a"), sample(NOW_MS, 0.0), NOW_MS);
        assert_eq!(
            refused,
            Err(PushError::TooOld {
                time_ms: NOW_MS,
                oldest_ms: NOW_MS + 1
            })
        );
        assert_eq!(times(&store, "a"), kept);
    }

    #[test]
    fn a_sample_at_the_retention_is_taken_and_one_past_it_refused() {
        let mut store = SeriesStore::new(BOUNDS);
        let oldest_ms = NOW_MS - BOUNDS.retention_ms;
        assert_eq!(
            store.push(&named("a"), sample(oldest_ms, 0.0), NOW_MS),
            Ok(())
        );
        let time_ms = oldest_ms - 1;
        assert_eq!(
            store.push(&named("a"), sample(time_ms, 0.0), NOW_MS),
            Err(PushError::TooOld { time_ms, oldest_ms })
        );
    }

    #[test]
    fn a_push_forgets_what_is_past_the_retention() {
        let mut store = SeriesStore::new(BOUNDS);
        let later_ms = NOW_MS + BOUNDS.retention_ms + 1;
        for time_ms in [NOW_MS, NOW_MS + 1, later_ms] {
            let pushed = store.push(&named("a"), sample(time_ms, 0.0), time_ms);
            assert_eq!(pushed, Ok(()));
        }
        assert_eq!(times(&store, "a"), [NOW_MS + 1, later_ms]);
    }

    #[test]
    fn a_sample_may_be_five_minutes_ahead_and_no_more() {
        let mut store = SeriesStore::new(BOUNDS);
        let time_ms = NOW_MS + SAMPLE_AHEAD_MS_MAX;
        assert_eq!(
            store.push(&named("a"), sample(time_ms, 0.0), NOW_MS),
            Ok(())
        );
        let (time_ms, now_ms) = (time_ms + 1, NOW_MS);
        assert_eq!(
            store.push(&named("a"), sample(time_ms, 0.0), NOW_MS),
            Err(PushError::Ahead { time_ms, now_ms })
        );
    }

    #[test]
    fn the_number_of_series_is_bounded_and_a_dropped_one_makes_room() {
        let mut store = SeriesStore::new(BOUNDS);
        let push = |store: &mut SeriesStore, name: &str, now_ms| {
            store.push(&named(name), sample(now_ms, 0.0), now_ms)
        };
        assert_eq!(push(&mut store, "a", NOW_MS), Ok(()));
        assert_eq!(push(&mut store, "b", NOW_MS + 1), Ok(()));
        let refused = Err(PushError::TooManySeries { series_max: 2 });
        assert_eq!(push(&mut store, "c", NOW_MS + 1), refused);
        assert_eq!(push(&mut store, "a", NOW_MS + 1), Ok(()));

        let later_ms = NOW_MS + 2 + BOUNDS.retention_ms;
        assert_eq!(push(&mut store, "a", later_ms), Ok(()));
        assert_eq!(push(&mut store, "c", later_ms), refused);
        store.expire(later_ms);
        assert_eq!(push(&mut store, "c", later_ms), Ok(()));
        assert!(store.find(&named("b")).is_none());
        assert_eq!(times(&store, "a"), [later_ms]);
    }

    #[test]
    fn a_series_stays_exactly_for_the_retention() {
        let mut store = SeriesStore::new(BOUNDS);
        assert_eq!(store.push(&named("a"), sample(NOW_MS, 0.0), NOW_MS), Ok(()));
        store.expire(NOW_MS + BOUNDS.retention_ms);
        assert_eq!(store.len(), 1);
        store.expire(NOW_MS + BOUNDS.retention_ms + 1);
        assert!(store.is_empty());
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
                prop_assert!(store.len() <= BOUNDS.series_max);
                for (_, series) in store.begun_after(SeriesId::default()) {
                    let times: Vec<_> = series.samples().map(|sample| sample.time_ms).collect();
                    prop_assert!(times.is_sorted_by(|one, other| one < other));
                    prop_assert!((1..=4).contains(&times.len()));
                }
            }
        }
    }
}
