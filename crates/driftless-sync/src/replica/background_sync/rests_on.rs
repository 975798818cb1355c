//! What a change has seen, once an own edit that it rests on is applied or gone.
//!
//! A write of a leaf over own writes of the same leaf waits for the nearest of them alone, which
//! waits for the one below it: a thousand writes of one leaf would else name each other half a
//! million times, and each outcome would store all that are left anew. Where one of them goes, what
//! waited for it waits for what that one waited for.

use driftless_model::{
    BoardState, EditId, LeafPath, LeafRef, Op, Policy, RecordId, Schema, Slot, SortedMap,
    SortedSet, Version,
};
use driftless_protocol::durable::{EntryRow, LocalChange};

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::entry::is_below;
use crate::replica::background_sync::{Entry, Outbox};

/// An own edit that is settled: what others that rest on it have seen.
#[derive(Debug, Clone)]
pub struct OwnSettled {
    ids: Vec<EditId>,
    /// The version that it made; `None` where it had no effect.
    version: Option<Version>,
    /// What its author had seen of each record.
    seen: SortedMap<RecordId, Version>,
    skipped: Vec<LeafRef>,
    /// The unsettled edits of other tabs that lay below it and that its author had not seen, by
    /// record: its value was on screen in their place.
    hidden: Vec<(RecordId, EditId)>,
    /// Where it is gone while it waited: the leaves that it wrote, with what it waited for there.
    waited: Vec<(RecordId, LeafPath, Vec<EditId>)>,
}

impl OwnSettled {
    fn new(row: &EntryRow, version: Option<Version>, skipped: &[LeafRef]) -> Self {
        let mut seen = SortedMap::new();
        for change in &row.changes {
            let least = seen
                .entry(change.record.clone())
                .or_insert(change.seen.version);
            *least = change.seen.version.min(*least);
        }
        Self {
            ids: row.ids().collect(),
            version,
            seen,
            skipped: skipped.to_vec(),
            hidden: Vec::new(),
            waited: Vec::new(),
        }
    }

    pub(super) fn ids(&self) -> &[EditId] {
        &self.ids
    }

    /// The version that it made, if it had an effect.
    pub(super) fn version(&self) -> Option<Version> {
        self.version
    }

    pub(super) fn is(&self, id: EditId) -> bool {
        self.ids.contains(&id)
    }

    /// Whether what it was on screen as vouches for nothing: it is gone without effect, or that was
    /// an earlier edit of its gesture, and not yet all that it became.
    fn hides_all_of(&self, id: EditId) -> bool {
        self.version.is_none() || self.ids.last() != Some(&id)
    }

    /// Makes what a change that rests on the edit has seen final. The edit vouches only for what it
    /// wrote itself:
    ///
    /// - Where it skipped a leaf, its value was on screen and hid the confirmed one: the change has
    ///   seen no more of it than the edit had.
    /// - Where it had been applied all along (under another client id), its value hid what was
    ///   written above it since.
    /// - The same where it is gone without effect.
    /// - Where somebody else's write to what the change concerns lies below its version and above
    ///   what the change has seen, that write stays unseen (a removal concerns all leaves that a
    ///   person wrote, the edit perhaps one).
    pub(super) fn settle(&self, change: &mut LocalChange, confirmed: &BoardState, schema: &Schema) {
        let is_skipped = self.skipped.iter().any(|at| concerns(change, at, schema))
            && !is_planted(Bug::VouchForSkipped);
        match self.version.filter(|_| !is_skipped) {
            None => self.hide(change),
            Some(version) if version <= change.seen.version => change.seen.version = version,
            Some(version) if !is_write_between(change, version, confirmed, schema) => {
                change.seen.version = change.seen.version.max(version);
            }
            Some(_) => {}
        }
    }
}

impl OwnSettled {
    /// A change over an edit without effect has seen no more of the record than that one had.
    pub(super) fn hide(&self, change: &mut LocalChange) {
        let seen = self.seen.get(&change.record).copied().unwrap_or_default();
        change.seen.version = change.seen.version.min(seen);
        let is_hidden = |id: &EditId| {
            let mut hidden = self.hidden.iter();
            hidden.any(|(record, own)| *record == change.record && own == id)
        };
        change.seen.after.retain(|id| !is_hidden(id));
    }

    /// A change that waited for it waits for what it waited for.
    pub(super) fn pass_on(&self, change: &mut LocalChange) {
        for id in self.waited_for(change) {
            if !change.seen.after.contains(id) {
                change.seen.after.push(*id);
            }
        }
    }

    fn waited_for(&self, change: &LocalChange) -> &[EditId] {
        let mut waited = self.waited.iter();
        let own = waited
            .find(|(record, leaf, _)| *record == change.record && leaf_of(change) == Some(leaf));
        own.map_or(&[], |(_, _, after)| after)
    }
}

