//! What a query needs of history, and in which grain it is had.

use std::ops::Range;
use std::sync::Arc;

use driftless_model::limits::{HOURS_KEPT_MS, MINUTES_KEPT_MS, SAMPLES_KEPT_MS};
use driftless_protocol::samples::{HOUR_MS, MINUTE_MS, Rollup, Tier};
use driftless_protocol::{Aggregate, Sample, SeriesName};

use crate::partial::{Partial, take};
use crate::rollup::from_rollup;

/// How long each grain of history is kept, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples as they came.
    pub samples_ms: u64,
    /// By the minute.
    pub minutes_ms: u64,
    /// By the hour.
    pub hours_ms: u64,
}

impl Default for Retention {
    /// A day, 14 days and 400 days.
    fn default() -> Self {
        Self {
            samples_ms: SAMPLES_KEPT_MS,
            minutes_ms: MINUTES_KEPT_MS,
            hours_ms: HOURS_KEPT_MS,
        }
    }
}

impl Retention {
    /// How long a grain is kept, in milliseconds.
    pub fn of(self, tier: Tier) -> u64 {
        match tier {
            Tier::Samples => self.samples_ms,
            Tier::Minutes => self.minutes_ms,
            Tier::Hours => self.hours_ms,
        }
    }

    /// The time before which a grain is not kept, in milliseconds since 1970: a whole hour.
    pub fn oldest_ms(self, tier: Tier, now_ms: u64) -> u64 {
        let oldest_ms = now_ms.saturating_sub(self.of(tier));
        oldest_ms.next_multiple_of(HOUR_MS)
    }
}

/// The part of a query's window that has to come from history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// From when, in milliseconds since 1970.
    pub from_ms: u64,
    /// Up to before when: from there on memory has everything.
    pub before_ms: u64,
    /// The query's step, in milliseconds.
    pub step_ms: u64,
    /// What the query makes of samples.
    pub aggregate: Aggregate,
    /// The evaluation that it is for.
    pub(crate) fresh_at: u64,
}

impl Wanted {
    /// Where each span of it is to be read: in the coarsest grain that has an edge at each edge of
    /// a bucket, as long as that is kept, and in coarser ones before.
    pub fn plan(&self, retention: Retention, now_ms: u64) -> Vec<(Tier, Range<u64>)> {
        let finest = if self.step_ms.is_multiple_of(HOUR_MS) {
            Tier::Hours
        } else if self.step_ms.is_multiple_of(MINUTE_MS) {
            Tier::Minutes
        } else {
            Tier::Samples
        };
        let mut plan = Vec::new();
        let mut before_ms = self.before_ms;
        for tier in Tier::ALL.into_iter().filter(|tier| *tier >= finest) {
            let start_ms = self.from_ms.max(retention.oldest_ms(tier, now_ms));
            if start_ms < before_ms {
                plan.push((tier, start_ms..before_ms));
                before_ms = start_ms;
            }
        }
        plan.reverse();
        plan
    }
}

/// What history has of one series: spans in order of time, each taken together.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Which.
    pub name: Arc<SeriesName>,
    /// Each with the time at which it begins, in milliseconds since 1970.
    pub spans: Vec<(u64, Partial)>,
}

impl History {
    /// Nothing yet.
    pub fn new(name: Arc<SeriesName>) -> Self {
        let spans = Vec::new();
        Self { name, spans }
    }

    /// Takes samples in order of time, as far as they are wanted. Each is measured from the one
    /// before it, the first from one before that, if it is known.
    pub fn add_samples(
        &mut self,
        samples: &[Sample],
        wanted: &Wanted,
        mut before: Option<Sample>,
    ) -> Option<Sample> {
        let has_sketch = wanted.aggregate.quantile().is_some();
        let is_wanted = |it: &Sample| it.time_ms >= wanted.from_ms && it.time_ms < wanted.before_ms;
        for sample in samples {
            let earlier = before.replace(*sample);
            if !is_wanted(sample) {
                continue;
            }
            let pair = (*sample, earlier);
            take(&mut self.spans, pair, wanted.step_ms, has_sketch);
        }
        before
    }

    /// Takes rollups in order of time, as far as they are wanted.
    pub fn add_rollups(&mut self, rollups: Vec<Rollup>, wanted: &Wanted) {
        let has_sketch = wanted.aggregate.quantile().is_some();
        for rollup in rollups {
            let start_ms = rollup.start_ms;
            if start_ms >= wanted.from_ms && start_ms < wanted.before_ms {
                let partial = from_rollup(rollup, has_sketch);
                self.spans.push((start_ms, partial));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * HOUR_MS;
    const NOW_MS: u64 = 1_000 * DAY_MS + 1_234_567;

    fn plan(window_ms: u64, step_ms: u64) -> Vec<(Tier, Range<u64>)> {
        let wanted = Wanted {
            from_ms: NOW_MS - window_ms,
            before_ms: 1_000 * DAY_MS - HOUR_MS,
            step_ms,
            aggregate: Aggregate::Avg,
            fresh_at: 1,
        };
        wanted.plan(Retention::default(), NOW_MS)
    }

    #[test]
    fn the_coarsest_grain_that_fits_the_step_is_read_and_coarser_ones_before_it_was_kept() {
        let end_ms = 1_000 * DAY_MS - HOUR_MS;
        let day = 999 * DAY_MS + HOUR_MS;
        let fortnight = 986 * DAY_MS + HOUR_MS;
        let years = 600 * DAY_MS + HOUR_MS;
        let from = |window_ms: u64| NOW_MS - window_ms;
        assert_eq!(
            plan(10 * HOUR_MS, 10_000),
            [(Tier::Samples, from(10 * HOUR_MS)..end_ms)]
        );
        assert_eq!(
            plan(2 * DAY_MS, 90_000),
            [
                (Tier::Minutes, from(2 * DAY_MS)..day),
                (Tier::Samples, day..end_ms)
            ]
        );
        assert_eq!(
            plan(2 * DAY_MS, 60_000),
            [(Tier::Minutes, from(2 * DAY_MS)..end_ms)]
        );
        assert_eq!(
            plan(500 * DAY_MS, 8 * 60_000),
            [
                (Tier::Hours, years..fortnight),
                (Tier::Minutes, fortnight..end_ms)
            ]
        );
        assert_eq!(plan(500 * DAY_MS, DAY_MS), [(Tier::Hours, years..end_ms)]);
        assert_eq!(plan(0, 1_000), []);
    }

    #[test]
    fn each_grain_is_kept_as_long_as_the_limits_say() {
        let retention = Retention::default();
        assert_eq!(retention.of(Tier::Samples), SAMPLES_KEPT_MS);
        assert_eq!(retention.of(Tier::Minutes), MINUTES_KEPT_MS);
        assert_eq!(retention.of(Tier::Hours), HOURS_KEPT_MS);
        let whole = HOURS_KEPT_MS + 7 * HOUR_MS;
        assert_eq!(retention.oldest_ms(Tier::Hours, whole), 7 * HOUR_MS);
        assert_eq!(retention.oldest_ms(Tier::Hours, whole + 1), 8 * HOUR_MS);
    }
}
