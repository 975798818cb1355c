//! What persons asked for and is not durable yet: where another tab wrote the same rows first, it
//! is done again on what is stored then. Once: an entry that was settled meanwhile is let be.

use driftless_model::{BoardId, EditId, SortedSet};
use driftless_protocol::Code;
use driftless_protocol::durable::{AppliedRow, EntryRow};

use crate::replica::background_sync::{Entry, NewEdit, Saw, undo_changes};
use crate::replica::board::labelled;
use crate::replica::machine::Replica;
use crate::replica::tabs::{Deed, What};
use crate::replica::types::{Notice, Now, Output, Settlement};
use crate::replica::undo_history::Part;

impl Replica {
    /// Notes what a person asked for, until it is durable.
    pub(super) fn note(&mut self, board: &BoardId, what: What) {
        let ticket = self.journal.ticket();
        if let Some(tabs) = self.tabs.as_mut().filter(|tabs| !tabs.is_automatic) {
            let board = board.clone();
            tabs.deeds.push(Deed {
                ticket,
                board,
                what,
            });
        }
    }

    /// Notes that an entry was taken back, and what is gone since.
    pub(super) fn note_rolled_back(&mut self, board: &BoardId, edit: EditId, rows: &[EntryRow]) {
        let gone = rows.iter().flat_map(EntryRow::ids).collect();
        self.note(board, What::RolledBack { edit, gone });
    }

    /// An edit as a deed, with all that it rests on. Nobody else could come between where there
    /// are no tabs.
    pub(super) fn made(
        &self,
        edit: &NewEdit,
        saw: &Saw,
        instead_of: Option<EditId>,
    ) -> Option<What> {
        self.tabs.as_ref()?;
        let mut edit = edit.clone();
        let board = self.boards.get(&edit.board)?;
        let before = edit
            .gesture
            .and_then(|gesture| board.outbox.last_of_gesture(gesture));
        for change in &mut edit.changes {
            change.seen.after.extend(before);
        }
        // Whoever signs in next does not own it, nor whoever was here before where this sign-in is
        // not stored yet.
        let user = self.row.as_ref().and_then(|row| row.user.clone());
        let user = user.filter(|_| !self.waits_to_lead());
        Some(What::Made {
            edit: Box::new(edit),
            saw: Box::new(saw.clone()),
            user,
            instead_of,
        })
    }

