//! Making an edit, and hearing what becomes of it.

use driftless_model::{
    EditId, IdError, Invalid, KindName, LeafPath, LeafValue, OnStale, Op, RecordId, Value, Version,
};
use driftless_protocol::durable::LocalChange;
use driftless_sync::replica::SeenMark;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;

use crate::error::EditError;
use crate::names::{LeafName, Name};

/// Collects the changes of one edit, in order. They are applied together, or none of them is. What
/// is wrong with them is said by [`crate::Board::edit`].
///
/// ```
/// use driftless_client::EditError;
/// use driftless_client::model::Kind;
/// use driftless_client::model::builtin::{Note, TITLE};
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// board.edit("Add a note", |e| {
///     e.create("lunch", Note::NAME, []);
///     e.set("lunch", TITLE, "Lunch");
///     e.set("lunch", Note::TEXT, "Back at noon");
///     e.set("lunch", "layout/lg", vec![0.into(), 0.into(), 4.into(), 2.into()]);
/// })?;
/// // Checked here and now, as the server will: nothing of this is made.
/// let error = board.edit("Rename", |e| {
///     e.set("lunch", TITLE, "Dinner");
///     e.set("lunch", "no such leaf", "at eight");
/// });
/// assert!(matches!(error, Err(EditError::Name(_))));
/// # Ok::<(), EditError>(())
/// ```
///
/// It is there while the edit is made, and no longer:
///
/// ```compile_fail,E0521
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// let mut kept = None;
/// board.edit("Add a note", |e| kept = Some(e))?; // it would outlive the edit
/// kept.expect("was kept").create("note", "note", []);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Default)]
pub struct EditBuilder {
    changes: Vec<(RecordId, Op)>,
    seen: Option<SeenMark>,
    gesture: Option<u64>,
    on_stale: OnStale,
    error: Option<EditError>,
}

impl EditBuilder {
    /// Makes a record with its first leaves, or makes it again where it was removed; on a live
    /// record, sets these leaves. More leaves can be set in the same edit.
    ///
    /// ```
    /// use driftless_client::model::builtin::TITLE;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    ///
    /// board.edit("Add a note", |e| e.create("note", "note", [(TITLE.path(), "Lunch".into())]))?;
    /// kit.settle();
    /// assert_eq!(board.get("note", TITLE).as_deref(), Some("Lunch"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn create(
        &mut self,
        record: impl Name<RecordId>,
        kind: &str,
        leaves: impl IntoIterator<Item = (LeafPath, Value)>,
    ) {
        match KindName::new(kind) {
            Ok(kind) => {
                let leaves = leaves.into_iter().collect();
                self.push(record, Op::Create { kind, leaves });
            }
            Err(error) => self.refuse(error.into()),
        }
    }

    /// Gives a leaf a value of its type. A number that is not finite is refused.
    ///
    /// ```
    /// use driftless_client::model::builtin::TITLE;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    ///
    /// board.edit("Add a note", |e| {
    ///     e.create("note", "note", []);
    ///     e.set("note", TITLE, "Lunch"); // its type is known
    ///     e.set("note", "text", "at noon"); // any value
    /// })?;
    /// kit.settle();
    /// assert_eq!(board.get("note", "text"), Some("at noon".into()));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    ///
    /// A leaf whose type is known takes no value of another one:
    ///
    /// ```compile_fail,E0277
    /// use driftless_client::model::Note;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Write", |e| e.set("note", Note::TEXT, 7.0))?; // a number is no text
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn set<L: LeafName>(
        &mut self,
        record: impl Name<RecordId>,
        leaf: L,
        value: impl Into<L::Value>,
    ) {
        self.set_value(record, leaf.into_path(), value.into().to_value());
    }

    fn set_value(
        &mut self,
        record: impl Name<RecordId>,
        leaf: Result<LeafPath, IdError>,
        value: Option<Value>,
    ) {
        match (record.into_id(), leaf, value) {
            (Ok(record), Ok(leaf), Some(value)) => self.push(record, Op::Set { leaf, value }),
            (Ok(record), Ok(leaf), None) => self.refuse(EditError::Invalid(Invalid::Shape {
                record,
                leaf,
                expected: "a finite value".to_owned(),
            })),
            (Err(error), ..) | (_, Err(error), _) => self.refuse(error.into()),
        }
    }

    /// Takes a leaf away.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| {
    ///     e.create("note", "note", []);
    ///     e.set("note", "text", "Lunch");
    /// })?;
    /// board.edit("Empty it", |e| e.unset("note", "text"))?;
    /// kit.settle();
    /// assert_eq!(board.get("note", "text"), None);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn unset(&mut self, record: impl Name<RecordId>, leaf: impl LeafName) {
        match leaf.into_path() {
            Ok(leaf) => self.push(record, Op::Unset { leaf }),
            Err(error) => self.refuse(error.into()),
        }
    }

    /// Removes a record.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// board.edit("Remove it", |e| e.remove("note"))?;
    /// kit.settle();
    /// assert!(board.record("note").is_none());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn remove(&mut self, record: impl Name<RecordId>) {
        self.push(record, Op::Remove);
    }

    /// What the person had on screen when they began; for all changes of the edit. Without it: what
    /// is on screen now.
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
    ///
    /// let seen = hers.seen(); // she opens the field
    /// his.edit("Write", |e| e.set("note", Note::TEXT, "his"))?;
    /// kit.advance_ms(1_000); // his words are on her screen, behind the field
    /// let edit = hers.edit("Write", |e| {
    ///     e.seen(seen);
    ///     e.set("note", Note::TEXT, "hers");
    /// })?;
    /// kit.until(edit.applied()).expect_err("she did not see his when she began");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn seen(&mut self, mark: SeenMark) {
        self.seen = Some(mark);
    }

    /// The gesture that the edit belongs to, numbered by the caller: the edits of one gesture
    /// become one entry, as long as it is the newest of the board's outbox and was not sent.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// ann.go_offline();
    /// let board = ann.client().board("home");
    /// for text in ["d", "dr", "dra", "drag"] {
    ///     board.edit("Type", |e| {
    ///         e.gesture(1);
    ///         e.create("note", "note", []);
    ///         e.set("note", "text", text);
    ///     })?;
    /// }
    /// kit.settle();
    /// assert_eq!(board.pending().len(), 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn gesture(&mut self, gesture: u64) {
        self.gesture = Some(gesture);
    }

    /// What happens to leaves that changed unseen; without it, each leaf's own policy decides.
    ///
    /// ```
    /// use driftless_client::model::{Note, OnStale};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let hers = kit.person("Ann").client().board("home");
    /// kit.until(hers.edit("Add", |e| e.create("note", "note", []))?.applied())?;
    /// kit.until(hers.edit("Write", |e| e.set("note", Note::TEXT, "Noon"))?.applied())?;
    /// // Bob writes over what he never saw.
    /// let his = kit.person("Bob").client().board("home");
    /// // A program that would rather leave it than bother anybody.
    /// let edit = his.edit("Write", |e| {
    ///     e.on_stale(OnStale::Skip);
    ///     e.set("note", Note::TEXT, "One");
    /// })?;
    /// kit.until(edit.applied())?;
    /// kit.advance_ms(1_000);
    /// assert_eq!(his.get("note", Note::TEXT).as_deref(), Some("Noon"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn on_stale(&mut self, on_stale: OnStale) {
        self.on_stale = on_stale;
    }

    fn push(&mut self, record: impl Name<RecordId>, op: Op) {
        match record.into_id() {
            Ok(record) => self.changes.push((record, op)),
            Err(error) => self.refuse(error.into()),
        }
    }

    fn refuse(&mut self, error: EditError) {
        self.error.get_or_insert(error);
    }

    /// What was collected, with what each change has seen; `now` is what is on screen.
    pub(crate) fn finish(self, now: SeenMark) -> Result<Drafted, EditError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let seen = self.seen.unwrap_or(now);
        let changes = self.changes.into_iter();
        Ok(Drafted {
            changes: changes
                .map(|(record, op)| seen.change(record, op))
                .collect(),
            gesture: self.gesture,
            on_stale: self.on_stale,
        })
    }
}

