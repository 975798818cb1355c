//! The copy of a board goes: another user signs in, or the right to read is lost.

use driftless_model::RecordId;

use super::Board;
use crate::planted::{Bug, is_planted};
use crate::replica::journal::Journal;
use crate::replica::undo_history::UndoHistory;
use driftless_model::SortedSet;

impl Board {
    /// Deletes the copy: every record, and where it stood. Answers what was shown of it.
    pub fn forget_copy(&mut self, journal: &mut Journal) -> SortedSet<RecordId> {
        let gone = self.state.forget();
        self.store_records(&gone, journal);
        self.store_board(journal);
        gone
    }

    /// Deletes the copy and what else is known of the board, since the user may not read it. Where
    /// the copy stood stays, for what is pending.
    pub fn leave_copy(&mut self, journal: &mut Journal) -> SortedSet<RecordId> {
        if is_planted(Bug::KeepCopy) {
            return SortedSet::new();
        }
        let gone = self.state.leave();
        self.outbox.forget_applied(journal);
        self.history = UndoHistory::default();
        self.store_records(&gone, journal);
        self.store_board(journal);
        gone
    }
}