    /// Does something that follows from what the server said: it is not a person's deed.
    pub(super) fn automatically<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        if let Some(tabs) = &mut self.tabs {
            tabs.is_automatic = true;
        }
        let done = what(self);
        if let Some(tabs) = &mut self.tabs {
            tabs.is_automatic = false;
        }
        done
    }

    /// Does everything again that is not durable.
    pub(super) fn do_again(&mut self, mut deeds: Vec<Deed>, now: Now) {
        forget_reversed(&mut deeds);
        forget_taken_back(&mut deeds);
        let mut settled = SortedSet::new();
        for Deed { board, what, .. } in deeds {
            match what {
                What::Made {
                    edit,
                    saw,
                    user,
                    instead_of,
                } => {
                    if instead_of.is_some_and(|of| settled.contains(&of)) {
                        self.let_go(&edit, Settlement::Discarded);
                    } else {
                        self.make_once(*edit, *saw, (user, instead_of), now);
                    }
                }
                What::RolledBack { edit, gone } => {
                    self.roll_back_again(&board, edit, &gone, now);
                }
                What::TakenAnew(edit) => self.take_anew_again(&board, edit),
                What::Discarded(row) => {
                    if !self.discard_again(&board, &row) {
                        settled.insert(row.id);
                    }
                }
            }
        }
        self.forget_gone();
    }

    /// Nobody waits to hear that an edit is stored that is no more.
    fn forget_gone(&mut self) {
        let boards = &self.boards;
        self.unstored.retain(|id, _| {
            let mut outboxes = boards.values().map(|board| &board.outbox);
            outboxes.any(|outbox| outbox.by_id(*id).is_some())
        });
    }

    fn make_once(
        &mut self,
        edit: NewEdit,
        saw: Saw,
        (user, instead_of): (Option<driftless_model::UserId>, Option<EditId>),
        now: Now,
    ) {
        let now_bound = self.row.as_ref().and_then(|row| row.user.as_ref());
        if user.is_some() && user.as_ref() != now_bound {
            let detail = "somebody else signed in before it was saved".to_owned();
            return self.let_go(
                &edit,
                Settlement::Refused {
                    code: Code::WrongUser,
                    detail,
                },
            );
        }
        let outbox = &self.board_mut(&edit.board).outbox;
        if outbox.by_id(edit.id).is_none() && outbox.applied_edit(edit.id).is_none() {
            let made = What::Made {
                edit: Box::new(edit.clone()),
                saw: Box::new(saw.clone()),
                user,
                instead_of,
            };
            self.add(edit, saw, Some(made), now);
        } else {
            // A write that was said to have failed had not.
            let stored = Notice::EditStored { id: edit.id };
            self.outputs.push_back(Output::Notice(stored));
        }
    }

    /// An entry that was sent meanwhile is marked; one that was applied meanwhile is undone.
    fn roll_back_again(&mut self, id: &BoardId, edit: EditId, gone: &[EditId], now: Now) {
        let Some(board) = self.boards.get(id) else {
            return;
        };
        if let Some(entry) = board.outbox.by_id(edit) {
            // It may have become a part of one that waits for a person.
            if entry.row.id != edit {
                return;
            }
            self.roll_back(id, edit, &|entry| gone.contains(&entry.row.id));
            let board = self.board_mut(id);
            if board.outbox.by_id(edit).is_some_and(Entry::is_taken_back) {
                board.history.is_not_gone(edit, &Part::Marked(edit));
            }
            return;
        }
        let applied = board.outbox.applied_edit(edit).cloned();
        if let Some(applied) = applied.filter(|row| row.undone_by.is_none()) {
            self.undo_after_all(id, &applied, now);
        }
    }

    fn undo_after_all(&mut self, id: &BoardId, applied: &AppliedRow, now: Now) {
        let board = self.board_mut(id);
        let (row, version) = (&applied.entry, applied.version);
        let has_made = |record: &driftless_model::RecordId| board.has_made(record, version);
        let changes = undo_changes(row, &applied.skipped, version, &has_made);
        let label = labelled("Take back", &row.label);
        let Some(made) = self.make_below(id, label, changes, row, now) else {
            return;
        };
        let history = &mut self.board_mut(id).history;
        history.undoes(made, &applied.over);
        history.is_not_gone(row.id, &Part::Unsettled(made));
    }

    fn take_anew_again(&mut self, id: &BoardId, edit: EditId) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(entry) = board.outbox.by_id(edit).filter(|it| it.is_taken_back()) else {
            return;
        };
        let (number, records) = (entry.row.number, entry.records());
        board.outbox.take_anew(number, &mut self.journal);
        self.processor.local(id, records);
        self.note(id, What::TakenAnew(edit));
    }

    /// Answers whether the entry was still there, and what was decided on: edits that joined it
    /// since are not let go unseen.
    fn discard_again(&mut self, id: &BoardId, decided: &EntryRow) -> bool {
        let Some(board) = self.boards.get_mut(id) else {
            return false;
        };
        let is_it = |entry: &&Entry| {
            let row = &entry.row;
            let is_same = row.id == decided.id && row.folded == decided.folded;
            entry.is_set_aside() && is_same && row.changes == decided.changes
        };
        let entry = board.outbox.by_id(decided.id).filter(is_it);
        let Some(number) = entry.map(|entry| entry.row.number) else {
            return false;
        };
        let Some(row) = board.outbox.discard(number, &mut self.journal) else {
            return false;
        };
        self.entry_gone(id, &row, &Settlement::Discarded);
        self.note(id, What::Discarded(Box::new(row)));
        true
    }
}

/// What was taken back and counts again was never taken back: where the edit is not stored either,
/// there would be nothing left to count again.
fn forget_reversed(deeds: &mut Vec<Deed>) {
    let mut kept: Vec<Deed> = Vec::with_capacity(deeds.len());
    for deed in deeds.drain(..) {
        let reversed = match deed.what {
            What::TakenAnew(edit) => kept
                .iter()
                .rposition(|it| matches!(it.what, What::RolledBack { edit: id, .. } if id == edit)),
            _ => None,
        };
        match reversed {
            Some(index) => drop(kept.remove(index)),
            None => kept.push(deed),
        }
    }
    *deeds = kept;
}

/// What was made and taken back before anything of it was stored was never made: made again, its
/// edits could join others of their gesture, which would then be taken back with them.
fn forget_taken_back(deeds: &mut Vec<Deed>) {
    let mut kept: Vec<Deed> = Vec::with_capacity(deeds.len());
    for deed in deeds.drain(..) {
        let is_made = |id: &EditId| {
            let mut made = kept.iter().filter_map(made_edit);
            made.any(|edit| edit.id == *id)
        };
        match deed.what {
            What::RolledBack { edit, ref gone }
                if gone.contains(&edit) && gone.iter().all(is_made) =>
            {
                kept.retain(|it| made_edit(it).is_none_or(|edit| !gone.contains(&edit.id)));
                for deed in &mut kept {
                    rest_on_less(deed, gone);
                }
            }
            _ => kept.push(deed),
        }
    }
    *deeds = kept;
}

/// An edit of the same gesture rests on them in its deed alone.
fn rest_on_less(deed: &mut Deed, gone: &[EditId]) {
    if let What::Made { edit, .. } = &mut deed.what {
        for change in &mut edit.changes {
            change.seen.after.retain(|id| !gone.contains(id));
        }
    }
}

fn made_edit(deed: &Deed) -> Option<&NewEdit> {
    match &deed.what {
        What::Made { edit, .. } => Some(edit),
        _ => None,
    }
}
