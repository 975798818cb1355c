//! Which buckets changed at which tick, as far back as is worth keeping.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use driftless_model::limits::FEED_CHANGES_MAX;

/// Changed buckets in order of their ticks, 1.5 MB at most. For whoever looked before them, the
/// whole answer is as cheap.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeLog {
    changes: VecDeque<Change>,
    /// The last tick of which a change was dropped.
    dropped: u64,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    tick: u64,
    number: u32,
    bucket: u64,
}

impl ChangeLog {
    /// Notes that a bucket of the series with this number changed. Ticks do not descend.
    pub(super) fn note(&mut self, tick: u64, number: u32, bucket: u64) {
        self.changes.push_back(Change {
            tick,
            number,
            bucket,
        });
        if self.changes.len() > FEED_CHANGES_MAX
            && let Some(change) = self.changes.pop_front()
        {
            self.dropped = change.tick;
        }
    }

    /// Whether it still has every change after the tick.
    pub(super) fn reaches(&self, tick: u64) -> bool {
        tick >= self.dropped
    }

    /// The buckets that changed after the tick, by series number.
    pub(super) fn since(&self, tick: u64) -> BTreeMap<u32, BTreeSet<u64>> {
        let start = self.changes.partition_point(|change| change.tick <= tick);
        let mut buckets = BTreeMap::<u32, BTreeSet<u64>>::new();
        for change in self.changes.range(start..) {
            buckets
                .entry(change.number)
                .or_default()
                .insert(change.bucket);
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_back_as_far_as_nothing_was_dropped() {
        let mut log = ChangeLog::default();
        for bucket in 0..FEED_CHANGES_MAX as u64 {
            log.note(1 + bucket % 2, 0, bucket);
        }
        assert!(log.reaches(0));
        log.note(2, 0, 0);
        assert!(!log.reaches(0));
        assert!(log.reaches(1));
        assert_eq!(log.changes.len(), FEED_CHANGES_MAX);
    }
}
