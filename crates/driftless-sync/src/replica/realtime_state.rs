//! Confirmed state and the optimistic overlay of one board: what the server said, and what the
//! person sees, which is that with the active outbox folded over it.

use std::sync::Arc;

use driftless_model::{
    BoardState, Cursor, Effect, Op, RecordId, RecordState, Schema, Slot, SortedMap, SortedSet,
    UserId, Version,
};
use driftless_protocol::durable::{BoardRow, LocalChange, RecordRow};
use driftless_protocol::message::Resume;

use crate::planted::{Bug, is_planted};
use crate::replica::update_processor::BoardFlush;
use crate::replica::view::{LeafView, RecordView};

/// One board as this replica knows it.
#[derive(Debug, Default)]
pub struct RealtimeState {
    confirmed: BoardState,
    cursor: Option<Cursor>,
    /// Where the copy stood that was deleted, since the user may not read the board or is another.
    left: Option<Cursor>,
    views: SortedMap<RecordId, Arc<RecordView>>,
    /// The version that the views show, but for those that are held.
    shown: Version,
    /// The versions that held views show: confirmed changes since then are not in them.
    held: Arc<SortedMap<RecordId, Version>>,
}

impl RealtimeState {
    /// Cursor and floor as they were stored.
    pub fn restore_counters(&mut self, row: &BoardRow) {
        self.cursor = row.cursor;
        self.left = row.left;
        self.confirmed.floor = row.floor;
    }

    /// One stored record.
    pub fn restore_record(&mut self, row: RecordRow) {
        self.confirmed.records.insert(row.record, row.slot);
    }

    /// Everything as it is stored now. Answers which records differ.
    pub fn reread(
        &mut self,
        counters: Option<&BoardRow>,
        records: SortedMap<RecordId, Slot>,
    ) -> SortedSet<RecordId> {
        let before = std::mem::replace(&mut self.confirmed.records, records);
        if let Some(row) = counters {
            self.restore_counters(row);
        } else {
            (self.cursor, self.left) = (None, None);
            self.confirmed.floor = Version(0);
        }
        let now = &self.confirmed.records;
        let all = before.keys().chain(now.keys());
        let differing = all.filter(|id| before.get(*id) != now.get(*id));
        differing.cloned().collect()
    }

    /// What the server said.
    pub fn confirmed(&self) -> &BoardState {
        &self.confirmed
    }

    /// Where the replica stands; `None` before the first resume.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// Where the copy stood that was deleted, until there is a new one: what is pending rests on
    /// the history up to there.
    pub fn left(&self) -> Option<Cursor> {
        self.left
    }

    /// The version that the confirmed state has.
    pub fn version(&self) -> Version {
        self.cursor.map_or(Version(0), |cursor| cursor.version)
    }

    /// The version that the person sees; confirmed changes since wait for the next flush. Records
    /// that are [`Self::held`] show an older one.
    pub fn shown(&self) -> Version {
        self.shown
    }

    /// The records whose views are older than the rest (off screen, or at a pace of their own),
    /// each with the version that it shows.
    pub fn held(&self) -> &Arc<SortedMap<RecordId, Version>> {
        &self.held
    }

    /// What the person sees.
    pub fn views(&self) -> &SortedMap<RecordId, Arc<RecordView>> {
        &self.views
    }

    /// Takes the next applied edit. The caller has checked that it is the next.
    pub fn advance(&mut self, cursor: Cursor, effects: &[Effect], author: &UserId) {
        self.confirmed.apply(effects, cursor.version, author);
        self.cursor = Some(cursor);
    }

    /// Forgets everything that the server said but where it stood. Answers which records it had.
    pub fn leave(&mut self) -> SortedSet<RecordId> {
        self.left = self.cursor.take().or(self.left);
        std::mem::take(&mut self.confirmed)
            .records
            .into_keys()
            .collect()
    }

    /// Takes a resume, whole. Answers which records it may have changed.
    pub fn resume(&mut self, resume: &Resume) -> SortedSet<RecordId> {
        let mut touched = SortedSet::new();
        if resume.full {
            touched.extend(std::mem::take(&mut self.confirmed.records).into_keys());
        }
        for removed in &resume.removed {
            let (version, author) = (removed.version, removed.author.clone());
            let mark = Slot::Removed { version, author };
            self.confirmed.records.insert(removed.record.clone(), mark);
            touched.insert(removed.record.clone());
        }
        for whole in &resume.records {
            let record = RecordState {
                kind: whole.kind.clone(),
                created: whole.created,
                leaves: whole.leaves.clone(),
            };
            self.confirmed
                .records
                .insert(whole.record.clone(), Slot::Live(record));
            touched.insert(whole.record.clone());
        }
        for changed in &resume.leaves {
            if let Some(Slot::Live(record)) = self.confirmed.records.get_mut(&changed.record) {
                let cell = driftless_model::Cell {
                    value: changed.value.clone(),
                    version: changed.version,
                    author: changed.author.clone(),
                };
                record.leaves.insert(changed.leaf.clone(), cell);
            }
            touched.insert(changed.record.clone());
        }
        touched.extend(self.prune_marks(resume.floor));
        (self.cursor, self.left) = (Some(resume.cursor), None);
        touched
    }

