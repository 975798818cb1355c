//! One thing in the outbox.

use std::sync::Arc;

use driftless_model::{
    Change, ClientId, Edit, EditId, LeafPath, OnStale, Op, RecordId, Schema, SortedSet, Version,
    limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::{BaseLeaf, BaseRecord, EntryRow, EntryState, LocalChange, Row};
use driftless_protocol::message::{Again, Push};
use driftless_protocol::payload::{Payload, PayloadError};

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::{NewEdit, Saw};
use crate::replica::journal::{Journal, Ticket};
use crate::replica::view::RecordView;

/// Why an edit waits that is not known to be the user's.
const STRANGE: &str = "made with another token, before a server had said whose that is";

/// An outbox entry with what is not stored about it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is stored.
    pub row: EntryRow,
    /// The transaction that its last change is part of.
    pub ticket: Ticket,
    /// How often it was sent in this session.
    pub attempts: u32,
    /// Whether another tab made it, or what it was made of: it counts as seen here only where it
    /// was on screen.
    pub is_foreign: bool,
}

impl Entry {
    /// It gets its number when it is put into the outbox.
    pub(super) fn new(new: NewEdit, saw: Saw) -> Self {
        Self::restored(EntryRow {
            board: new.board,
            number: 0,
            id: new.id,
            label: new.label,
            made_at_ms: saw.made_at_ms,
            gesture: new.gesture,
            on_stale: new.on_stale,
            changes: new.changes,
            base: saw.base,
            removed: saw.removed,
            folded: Vec::new(),
            again: None,
            token: saw.token,
            state: EntryState::Queued,
        })
    }

    pub(super) fn restored(row: EntryRow) -> Self {
        Self {
            row,
            ticket: Ticket::default(),
            attempts: 0,
            is_foreign: false,
        }
    }

    pub(super) fn store(&mut self, journal: &mut Journal) {
        self.ticket = journal.put(Row::Entry(Box::new(self.row.clone())));
    }

    /// Whether it is part of what the person sees.
    pub fn is_active(&self) -> bool {
        match &self.row.state {
            EntryState::Queued => true,
            EntryState::Sealed { take_back, .. } => !take_back,
            _ => false,
        }
    }

    /// Whether its outcome is not known yet.
    pub fn is_unsettled(&self) -> bool {
        matches!(
            self.row.state,
            EntryState::Queued | EntryState::Sealed { .. }
        )
    }

    /// Whether it is not sealed yet.
    pub fn is_queued(&self) -> bool {
        matches!(self.row.state, EntryState::Queued)
    }

    /// Whether it waits for a person.
    pub fn is_set_aside(&self) -> bool {
        !self.is_unsettled()
    }

    /// Whether it counts as the edit of whose copy this is: nothing is known against it.
    pub fn is_owned(&self) -> bool {
        self.row.token.is_none()
    }

    /// Whether it waits for a person since somebody changed the same.
    pub fn is_conflicted(&self) -> bool {
        matches!(self.row.state, EntryState::Conflicted(_))
    }

    /// Whether it is sealed and the person took it back.
    pub fn is_taken_back(&self) -> bool {
        matches!(
            self.row.state,
            EntryState::Sealed {
                take_back: true,
                ..
            }
        )
    }

    /// Whether another tab put a later edit of the same gesture in the place of this one: what was
    /// on screen is not what is sent.
    pub(super) fn is_another_than(&self, id: EditId) -> bool {
        self.is_foreign && self.is_unsettled() && self.row.id != id
    }

    /// Its place in the sequence, once sealed.
    pub fn seq(&self) -> Option<u64> {
        match self.row.state {
            EntryState::Sealed { seq, .. } => Some(seq),
            _ => None,
        }
    }

    /// The edits that it waits for.
    pub fn after(&self) -> SortedSet<EditId> {
        self.row
            .changes
            .iter()
            .flat_map(|change| change.seen.after.iter().copied())
            .collect()
    }

    /// The records that it changes.
    pub fn records(&self) -> SortedSet<RecordId> {
        records_of(&self.row)
    }

    pub(super) fn touches_record(&self, record: &RecordId) -> bool {
        self.row
            .changes
            .iter()
            .any(|change| change.record == *record)
    }

