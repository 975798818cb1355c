//! Undo and redo of one board: per person and session, in memory.
//!
//! A step is what the person did in one gesture. Undoing an edit whose outcome is not known takes
//! it back; undoing an applied one is an edit of its own, whose `seen` is the version of the edit
//! undone, so that the server skips what somebody wrote since. Redo is computed when undo happens:
//! it makes again what was taken back, or undoes the undo.
//!
//! An undo brings back what lay below the edit: for the step before it, nothing has changed. So
//! each leaf that an undo wrote is remembered with the version that it *stands for*.

use std::collections::VecDeque;

use driftless_model::{
    BoardState, EditId, LeafPath, LeafRef, Op, Slot, SortedMap, Version, limits,
};
use driftless_protocol::durable::{EntryRow, LocalChange};

/// What can be undone and redone, newest last.
#[derive(Debug, Default)]
pub struct UndoHistory {
    done: Vec<Step>,
    undone: Vec<Step>,
    /// What undo edits bring back, by edit.
    undoes: SortedMap<EditId, Versions>,
    /// What applied undo edits brought back: the leaf at this version stands for that one.
    stands: SortedMap<(LeafRef, Version), Version>,
    /// The same in the order of coming, to bound it.
    stands_order: VecDeque<(LeafRef, Version)>,
}

/// The versions that leaves (without a path: records as such) were at.
pub type Versions = Vec<(LeafRef, Version)>;

/// One gesture.
#[derive(Debug, Clone)]
pub struct Step {
    /// What the person did, in their words.
    pub label: String,
    gesture: Option<u64>,
    /// Its edits, oldest first: several where a gesture went on after its first part was sent.
    pub parts: Vec<Part>,
}

/// One edit of a step.
#[derive(Debug, Clone)]
pub enum Part {
    /// Its outcome is not known: undoing takes it back.
    Unsettled(EditId),
    /// It was applied: undoing is an edit.
    Applied(Box<Applied>),
    /// It was taken back before it had any effect: redoing makes it again.
    Gone(Box<EntryRow>),
    /// It was sent, and is marked to be undone once its outcome is known: redoing takes the mark
    /// off.
    Marked(EditId),
}

/// An applied edit, with what undoing it takes.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The entry as it was.
    pub row: EntryRow,
    /// What the server skipped.
    pub skipped: Vec<LeafRef>,
    /// The version that it made.
    pub version: Version,
    /// What it wrote over.
    pub over: Versions,
}

/// What undo and redo would do now.
///
/// ```
/// use driftless_model::EditId;
/// use driftless_sync::replica::undo_history::{UndoHistory, UndoState};
///
/// let mut history = UndoHistory::default();
/// assert_eq!(history.state(), UndoState::default());
/// history.made(EditId(1), "Add a note", None);
/// history.made(EditId(2), "Rename", None);
/// assert_eq!(history.state().undo.as_deref(), Some("Rename"));
/// assert_eq!(history.state().redo, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UndoState {
    /// The label of what undo takes back; `None` where there is nothing.
    pub undo: Option<String>,
    /// The label of what redo makes again; `None` where there is nothing.
    pub redo: Option<String>,
}

impl UndoHistory {
    /// What undo and redo would do now.
    pub fn state(&self) -> UndoState {
        let label = |steps: &[Step]| steps.last().map(|step| step.label.clone());
        UndoState {
            undo: label(&self.done),
            redo: label(&self.undone),
        }
    }

    /// A person made an edit: what was undone before cannot be redone any more.
    pub fn made(&mut self, id: EditId, label: &str, gesture: Option<u64>) {
        self.undone.clear();
        match self.done.last_mut() {
            Some(last) if gesture.is_some() && last.gesture == gesture => {
                label.clone_into(&mut last.label);
                last.parts.push(Part::Unsettled(id));
            }
            _ => self.push_done(Step {
                label: label.to_owned(),
                gesture,
                parts: vec![Part::Unsettled(id)],
            }),
        }
    }

    /// Takes the step that undo is about.
    pub fn pop_done(&mut self) -> Option<Step> {
        self.done.pop()
    }

