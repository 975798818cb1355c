//! What undo asks of a board: what is there since which edit, and what lies over it.

use driftless_model::{LeafPath, LeafRef, Op, RecordId, SortedSet, Version};
use driftless_protocol::durable::LocalChange;

use super::{Board, Step};
use crate::replica::background_sync::Entry;
use crate::replica::journal::Journal;

impl Board {
    /// Whether a record is there since the edit of a version made it, or since an undo brought back
    /// what that had made.
    pub fn has_made(&self, id: &RecordId, version: Version) -> bool {
        let record = self.state.confirmed().record(id);
        record.is_some_and(|record| self.stood_for(id, record.created, version))
    }

    /// The same of what is on screen: whether it is there may be decided by an edit whose outcome
    /// is not known yet.
    pub fn shows_made(&self, id: &RecordId, version: Version) -> bool {
        match self.outbox.last_to_decide(id) {
            Some((edit, true)) => {
                let over = self.history.brings_back_from(edit, &whole(id));
                over.is_some_and(|over| self.stood_for(id, over, version))
            }
            Some((_, false)) => false,
            None => self.has_made(id, version),
        }
    }

    fn stood_for(&self, id: &RecordId, created: Version, version: Version) -> bool {
        let record = whole(id);
        let mut stood_for = self.history.stood_for(&record, created);
        stood_for.any(|own| own == version)
    }

    /// Whether nothing pending lies over what an undo of `version` would write, but undos that
    /// bring back what was there then.
    pub fn is_free_for_undo(&self, change: &LocalChange, version: Version) -> bool {
        let mut known = SortedSet::new();
        // The newest writer of each leaf is what is on screen, down to a removal of the record.
        for entry in self.outbox.over(change).rev() {
            for leaf in entry.leaves_of(&change.record) {
                if !is_about(change, leaf.as_ref()) || !known.insert(leaf.clone()) {
                    continue;
                }
                let record = change.record.clone();
                let at = LeafRef { record, leaf };
                if !self.history.brings_back(entry.row.id, &at, version) {
                    return false;
                }
            }
            if entry.decides(&change.record) == Some(false) {
                break;
            }
        }
        true
    }

    /// Seals the next edit that waits for nothing. An undo that was made while others were pending
    /// has seen what those brought back. Answers whether it did something; where that was to set
    /// the edit aside, `step` says so.
    pub fn seal_next(
        &mut self,
        token: Option<u64>,
        journal: &mut Journal,
        step: &mut Step,
    ) -> bool {
        let (history, confirmed) = (&self.history, self.state.confirmed());
        let seen =
            |change: &LocalChange| history.seen_by_undo(change, change.seen.version, confirmed);
        let Some(number) = self.outbox.seal_next(token, seen, journal) else {
            return false;
        };
        if self.outbox.entry(number).is_some_and(Entry::is_set_aside) {
            self.set_aside(number, None, step);
        }
        true
    }
}

/// A record as such.
fn whole(id: &RecordId) -> LeafRef {
    LeafRef {
        record: id.clone(),
        leaf: None,
    }
}

/// Whether what a change does rests on a leaf (`None`: on the record as such).
fn is_about(change: &LocalChange, leaf: Option<&LeafPath>) -> bool {
    leaf.is_none_or(|leaf| change.op.touches(leaf)) || matches!(change.op, Op::Create { .. })
}
