//! What a feed says about its series, as of a moment.

/// Points further apart than so many steps are not joined.
pub const GAP_STEPS: u64 = 3;

/// The values of one series: bucket `first_bucket + i` has `values[i]`, NaN where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    /// The number of the first bucket: its start divided by the step.
    pub first_bucket: u64,
    /// A value for each bucket from there.
    pub values: &'a [f64],
}

impl<'a> Samples<'a> {
    /// The buckets that have a value, oldest first.
    pub fn points(self) -> impl DoubleEndedIterator<Item = (u64, f64)> + 'a {
        let first = self.first_bucket;
        let numbered = self.values.iter().enumerate();
        numbered
            .filter(|(_, value)| value.is_finite())
            .map(move |(index, value)| (first + index as u64, *value))
    }

    /// The newest value with its bucket.
    pub fn latest(self) -> Option<(u64, f64)> {
        self.points().next_back()
    }

    /// The least and the greatest value.
    pub fn range(self) -> Option<(f64, f64)> {
        self.points()
            .map(|(_, value)| (value, value))
            .reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))
    }

    /// The value in a bucket, or in the nearest one within the gap.
    pub fn near(self, bucket: u64) -> Option<(u64, f64)> {
        let distance = |point: &(u64, f64)| point.0.abs_diff(bucket);
        self.points()
            .filter(|point| distance(point) <= GAP_STEPS / 2)
            .min_by_key(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f64; 5] = [3.0, f64::NAN, 1.0, 4.0, f64::NAN];

    fn samples() -> Samples<'static> {
        Samples {
            first_bucket: 10,
            values: &VALUES,
        }
    }

    #[test]
    fn only_real_values_count() {
        assert_eq!(samples().latest(), Some((13, 4.0)));
        assert_eq!(samples().range(), Some((1.0, 4.0)));
        assert_eq!(samples().points().count(), 3);
    }

    #[test]
    fn a_missing_bucket_answers_with_its_neighbour_and_a_far_one_does_not() {
        assert_eq!(samples().near(14), Some((13, 4.0)));
        assert_eq!(samples().near(16), None);
    }
}