    /// The leaves of a record that it writes; `None` for the record as such. What it wrote before
    /// it removes the record goes with that.
    pub fn leaves_of(&self, record: &RecordId) -> Vec<Option<LeafPath>> {
        let mut leaves = Vec::new();
        let own = self.row.changes.iter();
        for change in own.filter(|change| change.record == *record) {
            match change.op {
                Op::Create { .. } => leaves.push(None),
                Op::Remove => leaves = vec![None],
                _ => {}
            }
            let written = change.op.writes().into_iter();
            leaves.extend(written.map(|(leaf, _)| Some(leaf.clone())));
        }
        leaves
    }

    /// Whether a record is there after it, where it makes or removes it.
    pub fn decides(&self, record: &RecordId) -> Option<bool> {
        let own = self.row.changes.iter().rev();
        let mut own = own.filter(|change| change.record == *record);
        own.find_map(|change| match change.op {
            Op::Create { .. } => Some(true),
            Op::Remove => Some(false),
            _ => None,
        })
    }

    /// Whether it is an edit, or holds it.
    pub fn is_or_holds(&self, id: EditId) -> bool {
        self.row.id == id || self.row.folded.contains(&id)
    }

    pub(super) fn waits_for(&self, other: &Self) -> bool {
        self.after().into_iter().any(|id| other.is_or_holds(id))
    }

    /// Whether a later change writes over something that this entry writes.
    pub(super) fn is_under(&self, change: &LocalChange, schema: &Schema) -> bool {
        let mut own = self.row.changes.iter();
        own.any(|own| is_below(own, change, schema))
    }

    pub(super) fn lacks_base_of(&self, record: &RecordId) -> bool {
        self.touches_record(record) && self.row.removed.iter().all(|base| base.record != *record)
    }

    /// Takes a later edit of the same gesture in. The first `seen` and base stay.
    pub(super) fn squash(&mut self, new: NewEdit) {
        let first = std::mem::replace(&mut self.row.id, new.id);
        self.row.folded.push(first);
        self.row.label = new.label;
        for mut change in new.changes {
            change
                .seen
                .after
                .retain(|id| *id != first && !self.row.folded.contains(id));
            self.merge(change);
        }
    }

    /// Takes an edit in that waited for this one. What a person wrote is asked about, also where it
    /// joins an undo: skipped as stale, it would be gone.
    pub(super) fn fold(&mut self, joined: EntryRow) {
        if joined.on_stale == OnStale::Policy {
            self.row.on_stale = OnStale::Policy;
        }
        if joined.token.is_none() {
            self.row.token = None;
        }
        self.row.folded.push(joined.id);
        self.row.folded.extend(joined.folded);
        for mut change in joined.changes {
            change
                .seen
                .after
                .retain(|id| *id != self.row.id && !self.row.folded.contains(id));
            self.merge(change);
        }
        for base in joined.base {
            let is_known = |own: &BaseLeaf| own.record == base.record && own.leaf == base.leaf;
            if !self.row.base.iter().any(is_known) {
                self.row.base.push(base);
            }
        }
        for removed in joined.removed {
            if self.lacks_base_of(&removed.record) {
                self.row.removed.push(removed);
            }
        }
    }

    /// Adds a change, or gives the change of the same leaf its value, where the record was neither
    /// made nor removed since: what came before that is not what the leaf has now.
    fn merge(&mut self, change: LocalChange) {
        let own = self.row.changes.iter_mut().rev();
        let own = own.filter(|own| own.record == change.record);
        let decides = |own: &LocalChange| matches!(own.op, Op::Create { .. } | Op::Remove);
        let mut own = own.take_while(|own| !decides(own) || is_planted(Bug::JoinBelow));
        let same = own.find(|own| match (&own.op, &change.op) {
            (
                Op::Set { leaf: own, .. } | Op::Unset { leaf: own },
                Op::Set { leaf, .. } | Op::Unset { leaf },
            ) => own == leaf,
            _ => false,
        });
        match same {
            Some(own) => own.op = change.op,
            None => self.row.changes.push(change),
        }
    }

    /// Nobody waits for these edits any more; `seen` says what a change that did has seen of them.
    /// Answers whether this entry did.
    pub(super) fn release(&mut self, ids: &[EditId], seen: &dyn Fn(&mut LocalChange)) -> bool {
        let mut is_changed = false;
        for change in &mut self.row.changes {
            let before = change.seen.after.len();
            change.seen.after.retain(|id| !ids.contains(id));
            if change.seen.after.len() < before {
                seen(change);
                is_changed = true;
            }
        }
        is_changed
    }

