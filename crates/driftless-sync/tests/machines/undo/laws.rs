//! Whatever one person did, alone: undoing all of it leaves what was there before, and doing it all
//! again what they had made; whether it was sent meanwhile or not. (Not where one edit removes a
//! record and makes it anew, and several undos are pending at once: ARCHITECTURE.md, "Undo and redo".)

use std::collections::BTreeMap;

use driftless_model::{LeafPath, Op, RecordId, Value};
use proptest::prelude::*;

use super::{redo, undo};
use crate::edits::{ANN, BOB, two};
use crate::pair::{Pair, create, path, set};

const RECORDS: [&str; 3] = ["cpu", "mem", "net"];
const LEAVES: [&str; 3] = ["title", "unit", "options/a"];

/// What she does to a record that is there; one that is not is made first.
#[derive(Debug, Clone)]
enum Deed {
    Set(usize, u8),
    Unset(usize),
    Remove,
}

/// One of her edits: what it does to which records, and what happens after it.
#[derive(Debug, Clone)]
struct Step {
    deeds: Vec<(usize, Deed)>,
    after: After,
}

#[derive(Debug, Clone, Copy)]
enum After {
    Nothing,
    Settles,
    GoesAway,
    ComesBack,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (0..LEAVES.len(), any::<u8>()).prop_map(|(leaf, value)| Deed::Set(leaf, value)),
        2 => (0..LEAVES.len()).prop_map(Deed::Unset),
        1 => Just(Deed::Remove),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let after = prop_oneof![
        3 => Just(After::Nothing),
        3 => Just(After::Settles),
        1 => Just(After::GoesAway),
        1 => Just(After::ComesBack),
    ];
    let deeds = prop::collection::vec((0..RECORDS.len(), deed()), 1..3);
    (deeds, after).prop_map(|(deeds, after)| Step { deeds, after })
}

fn ops(pair: &Pair, step: &Step) -> Vec<(&'static str, Op)> {
    let mut there: Vec<&str> = RECORDS.to_vec();
    there.retain(|id| pair.view(ANN, id).is_some());
    let mut ops = Vec::new();
    for (record, deed) in &step.deeds {
        let id = RECORDS[*record];
        if ops
            .iter()
            .any(|(own, op)| *own == id && matches!(op, Op::Remove))
        {
            continue;
        }
        if !there.contains(&id) {
            ops.push((id, create("New")));
            there.push(id);
        }
        let makes = |(own, op): &(&str, Op)| *own == id && matches!(op, Op::Create { .. });
        match deed {
            // What does nothing in the end is no step of undo.
            Deed::Remove if ops.iter().any(makes) => {}
            Deed::Set(leaf, value) => ops.push((id, set(LEAVES[*leaf], &value.to_string()))),
            Deed::Unset(leaf) => ops.push((
                id,
                Op::Unset {
                    leaf: path(LEAVES[*leaf]),
                },
            )),
            Deed::Remove => {
                ops.push((id, Op::Remove));
                there.retain(|own| *own != id);
            }
        }
    }
    ops
}

type Values = BTreeMap<RecordId, BTreeMap<LeafPath, Value>>;

fn stored(pair: &Pair) -> Values {
    let values = pair.state().live().map(|(id, record)| {
        let values = record.values();
        let values = values.map(|(leaf, value)| (leaf.clone(), value.clone()));
        (id.clone(), values.collect())
    });
    values.collect()
}

/// All that she did is with the server, and nothing waits.
fn at_rest(pair: &mut Pair) -> Result<Values, TestCaseError> {
    pair.plug(ANN);
    pair.settle();
    prop_assert_eq!(pair.entries(ANN).len(), 0, "{:?}", pair.entries(ANN));
    for who in [ANN, BOB] {
        let own = pair.people[who].replica.board(&crate::pair::board());
        let own = own.map(|own| own.state.confirmed());
        prop_assert_eq!(own, Some(pair.state()));
    }
    Ok(stored(pair))
}

proptest! {
    #[test]
    fn undoing_all_leaves_what_was_there_and_redoing_all_what_was_made(
        steps in prop::collection::vec(step(), 1..7), undoes_away: bool, redoes_away: bool
    ) {
        let mut pair = two();
        let before = stored(&pair);
        // The chart is hers, too.
        let mut edits = 1;
        for step in &steps {
            let ops = ops(&pair, step);
            pair.edit(ANN, ops);
            edits += 1;
            match step.after {
                After::Nothing => {}
                After::Settles => pair.settle(),
                After::GoesAway => pair.unplug(ANN),
                After::ComesBack => pair.plug(ANN),
            }
        }
        if undoes_away {
            pair.unplug(ANN);
        }
        for _ in 1..edits {
            undo(&mut pair, ANN);
        }
        if !redoes_away {
            prop_assert_eq!(&at_rest(&mut pair)?, &before);
        }
        for _ in 1..edits {
            redo(&mut pair, ANN);
        }
        let after = at_rest(&mut pair)?;
        for _ in 1..edits {
            undo(&mut pair, ANN);
        }
        prop_assert_eq!(&at_rest(&mut pair)?, &before);
        for _ in 1..edits {
            redo(&mut pair, ANN);
        }
        prop_assert_eq!(at_rest(&mut pair)?, after);
    }
}
