//! What a viewer is sent.

use std::sync::Arc;

use driftless_protocol::feed::{Run, pack};
use driftless_protocol::{FeedFrame, SeriesName};

use super::Mark;
use crate::series_data::SeriesData;

/// The answer to a query, or what changed in it since a mark. Viewers with the same mark get the
/// same.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Whether it replaces everything that the viewer has.
    pub full: bool,
    /// The server's time, in milliseconds since 1970.
    pub now_ms: u64,
    /// The query's step, in seconds.
    pub step_s: u32,
    /// New series, numbered on from those that the viewer has; from 0 in a full answer.
    pub series: Vec<Arc<SeriesName>>,
    /// Buckets and their values, by series and bucket; NaN where a value is gone.
    pub runs: Vec<Run>,
    /// What the viewer has seen once it has this.
    pub mark: Mark,
}

impl Answer {
    /// The frame for a viewer that calls its feed by this number.
    pub fn frame(&self, feed: u32) -> FeedFrame {
        FeedFrame {
            feed,
            full: self.full,
            now_ms: self.now_ms,
            step_s: self.step_s,
            series: self.series.iter().map(|name| (**name).clone()).collect(),
            points: pack(&self.runs),
        }
    }
}

/// All values of a series; its gaps are left out.
pub(super) fn runs_of(number: u32, data: &SeriesData) -> Vec<Run> {
    let mut runs = RunsBuilder::new(number);
    let values = data.buckets().filter(|(_, value)| !value.is_nan());
    values.for_each(|(bucket, value)| runs.add(bucket, value));
    runs.finish()
}

/// Joins consecutive buckets of one series into runs.
pub(super) struct RunsBuilder {
    series: u32,
    runs: Vec<Run>,
}

impl RunsBuilder {
    pub(super) fn new(series: u32) -> Self {
        let runs = Vec::new();
        Self { series, runs }
    }

    /// Adds a bucket; they ascend.
    pub(super) fn add(&mut self, bucket: u64, value: f64) {
        match self.runs.last_mut() {
            Some(run) if run.first_bucket + run.values.len() as u64 == bucket => {
                run.values.push(value);
            }
            _ => self.runs.push(Run {
                series: self.series,
                first_bucket: bucket,
                values: vec![value],
            }),
        }
    }

    pub(super) fn finish(self) -> Vec<Run> {
        self.runs
    }
}
