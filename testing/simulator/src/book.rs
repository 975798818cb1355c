//! What the checkers remember of a run: everything that persons made, were told and decided.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{
    BoardId, ClientId, EditId, LeafPath, Op, RecordId, SortedMap, UserId, Value,
};
use driftless_protocol::Payload;
use driftless_sync::replica::NewEdit;
use driftless_sync::replica::background_sync::Entry;
use driftless_sync::replica::view::RecordView;

use crate::builds::{Build, today};

/// A device, and how often its profile was copied or set back.
pub type Era = (usize, u64);

/// A leaf of a record, by today's name.
pub type LeafKey = (RecordId, LeafPath);

/// An edit as its author made it.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Whose device.
    pub device: usize,
    /// In which of its tabs.
    pub tab: usize,
    /// The edits that it rests on.
    pub after: Vec<EditId>,
    /// Who was signed in, where that was known.
    pub user: Option<UserId>,
    /// Its gesture.
    pub gesture: Option<u64>,
    /// What may lie under each written leaf when the edit is applied: what its author saw.
    pub allowed: BTreeMap<LeafKey, Vec<Option<Value>>>,
    /// The records that it removes, as its author saw them.
    pub removes: BTreeMap<RecordId, Vec<SortedMap<LeafPath, Value>>>,
    /// Whether it undoes, or does again what an undo undid: it replaces own values only.
    pub is_undo: bool,
    /// What it writes.
    pub writes: Vec<(LeafKey, Option<Value>)>,
}

impl Made {
    /// What its author sees of what it changes.
    pub fn new(
        (device, tab, build): (usize, usize, Build),
        edit: &NewEdit,
        view_of: impl Fn(&RecordId) -> Option<RecordView>,
    ) -> Self {
        let mut made = Self {
            device,
            tab,
            after: after_of(edit),
            gesture: edit.gesture,
            ..Self::default()
        };
        for change in &edit.changes {
            let view = view_of(&change.record);
            if matches!(change.op, Op::Remove) {
                let leaves = view.as_ref().map(|view| build.sees_all(view));
                let leaves = leaves.unwrap_or_default();
                made.removes
                    .entry(change.record.clone())
                    .or_default()
                    .push(leaves);
            }
            for (leaf, value) in change.op.writes() {
                let key = (change.record.clone(), today(leaf));
                let seen = view.as_ref().and_then(|view| build.sees(view, leaf));
                made.allowed.entry(key.clone()).or_default().push(seen);
                made.writes.push((key, value.cloned()));
            }
        }
        made
    }

    /// Counts what another edit of the same person saw and wrote as seen, too.
    pub fn rests_on(&mut self, other: &Self) {
        for (key, values) in &other.allowed {
            if let Some(allowed) = self.allowed.get_mut(key) {
                allowed.extend(values.iter().cloned());
            }
            // A removal over it hides the same. Another tab may take that one back alone.
            let (record, leaf) = key;
            if let Some(saw) = self.removes.get_mut(record) {
                let values = values.iter().flatten();
                saw.extend(values.map(|value| [(leaf.clone(), value.clone())].into()));
            }
        }
        for (record, saw) in &other.removes {
            if let Some(own) = self.removes.get_mut(record) {
                own.extend(saw.iter().cloned());
            }
            let own = self
                .allowed
                .iter_mut()
                .filter(|((own, _), _)| own == record);
            for ((_, leaf), allowed) in own {
                allowed.extend(saw.iter().map(|saw| saw.get(leaf).cloned()));
            }
        }
        self.rests_on_writes(&other.writes);
        self.allowed.values_mut().for_each(forget_doubles);
        self.removes.values_mut().for_each(forget_doubles);
    }

    /// Counts own values as seen.
    pub fn rests_on_writes(&mut self, writes: &[(LeafKey, Option<Value>)]) {
        for ((record, leaf), value) in writes {
            let key = &(record.clone(), today(leaf));
            if let Some(allowed) = self.allowed.get_mut(key) {
                allowed.push(value.clone());
            }
            let (record, leaf) = key;
            if let (Some(saw), Some(value)) = (self.removes.get_mut(record), value) {
                saw.push([(leaf.clone(), value.clone())].into());
            }
        }
    }
}

