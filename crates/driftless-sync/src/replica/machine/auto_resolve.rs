//! Conflicts that are settled without asking, where the application wants that.

use driftless_model::{BoardId, BoardState, EditId, Op};
use driftless_protocol::durable::{EntryState, LocalChange};

use crate::replica::background_sync::{Entry, resolved_changes};
use crate::replica::machine::Replica;
use crate::replica::types::{Notice, Now, Output};
use crate::replica::view::{AutoResolve, Resolution};

impl Replica {
    /// Settles every conflict that waits, on what the server said last. A value that came with the
    /// same message counts as known: that is what settling without a person means.
    pub(super) fn settle_conflicts(&mut self, now: Now) {
        let resolution = match self.auto_resolve {
            AutoResolve::Never => return,
            AutoResolve::Mine => Resolution::KeepMine,
            AutoResolve::Theirs => Resolution::TakeTheirs,
        };
        // Before a server has said whose the token is, nobody decides as the copy's user.
        if !self.is_leading() || self.is_outdated() || self.is_anothers() {
            return;
        }
        for (id, number) in self.open_conflicts() {
            self.settle_conflict(&id, number, &resolution, now);
        }
    }

    fn open_conflicts(&self) -> Vec<(BoardId, u64)> {
        let is_open = |entry: &&Entry| matches!(entry.row.state, EntryState::Conflicted(_));
        let open = self.boards.iter().flat_map(|(id, board)| {
            let conflicts = board.outbox.entries().filter(is_open);
            conflicts.map(|entry| (id.clone(), entry.row.number))
        });
        open.collect()
    }

    fn settle_conflict(&mut self, id: &BoardId, number: u64, resolution: &Resolution, now: Now) {
        let edit = EditId(self.draw_wide());
        let Some(board) = self.boards.get(id) else {
            return;
        };
        let Some(conflicted) = board.outbox.entry(number) else {
            return;
        };
        let is_of_another = self.tabs.is_some() && board.outbox.is_of_another(conflicted);
        let row = conflicted.row.clone();
        let seen = board.state.version();
        let confirmed = board.state.confirmed();
        if !can_apply(
            &resolved_changes(&row, resolution, seen, confirmed),
            confirmed,
        ) {
            return;
        }
        let entry = (row.id, row.ids().count());
        self.automatically(|own| own.resolve(id, entry, resolution, seen, edit, now));
        if is_of_another {
            self.board_mut(id).outbox.made_of_anothers(edit);
        }
        let board = self.boards.get(id);
        let by = board.and_then(|board| board.outbox.by_id(edit).map(|_| edit));
        self.outputs.push_back(Output::Notice(Notice::AutoResolved {
            board: id.clone(),
            number,
            ids: row.ids().collect(),
            label: row.label,
            resolution: resolution.clone(),
            by,
        }));
    }
}

/// Whether every record that the changes write is there, or made by them before. Where somebody
/// removed one and nobody remembers it, the same conflict would come again for ever: a person
/// decides.
fn can_apply(changes: &[LocalChange], confirmed: &BoardState) -> bool {
    changes.iter().enumerate().all(|(at, change)| {
        let before = &changes[..=at];
        let is_made = |other: &LocalChange| {
            other.record == change.record && matches!(other.op, Op::Create { .. })
        };
        confirmed.record(&change.record).is_some() || before.iter().any(is_made)
    })
}
