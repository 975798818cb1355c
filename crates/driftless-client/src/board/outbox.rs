//! What is not settled yet, and what can be undone.

use std::sync::Arc;

use driftless_model::EditId;
use driftless_sync::replica::Command;
use driftless_sync::replica::undo_history::UndoState;
use driftless_sync::replica::view::{EntryView, Resolution};

use super::Board;
use crate::error::OutboxError;
use crate::news::Topic;
use crate::outbox::{Conflict, PendingEdit};
use crate::watch::Watch;

impl Board {
    /// Every unsettled edit of the board, oldest first: on its way, conflicted or refused.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// ann.go_offline();
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// let outbox = board.outbox();
    /// assert_eq!((outbox[0].label.as_str(), outbox[0].attempts), ("Add a note", 0));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn outbox(&self) -> Arc<Vec<EntryView>> {
        self.read(|board| Arc::clone(&board.outbox))
    }

    /// The same, as values that can be tried again and taken back.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// ann.go_offline();
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// board.pending()[0].roll_back().expect("it waits");
    /// kit.settle();
    /// assert!(board.pending().is_empty());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn pending(&self) -> Vec<PendingEdit> {
        let outbox = self.outbox();
        let entries = outbox.iter().cloned();
        entries
            .map(|view| PendingEdit::new(view, Arc::clone(&self.shared)))
            .collect()
    }

    /// The edits that wait for a person since somebody changed the same, oldest first.
    ///
    /// ```
    /// use driftless_client::model::Note;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let hers = kit.person("Ann").client().board("home");
    /// kit.until(hers.edit("Add", |e| e.create("note", "note", []))?.applied())?;
    /// kit.until(hers.edit("Write", |e| e.set("note", Note::TEXT, "Noon"))?.applied())?;
    /// // Bob writes over what he never saw.
    /// let his = kit.person("Bob").client().board("home");
    /// let edit = his.edit("Write", |e| e.set("note", Note::TEXT, "One"))?;
    /// kit.until(edit.applied()).expect_err("it conflicts");
    /// assert_eq!(his.conflicts()[0].label(), "Write");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn conflicts(&self) -> Vec<Conflict> {
        let outbox = self.outbox();
        let entries = outbox.iter();
        entries
            .filter_map(|view| Conflict::of(view, &self.shared))
            .collect()
    }

    /// Every unsettled edit of the board, now and from now on.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// ann.go_offline();
    /// let board = ann.client().board("home");
    /// let mut outbox = board.watch_outbox();
    /// assert!(kit.until(outbox.next()).expect("it runs").is_empty());
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// assert_eq!(kit.until(outbox.next()).expect("it runs").len(), 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn watch_outbox(&self) -> Watch<Arc<Vec<EntryView>>> {
        let topic = self.id.clone().ok().map(Topic::Outbox);
        self.watch_board(topic, |board| Arc::clone(&board.outbox))
    }

    /// Tries a refused entry again, as a new edit. See also [`PendingEdit::retry`].
    ///
    /// ```
    /// use driftless_model::Role;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// kit.until(board.loaded())?;
    /// kit.server().set_role("Ann", Role::Viewer);
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.advance_ms(1_000);
    /// assert_eq!(board.outbox().len(), 1);
    /// kit.server().set_role("Ann", Role::Editor);
    /// board.retry(board.outbox()[0].number);
    /// kit.advance_ms(1_000);
    /// assert!(board.outbox().is_empty());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn retry(&self, number: u64) {
        if let (Ok(id), Some(edit)) = (&self.id, self.edit_at(number)) {
            self.shared.retry(id, edit);
        }
    }

    /// Takes an entry back. One that was sent already is undone once its outcome is known. See also
    /// [`PendingEdit::roll_back`].
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// ann.go_offline();
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// board.roll_back(board.outbox()[0].number);
    /// kit.settle();
    /// assert!(board.outbox().is_empty() && board.records().is_empty());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn roll_back(&self, number: u64) {
        if let (Ok(id), Some(edit)) = (&self.id, self.edit_at(number)) {
            self.shared.roll_back(id, edit);
        }
    }

    /// The edit that is shown with this number.
    fn edit_at(&self, number: u64) -> Option<EditId> {
        let outbox = self.outbox();
        let entry = outbox.iter().find(|entry| entry.number == number);
        entry.map(|entry| entry.id)
    }

    /// What [`Board::undo`] and [`Board::redo`] would do now.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// assert_eq!(board.undo_state().undo, None);
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// assert_eq!(board.undo_state().undo.as_deref(), Some("Add a note"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn undo_state(&self) -> UndoState {
        self.read(|board| board.undo.clone())
    }

    /// Undoes what this person did last, in this session. What somebody wrote over it since stays,
    /// and [`crate::ClientEvent::Skipped`] says so. Nothing happens where there is nothing to undo.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// assert_eq!(board.undo_state().undo.as_deref(), Some("Add a note"));
    /// board.undo();
    /// kit.settle();
    /// assert!(board.record("note").is_none());
    /// board.redo();
    /// kit.settle();
    /// assert!(board.record("note").is_some());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn undo(&self) {
        self.command(Command::Undo);
    }

    /// Does again what was undone last. Nothing happens where there is nothing.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// board.undo();
    /// kit.settle();
    /// assert_eq!(board.undo_state().redo.as_deref(), Some("Add a note"));
    /// board.redo();
    /// kit.settle();
    /// assert!(board.record("note").is_some());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn redo(&self) {
        self.command(Command::Redo);
    }

    /// Settles a conflicted entry, as the person looked at it: where it is another by now, nothing
    /// happens and the error says so. See also [`Conflict`].
    ///
    /// ```
    /// use driftless_client::model::Note;
    /// use driftless_client::view::Resolution;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let hers = kit.person("Ann").client().board("home");
    /// kit.until(hers.edit("Add", |e| e.create("note", "note", []))?.applied())?;
    /// kit.until(hers.edit("Write", |e| e.set("note", Note::TEXT, "Noon"))?.applied())?;
    /// // Bob writes over what he never saw.
    /// let his = kit.person("Bob").client().board("home");
    /// let edit = his.edit("Write", |e| e.set("note", Note::TEXT, "One"))?;
    /// kit.until(edit.applied()).expect_err("it conflicts");
    /// his.resolve(&his.outbox()[0], Resolution::TakeTheirs).expect("nobody was faster");
    /// kit.settle();
    /// assert_eq!(his.get("note", Note::TEXT).as_deref(), Some("Noon"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn resolve(
        &self,
        looked_at: &EntryView,
        resolution: Resolution,
    ) -> Result<(), OutboxError> {
        crate::outbox::resolve(&self.shared, looked_at, resolution)
    }
}