impl Outbox {
    /// It was applied.
    pub(super) fn own_applied(
        &self,
        row: &EntryRow,
        version: Version,
        skipped: &[LeafRef],
    ) -> OwnSettled {
        let mut own = OwnSettled::new(row, Some(version), skipped);
        if !skipped.is_empty() {
            own.hidden = self.hidden_by(row);
        }
        own
    }

    /// It was taken back or let go without effect.
    pub(super) fn own_gone(&self, row: &EntryRow) -> OwnSettled {
        let mut own = OwnSettled::new(row, None, &[]);
        own.hidden = self.hidden_by(row);
        let waited = |change: &LocalChange| {
            let leaf = leaf_of(change)?.clone();
            let after = rests_on(row, change, &self.schema).to_vec();
            (!after.is_empty()).then(|| (change.record.clone(), leaf, after))
        };
        own.waited = row.changes.iter().filter_map(waited).collect();
        own
    }

    /// Of the entries that a change waits for, those that none of the others waits for.
    pub(super) fn nearest(&self, change: &LocalChange, after: &[&Entry]) -> Vec<EditId> {
        let own = after.iter().filter(|it| it.is_queued() && !it.is_foreign);
        let below = own.flat_map(|entry| rests_on(&entry.row, change, &self.schema));
        let below: SortedSet<EditId> = below.copied().collect();
        let ids = after.iter().map(|entry| entry.row.id);
        ids.filter(|id| !below.contains(id)).collect()
    }

    /// All that a change waits for: also what the entries that it names wait for, or waited for
    /// when they went.
    fn waited_for(&self, change: &LocalChange) -> SortedSet<EditId> {
        let mut ids: SortedSet<EditId> = change.seen.after.iter().copied().collect();
        // From above, one pass finds all that is there; what went among it leads to more.
        loop {
            let known = ids.len();
            for gone in self.recent.iter().rev() {
                if gone.ids.iter().any(|id| ids.contains(id)) {
                    ids.extend(gone.waited_for(change));
                }
            }
            for entry in self.entries().rev() {
                if entry.row.ids().any(|id| ids.contains(&id)) {
                    ids.extend(rests_on(&entry.row, change, &self.schema));
                }
            }
            if ids.len() == known {
                return ids;
            }
        }
    }

    /// What lies below an entry, and its author had not seen.
    fn hidden_by(&self, row: &EntryRow) -> Vec<(RecordId, EditId)> {
        let mut hidden = Vec::new();
        for change in &row.changes {
            let below = self.entries.range(..row.number).map(|(_, entry)| entry);
            // What was on screen below it is what it waits for.
            let waited_for = self.waited_for(change);
            let is_seen = |entry: &Entry| entry.row.ids().any(|id| waited_for.contains(&id));
            let unseen = below.filter(|entry| {
                entry.is_unsettled() && entry.is_under(change, &self.schema) && !is_seen(entry)
            });
            let unseen = unseen.flat_map(|entry| entry.row.ids());
            hidden.extend(unseen.map(|id| (change.record.clone(), id)));
        }
        hidden
    }

    /// An own edit that was settled lately.
    pub(super) fn recently(&self, id: EditId) -> Option<&OwnSettled> {
        self.recent.iter().rev().find(|own| own.is(id))
    }

    /// A change of another tab's waits for an edit that is no more: it has seen what that one
    /// vouches for. Where a later edit of the same gesture took that one's place, unseen, it has
    /// seen no more than that one. Answers what hides the rest: for [`OwnSettled::hide`], once all
    /// others have vouched.
    pub(super) fn settle_absent(
        &self,
        change: &mut LocalChange,
        id: EditId,
        confirmed: &BoardState,
    ) -> Option<OwnSettled> {
        if let Some(entry) = self.by_id(id) {
            return Some(self.own_gone(&entry.row));
        }
        let applied = self.applied_edit(id);
        let applied = applied.map(|row| self.own_applied(&row.entry, row.version, &row.skipped));
        match self.recently(id).cloned().or(applied) {
            Some(own) if own.hides_all_of(id) => return Some(own),
            Some(own) => own.settle(change, confirmed, &self.schema),
            None => change.seen.version = Version(0),
        }
        None
    }

    /// A change of an entry that is no more is sent anew, over what is on screen now, from whatever
    /// tab that is. What it was made over, and is not any more, vouches for what it can.
    pub(crate) fn send_anew(
        &self,
        change: &mut LocalChange,
        entry: &[EditId],
        confirmed: &BoardState,
    ) {
        let over: Vec<EditId> = self.over(change).map(|entry| entry.row.id).collect();
        let is_still = |id: EditId| {
            let holder = self.by_id(id);
            entry.contains(&id) || holder.is_some_and(|it| over.contains(&it.row.id))
        };
        let hiding = self.settle_all_absent(change, confirmed, &is_still);
        change.seen.after = over;
        for own in hiding {
            own.hide(change);
        }
    }