/// Each value once: edits that rest on edits that rest on edits would double them each time.
fn forget_doubles<T: PartialEq + Clone>(values: &mut Vec<T>) {
    let mut known = Vec::with_capacity(values.len());
    for value in values.drain(..) {
        if !known.contains(&value) {
            known.push(value);
        }
    }
    *values = known;
}

fn after_of(edit: &NewEdit) -> Vec<EditId> {
    let changes = edit.changes.iter();
    let after = changes.flat_map(|change| change.seen.after.iter().copied());
    after.collect()
}

/// What the checkers remember.
#[derive(Debug, Default)]
pub struct Book {
    /// Every edit that was not lost unsaved in a crash.
    pub made: BTreeMap<EditId, Made>,
    /// Edits that the application was told are durable on the device.
    pub stored: BTreeSet<EditId>,
    /// Edits that the application was told are applied.
    pub acknowledged: BTreeSet<(BoardId, EditId)>,
    /// The same, with the device: what nobody made, such as an edit that takes another one back,
    /// has no other place.
    pub acknowledged_on: BTreeSet<(usize, BoardId, EditId)>,
    /// The edit in the log that an acknowledged one was part of then. A disk that goes back may
    /// bring a part of it to life again.
    pub acknowledged_as: BTreeMap<(BoardId, EditId), EditId>,
    /// Edits that a person let go of.
    pub let_go: BTreeSet<EditId>,
    /// Edits of which a person took back that they had taken them back, too late perhaps, with the
    /// tab.
    pub taken_anew: BTreeMap<EditId, usize>,
    /// Edits that became part of another one, on a device: copies of a profile go their own ways.
    /// The last is the one that counts, for as long as it is not lost: of two tabs that replace the
    /// same edit, one may close before it has stored that, and what the other did holds.
    successors: BTreeMap<(usize, EditId), Vec<EditId>>,
    /// Edits that a device lost with an earlier state of its disk. They may be gone, or arrive yet.
    pub forgiven: BTreeSet<EditId>,
    /// Applied edits that a device no longer keeps, since its disk went back to an earlier state: a
    /// restored server may lack them, and nobody offers them again.
    pub unkept: BTreeSet<EditId>,
    /// Every push that was seen on the wire. One content each; where a copy of the profile or an
    /// earlier state of it used the same seq, one for each of them: the server takes the first.
    pub pushed: BTreeMap<(ClientId, BoardId, u64, Era), Payload>,
    /// What each device wrote and took back.
    pub taken_back: BTreeMap<usize, Vec<(LeafKey, Option<Value>)>>,
    /// What the screens of each device have shown of a record so far, one after the other.
    shown: BTreeMap<(usize, BoardId, RecordId), Vec<Shown>>,
}

/// The leaves of a record on a screen.
type Shown = BTreeMap<LeafPath, Value>;

impl Book {
    /// A screen of a device shows this.
    pub fn shows(&mut self, device: usize, board: &BoardId, records: &BTreeMap<RecordId, Shown>) {
        for (id, leaves) in records {
            let leaves = leaves
                .iter()
                .map(|(leaf, value)| (today(leaf), value.clone()));
            let leaves: Shown = leaves.collect();
            let key = (device, board.clone(), id.clone());
            let before = self.shown.entry(key).or_default();
            if !before.contains(&leaves) {
                before.push(leaves);
            }
        }
    }

    /// Whether a screen of a device has ever shown a leaf with this value, or without any.
    pub fn has_shown(
        &self,
        (device, board): (usize, &BoardId),
        (record, leaf): (&RecordId, &LeafPath),
        value: Option<&Value>,
    ) -> bool {
        let shown = self.shown.get(&(device, board.clone(), record.clone()));
        let mut shown = shown.into_iter().flatten();
        shown.any(|leaves| leaves.get(leaf) == value)
    }

    /// Which edit one became part of on a device, if any.
    pub fn successor(&self, device: usize, id: EditId) -> Option<EditId> {
        self.successors.get(&(device, id))?.last().copied()
    }

