//! One series that a query matches, evaluated.

use std::ops::RangeInclusive;
use std::sync::Arc;

use driftless_protocol::{Aggregate, SeriesName};

use crate::query::Window;
use crate::series::{Sample, Series};
use crate::series_data::SeriesData;

/// The values of one series in the window, as of a revision of the store.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) data: SeriesData,
    /// Its place in the answer, while it has one.
    pub(super) number: Option<u32>,
    /// The tick at which it got its number.
    pub(super) entered_at: u64,
    revision: u64,
    /// The oldest sample's bucket when it was last looked at, and the window's last one.
    oldest_bucket: u64,
    last_bucket: Option<u64>,
}

impl Track {
    pub(super) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            data: SeriesData::new(name),
            number: None,
            entered_at: 0,
            revision: 0,
            oldest_bucket: 0,
            last_bucket: None,
        }
    }

    /// Whether it has no value in the window.
    pub(super) fn is_empty(&self) -> bool {
        self.data.values.is_empty()
    }

    /// Evaluates each bucket that may have changed, and names those that did.
    pub(super) fn update(
        &mut self,
        series: &Series,
        window: Window,
        buckets: &RangeInclusive<u64>,
        aggregate: Aggregate,
        mut on_change: impl FnMut(u64),
    ) {
        self.data.keep(buckets);
        let mut read = |data: &mut SeriesData, bucket: u64| {
            let (start_ms, end_ms) = (window.start_ms(bucket), window.start_ms(bucket + 1));
            let value = aggregated(series.between(start_ms, end_ms), aggregate);
            if value.to_bits() != data.value(bucket).to_bits() {
                data.set(bucket, value);
                on_change(bucket);
            }
        };
        // Forgetting samples empties the buckets before the oldest that is left, and changes its.
        let oldest = series.oldest().map_or(u64::MAX, |it| it.time_ms);
        let oldest = window.bucket(oldest);
        let forgotten = self.oldest_bucket.max(*buckets.start())..=oldest.min(*buckets.end());
        forgotten.for_each(|bucket| read(&mut self.data, bucket));
        // Samples that were ahead of the window come into it as it moves.
        let moved = self.last_bucket.map_or(0, |bucket| bucket + 1);
        let changed = series.earliest_change_since(self.revision);
        let from = changed.map_or(moved, |time_ms| moved.min(window.bucket(time_ms)));
        let changed = from.max(oldest).max(*buckets.start())..=*buckets.end();
        changed.for_each(|bucket| read(&mut self.data, bucket));
        self.revision = series.revision();
        self.oldest_bucket = oldest;
        self.last_bucket = Some(*buckets.end());
    }
}

/// The value of a bucket from its samples in order of time; NaN where there is none.
fn aggregated<'a>(samples: impl Iterator<Item = &'a Sample>, aggregate: Aggregate) -> f64 {
    let mut count = 0_u32;
    let mut total = 0.0;
    for Sample { value, .. } in samples {
        total = match aggregate {
            Aggregate::Min if count > 0 => value.min(total),
            Aggregate::Max if count > 0 => value.max(total),
            Aggregate::Min | Aggregate::Max | Aggregate::Last => *value,
            Aggregate::Sum | Aggregate::Avg => total + value,
            Aggregate::Count => total + 1.0,
        };
        count += 1;
    }
    match (count, aggregate) {
        (0, _) => f64::NAN,
        (_, Aggregate::Avg) => finite(total / f64::from(count)),
        _ => finite(total),
    }
}

/// A sum that overflows is shown as the greatest number; −0 is 0.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX) + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], aggregate: Aggregate) -> f64 {
        let samples: Vec<_> = (0..).zip(values).collect();
        let samples: Vec<_> = samples
            .into_iter()
            .map(|(time_ms, value)| Sample {
                time_ms,
                value: *value,
            })
            .collect();
        aggregated(samples.iter(), aggregate)
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "small whole numbers")]
    fn each_aggregate_makes_one_value_of_the_samples() {
        let values = [3.0, -1.0, 4.0, 2.0];
        for (aggregate, expected) in [
            (Aggregate::Avg, 2.0),
            (Aggregate::Min, -1.0),
            (Aggregate::Max, 4.0),
            (Aggregate::Sum, 8.0),
            (Aggregate::Count, 4.0),
            (Aggregate::Last, 2.0),
        ] {
            assert_eq!(of(&values, aggregate), expected, "{aggregate:?}");
            assert!(of(&[], aggregate).is_nan(), "{aggregate:?} of nothing");
        }
    }

    #[test]
    fn values_stay_finite_and_zero_has_one_sign() {
        assert!(of(&[f64::MAX, f64::MAX], Aggregate::Sum).is_finite());
        assert!(of(&[f64::MIN, f64::MIN], Aggregate::Avg).is_finite());
        assert!(of(&[-0.0], Aggregate::Last).is_sign_positive());
    }
}
