//! One series of an answer, evaluated: a series of the store, or several that count as one.

use std::ops::RangeInclusive;
use std::sync::Arc;

use driftless_protocol::{Aggregate, SeriesName};

use crate::partial::{Partial, together};
use crate::query::Window;
use crate::series::Series;
use crate::series_data::SeriesData;
use crate::store::{SeriesId, SeriesStore};

/// The values of one group of series in the window, as of a revision of the store.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) data: SeriesData,
    /// Its place in the answer, while it has one.
    pub(super) number: Option<u32>,
    /// The tick at which it got its number.
    pub(super) entered_at: u64,
    members: Vec<Member>,
    /// The window's last bucket when it was last looked at.
    last_bucket: Option<u64>,
}

/// One series of a group.
#[derive(Debug, Clone)]
struct Member {
    id: SeriesId,
    revision: u64,
    /// The oldest sample's bucket when it was last looked at, and the newest one's.
    oldest_bucket: u64,
    newest_bucket: u64,
}

/// What an evaluation is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) store: &'a SeriesStore,
    pub(super) window: Window,
    pub(super) aggregate: Aggregate,
}

impl Track {
    pub(super) fn new(name: Arc<SeriesName>) -> Self {
        Self {
            data: SeriesData::new(name),
            number: None,
            entered_at: 0,
            members: Vec::new(),
            last_bucket: None,
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

    /// Takes one more series. All that it has is looked at next.
    pub(super) fn join(&mut self, id: SeriesId) {
        self.members.push(Member {
            id,
            revision: 0,
            oldest_bucket: 0,
            newest_bucket: 0,
        });
    }

    /// Evaluates each bucket that may have changed, and names those that did.
    pub(super) fn update(
        &mut self,
        scope: Scope<'_>,
        buckets: &RangeInclusive<u64>,
        mut on_change: impl FnMut(u64),
    ) {
        self.data.keep(buckets);
        let moved = self.last_bucket.map_or(0, |bucket| bucket + 1);
        let mut doubtful = Doubtful::new(buckets);
        self.members.retain_mut(|member| {
            let Some(series) = scope.store.series(member.id) else {
                doubtful.add(member.oldest_bucket..=member.newest_bucket);
                return false;
            };
            member.look(series, scope.window, moved, &mut doubtful);
            true
        });
        for bucket in doubtful.buckets() {
            let value = self.value(scope, bucket);
            if value.to_bits() != self.data.value(bucket).to_bits() {
                self.data.set(bucket, value);
                on_change(bucket);
            }
        }
        self.last_bucket = Some(*buckets.end());
    }

    /// The value of a bucket from its samples; NaN where there is none.
    fn value(&self, scope: Scope<'_>, bucket: u64) -> f64 {
        let members = self.members.iter();
        let series = members.filter_map(|member| scope.store.series(member.id));
        let partials = series.filter_map(|series| partial(series, scope, bucket));
        together(&partials.collect::<Vec<_>>(), scope.aggregate)
    }
}

impl Member {
    /// Doubts each bucket of it that may have changed.
    fn look(&mut self, series: &Series, window: Window, moved: u64, doubtful: &mut Doubtful<'_>) {
        // Forgetting samples empties the buckets before the oldest that is left, and changes its.
        let oldest = series.oldest().map_or(u64::MAX, |it| it.time_ms);
        let oldest = window.bucket(oldest);
        doubtful.add(self.oldest_bucket..=oldest);
        // Samples that were ahead of the window come into it as it moves.
        let changed = series.earliest_change_since(self.revision);
        let from = changed.map_or(moved, |time_ms| moved.min(window.bucket(time_ms)));
        doubtful.add(from.max(oldest)..=u64::MAX);
        self.revision = series.revision();
        self.oldest_bucket = oldest;
        let newest = series.latest().map_or(0, |it| it.time_ms);
        self.newest_bucket = window.bucket(newest);
    }
}

fn partial(series: &Series, scope: Scope<'_>, bucket: u64) -> Option<Partial> {
    let has_sketch = scope.aggregate.quantile().is_some();
    let (start_ms, end_ms) = (
        scope.window.start_ms(bucket),
        scope.window.start_ms(bucket + 1),
    );
    let mut samples = series.between(start_ms, end_ms);
    let (first, before) = samples.next()?;
    let mut partial = Partial::of(first, before, has_sketch);
    samples.for_each(|(sample, before)| partial.add(sample, before));
    Some(partial)
}

/// The buckets of the window that have to be looked at, each once.
struct Doubtful<'a> {
    within: &'a RangeInclusive<u64>,
    ranges: Vec<RangeInclusive<u64>>,
}

impl<'a> Doubtful<'a> {
    fn new(within: &'a RangeInclusive<u64>) -> Self {
        let ranges = Vec::new();
        Self { within, ranges }
    }

    fn add(&mut self, range: RangeInclusive<u64>) {
        let (start, end) = range.into_inner();
        let range = start.max(*self.within.start())..=end.min(*self.within.end());
        if !range.is_empty() && !self.ranges.contains(&range) {
            self.ranges.push(range);
        }
    }

    fn buckets(mut self) -> impl Iterator<Item = u64> {
        self.ranges.sort_unstable_by_key(|range| *range.start());
        let mut next = 0;
        self.ranges.into_iter().flat_map(move |range| {
            let start = next.max(*range.start());
            next = next.max(range.end().saturating_add(1));
            start..=*range.end()
        })
    }
}
