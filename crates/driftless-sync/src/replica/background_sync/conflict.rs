//! Conflicts: how they are shown, and what a person's decision becomes.

use driftless_model::{
    BoardState, LeafPath, LeafRef, Op, RecordId, Slot, SortedMap, Value, Version,
};
use driftless_protocol::durable::{
    BaseRecord, Conflicted, EntryRow, EntryState, LocalChange, Seen,
};

use crate::replica::background_sync::Entry;
use crate::replica::journal::Journal;
use crate::replica::view::{
    ConflictLeaf, ConflictView, EntryProgress, EntryView, RemovedView, Resolution,
};

impl Entry {
    /// As it is shown, beside the confirmed state as it is now.
    pub fn view(&self, confirmed: &BoardState, journal: &Journal) -> EntryView {
        let row = &self.row;
        let state = match &row.state {
            EntryState::Sealed { seq, take_back, .. } => EntryProgress::Sealed {
                seq: *seq,
                take_back: *take_back,
            },
            EntryState::Conflicted(conflicted) => {
                EntryProgress::Conflicted(conflict_view(row, conflicted, confirmed))
            }
            EntryState::Quarantined { code, detail } => EntryProgress::Quarantined {
                code: *code,
                detail: detail.clone(),
                hint: code.hint().to_owned(),
            },
            _ => EntryProgress::Queued {
                after: self.after().into_iter().collect(),
            },
        };
        EntryView {
            board: row.board.clone(),
            number: row.number,
            id: row.id,
            label: row.label.clone(),
            made_at_ms: row.made_at_ms,
            is_stored: journal.is_durable(self.ticket),
            attempts: self.attempts,
            state,
            records: self.records().into_iter().collect(),
            edits: row.ids().count(),
        }
    }
}

fn conflict_view(row: &EntryRow, conflicted: &Conflicted, confirmed: &BoardState) -> ConflictView {
    let mut leaves: Vec<ConflictLeaf> = Vec::new();
    // What was written last is what the person meant, and asked about once.
    let mut ask = |leaf: ConflictLeaf| match leaves.iter_mut().find(|own| own.at == leaf.at) {
        Some(own) => *own = leaf,
        None => leaves.push(leaf),
    };
    for change in &row.changes {
        if matches!(change.op, Op::Remove) {
            removal_leaves(row, change, conflicted, confirmed).for_each(&mut ask);
        }
        for (leaf, mine) in change.op.writes() {
            let record = &change.record;
            ask(conflict_leaf(
                row, record, leaf, mine, conflicted, confirmed,
            ));
        }
    }
    ConflictView {
        leaves,
        removed: removed_views(row, conflicted, confirmed),
    }
}

/// What somebody changed in a record that the person removed.
fn removal_leaves(
    row: &EntryRow,
    change: &LocalChange,
    conflicted: &Conflicted,
    confirmed: &BoardState,
) -> impl Iterator<Item = ConflictLeaf> {
    let stale = conflicted
        .stale
        .iter()
        .filter(|stale| stale.at.record == change.record);
    let leaves = stale.filter_map(|stale| stale.at.leaf.as_ref());
    leaves.map(|leaf| conflict_leaf(row, &change.record, leaf, None, conflicted, confirmed))
}

fn conflict_leaf(
    row: &EntryRow,
    record: &RecordId,
    leaf: &LeafPath,
    mine: Option<&Value>,
    conflicted: &Conflicted,
    confirmed: &BoardState,
) -> ConflictLeaf {
    let at = LeafRef {
        record: record.clone(),
        leaf: Some(leaf.clone()),
    };
    let stale = conflicted.stale.iter().find(|stale| stale.at == at);
    // What was told with the conflict counts where the confirmed state has nothing newer: the
    // server may know the leaf by another name.
    let told = stale.map_or(Version(0), |stale| stale.version);
    let current = confirmed
        .record(record)
        .and_then(|record| record.leaves.get(leaf))
        .filter(|cell| cell.version >= told);
    let told = stale.filter(|_| current.is_none());
    let base = row
        .base
        .iter()
        .find(|base| base.record == *record && base.leaf == *leaf);
    let removed = row.removed.iter().find(|base| base.record == *record);
    let base = match (base, removed) {
        (Some(base), _) => base.value.clone(),
        (None, Some(removed)) => removed.leaves.get(leaf).cloned(),
        (None, None) => None,
    };
    ConflictLeaf {
        at,
        base,
        theirs: current.map_or_else(
            || told.and_then(|stale| stale.theirs.clone()),
            |cell| cell.value.clone(),
        ),
        mine: mine.cloned(),
        is_stale: stale.is_some(),
        author: current.map_or_else(
            || told.and_then(|stale| stale.author.clone()),
            |cell| Some(cell.author.clone()),
        ),
        version: current.map_or_else(
            || told.map_or(conflicted.at, |stale| stale.version),
            |cell| cell.version,
        ),
    }
}

