//! What is not settled yet: pending edits and conflicts as values that a person decides on.

use std::sync::Arc;

use driftless_model::{LeafRef, LeafValue, RecordId, Schema, Value};
use driftless_sync::replica::view::{
    ConflictLeaf, ConflictView, EntryProgress, EntryView, RemovedView, Resolution,
};

use crate::error::OutboxError;
use crate::names::{LeafName, Name};
use crate::shared::{PublishedBoard, Shared};

/// An edit that is not settled: on its way, or set aside for a person. A value, as it was when it
/// was asked for; deciding looks at what it is by then.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let ann = kit.person("Ann");
/// ann.go_offline();
/// let board = ann.client().board("home");
/// board.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.settle();
/// let pending = board.pending();
/// assert_eq!(pending[0].label(), "Add a note");
/// pending[0].roll_back()?;
/// kit.settle();
/// assert!(board.pending().is_empty() && board.record("note").is_none());
/// // It is settled: there is nothing to take back any more.
/// pending[0].roll_back().expect_err("it is gone");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PendingEdit {
    view: EntryView,
    shared: Arc<Shared>,
}

impl PendingEdit {
    pub(crate) fn new(view: EntryView, shared: Arc<Shared>) -> Self {
        Self { view, shared }
    }

    /// What the person did, in words.
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
    /// assert_eq!(board.pending()[0].label(), "Add a note");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn label(&self) -> &str {
        &self.view.label
    }

    /// How far it is.
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
    /// assert!(!board.pending()[0].progress().waits_for_person());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn progress(&self) -> &EntryProgress {
        &self.view.state
    }

    /// All about it.
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
    /// let pending = board.pending();
    /// let view = pending[0].view();
    /// assert_eq!((view.board.as_str(), view.attempts), ("home", 0));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn view(&self) -> &EntryView {
        &self.view
    }

    /// Its conflict, if it has one.
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
    /// // It waits for the network, not for a person.
    /// assert!(board.pending()[0].conflict().is_none());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn conflict(&self) -> Option<Conflict> {
        Conflict::of(&self.view, &self.shared)
    }

    /// Tries it again, now: a refused one as a new edit, one that waits without waiting longer.
    ///
    /// ```
    /// use driftless_client::model::Role;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// kit.until(board.loaded())?;
    /// kit.server().set_role("Ann", Role::Viewer);
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.advance_ms(1_000);
    /// kit.server().set_role("Ann", Role::Editor);
    /// board.pending()[0].retry().expect("it was refused");
    /// kit.advance_ms(1_000);
    /// assert!(board.pending().is_empty() && board.record("note").is_some());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn retry(&self) -> Result<(), OutboxError> {
        if let EntryProgress::Conflicted(_) = self.now()? {
            return Err(OutboxError::Conflicted);
        }
        self.shared.retry(&self.view.board, self.view.id);
        Ok(())
    }

    /// Takes it back, with what rests on it. One that was sent already is undone once its outcome
    /// is known.
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
    /// assert!(board.record("note").is_none());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn roll_back(&self) -> Result<(), OutboxError> {
        self.now()?;
        self.shared.roll_back(&self.view.board, self.view.id);
        Ok(())
    }

    fn now(&self) -> Result<EntryProgress, OutboxError> {
        now(&self.shared, &self.view)
    }
}

/// What an entry is by now.
fn now(shared: &Shared, view: &EntryView) -> Result<EntryProgress, OutboxError> {
    if shared.is_closed() {
        return Err(OutboxError::Closed);
    }
    shared
        .board(&view.board, |board| {
            let mut entries = board.outbox.iter();
            let entry = entries.find(|entry| entry.number == view.number && entry.id == view.id);
            entry.map(|entry| entry.state.clone())
        })
        .ok_or(OutboxError::Settled)
}

/// An edit that was not applied since somebody changed the same: a person decides. A value, as it
/// was when it was asked for. Deciding works without a connection too; what is decided is an edit
/// like any other, and may be undone.
///
/// ```
/// use driftless_client::model::Note;
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
/// let (hers, his) = (ann.client().board("home"), bob.client().board("home"));
/// hers.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.advance_ms(1_000);
/// ann.go_offline();
/// hers.edit("Write", |e| e.set("note", Note::TEXT, "Back at noon"))?;
/// his.edit("Write", |e| e.set("note", Note::TEXT, "Back at one"))?;
/// kit.advance_ms(1_000);
/// ann.go_online();
/// kit.advance_ms(60_000);
///
/// let conflict = hers.conflicts().pop().expect("both wrote the same");
/// let leaf = &conflict.leaves()[0];
/// assert_eq!(leaf.base, None);
/// assert_eq!(leaf.theirs, Some("Back at one".into()));
/// assert_eq!(leaf.mine, Some("Back at noon".into()));
/// conflict.merge(|m| m.set("note", Note::TEXT, "Back at half past twelve"))?;
/// kit.advance_ms(1_000);
/// assert_eq!(his.get("note", Note::TEXT).as_deref(), Some("Back at half past twelve"));
/// conflict.keep_mine().expect_err("it was decided");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Conflict {
    view: EntryView,
    differs: ConflictView,
    shared: Arc<Shared>,
}