    /// Takes the step that redo is about.
    pub fn pop_undone(&mut self) -> Option<Step> {
        self.undone.pop()
    }

    /// What undo made of a step; without parts there is nothing to redo.
    pub fn push_undone(&mut self, step: Step) {
        if !step.parts.is_empty() {
            self.undone.push(step);
        }
    }

    /// What redo made of a step.
    pub fn push_done(&mut self, step: Step) {
        if !step.parts.is_empty() {
            self.done.push(step);
        }
        let surplus = self.done.len().saturating_sub(limits::UNDO_STEPS_MAX);
        self.done.drain(..surplus);
    }

    /// An edit was applied; joined ones count as it.
    pub fn applied(&mut self, applied: &Applied) {
        self.took_effect(applied.row.id, applied.version, &applied.skipped);
        let part = || Part::Applied(Box::new(applied.clone()));
        self.replace(&applied.row, &|is_marked| (!is_marked).then(part));
    }

    /// An edit was applied, perhaps one that was taken back meanwhile: where it is an undo, what it
    /// brought back stands for what was there before.
    pub fn took_effect(&mut self, edit: EditId, version: Version, skipped: &[LeafRef]) {
        let brought_back = self.undoes.remove(&edit).unwrap_or_default().into_iter();
        let took = brought_back.filter(|(at, _)| !skipped.contains(at));
        took.for_each(|(at, stands_for)| self.stand(at, version, stands_for));
    }

    fn stand(&mut self, at: LeafRef, version: Version, stands_for: Version) {
        self.stands_order.push_back((at.clone(), version));
        self.stands.insert((at, version), stands_for);
        while self.stands_order.len() > limits::UNDO_STANDINGS_MAX
            && let Some(oldest) = self.stands_order.pop_front()
        {
            self.stands.remove(&oldest);
        }
    }

    /// The version that a leaf at this version stands for: its own, unless undo brought it back.
    pub fn stands_for(&self, at: &LeafRef, version: Version) -> Version {
        self.stood_for(at, version).last().unwrap_or(version)
    }

    /// The versions that a leaf at this version stands for: its own, what that brought back, what
    /// that had brought back in turn, and so on.
    pub fn stood_for(&self, at: &LeafRef, version: Version) -> impl Iterator<Item = Version> {
        // Each step goes to a lower version, so this ends.
        std::iter::successors(Some(version), |version| {
            let below = self.stands.get(&(at.clone(), *version)).copied();
            below.filter(|below| below < version)
        })
    }

    /// An edit brings back what lay below another one.
    pub fn undoes(&mut self, edit: EditId, over: &Versions) {
        self.undoes.insert(edit, over.clone());
    }

    /// An undo is made again under another id.
    pub fn undoes_again(&mut self, before: EditId, edit: EditId) {
        if let Some(over) = self.undoes.remove(&before) {
            self.undoes.insert(edit, over);
        }
    }

    /// Whether a pending edit is an undo that brings a leaf back to what it was at `version`, or
    /// before.
    pub fn brings_back(&self, edit: EditId, at: &LeafRef, version: Version) -> bool {
        let over = self.brings_back_from(edit, at);
        over.is_some_and(|over| self.stands_for(at, over) <= version)
    }

    /// The version to which a pending edit brings a leaf back, where it is an undo that does.
    pub fn brings_back_from(&self, edit: EditId, at: &LeafRef) -> Option<Version> {
        let over = self.undoes.get(&edit)?;
        let own = over.iter().find(|(own, _)| own == at);
        own.map(|(_, over)| *over)
    }

    /// What an undo of something that made `version` has seen of what it writes: all of it, where
    /// that stands for `version` or less.
    pub fn seen_by_undo(
        &self,
        change: &LocalChange,
        version: Version,
        confirmed: &BoardState,
    ) -> Version {
        let now = versions_under(std::slice::from_ref(change), confirmed);
        let is_old = |(at, now): &(LeafRef, Version)| self.stands_for(at, *now) <= version;
        if now.iter().all(is_old) {
            let newest = now.iter().map(|(_, version)| *version).max();
            newest.map_or(version, |newest| newest.max(version))
        } else {
            version
        }
    }

