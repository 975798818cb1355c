//! What a query may ask, and the window of aligned buckets that it looks at.

use std::ops::RangeInclusive;

use driftless_model::limits::{BUCKETS_PER_QUERY_MAX, SERIES_PER_QUERY_MAX};
use driftless_protocol::Query;

use crate::selector::SelectorError;

/// Why a query cannot be answered, or not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The selector cannot be read.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// A step of nothing.
    #[error("a query's step is at least one second; set step_s")]
    NoStep,
    /// A window that is narrower than one bucket.
    #[error(
        "the window of {window_s} s is narrower than the step of {step_s} s; widen the window or \
         narrow the step"
    )]
    WindowBelowStep {
        /// The window, in seconds.
        window_s: u32,
        /// The step, in seconds.
        step_s: u32,
    },
    /// More buckets than [`BUCKETS_PER_QUERY_MAX`].
    #[error(
        "a window has at most {BUCKETS_PER_QUERY_MAX} steps; this one has {buckets}: use a step of \
         at least {step_s_min} s"
    )]
    TooManyBuckets {
        /// What it has.
        buckets: u32,
        /// The narrowest step that this window allows, in seconds.
        step_s_min: u32,
    },
    /// More series match than [`SERIES_PER_QUERY_MAX`]; the answer has the first ones.
    #[error(
        "the selector matches {matching} series, and the first {SERIES_PER_QUERY_MAX} are shown; \
         narrow it by labels"
    )]
    TooManySeries {
        /// How many match and have values in the window.
        matching: usize,
    },
}

/// The aligned window of a query: a number of buckets that ends with the one that now falls into.
/// Bucket `b` holds the samples from `b × step` up to before `(b + 1) × step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    step_ms: u64,
    buckets: u64,
}

impl Window {
    /// The window of a query. A window that is no multiple of the step is widened to one.
    pub fn new(query: &Query) -> Result<Self, QueryError> {
        let (window_s, step_s) = (query.window_s, query.step_s);
        if step_s == 0 {
            return Err(QueryError::NoStep);
        }
        if window_s < step_s {
            return Err(QueryError::WindowBelowStep { window_s, step_s });
        }
        let buckets = window_s.div_ceil(step_s);
        let limit = u32::try_from(BUCKETS_PER_QUERY_MAX).unwrap_or(u32::MAX);
        if buckets > limit {
            return Err(QueryError::TooManyBuckets {
                buckets,
                step_s_min: window_s.div_ceil(limit),
            });
        }
        Ok(Self::of(step_s, buckets.into()))
    }

    /// A window that stands in where a query's own is refused: one bucket.
    pub(crate) fn least(query: &Query) -> Self {
        Self::of(query.step_s.max(1), 1)
    }

    fn of(step_s: u32, buckets: u64) -> Self {
        Self {
            step_ms: u64::from(step_s) * 1_000,
            buckets,
        }
    }

    /// The width of a bucket, in milliseconds.
    pub fn step_ms(self) -> u64 {
        self.step_ms
    }

    /// The bucket that a time falls into.
    pub fn bucket(self, time_ms: u64) -> u64 {
        time_ms / self.step_ms
    }

    /// When a bucket begins, in milliseconds since 1970.
    pub fn start_ms(self, bucket: u64) -> u64 {
        bucket.saturating_mul(self.step_ms)
    }

    /// The buckets in the window at a time, the one that is still filling included.
    pub fn at(self, now_ms: u64) -> RangeInclusive<u64> {
        let last = self.bucket(now_ms);
        last.saturating_sub(self.buckets - 1)..=last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(window_s: u32, step_s: u32) -> Result<Window, QueryError> {
        Window::new(&Query {
            selector: "a".into(),
            window_s,
            step_s,
            aggregate: driftless_protocol::Aggregate::Avg,
        })
    }

    #[test]
    fn a_window_ends_with_the_bucket_of_now_and_is_widened_to_whole_steps() {
        let window = window(25, 10).expect("allowed");
        assert_eq!(window.at(49_999), 2..=4);
        assert_eq!(window.at(50_000), 3..=5);
        assert_eq!(window.at(0), 0..=0);
        assert_eq!(window.start_ms(3), 30_000);
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_the_error_names_the_step_to_use() {
        let limit = u32::try_from(BUCKETS_PER_QUERY_MAX).expect("small");
        assert!(window(limit, 1).is_ok());
        let error = window(limit + 1, 1).expect_err("too many");
        assert_eq!(
            error,
            QueryError::TooManyBuckets {
                buckets: limit + 1,
                step_s_min: 2
            }
        );
        assert!(window(limit + 1, 2).is_ok());
    }

    #[test]
    fn a_window_holds_at_least_one_step() {
        assert_eq!(window(10, 0), Err(QueryError::NoStep));
        assert!(window(10, 10).is_ok());
        assert_eq!(
            window(9, 10),
            Err(QueryError::WindowBelowStep {
                window_s: 9,
                step_s: 10
            })
        );
    }
}