impl Conflict {
    /// The conflict of an entry, if it has one.
    pub(crate) fn of(view: &EntryView, shared: &Arc<Shared>) -> Option<Self> {
        let EntryProgress::Conflicted(conflict) = &view.state else {
            return None;
        };
        Some(Self {
            differs: conflict.clone(),
            view: view.clone(),
            shared: Arc::clone(shared),
        })
    }

    /// What the person did, in words.
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
    pub fn label(&self) -> &str {
        &self.view.label
    }

    /// Every leaf that the edit writes: base, theirs and mine. Those that are stale are what the
    /// person decides on.
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
    /// let conflict = his.conflicts().remove(0);
    /// let leaf = &conflict.leaves()[0];
    /// assert_eq!(leaf.theirs, Some("Noon".into()));
    /// assert_eq!(leaf.mine, Some("One".into()));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn leaves(&self) -> &[ConflictLeaf] {
        &self.differs.leaves
    }

    /// Records that somebody removed: keeping mine restores them.
    ///
    /// ```
    /// use driftless_client::model::Note;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
    /// let (hers, his) = (ann.client().board("home"), bob.client().board("home"));
    /// kit.until(hers.edit("Add", |e| e.create("note", "note", []))?.applied())?;
    /// kit.advance_ms(1_000);
    /// bob.go_offline();
    /// his.edit("Write", |e| e.set("note", Note::TEXT, "One"))?;
    /// kit.until(hers.edit("Remove", |e| e.remove("note"))?.applied())?;
    /// bob.go_online();
    /// kit.advance_ms(60_000);
    /// let conflict = his.conflicts().remove(0);
    /// assert_eq!(conflict.removed()[0].record.as_str(), "note");
    /// conflict.keep_mine().expect("it is open");
    /// kit.advance_ms(1_000);
    /// assert_eq!(hers.get("note", Note::TEXT).as_deref(), Some("One"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn removed(&self) -> &[RemovedView] {
        &self.differs.removed
    }

    /// All about the edit.
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
    /// assert_eq!(his.conflicts()[0].view().board.as_str(), "home");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn view(&self) -> &EntryView {
        &self.view
    }

    /// Writes my values, on what the board is now. Removed records are restored.
    ///
    /// ```
    /// use driftless_client::model::builtin::Note;
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
    /// his.conflicts()[0].keep_mine().expect("it is open");
    /// kit.advance_ms(1_000);
    /// assert_eq!(hers.get("note", Note::TEXT).as_deref(), Some("One"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn keep_mine(&self) -> Result<(), OutboxError> {
        self.resolve(Resolution::KeepMine)
    }

    /// Leaves theirs. Final: my edit is gone.
    ///
    /// ```
    /// use driftless_client::model::builtin::Note;
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
    /// his.conflicts()[0].take_theirs().expect("it is open");
    /// kit.advance_ms(1_000);
    /// assert!(his.outbox().is_empty());
    /// assert_eq!(his.get("note", Note::TEXT).as_deref(), Some("Noon"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn take_theirs(&self) -> Result<(), OutboxError> {
        self.resolve(Resolution::TakeTheirs)
    }

    /// Writes the values that are given instead of mine; leaves that are not named keep mine.
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
    /// let merged = his.conflicts()[0].merge(|m| m.set("note", Note::TEXT, "Noon or one"));
    /// merged.expect("it is open");
    /// kit.advance_ms(1_000);
    /// assert_eq!(hers.get("note", Note::TEXT).as_deref(), Some("Noon or one"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn merge(&self, build: impl FnOnce(&mut MergeBuilder)) -> Result<(), OutboxError> {
        let mut builder = MergeBuilder::default();
        build(&mut builder);
        if let Some(error) = builder.error {
            return Err(error);
        }
        self.resolve(Resolution::Merge(builder.values))
    }

    fn resolve(&self, resolution: Resolution) -> Result<(), OutboxError> {
        resolve(&self.shared, &self.view, resolution)
    }
}

