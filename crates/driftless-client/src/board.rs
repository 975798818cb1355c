//! A board as the application reads and edits it.

use std::sync::Arc;

use driftless_model::{BoardId, RecordId, Version};
use driftless_sync::replica::undo_history::UndoState;
use driftless_sync::replica::view::{EntryView, RecordView, Resolution};
use driftless_sync::replica::{Attention, Command, SeenMark, Subject};

use crate::edit::{EditBuilder, EditHandle};
use crate::error::EditError;
use crate::shared::{PublishedBoard, Shared};

/// A board: confirmed state with this replica's own pending edits over it. Cheap to clone; `Send`.
/// It stays followed until [`crate::Client::unfollow`].
#[derive(Debug, Clone)]
pub struct Board {
    id: BoardId,
    shared: Arc<Shared>,
}

impl Board {
    pub(crate) fn new(id: BoardId, shared: Arc<Shared>) -> Self {
        Self { id, shared }
    }

    /// Its id.
    pub fn id(&self) -> &BoardId {
        &self.id
    }

    /// Whether there is something to show: what was stored, or what a server sent. Until then an
    /// empty board means nothing.
    pub fn is_loaded(&self) -> bool {
        self.shared.board(&self.id, |board| board.is_loaded)
    }

    /// The version that the confirmed state is at.
    pub fn version(&self) -> Version {
        self.shared.board(&self.id, |board| board.version)
    }

    /// A record as it is shown; `None` where there is none.
    pub fn record(&self, record: &RecordId) -> Option<Arc<RecordView>> {
        let read = |board: &PublishedBoard| board.records.get(record).cloned();
        self.shared.board(&self.id, read)
    }

    /// All records as they are shown, by id.
    pub fn records(&self) -> Vec<(RecordId, Arc<RecordView>)> {
        self.shared.board(&self.id, |board| {
            let records = board.records.iter();
            records
                .map(|(id, view)| (id.clone(), Arc::clone(view)))
                .collect()
        })
    }

    /// Every unsettled edit of the board, oldest first: on its way, conflicted or refused.
    pub fn outbox(&self) -> Arc<Vec<EntryView>> {
        self.shared
            .board(&self.id, |board| Arc::clone(&board.outbox))
    }

    /// What is on screen now. Take it when a gesture begins.
    pub fn seen(&self) -> SeenMark {
        self.shared.board(&self.id, |board| board.seen.clone())
    }

    /// How much attention a record gets: whether it is on screen, and at which pace it is shown. A
    /// record of which nothing was said is on screen, and shown with every flush.
    pub fn attend(&self, record: &RecordId, attention: Attention) {
        let (board, record) = (self.id.clone(), record.clone());
        let subject = Subject::Record { board, record };
        self.shared.command(Command::Attend { subject, attention });
    }

    /// Makes an edit: validated here and now as the server will, shown at once, stored, and sent
    /// when it can be. `label` is what the person does, in their words ("Rename").
    ///
    /// Nothing is durable when it returns: see [`EditHandle::stored`].
    pub fn edit(
        &self,
        label: impl Into<String>,
        build: impl FnOnce(&mut EditBuilder),
    ) -> Result<EditHandle, EditError> {
        let mut builder = EditBuilder::default();
        build(&mut builder);
        self.shared.edit(&self.id, label.into(), builder)
    }

    /// Tries a refused entry again, as a new edit.
    pub fn retry(&self, number: u64) {
        self.shared.retry(&self.id, number);
    }

    /// Takes an entry back. One that was sent already is undone once its outcome is known.
    pub fn roll_back(&self, number: u64) {
        self.shared.roll_back(&self.id, number);
    }

    /// What [`Board::undo`] and [`Board::redo`] would do now.
    pub fn undo_state(&self) -> UndoState {
        self.shared.board(&self.id, |board| board.undo.clone())
    }

    /// Undoes what this person did last, in this session. What somebody wrote over it since stays,
    /// and [`crate::ClientEvent::Skipped`] says so. Nothing happens where there is nothing to undo.
    pub fn undo(&self) {
        self.shared.command(Command::Undo(self.id.clone()));
    }

    /// Does again what was undone last. Nothing happens where there is nothing.
    pub fn redo(&self) {
        self.shared.command(Command::Redo(self.id.clone()));
    }

    /// Settles a conflicted entry.
    pub fn resolve(&self, number: u64, resolution: Resolution) {
        self.shared.resolve(&self.id, number, resolution);
    }
}