    /// A marked edit was applied, and another one undoes it.
    pub fn undone_by(&mut self, row: &EntryRow, undo: Option<EditId>) {
        self.replace(row, &|_| undo.map(Part::Unsettled));
    }

    /// An edit that counted as taken back before it had any effect turns out to be something else,
    /// since another tab sent it meanwhile.
    pub fn is_not_gone(&mut self, id: EditId, part: &Part) {
        for steps in [&mut self.done, &mut self.undone] {
            for own in steps.iter_mut().flat_map(|step| &mut step.parts) {
                if matches!(own, Part::Gone(row) if row.id == id) {
                    *own = part.clone();
                }
            }
        }
    }

    /// A marked edit turned out to have no effect.
    pub fn had_no_effect(&mut self, row: &EntryRow) {
        self.replace(row, &|is_marked| {
            is_marked.then(|| Part::Gone(Box::new(row.clone())))
        });
    }

    /// An edit is no longer a thing of undo: it waits for a person, or a person let it go.
    pub fn forget(&mut self, row: &EntryRow) {
        self.replace(row, &|_| None);
    }

    /// The versions that edits got are those of a history that the server does not have.
    pub fn forget_applied(&mut self) {
        self.undoes.clear();
        self.stands.clear();
        self.stands_order.clear();
        for steps in [&mut self.done, &mut self.undone] {
            for step in steps.iter_mut() {
                step.parts.retain(|part| !matches!(part, Part::Applied(_)));
            }
            steps.retain(|step| !step.parts.is_empty());
        }
    }

    /// Replaces the parts that stand for an entry by one, or none; `with` is told whether it was
    /// marked.
    fn replace(&mut self, row: &EntryRow, with: &dyn Fn(bool) -> Option<Part>) {
        for steps in [&mut self.done, &mut self.undone] {
            for step in steps.iter_mut() {
                let first = step.parts.iter().position(|part| part.stands_for(row));
                let Some(first) = first else { continue };
                let part = with(matches!(step.parts[first], Part::Marked(_)));
                step.parts.retain(|part| !part.stands_for(row));
                if let Some(part) = part {
                    step.parts.insert(first, part);
                }
            }
            steps.retain(|step| !step.parts.is_empty());
        }
    }
}

impl Step {
    /// The same step with other parts.
    #[must_use]
    pub fn with(&self, parts: Vec<Part>) -> Self {
        Self {
            label: self.label.clone(),
            gesture: None,
            parts,
        }
    }
}

impl Part {
    fn stands_for(&self, row: &EntryRow) -> bool {
        match self {
            Self::Unsettled(id) | Self::Marked(id) => row.id == *id || row.folded.contains(id),
            Self::Applied(_) | Self::Gone(_) => false,
        }
    }
}

/// The versions of what changes write over.
pub fn versions_under(changes: &[LocalChange], confirmed: &BoardState) -> Versions {
    let mut versions = Versions::new();
    for change in changes {
        let leaf_at = |leaf: &LeafPath| LeafRef {
            record: change.record.clone(),
            leaf: Some(leaf.clone()),
        };
        let record_at = || LeafRef {
            record: change.record.clone(),
            leaf: None,
        };
        let slot = confirmed.records.get(&change.record);
        if matches!(change.op, Op::Create { .. } | Op::Remove) {
            let version = match slot {
                Some(Slot::Live(record)) => record.created,
                Some(Slot::Removed { version, .. }) => *version,
                None => confirmed.floor,
            };
            versions.push((record_at(), version));
        }
        let Some(Slot::Live(record)) = slot else {
            continue;
        };
        if matches!(change.op, Op::Remove) {
            let leaves = record.leaves.iter();
            versions.extend(leaves.map(|(leaf, cell)| (leaf_at(leaf), cell.version)));
        }
        let written = change.op.writes().into_iter();
        versions.extend(written.map(|(leaf, _)| {
            let version = confirmed.leaf_version(record, leaf);
            (leaf_at(leaf), version)
        }));
    }
    versions
}
