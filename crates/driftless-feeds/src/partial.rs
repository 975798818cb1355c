//! What is left of the samples of a span of time once they are taken together.

use driftless_protocol::{Aggregate, Sample};

use crate::sketch::Sketch;

/// The samples of one series within a span of time, taken together: enough for every aggregate, and
/// two spans can be taken together again.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    /// How many there are; at least one.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The newest.
    pub last: Sample,
    /// By how much a counter grew from the sample before each.
    pub increase: f64,
    /// In what time it did, in milliseconds; 0 where no sample has one before it.
    pub elapsed_ms: u64,
    /// For percentiles; absent where nobody asks for them.
    pub sketch: Option<Sketch>,
}

impl Partial {
    /// Of one sample and the one of the same series before it.
    pub fn of(sample: Sample, before: Option<Sample>, has_sketch: bool) -> Self {
        let value = sample.value;
        let mut partial = Self {
            count: 1,
            sum: value,
            min: value,
            max: value,
            last: sample,
            increase: 0.0,
            elapsed_ms: 0,
            sketch: has_sketch.then(Sketch::default),
        };
        partial.count_pair(sample, before);
        if let Some(sketch) = &mut partial.sketch {
            sketch.add(value);
        }
        partial
    }

    /// Takes the next sample, after the one before it.
    pub fn add(&mut self, sample: Sample, before: Option<Sample>) {
        let value = sample.value;
        self.count += 1;
        self.sum = finite(self.sum + value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = sample;
        self.count_pair(sample, before);
        if let Some(sketch) = &mut self.sketch {
            sketch.add(value);
        }
    }

    /// Takes another span of time, of this series or of another one that counts with it. Of two
    /// newest samples of the same time the first stays.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = finite(self.sum + other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last.time_ms > self.last.time_ms {
            self.last = other.last;
        }
        self.increase = finite(self.increase + other.increase);
        self.elapsed_ms += other.elapsed_ms;
        self.sketch = match (self.sketch.take(), &other.sketch) {
            (Some(mut sketch), Some(more)) => {
                sketch.merge(more);
                Some(sketch)
            }
            _ => None,
        };
    }

    /// Its value by an aggregate; NaN where it has none: a rate without a sample before.
    pub fn value(&self, aggregate: Aggregate) -> f64 {
        let value = match aggregate {
            Aggregate::Avg => self.sum / whole(self.count),
            Aggregate::Min => self.min,
            Aggregate::Max => self.max,
            Aggregate::Sum => self.sum,
            Aggregate::Count => whole(self.count),
            Aggregate::Last => self.last.value,
            Aggregate::Rate if self.elapsed_ms == 0 => f64::NAN,
            Aggregate::Rate => self.increase * 1_000.0 / whole(self.elapsed_ms),
            percentile => self.quantile(percentile),
        };
        finite(value)
    }

    fn quantile(&self, percentile: Aggregate) -> f64 {
        let share = percentile.quantile();
        let sketch = self.sketch.as_ref();
        let value = sketch.zip(share).and_then(|(it, share)| it.quantile(share));
        // What is known exactly is told exactly: one sample, or many that are equal.
        value.map_or(f64::NAN, |value| value.clamp(self.min, self.max))
    }

    fn count_pair(&mut self, sample: Sample, before: Option<Sample>) {
        if let Some(before) = before {
            let grown = if sample.value < before.value {
                // The counter began anew at 0.
                sample.value
            } else {
                sample.value - before.value
            };
            self.increase = finite(self.increase + grown);
            self.elapsed_ms += sample.time_ms.saturating_sub(before.time_ms);
        }
    }
}

/// Takes the next sample, after the one before it, into the last of a series's spans, or into a new
/// one. Spans are `span_ms` long, and each goes with the time at which it begins, both in
/// milliseconds.
pub(crate) fn take(
    spans: &mut Vec<(u64, Partial)>,
    (sample, before): (Sample, Option<Sample>),
    span_ms: u64,
    has_sketch: bool,
) {
    let start_ms = sample.time_ms - sample.time_ms % span_ms;
    match spans.last_mut() {
        Some((last_ms, partial)) if *last_ms == start_ms => partial.add(sample, before),
        _ => spans.push((start_ms, Partial::of(sample, before, has_sketch))),
    }
}

