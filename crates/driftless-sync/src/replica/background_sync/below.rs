//! The undo of an edit that was taken back and applied all the same goes below what its author
//! wrote since: they wrote that on the board without the edit, which is what the undo restores.

use driftless_model::EditId;
use driftless_protocol::durable::{EntryRow, LocalChange};

use super::entry::is_below;
use super::{Entry, Outbox};
use crate::replica::journal::Journal;

/// The unsettled entries above an edit that its undo has to stay below, oldest first.
#[derive(Debug)]
pub struct Lifted(Vec<Entry>);

impl Outbox {
    /// Takes out what has to come after `changes`, which undo an edit that was the entry `of`: what
    /// writes the same, and what writes the same as that.
    pub fn lift(&mut self, of: u64, changes: &[LocalChange], journal: &mut Journal) -> Lifted {
        let later = self.entries().filter(|entry| entry.row.number > of);
        let later: Vec<u64> = later
            .filter(|entry| entry.is_unsettled())
            .map(|entry| entry.row.number)
            .collect();
        let mut lifted: Vec<Entry> = Vec::new();
        for number in later {
            let is_over = |entry: &Entry| {
                let mut own = entry.row.changes.iter();
                own.any(|own| {
                    changes
                        .iter()
                        .any(|change| is_below(change, own, &self.schema))
                        || lifted.iter().any(|below| below.is_under(own, &self.schema))
                })
            };
            if self.entry(number).is_some_and(is_over) {
                lifted.extend(self.remove(number, journal));
            }
        }
        Lifted(lifted)
    }

    /// Puts that back above the undo, if one was made. What waited for the edit waits for the undo.
    pub fn put_back(
        &mut self,
        lifted: Lifted,
        of: &EntryRow,
        undo: Option<EditId>,
        journal: &mut Journal,
    ) {
        for entry in lifted.0 {
            self.put_last(entry, journal);
        }
        let ids: Vec<EditId> = of.ids().collect();
        self.release(&ids, journal, &|change| change.seen.after.extend(undo));
    }
}
