//! Samples that are settled, taken together by the minute and by the hour, for history.

use std::sync::Arc;

use driftless_protocol::SeriesName;
use driftless_protocol::samples::{HOUR_MS, MINUTE_MS, Rollup};

use crate::partial::{Partial, take};
use crate::series::Series;
use crate::sketch::Sketch;

/// What became settled: no sample before `until_ms` is taken any more.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// Up to when, in milliseconds since 1970.
    pub until_ms: u64,
    /// Every series that has samples in it.
    pub series: Vec<SettledSeries>,
}

/// The settled samples of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SettledSeries {
    /// Which.
    pub name: Arc<SeriesName>,
    /// By the minute, in order of time; minutes without samples are left out.
    pub minutes: Vec<Rollup>,
    /// By the hour.
    pub hours: Vec<Rollup>,
}

impl SettledSeries {
    /// The samples from a time up to before another; `None` where there are none.
    pub(crate) fn of(series: &Series, from_ms: u64, until_ms: u64) -> Option<Self> {
        let mut minutes = Vec::new();
        for pair in series.between(from_ms, until_ms) {
            take(&mut minutes, pair, MINUTE_MS, true);
        }
        if minutes.is_empty() {
            return None;
        }
        let hours = by_hour(&minutes);
        let rollups = |spans: Vec<_>| spans.into_iter().map(to_rollup).collect();
        Some(Self {
            name: series.name().clone(),
            minutes: rollups(minutes),
            hours: rollups(hours),
        })
    }

    /// Its newest settled sample, in milliseconds since 1970.
    pub fn newest_ms(&self) -> u64 {
        self.minutes.last().map_or(0, |minute| minute.last.time_ms)
    }
}

fn by_hour(minutes: &[(u64, Partial)]) -> Vec<(u64, Partial)> {
    let mut hours: Vec<(u64, Partial)> = Vec::new();
    for (minute_ms, minute) in minutes {
        let start_ms = minute_ms - minute_ms % HOUR_MS;
        match hours.last_mut() {
            Some((last_ms, hour)) if *last_ms == start_ms => hour.merge(minute),
            _ => hours.push((start_ms, minute.clone())),
        }
    }
    hours
}

fn to_rollup((start_ms, partial): (u64, Partial)) -> Rollup {
    let sketch = partial.sketch.unwrap_or_default();
    Rollup {
        start_ms,
        count: partial.count,
        sum: partial.sum,
        min: partial.min,
        max: partial.max,
        last: partial.last,
        increase: partial.increase,
        elapsed_ms: partial.elapsed_ms,
        negative: sketch.negative,
        zeros: sketch.zeros,
        positive: sketch.positive,
    }
}

/// What a stored rollup stands for; with its sketch only where percentiles are asked for.
pub fn from_rollup(rollup: Rollup, has_sketch: bool) -> Partial {
    Partial {
        count: rollup.count,
        sum: rollup.sum,
        min: rollup.min,
        max: rollup.max,
        last: rollup.last,
        increase: rollup.increase,
        elapsed_ms: rollup.elapsed_ms,
        sketch: has_sketch.then_some(Sketch {
            negative: rollup.negative,
            zeros: rollup.zeros,
            positive: rollup.positive,
        }),
    }
}