    /// The server keeps no marks up to this version any more: what is absent counts as changed
    /// then.
    fn prune_marks(&mut self, floor: Version) -> Vec<RecordId> {
        self.confirmed.floor = floor;
        let records = self.confirmed.records.iter();
        let pruned = records
            .filter(|(_, slot)| matches!(slot, Slot::Removed { version, .. } if *version <= floor));
        let pruned: Vec<RecordId> = pruned.map(|(id, _)| id.clone()).collect();
        for id in &pruned {
            self.confirmed.records.remove(id);
        }
        pruned
    }

    /// A record with these pending changes over it, now.
    pub fn fold_now(
        &self,
        schema: &Schema,
        id: &RecordId,
        active: &[&LocalChange],
    ) -> Option<Arc<RecordView>> {
        fold(schema, self.confirmed.record(id), active).map(Arc::new)
    }

    /// Folds the outbox over the flushed records again. `active` are the changes that are in the
    /// view, in order; `conflicts` the entries that wait for a person, by record. What changed
    /// since the last time has to be flushed or held. Answers which views changed.
    pub fn refresh<'a>(
        &mut self,
        schema: &Schema,
        flush: &BoardFlush,
        active: impl Fn(&RecordId) -> Vec<&'a LocalChange>,
        conflicts: impl Fn(&RecordId) -> Vec<u64>,
    ) -> Vec<RecordId> {
        let mut changed = Vec::new();
        self.hold(&flush.held);
        for id in &flush.records {
            let view = fold(schema, self.confirmed.record(id), &active(id));
            let view = view.map(|view| {
                Arc::new(RecordView {
                    conflicts: conflicts(id),
                    ..view
                })
            });
            if self.views.get(id) != view.as_ref() {
                changed.push(id.clone());
            }
            match view {
                Some(view) => self.views.insert(id.clone(), view),
                None => self.views.remove(id),
            };
        }
        changed
    }

    /// All views show the confirmed version from here on, but those of these records: they go on
    /// showing what they did.
    fn hold(&mut self, records: &SortedSet<RecordId>) {
        let (before, version) = (self.shown, self.version());
        self.shown = version;
        if !records.is_empty() || !self.held.is_empty() {
            let held = records.iter().map(|id| {
                let shown = self.held.get(id).copied().unwrap_or(before);
                (id.clone(), shown)
            });
            self.held = Arc::new(held.collect());
        }
    }
}

/// The confirmed record with pending changes over it.
fn fold(
    schema: &Schema,
    confirmed: Option<&RecordState>,
    changes: &[&LocalChange],
) -> Option<RecordView> {
    let mut view = confirmed.map(|record| confirmed_view(schema, record));
    let shown = changes.len() - usize::from(is_planted(Bug::HalfOverlay) && !changes.is_empty());
    for change in changes.iter().take(shown) {
        view = overlay(schema, view, &change.op);
    }
    view
}

/// Every leaf under today's name: an older build may have written it under a former one.
fn confirmed_view(schema: &Schema, record: &RecordState) -> RecordView {
    let leaves = record.leaves.iter().filter_map(|(leaf, cell)| {
        let leaf = schema.current(&record.kind, leaf);
        let is_shown = schema
            .cell(record, &leaf)
            .is_some_and(|shown| std::ptr::eq(shown, cell));
        let value = cell.value.clone().filter(|_| is_shown)?;
        let (version, author) = (Some(cell.version), Some(cell.author.clone()));
        Some((
            leaf.into_owned(),
            LeafView {
                value,
                version,
                author,
            },
        ))
    });
    RecordView {
        kind: record.kind.clone(),
        leaves: leaves.collect(),
        is_pending: false,
        conflicts: Vec::new(),
    }
}

fn overlay(schema: &Schema, view: Option<RecordView>, op: &Op) -> Option<RecordView> {
    let mut view = match (view, op) {
        (_, Op::Remove) => return None,
        (Some(view), _) => view,
        (None, Op::Create { kind, .. }) => RecordView {
            kind: kind.clone(),
            leaves: SortedMap::new(),
            is_pending: true,
            conflicts: Vec::new(),
        },
        (None, _) => return None,
    };
    view.is_pending = true;
    for (leaf, value) in op.writes() {
        let leaf = schema.current(&view.kind, leaf).into_owned();
        match value {
            Some(value) => {
                let pending = LeafView {
                    value: value.clone(),
                    version: None,
                    author: None,
                };
                view.leaves.insert(leaf, pending);
            }
            None => {
                view.leaves.remove(&leaf);
            }
        }
    }
    Some(view)
}