fn removed_views(
    row: &EntryRow,
    conflicted: &Conflicted,
    confirmed: &BoardState,
) -> Vec<RemovedView> {
    let mut shown: SortedMap<&RecordId, RemovedView> = SortedMap::new();
    for stale in conflicted
        .stale
        .iter()
        .filter(|stale| stale.at.leaf.is_none())
    {
        let id = &stale.at.record;
        if confirmed.record(id).is_some() {
            continue;
        }
        let base = row.removed.iter().find(|base| base.record == *id);
        let title = base.and_then(title_of);
        let (author, version) = match confirmed.records.get(id) {
            Some(Slot::Removed { version, author }) => (Some(author.clone()), *version),
            _ => (stale.author.clone(), stale.version),
        };
        shown.insert(
            id,
            RemovedView {
                record: id.clone(),
                title,
                author,
                version,
            },
        );
    }
    shown.into_values().collect()
}

fn title_of(base: &BaseRecord) -> Option<String> {
    let title = LeafPath::new("title").expect("a valid path");
    base.leaves
        .get(&title)
        .and_then(Value::as_text)
        .map(str::to_owned)
}

/// The changes of the edit that a person's decision becomes: on what the person saw when they
/// decided. Empty where nothing is left to do.
pub fn resolved_changes(
    row: &EntryRow,
    resolution: &Resolution,
    seen: Version,
    confirmed: &BoardState,
) -> Vec<LocalChange> {
    let merged: &[(LeafRef, Option<Value>)] = match resolution {
        Resolution::TakeTheirs => return Vec::new(),
        Resolution::KeepMine => &[],
        Resolution::Merge(merged) => merged,
    };
    let mut changes = Changes {
        row,
        confirmed,
        seen,
        made: Vec::new(),
    };
    for change in &row.changes {
        changes.keep(change, merged);
    }
    for (at, value) in merged {
        if let Some(leaf) = &at.leaf
            && !changes.writes(&at.record, leaf)
        {
            changes.write(&at.record, leaf, value.as_ref());
        }
    }
    changes.made
}

struct Changes<'a> {
    row: &'a EntryRow,
    confirmed: &'a BoardState,
    seen: Version,
    made: Vec<LocalChange>,
}

impl Changes<'_> {
    fn keep(&mut self, change: &LocalChange, merged: &[(LeafRef, Option<Value>)]) {
        let is_merged = merged.iter().any(|(at, _)| at.record == change.record);
        match &change.op {
            // Values for a record that the person had removed: it stays, with them.
            Op::Remove if is_merged || self.confirmed.record(&change.record).is_none() => {}
            Op::Remove => self.add(change.record.clone(), Op::Remove),
            Op::Create { kind, .. } if !self.is_there(&change.record) => {
                let op = Op::Create {
                    kind: kind.clone(),
                    leaves: SortedMap::new(),
                };
                self.add(change.record.clone(), op);
                self.keep_writes(change, merged);
            }
            _ => self.keep_writes(change, merged),
        }
    }

    fn keep_writes(&mut self, change: &LocalChange, merged: &[(LeafRef, Option<Value>)]) {
        for (leaf, mine) in change.op.writes() {
            let is_this =
                |at: &LeafRef| at.record == change.record && at.leaf.as_ref() == Some(leaf);
            let merged = merged.iter().find(|(at, _)| is_this(at));
            let value = merged.map_or(mine, |(_, value)| value.as_ref());
            self.write(&change.record, leaf, value);
        }
    }

    fn write(&mut self, record: &RecordId, leaf: &LeafPath, value: Option<&Value>) {
        if !self.is_there(record) {
            self.restore(record);
        }
        let own = self.made.iter_mut().filter(|made| made.record == *record);
        let made = { own }.rfind(|made| matches!(made.op, Op::Create { .. } | Op::Remove));
        if let Some(LocalChange {
            op: Op::Create { leaves, .. },
            ..
        }) = made
        {
            match value {
                Some(value) => leaves.insert(leaf.clone(), value.clone()),
                None => leaves.remove(leaf),
            };
            return;
        }
        let leaf = leaf.clone();
        let op = match value.cloned() {
            Some(value) => Op::Set { leaf, value },
            None => Op::Unset { leaf },
        };
        self.add(record.clone(), op);
    }

    /// Brings a removed record back as it was last seen. Where nobody remembers it, the writes
    /// meet the server's judgement again.
    fn restore(&mut self, record: &RecordId) {
        if let Some(base) = self.row.removed.iter().find(|base| base.record == *record) {
            let (kind, leaves) = (base.kind.clone(), base.leaves.clone());
            self.add(record.clone(), Op::Create { kind, leaves });
        }
    }

    fn is_there(&self, record: &RecordId) -> bool {
        match self.last_of(record) {
            Some(Op::Remove) => false,
            Some(_) => true,
            None => self.confirmed.record(record).is_some(),
        }
    }

    /// The last change so far that decides whether the record is there.
    fn last_of(&self, record: &RecordId) -> Option<&Op> {
        let own = self.made.iter().filter(|made| made.record == *record);
        own.map(|made| &made.op)
            .rfind(|op| matches!(op, Op::Create { .. } | Op::Remove))
    }

    fn writes(&self, record: &RecordId, leaf: &LeafPath) -> bool {
        self.made
            .iter()
            .any(|made| made.record == *record && made.op.touches(leaf))
    }

    fn add(&mut self, record: RecordId, op: Op) {
        let seen = Seen {
            version: self.seen,
            after: Vec::new(),
        };
        self.made.push(LocalChange { record, op, seen });
    }
}
