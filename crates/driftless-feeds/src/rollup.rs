//! Samples that are settled, taken together by the minute and by the hour, for history.

use std::sync::Arc;

use driftless_protocol::samples::{HOUR_MS, MINUTE_MS, Rollup};
use driftless_protocol::{Sample, SeriesName};

use crate::partial::Partial;
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
    /// Its newest settled sample, in milliseconds since 1970.
    pub newest_ms: u64,
    /// By the minute, in order of time; minutes without samples are left out.
    pub minutes: Vec<Rollup>,
    /// By the hour.
    pub hours: Vec<Rollup>,
}

impl SettledSeries {
    /// The samples from a time up to before another; `None` where there are none.
    pub(crate) fn of(series: &Series, from_ms: u64, until_ms: u64) -> Option<Self> {
        let pairs = || series.between(from_ms, until_ms);
        let (newest, _) = pairs().last()?;
        Some(Self {
            name: series.name().clone(),
            newest_ms: newest.time_ms,
            minutes: by_span(pairs(), MINUTE_MS),
            hours: by_span(pairs(), HOUR_MS),
        })
    }
}

fn by_span(pairs: impl Iterator<Item = (Sample, Option<Sample>)>, span_ms: u64) -> Vec<Rollup> {
    let mut partials: Vec<(u64, Partial)> = Vec::new();
    for (sample, before) in pairs {
        let start_ms = sample.time_ms - sample.time_ms % span_ms;
        match partials.last_mut() {
            Some((last_ms, partial)) if *last_ms == start_ms => partial.add(sample, before),
            _ => partials.push((start_ms, Partial::of(sample, before, true))),
        }
    }
    let partials = partials.into_iter();
    partials
        .map(|(start_ms, partial)| to_rollup(start_ms, partial))
        .collect()
}

fn to_rollup(start_ms: u64, partial: Partial) -> Rollup {
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
