//! Percentiles of numbers that nobody keeps: counts by magnitude, which can be added up.
//!
//! The idea, and why its error is bounded: Masson, Rim, Lee, "`DDSketch`: a fast and
//! fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019. Bins are kept sparse
//! and sorted, since most buckets of a feed hold few samples.

use driftless_model::limits::SKETCH_BINS_MAX;

/// How far an answer may be from the number that it stands for, as a share of it.
const RELATIVE_ERROR: f64 = 0.01;

/// The ratio of a bin's bounds: numbers in one bin are within [`RELATIVE_ERROR`] of its middle.
const RATIO: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// Counts by the power of a fixed ratio that a magnitude does not exceed, ascending.
pub type Bins = Vec<(i32, u64)>;

/// A sketch of a multiset of finite numbers.
///
/// Two sketches added up are the sketch of both multisets. Once it has more than
/// [`SKETCH_BINS_MAX`] bins the smallest magnitudes share one, and only they are less exact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    /// Of the negative numbers.
    pub negative: Bins,
    /// How many zeros there are.
    pub zeros: u64,
    /// Of the positive numbers.
    pub positive: Bins,
}

impl Sketch {
    /// Takes a finite number.
    pub fn add(&mut self, value: f64) {
        if value == 0.0 {
            self.zeros += 1;
            return;
        }
        let bins = if value < 0.0 {
            &mut self.negative
        } else {
            &mut self.positive
        };
        count(bins, key(value.abs()), 1);
        self.collapse();
    }

    /// Takes all that another one has taken.
    pub fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        for (mine, theirs) in [
            (&mut self.negative, &other.negative),
            (&mut self.positive, &other.positive),
        ] {
            for (key, more) in theirs {
                count(mine, *key, *more);
            }
        }
        self.collapse();
    }

    /// How many numbers it has taken.
    pub fn count(&self) -> u64 {
        let bins = self.negative.iter().chain(&self.positive);
        self.zeros + bins.map(|(_, count)| count).sum::<u64>()
    }

    /// The number that this share of all does not exceed, within one percent of it; `None` where
    /// there is no number. The share is from 0 to 1.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let total = self.count();
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of samples are far below 2^53, and the rank is not negative"
        )]
        let rank = ((share * total as f64).ceil() as u64).clamp(1, total.max(1));
        let negative = self
            .negative
            .iter()
            .rev()
            .map(|(key, it)| (-middle(*key), *it));
        let positive = self.positive.iter().map(|(key, it)| (middle(*key), *it));
        let mut bins = negative.chain([(0.0, self.zeros)]).chain(positive);
        let mut seen = 0;
        bins.find(|(_, count)| {
            seen += count;
            seen >= rank
        })
        .map(|(value, _)| value)
    }

    fn collapse(&mut self) {
        while self.negative.len() + self.positive.len() > SKETCH_BINS_MAX {
            let bins = if self.negative.len() > self.positive.len() {
                &mut self.negative
            } else {
                &mut self.positive
            };
            let (_, smallest) = bins.remove(0);
            bins[0].1 += smallest;
        }
    }
}

/// Counts so many more in a bin.
fn count(bins: &mut Bins, key: i32, more: u64) {
    match bins.binary_search_by_key(&key, |(key, _)| *key) {
        Ok(at) => bins[at].1 += more,
        Err(at) => bins.insert(at, (key, more)),
    }
}

fn key(magnitude: f64) -> i32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the logarithms of all finite numbers lie between -38,000 and 38,000"
    )]
    let key = (magnitude.ln() / RATIO.ln()).ceil() as i32;
    key
}

/// The number that is as far from either bound of a bin, relatively.
fn middle(key: i32) -> f64 {
    let bound = (f64::from(key) * RATIO.ln()).exp();
    (bound * 2.0 / (RATIO + 1.0)).min(f64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        for value in values {
            sketch.add(*value);
        }
        sketch
    }

    /// By sorting.
    fn slow_quantile(values: &[f64], share: f64) -> Option<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        #[allow(clippy::cast_sign_loss, reason = "a few numbers")]
        let rank = ((share * sorted.len() as f64).ceil() as usize).max(1);
        sorted.get(rank - 1).copied()
    }

    fn is_close(told: Option<f64>, exact: Option<f64>) -> bool {
        match (told, exact) {
            (Some(told), Some(exact)) => {
                // The last digits of logarithms are not exact.
                (told - exact).abs() <= exact.abs() * (RELATIVE_ERROR + 1e-9)
            }
            (told, exact) => told == exact,
        }
    }

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            -100.0..100.0_f64,
            (-300..300_i32, any::<bool>()).prop_map(|(power, is_negative)| {
                10_f64.powi(power) * if is_negative { -1.0 } else { 1.0 }
            }),
            Just(0.0),
            Just(f64::MAX),
            Just(f64::MIN_POSITIVE),
        ]
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_one_percent_of_the_sorted_one(
            values in prop::collection::vec(any_value(), 0..80),
            share in 0.0..=1.0_f64,
        ) {
            let told = of(&values).quantile(share);
            let exact = slow_quantile(&values, share);
            prop_assert!(is_close(told, exact), "{:?} is not {:?}", told, exact);
        }

        #[test]
        fn two_sketches_added_up_are_the_sketch_of_both(
            one in prop::collection::vec(any_value(), 0..60),
            other in prop::collection::vec(any_value(), 0..60),
        ) {
            let mut merged = of(&one);
            merged.merge(&of(&other));
            let both: Vec<_> = one.iter().chain(&other).copied().collect();
            prop_assert_eq!(merged.count(), both.len() as u64);
            prop_assert_eq!(merged, of(&both));
        }
    }

    #[test]
    fn bins_are_bounded_and_the_large_numbers_stay_exact() {
        let bins = |count: usize| {
            let keys = 0..i32::try_from(count).expect("few");
            of(&keys.map(middle).collect::<Vec<_>>())
        };
        let full = bins(SKETCH_BINS_MAX);
        assert_eq!(full.positive.len(), SKETCH_BINS_MAX);
        assert_eq!(full.positive[0], (0, 1));
        let over = bins(SKETCH_BINS_MAX + 1);
        assert_eq!(over.positive.len(), SKETCH_BINS_MAX);
        assert_eq!(over.positive[0], (1, 2));
        let largest = middle(i32::try_from(SKETCH_BINS_MAX).expect("few"));
        assert!(is_close(over.quantile(1.0), Some(largest)));
    }
}