/// Settles a conflicted entry, if it is what the person looked at.
pub(crate) fn resolve(
    shared: &Shared,
    looked_at: &EntryView,
    resolution: Resolution,
) -> Result<(), OutboxError> {
    if shared.is_closed() {
        return Err(OutboxError::Closed);
    }
    let seen = shared.board(&looked_at.board, |board| {
        let differs = as_looked_at(board, looked_at)?;
        if let Resolution::Merge(values) = &resolution {
            check_merge(shared.schema(), board, differs, values)?;
        }
        Ok::<_, OutboxError>(board.version)
    })?;
    shared.resolve(looked_at, resolution, seen);
    Ok(())
}

/// The conflict as it is by now, if it is what the person looked at.
fn as_looked_at<'a>(
    board: &'a PublishedBoard,
    looked_at: &EntryView,
) -> Result<&'a ConflictView, OutboxError> {
    let is_it = |entry: &&EntryView| entry.number == looked_at.number && entry.id == looked_at.id;
    let now = board.outbox.iter().find(is_it);
    let now = now.ok_or(OutboxError::Settled)?;
    let EntryProgress::Conflicted(differs) = &now.state else {
        return Err(OutboxError::Settled);
    };
    // Another edit may have joined it since, or they wrote again: that was not looked at.
    if now.state != looked_at.state || now.edits != looked_at.edits {
        return Err(OutboxError::Changed);
    }
    Ok(differs)
}

/// That the edit writes these leaves, and that they can have these values.
fn check_merge(
    schema: &Schema,
    board: &PublishedBoard,
    differs: &ConflictView,
    values: &[(LeafRef, Option<Value>)],
) -> Result<(), OutboxError> {
    for (at, value) in values {
        if !differs.leaves.iter().any(|leaf| leaf.at == *at) {
            return Err(OutboxError::OtherLeaf(at.clone()));
        }
        if let Some(path) = &at.leaf {
            let kind = board.records.get(&at.record).map(|record| &record.kind);
            schema.validate_value(&at.record, kind, path, value.as_ref())?;
        }
    }
    Ok(())
}

/// Collects the values that a conflict is settled with: see [`Conflict::merge`].
///
/// ```
/// use driftless_client::OutboxError;
/// use driftless_client::model::Note;
/// use driftless_client::model::builtin::TITLE;
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
/// let conflict = his.conflicts().remove(0);
/// // The edit writes the text alone.
/// let merged = conflict.merge(|m| m.set("note", TITLE, "Lunch"));
/// assert!(matches!(merged, Err(OutboxError::OtherLeaf(_))));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Default)]
pub struct MergeBuilder {
    values: Vec<(LeafRef, Option<Value>)>,
    error: Option<OutboxError>,
}

impl MergeBuilder {
    /// This leaf gets this value. It has to be one that the edit writes.
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
    /// let merged = his.conflicts()[0].merge(|m| m.set("note", Note::TEXT, "Half past"));
    /// merged.expect("it is open");
    /// kit.settle();
    /// assert_eq!(his.get("note", Note::TEXT).as_deref(), Some("Half past"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn set<L: LeafName>(
        &mut self,
        record: impl Name<RecordId>,
        leaf: L,
        value: impl Into<L::Value>,
    ) {
        match value.into().to_value() {
            Some(value) => self.decide(record, leaf, Some(value)),
            None => self.refuse(OutboxError::NotFinite),
        }
    }

    /// This leaf goes. It has to be one that the edit writes.
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
    /// let merged = his.conflicts()[0].merge(|m| m.unset("note", Note::TEXT));
    /// merged.expect("it is open");
    /// kit.settle();
    /// assert_eq!(his.get("note", Note::TEXT), None);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn unset(&mut self, record: impl Name<RecordId>, leaf: impl LeafName) {
        self.decide(record, leaf, None);
    }

    fn decide(&mut self, record: impl Name<RecordId>, leaf: impl LeafName, value: Option<Value>) {
        match record
            .into_id()
            .and_then(|record| Ok((record, leaf.into_path()?)))
        {
            Ok((record, path)) => {
                let leaf = LeafRef {
                    record,
                    leaf: Some(path),
                };
                self.values.push((leaf, value));
            }
            Err(error) => self.refuse(error.into()),
        }
    }

    fn refuse(&mut self, error: OutboxError) {
        self.error.get_or_insert(error);
    }
}