    /// Makes it final under a seq, for whoever was let in with a token of this mark. Answers
    /// whether the seq is used up: an edit that cannot be written, or that is not known to be
    /// theirs, is quarantined instead.
    pub(super) fn seal(&mut self, seq: u64, token: Option<u64>) -> bool {
        let is_strange = !self.is_owned() && self.row.token != token;
        let (code, detail) = if is_strange {
            (Code::WrongUser, STRANGE.to_owned())
        } else {
            self.row.token = None;
            match self.payload(Version(0)) {
                Ok(payload) => {
                    self.row.state = EntryState::Sealed {
                        seq,
                        payload,
                        take_back: false,
                    };
                    return true;
                }
                Err(error) => (Code::TooLarge, error.to_string()),
            }
        };
        self.row.state = EntryState::Quarantined { code, detail };
        false
    }

    /// Whether the server takes it as one edit, whatever it has seen by then.
    pub(super) fn fits(&self) -> bool {
        let is_short = self.row.changes.len() <= limits::CHANGES_PER_EDIT_MAX;
        is_short && self.payload(Version(u64::MAX)).is_ok()
    }

    /// What is sent, where each change has seen at least this.
    fn payload(&self, least: Version) -> Result<Payload, PayloadError> {
        let changes = self.row.changes.iter().map(|change| Change {
            record: change.record.clone(),
            seen: change.seen.version.max(least),
            op: change.op.clone(),
        });
        Payload::seal(&Edit {
            id: self.row.id,
            label: self.row.label.clone(),
            on_stale: self.row.on_stale,
            changes: changes.collect(),
        })
    }

    /// Queues it under a new client id: under the old one, it or a copy of it may have been sent.
    pub(super) fn start_over(&mut self, former: ClientId) {
        let seen = self.row.changes.iter().map(|change| change.seen.version);
        let above = seen.min().unwrap_or_default();
        let again = self.row.again.get_or_insert_with(Again::default);
        if again.clients.is_empty() {
            again.above = above;
        }
        again.above = again.above.min(above);
        again.clients.retain(|client| *client != former);
        again.clients.push(former);
        let surplus = again
            .clients
            .len()
            .saturating_sub(limits::FORMER_CLIENTS_MAX);
        again.clients.drain(..surplus);
        self.row.state = EntryState::Queued;
    }

    pub(super) fn push(&self, board: &driftless_model::BoardId, settled: u64) -> Option<Push> {
        match &self.row.state {
            EntryState::Sealed { seq, payload, .. } => Some(Push {
                board: board.clone(),
                seq: *seq,
                id: self.row.id,
                settled,
                payload: payload.clone(),
                again: self.row.again.clone(),
            }),
            _ => None,
        }
    }
}

/// The records that an entry changes.
pub fn records_of(row: &EntryRow) -> SortedSet<RecordId> {
    let records = row.changes.iter().map(|change| change.record.clone());
    records.collect()
}

/// Whether a later change writes over something that this one writes.
pub(super) fn is_below(own: &LocalChange, later: &LocalChange, schema: &Schema) -> bool {
    own.record == later.record && overlaps(&own.op, &later.op, schema)
}

/// The same of what two changes do to one record.
pub(super) fn overlaps(own: &Op, later: &Op, schema: &Schema) -> bool {
    match (own, later) {
        // Whether the record is there decides everything else about it.
        (Op::Remove | Op::Create { .. }, _) | (_, Op::Remove | Op::Create { .. }) => true,
        _ => {
            let own = own.writes();
            let is_own = |leaf| own.iter().any(|(own, _)| schema.is_one_leaf(own, leaf));
            later.writes().into_iter().any(|(leaf, _)| is_own(leaf))
        }
    }
}

/// What the person sees of what the changes write: leaves, and whole records that they remove.
pub(super) fn base_of(
    changes: &[LocalChange],
    view_of: impl Fn(&RecordId) -> Option<Arc<RecordView>>,
) -> (Vec<BaseLeaf>, Vec<BaseRecord>) {
    let (mut leaves, mut records) = (Vec::new(), Vec::new());
    for change in changes {
        let Some(view) = view_of(&change.record) else {
            continue;
        };
        if matches!(change.op, Op::Remove) {
            let values = view
                .leaves
                .iter()
                .map(|(leaf, own)| (leaf.clone(), own.value.clone()));
            records.push(BaseRecord {
                record: change.record.clone(),
                kind: view.kind.clone(),
                leaves: values.collect(),
            });
        }
        leaves.extend(change.op.writes().into_iter().map(|(leaf, _)| BaseLeaf {
            record: change.record.clone(),
            leaf: leaf.clone(),
            value: view.value(leaf).cloned(),
        }));
    }
    (leaves, records)
}