    /// Settles all that a change waits for and that is no more, and what they waited for in turn.
    /// Answers as [`Self::settle_absent`].
    pub(super) fn settle_all_absent(
        &self,
        change: &mut LocalChange,
        confirmed: &BoardState,
        is_there: &dyn Fn(EditId) -> bool,
    ) -> Vec<OwnSettled> {
        let mut hiding: Vec<OwnSettled> = Vec::new();
        let mut done = SortedSet::new();
        loop {
            let after = change.seen.after.iter().copied();
            let absent: Vec<EditId> = after.filter(|id| !is_there(*id)).collect();
            change.seen.after.retain(|id| !absent.contains(id));
            let absent: Vec<EditId> = absent.into_iter().filter(|id| done.insert(*id)).collect();
            if absent.is_empty() {
                return hiding;
            }
            for id in absent {
                if let Some(own) = self.settle_absent(change, id, confirmed) {
                    own.pass_on(change);
                    hiding.push(own);
                }
            }
        }
    }

    /// An own edit was on screen when the gesture began: if it is settled by now, or taken back,
    /// the change has seen what that one vouches for. `holder` is its entry, or the one that it
    /// became part of. Answers as [`Self::settle_absent`].
    pub(super) fn settle_hidden(
        &self,
        change: &mut LocalChange,
        (id, holder): (EditId, Option<&Entry>),
        confirmed: &BoardState,
    ) -> Option<OwnSettled> {
        match (holder, self.recently(id)) {
            (Some(entry), _) if entry.is_taken_back() || entry.is_another_than(id) => {
                return Some(self.own_gone(&entry.row));
            }
            (Some(_), _) => {}
            (None, Some(own)) if own.hides_all_of(id) => return Some(own.clone()),
            (None, Some(own)) => own.settle(change, confirmed, &self.schema),
            // Nobody knows any more what it hid.
            (None, None) => change.seen.version = Version(0),
        }
        None
    }
}

/// The leaf that is all that a change writes.
fn leaf_of(change: &LocalChange) -> Option<&LeafPath> {
    match &change.op {
        Op::Set { leaf, .. } | Op::Unset { leaf } => Some(leaf),
        _ => None,
    }
}

fn is_same_leaf(own: &LocalChange, later: &LocalChange) -> bool {
    own.record == later.record && leaf_of(own).is_some() && leaf_of(own) == leaf_of(later)
}

/// What an edit waits for itself where a later write of a leaf lies over a write of that leaf, and
/// over nothing else of it.
fn rests_on<'a>(row: &'a EntryRow, later: &LocalChange, schema: &Schema) -> &'a [EditId] {
    let mut below = row
        .changes
        .iter()
        .filter(|own| is_below(own, later, schema));
    match (below.next(), below.next()) {
        (Some(own), None) if is_same_leaf(own, later) => &own.seen.after,
        _ => &[],
    }
}

fn concerns(change: &LocalChange, at: &LeafRef, schema: &Schema) -> bool {
    let is_touched = |leaf: &LeafPath| {
        let mut writes = change.op.writes().into_iter();
        change.op.touches(leaf) || writes.any(|(own, _)| schema.is_one_leaf(own, leaf))
    };
    change.record == at.record && at.leaf.as_ref().is_none_or(is_touched)
}

/// Whether a write to what the change concerns lies above what it has seen and below `version`.
fn is_write_between(
    change: &LocalChange,
    version: Version,
    confirmed: &BoardState,
    schema: &Schema,
) -> bool {
    let is_between = |at: Version| at > change.seen.version && at < version;
    match confirmed.records.get(&change.record) {
        None => is_between(confirmed.floor),
        Some(Slot::Removed { version: at, .. }) => is_between(*at),
        Some(Slot::Live(record)) if matches!(change.op, Op::Remove) => {
            let asks = |leaf: &LeafPath| schema.policy(&record.kind, leaf) == Policy::Ask;
            let mut leaves = record.leaves.iter();
            leaves.any(|(leaf, cell)| asks(leaf) && is_between(cell.version))
        }
        Some(Slot::Live(record)) => {
            let mut writes = change.op.writes().into_iter();
            writes.any(|(leaf, _)| match schema.cell(record, leaf) {
                Some(cell) => is_between(cell.version),
                // It may have been written by a former name, which a newer build knows.
                None if schema.rule(&record.kind, leaf).is_none() => {
                    record.leaves.values().any(|cell| is_between(cell.version))
                }
                None => is_between(confirmed.leaf_version(record, leaf)),
            })
        }
    }
}
