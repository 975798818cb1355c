//! Persons who undo and redo, and conflicts that settle themselves: what the book has to know.

use std::sync::Arc;

use driftless_model::{BoardId, EditId, OnStale, RecordId, SortedMap};
use driftless_protocol::durable::EntryRow;
use driftless_sync::replica::background_sync::Entry;
use driftless_sync::replica::view::RecordView;
use driftless_sync::replica::{Command, NewEdit};

use crate::book::Made;
use crate::failure::Failure;
use crate::world::World;
use crate::world::checkers;
use crate::world::person::confirmed_view;

/// Whether an edit is one that undoes, by its label.
pub fn is_undo(label: &str) -> bool {
    ["Take back", "Undo", "Redo"]
        .iter()
        .any(|what| label.starts_with(what))
}

impl World {
    /// A person undoes what they did last, or does it again.
    pub fn undo_or_redo(&mut self, tab: usize, is_undo: bool) -> Result<(), Failure> {
        let Some(board) = self.dice.pick(&self.boards).cloned() else {
            return Ok(());
        };
        let before = self.outbox_of(tab, &board);
        let replica = self.tabs[tab].replica.as_ref();
        let shown = replica.and_then(|replica| replica.views(&board)).cloned();
        let shown = shown.unwrap_or_default();
        let command = if is_undo {
            self.tally.undone += 1;
            Command::Undo(board.clone())
        } else {
            self.tally.redone += 1;
            Command::Redo(board.clone())
        };
        self.trace
            .say(|| format!("person {tab} asks for {command:?}"));
        self.command(tab, command)?;
        let after = self.outbox_of(tab, &board);
        self.note_taken_back(tab, &before, &after);
        self.note_made_again(tab, &board, &shown, &before, &after);
        Ok(())
    }

    fn outbox_of(&self, tab: usize, board: &BoardId) -> Vec<Entry> {
        let replica = self.tabs[tab].replica.as_ref();
        let own = replica.and_then(|replica| replica.board(board));
        own.into_iter()
            .flat_map(|own| own.outbox.entries().cloned())
            .collect()
    }

    fn note_taken_back(&mut self, tab: usize, before: &[Entry], after: &[Entry]) {
        let is_active = |id: EditId| {
            let mut entries = after.iter().filter(|entry| entry.is_or_holds(id));
            entries.any(Entry::is_active)
        };
        for entry in before.iter().filter(|entry| entry.is_active()) {
            let ids: Vec<EditId> = entry.row.ids().collect();
            if !is_active(entry.row.id) {
                self.book.took_back(self.device_of(tab), &ids);
            }
        }
        for entry in before.iter().filter(|entry| entry.is_taken_back()) {
            if is_active(entry.row.id) {
                for id in entry.row.ids() {
                    self.book.let_go.remove(&id);
                    self.book.taken_anew.insert(id, tab);
                }
            }
        }
    }

    fn note_made_again(
        &mut self,
        tab: usize,
        board: &BoardId,
        shown: &SortedMap<RecordId, Arc<RecordView>>,
        before: &[Entry],
        after: &[Entry],
    ) {
        let is_new = |entry: &&Entry| !before.iter().any(|other| other.is_or_holds(entry.row.id));
        for entry in after.iter().filter(is_new) {
            let mut made = self.made_of(tab, board, &entry.row);
            made.rests_on(&Made::new(self.author(tab), &edit_of(&entry.row), |id| {
                shown.get(id).map(|view| (**view).clone())
            }));
            made.is_undo = entry.row.on_stale == OnStale::Skip;
            self.note_hidden(tab, shown, &entry.row);
            // What they wrote and wait for they know, even where a later edit of theirs hides it.
            made.rests_on_writes(&self.pending_writes(tab, board));
            // As with any other edit over own ones, of this tab or another (seed 72,003 with tabs:
            // the other tab had just taken back what hid its own value here).
            self.book.rests_on_all(&mut made, &entry.after());
            self.book.taken_in(entry.row.id, made, Some(entry));
        }
    }

    /// What an undo took off the screen its author knows, should the server leave it there.
    fn note_hidden(
        &mut self,
        tab: usize,
        shown: &SortedMap<RecordId, Arc<RecordView>>,
        row: &EntryRow,
    ) {
        let (device, _, build) = self.author(tab);
        let known = self.book.taken_back.entry(device).or_default();
        for change in &row.changes {
            let view = shown.get(&change.record);
            let leaves = view.map(|view| build.sees_all(view)).unwrap_or_default();
            let values = leaves.into_iter();
            known.extend(values.map(|(leaf, value)| ((change.record.clone(), leaf), Some(value))));
        }
    }

    /// A conflict settled itself: its new edit counts what the server said as seen.
    pub fn auto_resolved(
        &mut self,
        tab: usize,
        board: &BoardId,
        ids: &[EditId],
        by: Option<EditId>,
    ) {
        self.tally.auto_resolved += 1;
        self.book.replaced(self.device_of(tab), ids, by);
        let entries = self.outbox_of(tab, board);
        let entry = by.and_then(|by| entries.iter().find(|entry| entry.is_or_holds(by)));
        if let (Some(by), Some(entry)) = (by, entry) {
            let mut made = self.made_of(tab, board, &entry.row);
            made.rests_on_writes(&self.listed_writes(tab, board));
            self.book.taken_in(by, made, Some(entry));
        }
    }

    /// An edit that rests on what is on screen and on what the server said.
    fn made_of(&self, tab: usize, board: &BoardId, row: &EntryRow) -> Made {
        let edit = edit_of(row);
        let replica = self.tabs[tab].replica.as_ref();
        let own = replica.and_then(|replica| replica.board(board));
        let confirmed = |id: &RecordId| {
            let record = own.and_then(|own| own.state.confirmed().record(id));
            record.map(confirmed_view)
        };
        let shown = |id: &RecordId| {
            let view = own.and_then(|own| own.state.views().get(id));
            view.map(|view| (**view).clone())
        };
        // It may be made over what the same step made, which no flush has shown yet.
        let pending = own.map(|own| checkers::folded(own, self.tabs[tab].build, row.number));
        let pending = |id: &RecordId| {
            let record = pending.as_ref().and_then(|pending| pending.record(id));
            record.map(confirmed_view)
        };
        let mut made = Made::new(self.author(tab), &edit, confirmed);
        made.rests_on(&Made::new(self.author(tab), &edit, shown));
        made.rests_on(&Made::new(self.author(tab), &edit, pending));
        made.user = self.user_on(tab);
        made
    }
}

fn edit_of(row: &EntryRow) -> NewEdit {
    NewEdit {
        board: row.board.clone(),
        id: row.id,
        label: row.label.clone(),
        gesture: None,
        on_stale: row.on_stale,
        changes: row.changes.clone(),
    }
}
