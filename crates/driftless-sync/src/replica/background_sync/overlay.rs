//! What of the outbox is in the views of records.

use driftless_model::RecordId;
use driftless_protocol::durable::LocalChange;

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::{Entry, Outbox};
use driftless_model::{SortedMap, SortedSet};

impl Outbox {
    /// The changes that are in the views of these records, in order. One pass over the outbox,
    /// however many records: a long one is folded at once when the storage was read.
    pub fn active_changes(
        &self,
        records: &SortedSet<RecordId>,
    ) -> SortedMap<&RecordId, Vec<&LocalChange>> {
        let mut found: SortedMap<_, Vec<_>> = SortedMap::new();
        let is_shown = |entry: &&Entry| {
            entry.is_active() || (entry.is_set_aside() && is_planted(Bug::ShowSetAside))
        };
        let active = self.entries().filter(is_shown);
        let changes = active.flat_map(|entry| &entry.row.changes);
        for change in changes.filter(|change| records.contains(&change.record)) {
            found.entry(&change.record).or_default().push(change);
        }
        found
    }

    /// The entries about these records that wait for a person.
    pub fn set_aside(&self, records: &SortedSet<RecordId>) -> SortedMap<RecordId, Vec<u64>> {
        let mut found: SortedMap<_, Vec<_>> = SortedMap::new();
        for entry in self.entries().filter(|entry| entry.is_set_aside()) {
            let touched = entry.records().into_iter();
            for record in touched.filter(|record| records.contains(record)) {
                found.entry(record).or_default().push(entry.row.number);
            }
        }
        found
    }
}
