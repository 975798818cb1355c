//! The conflict that the dialog shows, and settling it.

use driftless_model::{LeafRef, RecordId, Value, builtin};
use driftless_sync::replica::view::{ConflictLeaf, ConflictView, Resolution};
use leptos::prelude::*;

use super::leaf::Drafts;
use super::{ConflictDecision, Conflicts, OpenConflict, Settlement};
use crate::erased::memo;
use crate::texts::Texts;

/// A conflict by its number, as long as it is open.
#[derive(Clone, Copy)]
pub(super) struct Current {
    pub(super) conflicts: Conflicts,
    pub(super) number: u64,
    conflict: Memo<Option<OpenConflict>>,
    pub(super) drafts: Drafts,
    /// Why the last decision was not taken, in words.
    pub(super) problem: RwSignal<Option<String>>,
}

impl Current {
    /// The conflict of this number.
    pub(super) fn new(conflicts: Conflicts, number: u64) -> Self {
        let conflict = memo(move || {
            conflicts.open.with(|open| {
                let mut open = open.iter();
                open.find(|open| open.number == number).cloned()
            })
        });
        Self {
            conflicts,
            number,
            conflict,
            drafts: StoredValue::default(),
            problem: RwSignal::new(None),
        }
    }

    pub(super) fn label(self) -> String {
        self.conflict
            .with_untracked(|c| c.as_ref().map(|c| c.label.clone()).unwrap_or_default())
    }

    pub(super) fn view<T>(self, read: impl FnOnce(&ConflictView) -> T) -> Option<T> {
        self.conflict
            .with(|conflict| conflict.as_ref().map(|conflict| read(&conflict.view)))
    }

    /// The leaves to decide on: those that are stale, and those of records that were removed.
    pub(super) fn shown(self) -> Vec<LeafRef> {
        let leaves = self.view(|view| {
            let leaves = view.leaves.iter().filter(|leaf| is_decided(view, leaf));
            leaves.map(|leaf| leaf.at.clone()).collect()
        });
        leaves.unwrap_or_default()
    }

    pub(super) fn titles(self, record: &RecordId) -> String {
        let removed = self.view(|view| {
            let removed = view
                .removed
                .iter()
                .find(|removed| removed.record == *record);
            removed.and_then(|removed| removed.title.clone())
        });
        let shown = self.conflicts.context.board().record(record);
        let shown = shown.and_then(|record| {
            let title = record.value(&builtin::TITLE.path())?;
            title.as_text().map(str::to_owned)
        });
        removed
            .flatten()
            .or(shown)
            .unwrap_or_else(|| record.to_string())
    }

    /// Settles it, and goes on to the next conflict.
    pub(super) fn settle(self, resolution: Resolution, settlement: Settlement) {
        let (context, label) = (self.conflicts.context, self.label());
        let entry = self
            .conflict
            .with_untracked(|conflict| conflict.as_ref().map(|conflict| conflict.entry.clone()));
        let Some(entry) = entry else { return };
        // Where it is another by now, the dialog shows that, and nothing was decided.
        if let Err(error) = context.board().resolve(&entry, resolution) {
            self.problem.set(Some(error.to_string()));
            return;
        }
        context
            .open_conflict
            .set(self.neighbour(1).filter(|next| *next != self.number));
        if let Some(tell) = self.conflicts.on_resolved {
            tell.run(ConflictDecision {
                number: self.number,
                label,
                settlement,
                is_automatic: false,
            });
        }
    }

    /// The conflict so many places further, around the end.
    pub(super) fn neighbour(self, step: usize) -> Option<u64> {
        self.conflicts.open.with_untracked(|open| {
            let place = open
                .iter()
                .position(|conflict| conflict.number == self.number)?;
            open.get((place + step) % open.len())
                .map(|conflict| conflict.number)
        })
    }

    /// What stands in the merge fields; `None` while one of them is no value for its leaf.
    pub(super) fn merged(self, texts: &Texts) -> Option<Vec<(LeafRef, Option<Value>)>> {
        let shown = untrack(|| self.shown());
        self.drafts.with_value(|drafts| {
            let drafts = shown.into_iter().filter_map(|at| {
                let draft = drafts.get(&at)?;
                let value = draft.text.with_untracked(|text| draft.value(text, texts));
                Some((at, value))
            });
            drafts.map(|(at, value)| Some((at, value.ok()?))).collect()
        })
    }
}

/// Whether a person decides on a leaf.
pub(super) fn is_decided(view: &ConflictView, leaf: &ConflictLeaf) -> bool {
    let is_removed = view
        .removed
        .iter()
        .any(|removed| removed.record == leaf.at.record);
    leaf.is_stale || is_removed
}

/// Whether every stale leaf is one that the person takes away: mine removes the record.
pub(super) fn is_removal(view: &ConflictView) -> bool {
    let mut stale = view.leaves.iter().filter(|leaf| leaf.is_stale).peekable();
    stale.peek().is_some() && stale.all(|leaf| leaf.mine.is_none())
}

#[cfg(test)]
mod tests {
    use driftless_model::{LeafPath, Version};
    use driftless_sync::replica::view::RemovedView;

    use super::*;

    fn leaf(path: &str, mine: Option<&str>, is_stale: bool) -> ConflictLeaf {
        ConflictLeaf {
            at: LeafRef {
                record: RecordId::new("cpu").expect("an id"),
                leaf: Some(LeafPath::new(path).expect("a path")),
            },
            base: None,
            theirs: Some("theirs".into()),
            mine: mine.map(Value::from),
            is_stale,
            author: None,
            version: Version(2),
        }
    }

    fn view(leaves: Vec<ConflictLeaf>) -> ConflictView {
        ConflictView {
            leaves,
            removed: Vec::new(),
        }
    }

    #[test]
    fn mine_is_a_removal_only_where_i_leave_nothing_of_what_they_changed() {
        assert!(is_removal(&view(vec![leaf("title", None, true)])));
        assert!(!is_removal(&view(vec![leaf("title", Some("x"), true)])));
        let mixed = vec![leaf("title", None, true), leaf("unit", Some("%"), true)];
        assert!(!is_removal(&view(mixed)));
        assert!(!is_removal(&view(vec![])));
    }

    #[test]
    fn a_person_decides_on_stale_leaves_and_on_those_of_removed_records() {
        let (stale, fresh) = (
            leaf("title", Some("x"), true),
            leaf("unit", Some("%"), false),
        );
        let mut view = view(vec![stale.clone(), fresh.clone()]);
        assert!(is_decided(&view, &stale));
        assert!(!is_decided(&view, &fresh));
        view.removed.push(RemovedView {
            record: fresh.at.record.clone(),
            title: None,
            author: None,
            version: Version(3),
        });
        assert!(is_decided(&view, &fresh));
    }
}
