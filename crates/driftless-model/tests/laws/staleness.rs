//! Staleness: nobody's work is overwritten unseen, and nobody is asked without need.

use driftless_model::{
    BoardState, Change, Edit, LeafPath, Op, Policy, RecordId, Schema, Value, Verdict, Version,
    effects, staleness,
};
use proptest::prelude::*;

use crate::boards::{History, any_edit, any_edits, any_value, leaf, record, seen};

fn judge(board: &BoardState, edit: &Edit) -> Verdict {
    staleness::judge(board, &Schema::builtin(), edit)
}

/// What somebody saw of a leaf.
#[derive(Debug, PartialEq)]
enum Shown<'a> {
    NoRecord,
    Leaf(Option<&'a Value>),
}

fn shown<'a>(board: &'a BoardState, id: &RecordId, leaf: &LeafPath) -> Shown<'a> {
    board
        .record(id)
        .map_or(Shown::NoRecord, |record| Shown::Leaf(record.value(leaf)))
}

/// The Ask leaves that an edit really writes, as (record, leaf, new value).
fn asked<'a>(
    board: &BoardState,
    edit: &'a Edit,
    verdict: &Verdict,
) -> Vec<(&'a RecordId, LeafPath, Option<Value>)> {
    let Verdict::Apply { skipped, .. } = verdict else {
        return vec![];
    };
    let schema = Schema::builtin();
    let mut found: Vec<(&RecordId, LeafPath, Option<Value>)> = vec![];
    for change in &edit.changes {
        // What an edit made or removed itself is its own from there on.
        let is_own = |earlier: &Change| {
            earlier.record == change.record
                && (matches!(earlier.op, Op::Remove) || board.record(&change.record).is_none())
        };
        let index = edit
            .changes
            .iter()
            .position(|other| std::ptr::eq(other, change));
        let earlier = &edit.changes[..index.unwrap_or_default()];
        let Some(live) = board.record(&change.record) else {
            continue;
        };
        if earlier.iter().any(is_own) {
            continue;
        }
        for effect in effects(std::slice::from_ref(change), skipped) {
            for (leaf, value) in effect.op.writes() {
                let is_known = found
                    .iter()
                    .any(|(id, known, _)| **id == effect.record && known == leaf);
                if schema.policy(&live.kind, leaf) == Policy::Ask && !is_known {
                    found.push((&change.record, leaf.clone(), value.cloned()));
                }
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn an_applied_write_replaces_only_what_its_author_saw(edits in any_edits()) {
        let mut checked = Ok(());
        History::of(edits, |history, edit, verdict| {
            let then = &history.past[&edit.changes[0].seen];
            for (id, leaf, value) in asked(&history.board, edit, verdict) {
                let now = shown(&history.board, id, &leaf);
                let is_seen = shown(then, id, &leaf) == now;
                if !is_seen && now != Shown::Leaf(value.as_ref()) {
                    checked = Err(format!("{id} {leaf:?}: {edit:?} on {:?}", history.board));
                }
            }
        });
        prop_assert_eq!(checked, Ok(()));
    }

    #[test]
    fn who_saw_the_newest_version_conflicts_only_with_what_is_not_there(
        edits in any_edits(),
        (edit, _) in any_edit(),
    ) {
        let history = History::of(edits, |_, _, _| {});
        let edit = seen(edit, history.head);
        match judge(&history.board, &edit) {
            Verdict::Apply { skipped, replaced } => {
                prop_assert_eq!(replaced, vec![]);
                let is_there = |id: &RecordId| history.board.record(id).is_some();
                prop_assert!(skipped.iter().all(|skip| !is_there(&skip.record)));
            }
            Verdict::Conflict(stale) => {
                for stale in stale {
                    prop_assert_eq!(&stale.at.leaf, &None);
                    prop_assert!(history.board.record(&stale.at.record).is_none());
                }
            }
        }
    }

    #[test]
    fn a_place_never_conflicts(
        edits in any_edits(),
        value in any_value(),
        seen_version in 0..4_u64,
        id in prop::sample::select(vec!["a", "b", "c"]),
    ) {
        let history = History::of(edits, |_, _, _| {});
        let known = history.board.record(&record(id));
        prop_assume!(known.is_none_or(|record| record.kind.as_str() == "chart"));
        let place = Change {
            record: record(id),
            seen: Version(seen_version),
            op: Op::Set { leaf: leaf("layout/lg"), value },
        };
        let edit = Edit {
            id: driftless_model::EditId(1),
            label: "Move".into(),
            on_stale: driftless_model::OnStale::Policy,
            changes: vec![place],
        };
        let verdict = judge(&history.board, &edit);
        prop_assert!(matches!(verdict, Verdict::Apply { .. }), "{verdict:?}");
    }

    #[test]
    fn an_undo_never_conflicts(edits in any_edits(), (edit, lag) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let mut edit = seen(edit, Version(history.head.0.saturating_sub(lag)));
        edit.on_stale = driftless_model::OnStale::Skip;
        let verdict = judge(&history.board, &edit);
        prop_assert!(matches!(verdict, Verdict::Apply { .. }), "{verdict:?}");
    }

    #[test]
    fn a_conflict_tells_what_is_there_now(edits in any_edits()) {
        let mut checked = Ok(());
        History::of(edits, |history, edit, verdict| {
            let Verdict::Conflict(stale) = verdict else { return };
            if stale.is_empty() {
                checked = Err("a conflict with nothing".to_owned());
            }
            for stale in stale {
                let at = stale.at.leaf.as_ref();
                let record = history.board.record(&stale.at.record);
                let theirs = record.zip(at).and_then(|(record, leaf)| record.value(leaf));
                if theirs != stale.theirs.as_ref() || stale.version > history.head {
                    checked = Err(format!("{stale:?} of {edit:?} on {:?}", history.board));
                }
            }
        });
        prop_assert_eq!(checked, Ok(()));
    }

    #[test]
    fn an_edit_is_never_stale_against_itself(edits in any_edits(), (edit, lag) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let edit = seen(edit, Version(history.head.0.saturating_sub(lag)));
        let mut twice = edit.clone();
        twice.changes.extend(edit.changes.clone());
        let is_conflict = |edit| matches!(judge(&history.board, edit), Verdict::Conflict(_));
        prop_assert_eq!(is_conflict(&edit), is_conflict(&twice));
    }

    #[test]
    fn other_records_do_not_matter(edits in any_edits(), (edit, lag) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let edit = seen(edit, Version(history.head.0.saturating_sub(lag)));
        let mut bare = history.board.clone();
        bare.records.retain(|id, _| edit.changes.iter().any(|change| change.record == *id));
        prop_assert_eq!(judge(&history.board, &edit), judge(&bare, &edit));
    }

    #[test]
    fn who_saw_more_conflicts_no_more(edits in any_edits(), (edit, lag) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let early = seen(edit.clone(), Version(history.head.0.saturating_sub(lag + 1)));
        let late = seen(edit, Version(history.head.0.saturating_sub(lag)));
        let count = |edit| match judge(&history.board, edit) {
            Verdict::Conflict(stale) => stale.len(),
            Verdict::Apply { .. } => 0,
        };
        prop_assert!(count(&late) <= count(&early));
    }
}