/// The value of several series that count together; NaN where none has one. Their samples count as
/// those of one series, but a rate is the sum of theirs.
pub fn together(partials: &[Partial], aggregate: Aggregate) -> f64 {
    if aggregate == Aggregate::Rate {
        let rates = partials.iter().map(|partial| partial.value(aggregate));
        let rates = rates.filter(|rate| !rate.is_nan());
        return finite(
            rates
                .reduce(|sum, rate| finite(sum + rate))
                .unwrap_or(f64::NAN),
        );
    }
    let Some((first, rest)) = partials.split_first() else {
        return f64::NAN;
    };
    if rest.is_empty() {
        return first.value(aggregate);
    }
    let mut merged = first.clone();
    for partial in rest {
        merged.merge(partial);
    }
    merged.value(aggregate)
}

/// A sum that overflows is shown as the greatest number; −0 is 0.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX) + 0.0
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of samples and milliseconds are far below 2^53"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        let times = (1..).map(|second| second * 1_000);
        let samples = times.zip(values);
        samples
            .map(|(time_ms, value)| Sample {
                time_ms,
                value: *value,
            })
            .collect()
    }

    /// The samples from one on, each with the one before it.
    fn partial(samples: &[Sample], from: usize) -> Option<Partial> {
        let mut partial: Option<Partial> = None;
        for at in from..samples.len() {
            let before = at.checked_sub(1).map(|before| samples[before]);
            match &mut partial {
                Some(partial) => partial.add(samples[at], before),
                None => partial = Some(Partial::of(samples[at], before, true)),
            }
        }
        partial
    }

    fn of(values: &[f64], aggregate: Aggregate) -> f64 {
        let partial = partial(&samples(values), 0).expect("not empty");
        partial.value(aggregate)
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
            assert!(
                together(&[], aggregate).is_nan(),
                "{aggregate:?} of nothing"
            );
        }
        assert!((of(&values, Aggregate::P50) - 2.0).abs() < 0.03);
        assert_eq!(of(&values, Aggregate::P99), 4.0);
    }

    #[test]
    #[allow(clippy::float_cmp, reason = "small whole numbers")]
    fn a_rate_is_growth_over_time_and_a_counter_may_begin_anew() {
        assert!(of(&[7.0], Aggregate::Rate).is_nan());
        assert_eq!(of(&[1.0, 3.0, 5.0], Aggregate::Rate), 2.0);
        // 4, then 0 to 2, then 1: seven in three seconds.
        assert_eq!(of(&[10.0, 14.0, 2.0, 3.0], Aggregate::Rate), 7.0 / 3.0);
    }

    #[test]
    fn values_stay_finite_and_zero_has_one_sign() {
        assert!(of(&[f64::MAX, f64::MAX], Aggregate::Sum).is_finite());
        assert!(of(&[f64::MIN, f64::MIN], Aggregate::Avg).is_finite());
        assert!(of(&[f64::MIN, f64::MAX, f64::MAX], Aggregate::Rate).is_finite());
        assert!(of(&[-0.0], Aggregate::Last).is_sign_positive());
    }

    proptest! {
        #[test]
        fn two_spans_taken_together_are_one(
            values in prop::collection::vec((-1_000..1_000_i32).prop_map(f64::from), 2..40),
            cut in any::<prop::sample::Index>(),
        ) {
            let samples = samples(&values);
            let cut = 1 + cut.index(samples.len() - 1);
            let mut first = partial(&samples[..cut], 0).expect("not empty");
            first.merge(&partial(&samples, cut).expect("not empty"));
            prop_assert_eq!(Some(first), partial(&samples, 0));
        }
    }
}
