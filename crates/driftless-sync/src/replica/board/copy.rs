//! The copy of a board goes: another user signs in, or the right to read is lost.

use driftless_model::RecordId;

use super::Board;
use crate::planted::{Bug, is_planted};
use crate::replica::journal::Journal;
use crate::replica::undo_history::UndoHistory;
use driftless_model::SortedSet;

impl Board {
    /// Deletes the copy and what else is known of the board, since the user may not read it, or is
    /// another one. Where the copy stood stays: what is pending rests on the history up to there.
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
