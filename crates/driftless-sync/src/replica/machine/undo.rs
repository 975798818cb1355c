//! Undo and redo, and the edits that the machine makes itself.

use driftless_model::{BoardId, EditId, OnStale, RecordId};
use driftless_protocol::durable::{EntryRow, LocalChange};

use crate::replica::background_sync::{NewEdit, undo_changes};
use crate::replica::board::{Undo, labelled, settlements};
use crate::replica::machine::Replica;
use crate::replica::tabs::What;
use crate::replica::types::{Now, Settlement};
use crate::replica::undo_history::{Applied, Part, Step, UndoState};

impl Replica {
    /// What undo and redo would do now.
    pub fn undo_state(&self, id: &BoardId) -> UndoState {
        let board = self.boards.get(id);
        board.map(|board| board.history.state()).unwrap_or_default()
    }

    pub(super) fn undo(&mut self, id: &BoardId, now: Now) {
        if let Some(step) = self
            .writable_board(id)
            .and_then(|board| board.history.pop_done())
        {
            let step = self.flip(id, &step, "Undo", now);
            self.board_mut(id).history.push_undone(step);
            self.processor.outbox(id);
        }
    }

    pub(super) fn redo(&mut self, id: &BoardId, now: Now) {
        if let Some(step) = self
            .writable_board(id)
            .and_then(|board| board.history.pop_undone())
        {
            let step = self.flip(id, &step, "Redo", now);
            self.board_mut(id).history.push_done(step);
            self.processor.outbox(id);
        }
    }

    fn writable_board(&mut self, id: &BoardId) -> Option<&mut crate::replica::board::Board> {
        let may_decide = self.may_decide();
        self.boards.get_mut(id).filter(|_| may_decide)
    }

    /// Undoes or redoes every part of a step, the newest first.
    fn flip(&mut self, id: &BoardId, step: &Step, what: &str, now: Now) -> Step {
        let label = labelled(what, &step.label);
        let parts = step.parts.iter().rev();
        let flipped = parts.filter_map(|part| self.flip_part(id, part, &label, now));
        step.with(flipped.collect())
    }

    fn flip_part(&mut self, id: &BoardId, part: &Part, label: &str, now: Now) -> Option<Part> {
        match part {
            Part::Unsettled(edit) => self.undo_unsettled(id, *edit, label, now),
            Part::Applied(applied) => self.undo_applied(id, applied, label, now),
            Part::Gone(row) => Some(self.make_again(id, row, now)),
            Part::Marked(edit) => {
                let board = self.boards.get_mut(id)?;
                let entry = board.outbox.by_id(*edit)?;
                let (number, records) = (entry.row.number, entry.records());
                board.outbox.take_anew(number, &mut self.journal);
                self.processor.local(id, records);
                self.note(id, What::TakenAnew(*edit));
                Some(Part::Unsettled(*edit))
            }
        }
    }

    /// Takes an edit back whose outcome is not known. Where later edits of the same person rest on
    /// it, only what they left of it is undone, and by an edit that follows it.
    fn undo_unsettled(
        &mut self,
        id: &BoardId,
        edit: EditId,
        label: &str,
        now: Now,
    ) -> Option<Part> {
        let board = self.boards.get_mut(id)?;
        let entry = board.outbox.by_id(edit).filter(|entry| entry.is_active())?;
        let (number, row) = (entry.row.number, entry.row.clone());
        if board.outbox.is_awaited(number) {
            let mut changes = undo_changes(&row, &[], driftless_model::Version(0), &|_| true);
            for change in &mut changes {
                change.seen.after = vec![row.id];
            }
            changes.retain(|change| !board.outbox.is_covered(change, row.id));
            let made = self.make(id, label.to_owned(), OnStale::Skip, changes, now)?;
            return Some(Part::Unsettled(made));
        }
        let records = entry.records();
        let gone = board.outbox.roll_back(number, &|_| true, &mut self.journal);
        self.processor.local(id, records);
        self.note_rolled_back(id, edit, &gone);
        if gone.is_empty() {
            return Some(Part::Marked(edit));
        }
        self.tell_all(settlements(id, &row, &Settlement::RolledBack));
        Some(Part::Gone(Box::new(row)))
    }

    fn undo_applied(
        &mut self,
        id: &BoardId,
        applied: &Applied,
        label: &str,
        now: Now,
    ) -> Option<Part> {
        let board = self.boards.get(id)?;
        let version = applied.version;
        let has_made = |id: &RecordId| board.shows_made(id, version);
        let mut changes = undo_changes(&applied.row, &applied.skipped, version, &has_made);
        changes.retain(|change| board.is_free_for_undo(change, version));
        for change in &mut changes {
            let confirmed = board.state.confirmed();
            change.seen.version = board.history.seen_by_undo(change, version, confirmed);
        }
        let made = self.make(id, label.to_owned(), OnStale::Skip, changes, now)?;
        self.board_mut(id).history.undoes(made, &applied.over);
        Some(Part::Unsettled(made))
    }

    /// Makes an edit again that was taken back: an undo as it was, anything else on what is on
    /// screen now.
    fn make_again(&mut self, id: &BoardId, row: &EntryRow, now: Now) -> Part {
        let mark = self.seen_mark(id);
        let changes = row.changes.iter().map(|change| match row.on_stale {
            OnStale::Skip => change.clone(),
            OnStale::Policy => mark.change(change.record.clone(), change.op.clone()),
        });
        let (label, changes) = (row.label.clone(), changes.collect());
        let Some(made) = self.make(id, label, row.on_stale, changes, now) else {
            return Part::Gone(Box::new(row.clone()));
        };
        self.board_mut(id).history.undoes_again(row.id, made);
        Part::Unsettled(made)
    }

    /// Undoes entries that were taken back and turned out to be applied.
    pub(super) fn undo_taken_back(&mut self, id: &BoardId, undo: Undo, now: Now) {
        let Undo {
            label,
            changes,
            of,
            over,
        } = undo;
        let made = self.automatically(|own| own.make_below(id, label, changes, &of, now));
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        if let Some(made) = made {
            board.outbox.note_undone(of.number, made, &mut self.journal);
        }
        let history = &mut self.board_mut(id).history;
        if let Some(made) = made {
            history.undoes(made, &over);
        }
        history.undone_by(&of, made);
    }

    /// Makes an edit that undoes another one, below what was written over that one since.
    pub(super) fn make_below(
        &mut self,
        id: &BoardId,
        label: String,
        changes: Vec<LocalChange>,
        of: &EntryRow,
        now: Now,
    ) -> Option<EditId> {
        let board = self.boards.get_mut(id)?;
        let lifted = board.outbox.lift(of.number, &changes, &mut self.journal);
        let made = self.make(id, label, OnStale::Skip, changes, now);
        let board = self.boards.get_mut(id)?;
        board.outbox.put_back(lifted, of, made, &mut self.journal);
        made
    }

    /// Makes an edit; `None` where there is nothing to change.
    pub(super) fn make(
        &mut self,
        id: &BoardId,
        label: String,
        on_stale: OnStale,
        changes: Vec<LocalChange>,
        now: Now,
    ) -> Option<EditId> {
        if changes.is_empty() {
            return None;
        }
        let edit = EditId(self.draw_wide());
        self.edit(
            NewEdit {
                board: id.clone(),
                id: edit,
                label,
                gesture: None,
                on_stale,
                changes,
            },
            now,
        );
        Some(edit)
    }
}
