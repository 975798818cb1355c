//! The buckets of one series.

use std::ops::RangeInclusive;
use std::sync::Arc;

use driftless_protocol::SeriesName;

/// The buckets of one series within a window. Equality is by bits, so that gaps are equal.
#[derive(Debug, Clone)]
pub struct SeriesData {
    /// Whose they are.
    pub name: Arc<SeriesName>,
    /// The bucket of the first value: its start in milliseconds since 1970, divided by the step.
    pub first_bucket: u64,
    /// A value for each bucket from there; NaN is a gap. The first and the last are no gaps; empty
    /// where there is no value at all.
    pub values: Vec<f64>,
}

impl PartialEq for SeriesData {
    fn eq(&self, other: &Self) -> bool {
        let bits = |data: &Self| data.values.iter().map(|value| value.to_bits()).collect();
        let (mine, theirs): (Vec<u64>, Vec<u64>) = (bits(self), bits(other));
        self.name == other.name
            && mine == theirs
            && (mine.is_empty() || self.first_bucket == other.first_bucket)
    }
}

impl SeriesData {
    pub(crate) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            name,
            first_bucket: 0,
            values: Vec::new(),
        }
    }

    /// The value of a bucket; NaN where there is none.
    pub fn value(&self, bucket: u64) -> f64 {
        self.position(bucket)
            .and_then(|position| self.values.get(position).copied())
            .unwrap_or(f64::NAN)
    }

    /// The newest bucket that has a value, and the value.
    pub fn latest(&self) -> Option<(u64, f64)> {
        let value = self.values.last()?;
        Some((self.end() - 1, *value))
    }

    /// Every bucket from the first to the last with its value, gaps included.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> {
        let values = self.values.iter().enumerate();
        values.map(|(position, value)| (self.first_bucket + position as u64, *value))
    }

    /// Puts a value, or a gap. The caller keeps buckets within one window of another.
    pub(crate) fn set(&mut self, bucket: u64, value: f64) {
        if let Some(position) = self.position(bucket)
            && position < self.values.len()
        {
            self.values[position] = value;
        } else if !value.is_nan() {
            self.reach(bucket);
            let position = self.position(bucket).expect("it was reached");
            self.values[position] = value;
        }
        self.drop_outer_gaps();
    }

    /// Drops every bucket outside.
    pub(crate) fn keep(&mut self, window: &RangeInclusive<u64>) {
        let excess = self.end().saturating_sub(window.end().saturating_add(1));
        let kept = self.values.len().saturating_sub(to_length(excess));
        self.values.truncate(kept);
        let early = to_length(window.start().saturating_sub(self.first_bucket));
        self.drop_front(early.min(kept));
        self.drop_outer_gaps();
    }

    /// Makes room for a bucket, with gaps between it and the values.
    fn reach(&mut self, bucket: u64) {
        if self.values.is_empty() {
            self.first_bucket = bucket;
        }
        let before = to_length(self.first_bucket.saturating_sub(bucket));
        self.values
            .splice(0..0, std::iter::repeat_n(f64::NAN, before));
        self.first_bucket -= before as u64;
        let length = to_length(bucket - self.first_bucket) + 1;
        self.values.resize(length.max(self.values.len()), f64::NAN);
    }

    fn drop_outer_gaps(&mut self) {
        while self.values.last().is_some_and(|value| value.is_nan()) {
            self.values.pop();
        }
        let gaps = self.values.iter().take_while(|value| value.is_nan());
        self.drop_front(gaps.count());
    }

    fn drop_front(&mut self, count: usize) {
        self.values.drain(..count);
        self.first_bucket += count as u64;
    }

    fn end(&self) -> u64 {
        self.first_bucket.saturating_add(self.values.len() as u64)
    }

    fn position(&self, bucket: u64) -> Option<usize> {
        bucket.checked_sub(self.first_bucket).map(to_length)
    }
}

/// A distance between buckets as a length; past the address space it is beyond every value.
fn to_length(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn empty() -> SeriesData {
        SeriesData::new(Arc::new(SeriesName {
            name: "a".into(),
            labels: driftless_model::SortedMap::new(),
        }))
    }

    proptest! {
        #[test]
        fn it_holds_what_was_put_within_the_window(
            steps in prop::collection::vec((0..40_u64, prop::option::of(-3_i8..3)), 0..60),
            start in 0..40_u64,
            length in 0..20_u64,
        ) {
            let mut data = empty();
            let mut reference = BTreeMap::new();
            for (bucket, value) in steps {
                match value {
                    Some(value) => reference.insert(bucket, f64::from(value)),
                    None => reference.remove(&bucket),
                };
                data.set(bucket, value.map_or(f64::NAN, f64::from));
            }
            let window = start..=start + length;
            data.keep(&window);
            reference.retain(|bucket, _| window.contains(bucket));

            let held: BTreeMap<u64, f64> =
                data.buckets().filter(|(_, value)| !value.is_nan()).collect();
            prop_assert_eq!(data.latest(), reference.last_key_value().map(|(b, v)| (*b, *v)));
            prop_assert!(data.values.first().is_none_or(|value| !value.is_nan()));
            for bucket in 0..60 {
                let expected = reference.get(&bucket).copied();
                prop_assert_eq!(Some(data.value(bucket)).filter(|v| !v.is_nan()), expected);
            }
            prop_assert_eq!(held, reference);
        }
    }

    #[test]
    fn gaps_are_equal_and_values_are_not() {
        let (mut one, mut other) = (empty(), empty());
        for bucket in [3, 5] {
            one.set(bucket, 1.0);
            other.set(bucket, 1.0);
        }
        assert_eq!(one, other);
        other.set(4, 0.0);
        assert_ne!(one, other);
        one.set(4, 1.0);
        assert_ne!(one, other);
    }
}
