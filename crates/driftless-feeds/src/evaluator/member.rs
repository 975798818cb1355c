//! One series of a group, as far as an evaluator knows it.

use std::collections::BTreeMap;

use driftless_protocol::{Aggregate, Sample};

use crate::partial::Partial;
use crate::query::Window;
use crate::series::Series;
use crate::store::{SeriesId, SeriesStore};

/// What an evaluation is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) store: &'a SeriesStore,
    pub(super) window: Window,
    pub(super) aggregate: Aggregate,
    /// Samples from before this time are in the members.
    pub(super) settled_ms: u64,
}

/// One series of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// Which, while the store has it.
    pub(super) id: Option<SeriesId>,
    revision: u64,
    /// What its settled samples come to, by bucket.
    settled: BTreeMap<u64, Partial>,
}

impl Member {
    /// Its series began anew, or was found: all that it has is looked at next.
    pub(super) fn follow(&mut self, id: SeriesId) {
        self.id = Some(id);
        self.revision = 0;
    }

    /// The series, if it is still there.
    pub(super) fn series<'a>(&self, store: &'a SeriesStore) -> Option<&'a Series> {
        store.series(self.id?)
    }

    /// Whether it has nothing to say any more.
    pub(super) fn is_over(&self) -> bool {
        self.id.is_none() && self.settled.is_empty()
    }

    /// Forgets what lies before a bucket, and a series that is gone.
    pub(super) fn keep_from(&mut self, bucket: u64, store: &SeriesStore) {
        if self
            .settled
            .first_key_value()
            .is_some_and(|(first, _)| *first < bucket)
        {
            self.settled = self.settled.split_off(&bucket);
        }
        if self.series(store).is_none() {
            self.id = None;
        }
    }

    /// Takes the samples that became settled, up to before a time.
    pub(super) fn settle(&mut self, scope: Scope<'_>, first_bucket: u64, until_ms: u64) {
        let Some(series) = self.series(scope.store) else {
            return;
        };
        for (sample, before) in series.between(scope.settled_ms, until_ms) {
            let bucket = scope.window.bucket(sample.time_ms);
            if bucket >= first_bucket {
                let settled = self.settled.remove(&bucket);
                let settled = added(settled, sample, before, scope.aggregate);
                self.settled.insert(bucket, settled);
            }
        }
    }

    /// Takes what history has of a bucket.
    pub(super) fn recall(&mut self, bucket: u64, partial: Partial) {
        match self.settled.get_mut(&bucket) {
            Some(settled) => settled.merge(&partial),
            None => drop(self.settled.insert(bucket, partial)),
        }
    }

    /// The earliest bucket that may have changed since it was last looked at, if one may have.
    pub(super) fn look(&mut self, scope: Scope<'_>) -> Option<u64> {
        let series = self.series(scope.store)?;
        let changed = series.earliest_change_since(self.revision);
        self.revision = series.revision();
        changed.map(|time_ms| scope.window.bucket(time_ms))
    }

    /// What its samples in a bucket come to; `None` where there is none.
    pub(super) fn partial(&self, scope: Scope<'_>, bucket: u64) -> Option<Partial> {
        let settled = self.settled.get(&bucket).cloned();
        let Some(series) = self.series(scope.store) else {
            return settled;
        };
        let start_ms = scope.window.start_ms(bucket).max(scope.settled_ms);
        let samples = series.between(start_ms, scope.window.start_ms(bucket + 1));
        samples.fold(settled, |partial, (sample, before)| {
            Some(added(partial, sample, before, scope.aggregate))
        })
    }
}

fn added(
    partial: Option<Partial>,
    sample: Sample,
    before: Option<Sample>,
    aggregate: Aggregate,
) -> Partial {
    match partial {
        Some(mut partial) => {
            partial.add(sample, before);
            partial
        }
        None => Partial::of(sample, before, aggregate.quantile().is_some()),
    }
}
