//! A board as the application reads and edits it.

mod account;
mod outbox;

use std::sync::Arc;

use driftless_model::{BoardId, IdError, LeafValue, RecordId, Version};
use driftless_sync::replica::view::RecordView;
use driftless_sync::replica::{Attention, Command, SeenMark, Subject};

use crate::edit::{EditBuilder, EditHandle};
use crate::error::EditError;
use crate::names::{LeafName, Name};
use crate::news::Topic;
use crate::shared::{PublishedBoard, Shared, State};
use crate::watch::Watch;

/// Records with their ids, in the order of these.
///
/// ```
/// use driftless_client::Records;
/// use driftless_testkit::TestKit;
///
/// fn names(records: &Records) -> Vec<&str> {
///     records.iter().map(|(id, _)| id.as_str()).collect()
/// }
///
/// let kit = TestKit::new();
/// let board = kit.person("Ann").client().board("home");
/// board.edit("Add notes", |e| {
///     e.create("b", "note", []);
///     e.create("a", "note", []);
/// })?;
/// kit.settle();
/// assert_eq!(names(&board.records()), ["a", "b"]);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
pub type Records = Vec<(RecordId, Arc<RecordView>)>;

/// A board: confirmed state with this replica's own pending edits over it. Cheap to clone; `Send`.
/// It stays followed until [`crate::Client::unfollow`].
///
/// ```
/// use driftless_client::model::builtin::{Note, TITLE};
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let (ann, bob) = (kit.person("Ann"), kit.person("Bob"));
/// let (hers, his) = (ann.client().board("home"), bob.client().board("home"));
/// hers.edit("Add a note", |e| {
///     e.create("note", "note", []);
///     e.set("note", TITLE, "Lunch");
/// })?;
/// // What one does is on one's own screen at once, on that of others once it was applied.
/// kit.settle();
/// assert_eq!(hers.get("note", TITLE).as_deref(), Some("Lunch"));
/// kit.advance_ms(1_000);
/// assert_eq!(his.get("note", TITLE).as_deref(), Some("Lunch"));
/// assert_eq!(his.get("note", Note::TEXT), None);
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Board {
    id: Result<BoardId, IdError>,
    shared: Arc<Shared>,
}

impl Board {
    /// Follows it, unless it is followed already.
    pub(crate) fn follow(id: Result<BoardId, IdError>, shared: Arc<Shared>) -> Self {
        if let Ok(id) = &id {
            shared.follow(id);
        }
        Self { id, shared }
    }

    /// Its id; or why the text that it was asked for by is none, in which case there is nothing to
    /// read, and [`Board::edit`] says the same.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let client = TestKit::new().person("Ann").client();
    /// assert_eq!(client.board("home").id().map(|id| id.as_str()), Ok("home"));
    /// assert!(client.board("no name").id().is_err());
    /// ```
    pub fn id(&self) -> Result<&BoardId, &IdError> {
        self.id.as_ref()
    }

