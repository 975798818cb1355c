//! Applying: what an edit writes and nothing else, with its version; in pieces as at once.

use driftless_model::{BoardState, LeafRef, Op, Slot, UserId, Version, effects};
use proptest::prelude::*;

use crate::boards::{History, any_edit, any_edits};

fn ann() -> UserId {
    UserId::new("Ann").expect("a user")
}

proptest! {
    #[test]
    fn what_an_edit_does_not_name_stays_as_it_is(edits in any_edits(), (edit, _) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let mut after = history.board.clone();
        after.apply(&effects(&edit.changes, &[]), history.head.next(), &ann());
        for (id, slot) in &history.board.records {
            let changes = edit.changes.iter().filter(|change| change.record == *id);
            let ops: Vec<&Op> = changes.map(|change| &change.op).collect();
            if ops.is_empty() {
                prop_assert_eq!(after.records.get(id), Some(slot));
            }
            let (Slot::Live(before), Some(now)) = (slot, after.record(id)) else { continue };
            if ops.iter().any(|op| matches!(op, Op::Remove)) {
                continue;
            }
            prop_assert_eq!((before.created, &before.kind), (now.created, &now.kind));
            for (leaf, cell) in &before.leaves {
                if !ops.iter().any(|op| op.touches(leaf)) {
                    prop_assert_eq!(now.leaves.get(leaf), Some(cell));
                }
            }
        }
    }

    #[test]
    fn every_cell_has_the_version_and_author_of_the_edit_that_wrote_it(edits in any_edits()) {
        let history = History::of(edits, |_, _, _| {});
        for (id, record) in history.board.live() {
            prop_assert!(record.created >= Version(1) && record.created <= history.head);
            for (leaf, cell) in &record.leaves {
                prop_assert!(record.created <= cell.version && cell.version <= history.head);
                let then = history.past[&cell.version].record(id).expect("it was there then");
                prop_assert_eq!(then.leaves.get(leaf), Some(cell));
            }
        }
    }

    #[test]
    fn effects_apply_in_pieces_as_at_once(edits in any_edits(), (edit, _) in any_edit()) {
        let history = History::of(edits, |_, _, _| {});
        let effects = effects(&edit.changes, &[]);
        let (mut at_once, mut in_pieces) = (history.board.clone(), history.board);
        at_once.apply(&effects, Version(99), &ann());
        for effect in &effects {
            in_pieces.apply(std::slice::from_ref(effect), Version(99), &ann());
        }
        prop_assert_eq!(at_once, in_pieces);
    }

    #[test]
    fn applying_twice_is_applying_once(edits in any_edits(), (edit, _) in any_edit()) {
        // Making a record again after a removal in the same edit is the one order that matters.
        let is_removal = |op: &Op| matches!(op, Op::Remove);
        prop_assume!(!edit.changes.iter().any(|change| is_removal(&change.op)));
        let history = History::of(edits, |_, _, _| {});
        let effects = effects(&edit.changes, &[]);
        let mut once = history.board;
        once.apply(&effects, Version(99), &ann());
        let mut twice = once.clone();
        twice.apply(&effects, Version(99), &ann());
        // A set before the create that makes its record finds it the second time.
        let starts_live = |board: &BoardState| {
            edit.changes.iter().all(|change| board.record(&change.record).is_some())
        };
        prop_assume!(starts_live(&once));
        let sets_first = edit.changes.iter().enumerate().any(|(index, change)| {
            !matches!(change.op, Op::Create { .. })
                && edit.changes[index..].iter().any(|later| {
                    later.record == change.record && matches!(later.op, Op::Create { .. })
                })
        });
        prop_assume!(!sets_first);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn what_is_skipped_has_no_effect((edit, _) in any_edit()) {
        let all: Vec<LeafRef> = edit
            .changes
            .iter()
            .flat_map(|change| {
                let record = &change.record;
                let at = |leaf| LeafRef { record: record.clone(), leaf };
                let leaves = change.op.writes().into_iter();
                let leaves: Vec<_> = leaves.map(|(leaf, _)| at(Some(leaf.clone()))).collect();
                leaves.into_iter().chain([at(None)]).collect::<Vec<_>>()
            })
            .collect();
        prop_assert_eq!(effects(&edit.changes, &all), vec![]);
        prop_assert_eq!(effects(&edit.changes, &[]).len(), edit.changes.len());
    }
}
