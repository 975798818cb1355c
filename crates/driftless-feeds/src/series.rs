//! The samples of one series.

use std::collections::VecDeque;
use std::sync::Arc;

use driftless_protocol::{Sample, SeriesName};

use crate::changes::Changes;

/// The samples of one series, in order of time; never empty within its store.
#[derive(Debug, Clone)]
pub struct Series {
    name: Arc<SeriesName>,
    samples: VecDeque<Sample>,
    /// The newest one that was forgotten: a rate is measured from it.
    forgotten: Option<Sample>,
    revision: u64,
    changes: Changes,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is one more.
    Added,
    /// It took the place of one of the same time.
    Replaced,
    /// There is no room for one more.
    Full,
}

impl Series {
    pub(crate) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            name,
            samples: VecDeque::new(),
            forgotten: None,
            revision: 0,
            changes: Changes::default(),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &Arc<SeriesName> {
        &self.name
    }

    /// Its samples, in order of time.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        self.samples.iter()
    }

    /// Its samples from a time up to before another, in order of time, each with the one before it.
    pub fn between(
        &self,
        from_ms: u64,
        before_ms: u64,
    ) -> impl Iterator<Item = (Sample, Option<Sample>)> {
        let start = self.samples.partition_point(|it| it.time_ms < from_ms);
        let samples = self.samples.range(start..);
        let samples = samples.take_while(move |sample| sample.time_ms < before_ms);
        let first = start.checked_sub(1).and_then(|at| self.samples.get(at));
        let mut before = first.copied().or(self.forgotten);
        samples.map(move |sample| (*sample, before.replace(*sample)))
    }

    /// Its newest sample.
    pub fn latest(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// The store's revision at its last change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The earliest time at which samples were put after a revision, or a time before it, in
    /// milliseconds since 1970; `None` where none were. Forgotten samples do not count.
    pub fn earliest_change_since(&self, revision: u64) -> Option<u64> {
        self.changes.earliest_since(revision)
    }

    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Puts a sample where it belongs, in place of one of the same time.
    pub(crate) fn put(&mut self, sample: Sample, samples_max: usize) -> Put {
        let time_ms = sample.time_ms;
        let at = self.samples.partition_point(|it| it.time_ms < time_ms);
        if let Some(existing) = self.samples.get_mut(at)
            && existing.time_ms == time_ms
        {
            *existing = sample;
            return Put::Replaced;
        }
        if self.samples.len() >= samples_max {
            return Put::Full;
        }
        self.samples.insert(at, sample);
        Put::Added
    }

    /// Notes the store's revision at which a time changed.
    pub(crate) fn changed(&mut self, revision: u64, time_ms: u64) {
        self.revision = revision;
        self.changes.note(revision, time_ms);
    }

    pub(crate) fn forget_before(&mut self, oldest_ms: u64) {
        let forgotten = self.samples.partition_point(|it| it.time_ms < oldest_ms);
        self.forgotten = self
            .samples
            .drain(..forgotten)
            .next_back()
            .or(self.forgotten);
    }
}
