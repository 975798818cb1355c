//! What a person has on screen when a gesture begins.

use std::sync::Arc;

use driftless_model::{EditId, Op, RecordId, Schema, SortedMap, Version};
use driftless_protocol::durable::{LocalChange, Seen};

use crate::replica::background_sync::entry::overlaps;
use crate::replica::background_sync::{Entry, Outbox};
use crate::replica::realtime_state::RealtimeState;

/// Stands among the edits that a change waits for, for the history that was on screen: a mark that
/// outlives it is told by it. Never stored.
pub(super) fn history_id(history: u32) -> EditId {
    EditId(u128::MAX - u128::from(history))
}

/// What a person has on screen at a moment: the board's version, and which of their own unsettled
/// edits stand behind what they see. Cheap to clone; take one when a gesture begins.
///
/// ```
/// use driftless_model::{Op, RecordId, Version};
/// use driftless_sync::replica::SeenMark;
///
/// // Nothing was on screen: what the server has of the record was not seen.
/// let mark = SeenMark::default();
/// let change = mark.change(RecordId::new("note")?, Op::Remove);
/// assert_eq!((change.seen.version, change.seen.after), (Version(0), vec![]));
/// # Ok::<(), driftless_model::IdError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeenMark {
    version: Version,
    /// Records whose view is older than the board's version, with theirs.
    held: Arc<SortedMap<RecordId, Version>>,
    history: Option<EditId>,
    pending: Arc<SortedMap<RecordId, Vec<(EditId, Op)>>>,
    /// By which names of a leaf are told to be one; absent where nothing was on screen.
    schema: Option<Arc<Schema>>,
}

impl SeenMark {
    pub(super) fn new<'a>(
        version: Version,
        held: Arc<SortedMap<RecordId, Version>>,
        history: EditId,
        active: impl Iterator<Item = &'a Entry>,
        schema: &Arc<Schema>,
    ) -> Self {
        let mut pending: SortedMap<RecordId, Vec<(EditId, Op)>> = SortedMap::new();
        for entry in active {
            for change in &entry.row.changes {
                let edits = pending.entry(change.record.clone()).or_default();
                edits.push((entry.row.id, change.op.clone()));
            }
        }
        Self {
            version,
            held,
            history: Some(history),
            pending: Arc::new(pending),
            schema: Some(Arc::clone(schema)),
        }
    }

    /// The board's version. Single records may show an older one.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The version that the view of a record shows.
    pub fn version_of(&self, record: &RecordId) -> Version {
        self.held.get(record).copied().unwrap_or(self.version)
    }

    /// What a change that begins now rests on.
    pub fn seen(&self, record: &RecordId, op: &Op) -> Seen {
        let own = self.pending.get(record).map_or(&[][..], Vec::as_slice);
        let mut after: Vec<EditId> = Vec::new();
        if let Some(schema) = &self.schema {
            let own = own.iter();
            let own = own.filter(|(_, pending)| overlaps(pending, op, schema));
            after.extend(own.map(|(id, _)| *id));
        }
        after.dedup();
        after.extend(self.history);
        Seen {
            version: self.version_of(record),
            after,
        }
    }

    /// A change that begins now.
    pub fn change(&self, record: RecordId, op: Op) -> LocalChange {
        let seen = self.seen(&record, &op);
        LocalChange { record, op, seen }
    }
}

impl Outbox {
    /// What is on screen now, for a gesture that begins.
    pub fn seen_mark(&self, state: &RealtimeState) -> SeenMark {
        SeenMark::new(
            state.shown(),
            Arc::clone(state.held()),
            history_id(self.history),
            self.entries().filter(|entry| entry.is_active()),
            &self.schema,
        )
    }
}