    /// An edit became part of another one on a device.
    pub fn succeeds(&mut self, device: usize, id: EditId, by: EditId) {
        let successors = self.successors.entry((device, id)).or_default();
        successors.retain(|before| *before != by);
        successors.push(by);
    }

    /// What an edit became part of may be lost; it is on the disk as it was.
    pub fn forget_lost_successors(&mut self, device: usize, id: EditId) {
        let is_lost = |by: &EditId| !self.made.contains_key(by) || self.forgiven.contains(by);
        if let Some(successors) = self.successors.get_mut(&(device, id)) {
            successors.retain(|by| !is_lost(by));
        }
    }

    /// An edit was made and taken into the outbox as part of `entry`.
    pub fn taken_in(&mut self, id: EditId, mut made: Made, entry: Option<&Entry>) -> bool {
        let mut is_squashed = false;
        if let Some(entry) = entry {
            made.after.extend(entry.after());
            for before in entry.row.folded.iter().filter(|before| **before != id) {
                if entry.row.id == id {
                    is_squashed = true;
                    self.succeeds(made.device, *before, id);
                }
            }
            if entry.row.id != id {
                self.succeeds(made.device, id, entry.row.id);
            }
        }
        let same_gesture: Vec<Made> = self
            .made
            .values()
            .filter(|other| other.device == made.device && other.gesture.is_some())
            .filter(|other| other.gesture == made.gesture)
            .cloned()
            .collect();
        for other in &same_gesture {
            made.rests_on(other);
        }
        if let Some(taken_back) = self.taken_back.get(&made.device) {
            made.rests_on_writes(taken_back);
        }
        if is_squashed {
            // The joined edit writes what its predecessors wrote elsewhere, too.
            for other in same_gesture {
                for (key, values) in other.allowed {
                    made.allowed.entry(key).or_default().extend(values);
                }
            }
        }
        self.made.insert(id, made);
        is_squashed
    }

    /// What waited below an edit when it was made counts as seen; some of it may be settled by now.
    /// What such an edit hides its author saw when they made that one.
    pub fn rests_on_all<'a>(&self, made: &mut Made, after: impl IntoIterator<Item = &'a EditId>) {
        for below in after.into_iter().filter_map(|id| self.made.get(id)) {
            made.rests_on(below);
        }
    }

    /// An edit became part of another one of the same device, perhaps long after both were made:
    /// that one writes what this one wrote elsewhere, and its author saw what they saw then.
    pub fn joined(&mut self, device: usize, id: EditId, by: EditId) {
        self.succeeds(device, id, by);
        let Some(allowed) = self.made.get(&id).map(|made| made.allowed.clone()) else {
            return;
        };
        if let Some(by) = self.made.get_mut(&by) {
            for (key, values) in allowed {
                let own = by.allowed.entry(key).or_default();
                own.extend(values);
                forget_doubles(own);
            }
        }
    }

    /// An entry was replaced by a new edit, or let go.
    pub fn replaced(&mut self, device: usize, ids: &[EditId], by: Option<EditId>) {
        for id in ids {
            match by {
                Some(by) => {
                    self.succeeds(device, *id, by);
                }
                None => {
                    self.let_go.insert(*id);
                }
            }
        }
    }

    /// A person took an entry back.
    pub fn took_back(&mut self, device: usize, ids: &[EditId]) {
        for id in ids {
            self.let_go.insert(*id);
            if let Some(made) = self.made.get(id) {
                self.taken_back
                    .entry(device)
                    .or_default()
                    .extend(made.writes.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seed 4,392 with tabs: the tab whose decision was not stored yet was closed.
    #[test]
    fn of_two_who_replace_an_edit_the_one_that_was_not_lost_counts() {
        let (edit, held, lost) = (EditId(1), EditId(2), EditId(3));
        let mut book = Book::default();
        for id in [edit, held, lost] {
            book.made.insert(id, Made::default());
        }
        book.replaced(0, &[edit], Some(held));
        book.replaced(0, &[edit], Some(lost));
        assert_eq!(book.successor(0, edit), Some(lost));
        book.made.remove(&lost);
        book.forget_lost_successors(0, edit);
        assert_eq!(book.successor(0, edit), Some(held));
        assert_eq!(book.successor(1, edit), None, "a copy of the profile");
    }
}