    /// Whether there is something to show: what was stored, or what a server sent. Until then an
    /// empty board means nothing.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// assert!(!board.is_loaded());
    /// kit.until(board.loaded())?;
    /// assert!(board.is_loaded());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn is_loaded(&self) -> bool {
        self.read(|board| board.is_loaded)
    }

    /// Why the user may not read the board, in the server's words; nothing where they may, as far
    /// as is known. The copy on this device is gone then; what is pending stays, and is sent once
    /// they may again. Renewed with [`crate::ClientEvent::Board`].
    ///
    /// ```
    /// use driftless_model::Role;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// kit.until(board.loaded())?;
    /// kit.server().set_role("Ann", Role::None);
    /// kit.settle();
    /// assert!(board.refusal().is_some() && !board.is_loaded());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn refusal(&self) -> Option<String> {
        self.read(|board| board.refusal.clone())
    }

    /// Waits until there is something to show. Without anything stored, that needs the server: it
    /// waits for as long as there is none, also where the server refuses the client or the board,
    /// or the storage cannot be used: [`crate::Client::watch_status`] and [`crate::Client::events`]
    /// say so. An error means that there never will be: the client has stopped, or the name is
    /// none.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// kit.until(board.loaded())?;
    /// assert!(board.records().is_empty());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub async fn loaded(&self) -> Result<(), EditError> {
        use futures::StreamExt;

        let id = self.id.clone()?;
        let read = move |board: &PublishedBoard| board.is_loaded;
        let mut loaded = self.watch_board(Topic::Board(id), read);
        while let Some(is_loaded) = loaded.next().await {
            if is_loaded {
                return Ok(());
            }
        }
        Err(EditError::Closed)
    }

    /// The version that the confirmed state is at.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// let edit = board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// assert_eq!(board.version().0, 0);
    /// kit.until(edit.applied())?;
    /// assert_eq!(board.version().0, 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn version(&self) -> Version {
        self.read(|board| board.version)
    }

    /// A record as it is shown; `None` where there is none.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// assert_eq!(board.record("note").expect("it is shown").kind.as_str(), "note");
    /// assert!(board.record("no such note").is_none());
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn record(&self, record: impl Name<RecordId>) -> Option<Arc<RecordView>> {
        let record = record.into_id().ok()?;
        self.read(|board| board.records.get(&record).cloned())
    }

    /// The value of a leaf as it is shown; `None` where it has none, or one of another type.
    ///
    /// ```
    /// use driftless_client::model::builtin::TITLE;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| {
    ///     e.create("note", "note", []);
    ///     e.set("note", TITLE, "Lunch");
    /// })?;
    /// kit.settle();
    /// assert_eq!(board.get("note", TITLE).as_deref(), Some("Lunch"));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn get<L: LeafName>(&self, record: impl Name<RecordId>, leaf: L) -> Option<L::Value> {
        let path = leaf.into_path().ok()?;
        L::Value::from_value(self.record(record)?.value(&path)?)
    }

    /// All records as they are shown, by id.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// kit.settle();
    /// assert_eq!(board.records().len(), 1);
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn records(&self) -> Records {
        self.select(|_, _| true)
    }

    /// The records of which something holds, by id.
    ///
    /// ```
    /// use driftless_client::model::{Kind, Note};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// board.edit("Add", |e| {
    ///     e.create("cpu", "chart", []);
    ///     e.create("lunch", Note::NAME, []);
    /// })?;
    /// kit.settle();
    /// let notes = board.select(|_, record| record.kind.as_str() == Note::NAME);
    /// assert_eq!(notes[0].0.as_str(), "lunch");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn select(&self, holds: impl Fn(&RecordId, &RecordView) -> bool) -> Records {
        // The application's code may ask the client something itself: it runs without the lock.
        selected(self.read(all), &holds)
    }

    /// A record as it is shown, now and from now on; `None` while there is none.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// let mut note = board.watch_record("note");
    /// assert_eq!(kit.until(note.next()), Some(None));
    /// board.edit("Add a note", |e| e.create("note", "note", []))?;
    /// let record = kit.until(note.next()).flatten().expect("it is shown");
    /// assert_eq!(record.kind.as_str(), "note");
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn watch_record(&self, record: impl Name<RecordId>) -> Watch<Option<Arc<RecordView>>> {
        let record = record.into_id();
        let read = record.clone().ok();
        let read = move |board: &PublishedBoard| board.records.get(read.as_ref()?).cloned();
        self.watch_board(self.record_topic(record), read)
    }

    /// The value of a leaf as it is shown, now and from now on; `None` while it has none, or one
    /// of another type. An example is at [`Watch`].
    ///
    /// ```
    /// use driftless_client::model::Note;
    /// use driftless_testkit::TestKit;
    /// use futures::StreamExt;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// let mut text = board.watch("note", Note::TEXT);
    /// assert_eq!(kit.until(text.next()), Some(None));
    /// board.edit("Add", |e| {
    ///     e.create("note", "note", []);
    ///     e.set("note", Note::TEXT, "Back at noon");
    /// })?;
    /// assert_eq!(kit.until(text.next()), Some(Some("Back at noon".to_owned())));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn watch<L: LeafName>(
        &self,
        record: impl Name<RecordId>,
        leaf: L,
    ) -> Watch<Option<L::Value>>
    where
        L::Value: 'static,
    {
        let (record, path) = (record.into_id(), leaf.into_path().ok());
        let names = record.clone().ok().zip(path);
        let path = names.as_ref().map(|(_, path)| path.clone());
        let read = move |board: &PublishedBoard| {
            let (record, _) = names.as_ref()?;
            board.records.get(record).cloned()
        };
        let value = move |record: Option<Arc<RecordView>>| {
            L::Value::from_value(record?.value(path.as_ref()?)?)
        };
        self.watch_then(self.record_topic(record), read, value)
    }

    /// The records of which something holds, now and from now on, by id.
    ///
    /// ```
    /// use driftless_testkit::TestKit;
    /// use futures::StreamExt;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// let mut pending = board.watch_select(|_, record| record.is_pending);
    /// assert_eq!(kit.until(pending.next()), Some(vec![]));
    /// # Ok::<(), driftless_client::EditError>(())
    /// ```
    pub fn watch_select(
        &self,
        holds: impl Fn(&RecordId, &RecordView) -> bool + Send + 'static,
    ) -> Watch<Records> {
        let topic = self.id.clone().ok().map(Topic::Board);
        self.watch_then(topic, all, move |records| selected(records, &holds))
    }

    /// What is on screen now. Take it when a gesture begins.
    ///
    /// ```
    /// use driftless_client::EditError;
    /// use driftless_client::model::Note;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let (ann, bob) = (kit.person("Ann").client(), kit.person("Bob").client());
    /// let (hers, his) = (ann.board("home"), bob.board("home"));
    /// hers.edit("Add", |e| e.create("note", "note", []))?;
    /// kit.advance_ms(1_000);
    /// // She begins to write; what comes in meanwhile, she has not seen.
    /// let seen = hers.seen();
    /// kit.until(his.edit("Write", |e| e.set("note", Note::TEXT, "Noon"))?.applied())?;
    /// kit.advance_ms(1_000);
    /// let hers = hers.edit("Write", |e| {
    ///     e.seen(seen);
    ///     e.set("note", Note::TEXT, "One");
    /// })?;
    /// assert_eq!(kit.until(hers.applied()), Err(EditError::Conflicted));
    /// # Ok::<(), EditError>(())
    /// ```
    pub fn seen(&self) -> SeenMark {
        self.read(|board| board.seen.clone())
    }

    /// How much attention a record gets: whether it is on screen, and at which pace it is shown. A
    /// record of which nothing was said is on screen, and shown with every flush.
    ///
    /// ```
    /// use driftless_client::{Attention, Pace};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let board = kit.person("Ann").client().board("home");
    /// // A column of numbers that nobody can read faster.
    /// let pace = Pace::Throttle { interval_ms: 500 };
    /// board.attend("cpu", Attention { is_visible: true, pace });
    /// ```
    pub fn attend(&self, record: impl Name<RecordId>, attention: Attention) {
        // What has no name is never on screen.
        if let Ok(record) = record.into_id() {
            self.command(|board| {
                let subject = Subject::Record { board, record };
                Command::Attend { subject, attention }
            });
        }
    }

    /// Makes an edit: validated here and now as the server will, shown at once, stored, and sent
    /// when it can be. `label` is what the person does, in their words ("Rename").
    ///
    /// Nothing is durable when it returns: see [`EditHandle::stored`].
    ///
    /// It is an edit of what the board shows now: what others wrote and this client has not got
    /// yet was not looked at, and writing over it is a conflict. So a program that changes what is
    /// there waits for [`Board::loaded`] first.
    ///
    /// ```
    /// use driftless_client::EditError;
    /// use driftless_client::model::builtin::TITLE;
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let hers = kit.person("Ann").client().board("home");
    /// let made = hers.edit("Add", |e| {
    ///     e.create("cpu", "chart", []);
    ///     e.set("cpu", TITLE, "CPU");
    /// })?;
    /// kit.until(made.applied())?;
    ///
    /// let bob = kit.person("Bob").client();
    /// let too_early = bob.board("home").edit("Rename", |e| e.set("cpu", TITLE, "Processor"))?;
    /// assert_eq!(kit.until(too_early.applied()), Err(EditError::Conflicted));
    ///
    /// let carol = kit.person("Carol").client().board("home");
    /// kit.until(carol.loaded())?;
    /// let renamed = carol.edit("Rename", |e| e.set("cpu", TITLE, "Processor"))?;
    /// kit.until(renamed.applied())?;
    /// # Ok::<(), EditError>(())
    /// ```
    pub fn edit(
        &self,
        label: impl Into<String>,
        build: impl FnOnce(&mut EditBuilder),
    ) -> Result<EditHandle, EditError> {
        let mut builder = EditBuilder::default();
        build(&mut builder);
        let id = self.id.as_ref().map_err(Clone::clone)?;
        self.shared.edit(id, label.into(), builder)
    }

    fn read<T>(&self, read: impl FnOnce(&PublishedBoard) -> T) -> T {
        match &self.id {
            Ok(id) => self.shared.board(id, read),
            Err(_) => read(&PublishedBoard::default()),
        }
    }

    fn command(&self, command: impl FnOnce(BoardId) -> Command) {
        if let Ok(id) = &self.id {
            self.shared.command(command(id.clone()));
        }
    }

    fn record_topic(&self, record: Result<RecordId, IdError>) -> Option<Topic> {
        Some(Topic::Record(self.id.clone().ok()?, record.ok()?))
    }

    /// Watches something of this board. What has no name is nothing, and never becomes anything.
    fn watch_board<T: 'static>(
        &self,
        topic: impl Into<Option<Topic>>,
        read: impl FnMut(&PublishedBoard) -> T + Send + 'static,
    ) -> Watch<T> {
        self.watch_then(topic, read, std::convert::identity)
    }

    /// The same, of what code of the application makes of it, without the lock.
    fn watch_then<R: 'static, T: 'static>(
        &self,
        topic: impl Into<Option<Topic>>,
        mut read: impl FnMut(&PublishedBoard) -> R + Send + 'static,
        mut then: impl FnMut(R) -> T + Send + 'static,
    ) -> Watch<T> {
        let id = self.id.clone().ok();
        let nothing = PublishedBoard::default();
        let read = move |state: &State| {
            let published = state.published();
            let board = id.as_ref().and_then(|id| published.boards.get(id));
            let read = read(board.unwrap_or(&nothing));
            drop(published);
            then(read)
        };
        let topic = topic.into().unwrap_or(Topic::Nothing);
        Watch::reading(Arc::clone(self.shared.state()), topic, read)
    }
}

fn all(board: &PublishedBoard) -> Records {
    let records = board.records.iter();
    records
        .map(|(id, view)| (id.clone(), Arc::clone(view)))
        .collect()
}

fn selected(mut records: Records, holds: &impl Fn(&RecordId, &RecordView) -> bool) -> Records {
    records.retain(|(id, view)| holds(id, view));
    records
}
