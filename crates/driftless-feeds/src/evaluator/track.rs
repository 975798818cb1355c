//! One series of an answer, evaluated: a series of the store, or several that count as one.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use driftless_protocol::SeriesName;

use super::member::{Member, Scope};
use crate::history::History;
use crate::partial::together;
use crate::query::Window;
use crate::series_data::SeriesData;
use crate::store::SeriesId;

/// The values of one group of series in the window, as of a revision of the store.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) data: SeriesData,
    /// Its place in the answer, while it has one.
    pub(super) number: Option<u32>,
    /// The tick at which it got its number.
    pub(super) entered_at: u64,
    members: BTreeMap<Arc<SeriesName>, Member>,
    /// From which bucket on it has to be looked at, whatever changed.
    doubtful_from: u64,
}

impl Track {
    pub(super) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            data: SeriesData::new(name),
            number: None,
            entered_at: 0,
            members: BTreeMap::new(),
            doubtful_from: 0,
        }
    }

    /// Whether it has no value in the window.
    pub(super) fn is_empty(&self) -> bool {
        self.data.values.is_empty()
    }

    /// Whether no series counts to it any more.
    pub(super) fn is_over(&self) -> bool {
        self.members.is_empty()
    }

    /// Takes one more series.
    pub(super) fn join(&mut self, name: &Arc<SeriesName>, id: SeriesId) {
        let member = self.members.entry(name.clone()).or_default();
        member.follow(id);
    }

    /// Takes what history has of one of its series.
    pub(super) fn recall(&mut self, history: History, window: Window) {
        let member = self.members.entry(history.name).or_default();
        for (start_ms, partial) in history.spans {
            member.recall(window.bucket(start_ms), partial);
        }
        self.doubtful_from = 0;
    }

    /// Takes the samples that became settled, up to before a time.
    pub(super) fn settle(&mut self, scope: Scope<'_>, first_bucket: u64, until_ms: u64) {
        for member in self.members.values_mut() {
            member.settle(scope, first_bucket, until_ms);
        }
    }

    /// Evaluates each bucket that may have changed, and names those that did.
    pub(super) fn update(
        &mut self,
        scope: Scope<'_>,
        buckets: &RangeInclusive<u64>,
        mut on_change: impl FnMut(u64),
    ) {
        self.data.keep(buckets);
        // Samples that were ahead of the window come into it as it moves.
        let mut from = self.doubtful_from;
        for member in self.members.values_mut() {
            member.keep_from(*buckets.start(), scope.store);
            from = from.min(member.look(scope).unwrap_or(u64::MAX));
        }
        self.members.retain(|_, member| !member.is_over());
        for bucket in from.max(*buckets.start())..=*buckets.end() {
            let value = self.value(scope, bucket);
            if value.to_bits() != self.data.value(bucket).to_bits() {
                self.data.set(bucket, value);
                on_change(bucket);
            }
        }
        self.doubtful_from = buckets.end().saturating_add(1);
    }

    /// The value of a bucket from its samples; NaN where there is none.
    fn value(&self, scope: Scope<'_>, bucket: u64) -> f64 {
        let members = self.members.values();
        let partials = members.filter_map(|member| member.partial(scope, bucket));
        together(&partials.collect::<Vec<_>>(), scope.aggregate)
    }
}
