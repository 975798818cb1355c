//! Since when a series has changed, for whoever looked at it last at some revision.

use std::collections::VecDeque;

use driftless_model::limits::SERIES_CHANGES_MAX;

/// Answers "what is the earliest time that changed after revision r?" in little space: a change
/// hides each earlier one of the same or a later time, so both columns ascend.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    entries: VecDeque<Change>,
    /// Whoever looked before this revision has to read everything.
    forgotten: u64,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    revision: u64,
    /// Since 1970; whole, so that many samples of a second are one change. Nothing is lost by it:
    /// buckets are whole seconds too.
    second: u64,
}

impl Changes {
    /// Notes that something changed at a time. Revisions ascend.
    pub(crate) fn note(&mut self, revision: u64, time_ms: u64) {
        let second = time_ms / 1_000;
        while self
            .entries
            .back()
            .is_some_and(|change| change.second >= second)
        {
            self.entries.pop_back();
        }
        self.entries.push_back(Change { revision, second });
        if self.entries.len() > SERIES_CHANGES_MAX
            && let Some(change) = self.entries.pop_front()
        {
            self.forgotten = change.revision;
        }
    }

    /// The earliest time that changed after the revision, or one before it, in milliseconds; `None`
    /// where nothing did.
    pub(crate) fn earliest_since(&self, revision: u64) -> Option<u64> {
        if revision < self.forgotten {
            return Some(0);
        }
        let next = self
            .entries
            .partition_point(|change| change.revision <= revision);
        self.entries.get(next).map(|change| change.second * 1_000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_earliest_change_is_never_overlooked(
            times in prop::collection::vec(0..200_u64, 0..150)
        ) {
            let mut changes = Changes::default();
            for (revision, time_s) in (1..).zip(&times) {
                changes.note(revision, time_s * 1_000 + 999);
            }
            for seen in 0..=times.len() {
                let earliest = times[seen..].iter().min().map(|time_s| time_s * 1_000);
                let told = changes.earliest_since(seen as u64);
                let is_forgotten = (seen as u64) < changes.forgotten;
                prop_assert_eq!(told, if is_forgotten { Some(0) } else { earliest });
            }
            prop_assert!(changes.entries.len() <= SERIES_CHANGES_MAX);
        }
    }

    #[test]
    fn samples_that_arrive_in_order_are_remembered_for_a_minute() {
        let mut changes = Changes::default();
        for second in 1..=1_000_u64 {
            changes.note(second, second * 1_000);
        }
        assert_eq!(changes.earliest_since(940), Some(941_000));
        assert_eq!(changes.earliest_since(1_000), None);
        assert_eq!(changes.earliest_since(900), Some(0));
    }

    #[test]
    fn the_samples_of_one_second_are_one_change() {
        let mut changes = Changes::default();
        for revision in 1..=1_000 {
            changes.note(revision, 5_000 + revision % 1_000);
        }
        assert_eq!(changes.earliest_since(0), Some(5_000));
        assert_eq!(changes.entries.len(), 1);
    }
}