/// What an [`EditBuilder`] collected.
#[derive(Debug)]
pub(crate) struct Drafted {
    pub(crate) changes: Vec<LocalChange>,
    pub(crate) gesture: Option<u64>,
    pub(crate) on_stale: OnStale,
}

/// An edit that was made. Nothing is durable yet: only [`EditHandle::stored`] says so. Dropping the
/// handle changes nothing.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
/// kit.until(edit.stored())?; // in this device's storage
/// let version = kit.until(edit.applied())?; // on the server
/// assert_eq!(version.0, 1);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EditHandle {
    id: EditId,
    stored: Shared<oneshot::Receiver<Result<(), EditError>>>,
    applied: Shared<oneshot::Receiver<Result<Version, EditError>>>,
}

/// The other end of an [`EditHandle`].
#[derive(Debug)]
pub(crate) struct EditWaiter {
    stored: Option<oneshot::Sender<Result<(), EditError>>>,
    applied: Option<oneshot::Sender<Result<Version, EditError>>>,
}

impl EditHandle {
    pub(crate) fn new(id: EditId) -> (Self, EditWaiter) {
        let (stored_sender, stored) = oneshot::channel();
        let (applied_sender, applied) = oneshot::channel();
        let handle = Self {
            id,
            stored: stored.shared(),
            applied: applied.shared(),
        };
        let waiter = EditWaiter {
            stored: Some(stored_sender),
            applied: Some(applied_sender),
        };
        (handle, waiter)
    }

    /// The edit's id. Where it became part of an earlier edit of the same gesture, that one's
    /// outcome is this one's.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// ann.go_offline();
    /// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// assert_eq!(board.outbox()[0].id, edit.id());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn id(&self) -> EditId {
        self.id
    }

    /// Waits until the edit is in this device's storage. While the storage refuses, it waits on;
    /// [`crate::Status::storage`] says why, and also where the storage is memory alone, in which
    /// nothing outlives the tab or process.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann");
    /// let board = ann.client().board("home");
    /// ann.go_offline();
    /// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.until(edit.stored())?; // without a server
    /// assert_eq!(board.pending().len(), 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub async fn stored(&self) -> Result<(), EditError> {
        self.stored.clone().await.unwrap_or(Err(EditError::Closed))
    }

    /// Waits until the server has applied the edit, and says in which version; or why it was not.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// assert_eq!(kit.until(edit.applied())?.0, 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub async fn applied(&self) -> Result<Version, EditError> {
        self.applied.clone().await.unwrap_or(Err(EditError::Closed))
    }
}

impl EditWaiter {
    /// Whoever waits until the edit is stored, apart from whoever waits until it is applied.
    pub(crate) fn split_stored(&mut self) -> Self {
        Self {
            stored: self.stored.take(),
            applied: None,
        }
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_done(&self) -> bool {
        self.stored.is_none() && self.applied.is_none()
    }

    /// The edit's outcome is known. Nobody may be waiting.
    pub(crate) fn settle(self, outcome: Result<Version, EditError>) {
        if let Some(sender) = self.stored {
            let stored = outcome.as_ref().map(|_| ()).map_err(EditError::clone);
            let _ = sender.send(stored);
        }
        if let Some(sender) = self.applied {
            let _ = sender.send(outcome);
        }
    }
}
