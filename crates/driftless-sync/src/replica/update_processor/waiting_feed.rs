//! The frames of one feed that wait for a flush, as one.

use driftless_model::limits;
use driftless_protocol::feed::{Run, pack, unpack};
use driftless_protocol::{FeedFrame, Packed};

use super::attention::Waiting;

/// One frame that does what all that came would do, one after another.
#[derive(Debug)]
pub(super) struct WaitingFeed {
    /// The first, as it came; its time and series are kept up to date.
    frame: FeedFrame,
    /// The runs of the later ones, in order, without those that a later one covers.
    later: Vec<Run>,
    /// What `later` takes when packed.
    later_bytes: usize,
    pub(super) waiting: Waiting,
}

/// The frame does not go with those before it, or too much waits: the feed has to be asked for
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DoesNotFit;

impl WaitingFeed {
    pub(super) fn new(frame: FeedFrame, now_ms: u64) -> Self {
        Self {
            frame,
            later: Vec::new(),
            later_bytes: 0,
            waiting: Waiting::at(now_ms),
        }
    }

    /// Takes the next frame, an increment.
    pub(super) fn add(&mut self, frame: FeedFrame, now_ms: u64) -> Result<(), DoesNotFit> {
        let runs = unpack(&frame.points).map_err(|_| DoesNotFit)?;
        let series = self.frame.series.len() + frame.series.len();
        let is_known = |run: &Run| !self.frame.full || (run.series as usize) < series;
        let fits = frame.step_s == self.frame.step_s
            && series <= limits::SERIES_PER_QUERY_MAX
            && runs.iter().all(is_known);
        if !fits {
            return Err(DoesNotFit);
        }
        for run in runs {
            self.later.retain(|earlier| !covers(&run, earlier));
            self.later.push(run);
        }
        self.later_bytes = self.later.iter().map(packed_bytes).sum();
        if self.later_bytes > limits::FEED_WAITING_BYTES_MAX {
            return Err(DoesNotFit);
        }
        self.frame.now_ms = frame.now_ms;
        self.frame.series.extend(frame.series);
        self.waiting.changed_ms = now_ms;
        Ok(())
    }

    /// What waits beside the first frame, in packed bytes.
    pub(super) fn later_bytes(&self) -> usize {
        self.later_bytes
    }

    /// How many samples wait.
    pub(super) fn samples(&self) -> u64 {
        let later = self.later.iter().map(|run| run.values.len() as u64);
        samples(&self.frame) + later.sum::<u64>()
    }

    /// Everything as one frame.
    pub(super) fn into_frame(self) -> FeedFrame {
        let mut frame = self.frame;
        if !self.later.is_empty() {
            let Packed(mut bytes) = frame.points;
            bytes.extend(pack(&self.later).0);
            frame.points = Packed(bytes);
        }
        frame
    }
}

/// How many samples a frame has; 0 where it cannot be read.
pub(super) fn samples(frame: &FeedFrame) -> u64 {
    let runs = unpack(&frame.points).unwrap_or_default();
    runs.iter().map(|run| run.values.len() as u64).sum()
}

fn packed_bytes(run: &Run) -> usize {
    16 + 8 * run.values.len()
}

/// Whether a run has a value for every bucket of an earlier one.
fn covers(run: &Run, earlier: &Run) -> bool {
    let end = |run: &Run| run.first_bucket.saturating_add(run.values.len() as u64);
    run.series == earlier.series
        && run.first_bucket <= earlier.first_bucket
        && end(run) >= end(earlier)
}
