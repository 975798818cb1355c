//! Writes of one leaf, one above the other: each waits for the nearest alone.

use driftless_model::{BoardState, Check, EditId, Op, Version};
use driftless_protocol::durable::{EntryRow, LocalChange, Row};
use driftless_protocol::message::{Outcome, Settled};

use super::{board, change, holding, home, live, new_edit, outbox, saw, set, titled};
use crate::replica::background_sync::rests_on::OwnSettled;
use crate::replica::background_sync::{Outbox, SettleStep};
use crate::replica::journal::Journal;

fn title(after: &[u128]) -> LocalChange {
    change("a", set("title", 1), after)
}

/// The title was written at this version.
fn title_at(version: u64) -> BoardState {
    board(&[("a", live(&[("title", 1, version, "Ann")]))])
}

/// Makes an edit over what is pending; answers what each of its changes waits for.
fn waits(outbox: &mut Outbox, id: u128, changes: Vec<LocalChange>) -> Vec<Vec<u128>> {
    let new = new_edit(id, changes);
    outbox.add(new, saw(), &title_at(1), &mut Journal::default());
    let row = &outbox.by_id(EditId(id)).expect("it is there").row;
    row.changes.iter().map(after).collect()
}

fn after(change: &LocalChange) -> Vec<u128> {
    change.seen.after.iter().map(|id| id.0).collect()
}

/// What the first change of an edit waits for.
fn after_of(outbox: &Outbox, id: u128) -> Vec<u128> {
    after(&outbox.by_id(EditId(id)).expect("it is there").row.changes[0])
}

/// Four titles, each over the one before.
fn four() -> [EntryRow; 4] {
    let row = |id: u64, after: &[u128]| titled(id, u128::from(id), after);
    [row(1, &[]), row(2, &[1]), row(3, &[2]), row(4, &[3])]
}

#[test]
fn a_write_waits_for_the_nearest_of_its_leaf() {
    let mut outbox = outbox();
    let titles = (1..=4).map(|id| waits(&mut outbox, id, vec![title(&[])]));
    assert_eq!(
        titles.collect::<Vec<_>>(),
        [vec![vec![]], vec![vec![1]], vec![vec![2]], vec![vec![3]]]
    );
    let unit = change("a", set("unit", 1), &[]);
    assert_eq!(
        waits(&mut outbox, 5, vec![title(&[]), unit.clone()]),
        [vec![4], vec![]]
    );
    assert_eq!(waits(&mut outbox, 6, vec![title(&[])]), [[5]]);
    assert_eq!(waits(&mut outbox, 7, vec![unit]), [[5]]);
    let taken_away = change(
        "a",
        Op::Unset {
            leaf: super::leaf("title"),
        },
        &[],
    );
    assert_eq!(waits(&mut outbox, 8, vec![taken_away]), [[6]]);
    // What concerns the whole record waits for all that writes any of it.
    let removal = change("a", Op::Remove, &[]);
    assert_eq!(
        waits(&mut outbox, 9, vec![removal]),
        [[1, 2, 3, 4, 5, 6, 7, 8]]
    );
    // And a write over the removal for that, and for the nearest of its own.
    assert_eq!(waits(&mut outbox, 10, vec![title(&[])]), [[8, 9]]);
}

#[test]
fn a_long_chain_is_as_small_to_store_as_a_short_one() {
    let mut outbox = outbox();
    for id in 1..=100 {
        waits(&mut outbox, id, vec![title(&[])]);
    }
    let bytes = [3, 100].map(|number| {
        let row = outbox.entry(number).expect("it is there").row.clone();
        Row::Entry(Box::new(row)).encode().len()
    });
    assert!(bytes[1] <= bytes[0] + 4, "{bytes:?}");
}

#[test]
fn what_the_nearest_had_not_seen_is_waited_for_beside_it() {
    // Another tab's edit 1, which edit 2 of this one was not made over.
    let mut outbox = holding(&[titled(1, 1, &[]), titled(2, 2, &[])]);
    assert_eq!(waits(&mut outbox, 3, vec![title(&[1])]), [[1, 2]]);
}

#[test]
fn what_another_tab_made_stands_for_nothing_else() {
    let mut outbox = holding(&four());
    outbox.entries.get_mut(&4).expect("it is there").is_foreign = true;
    assert_eq!(waits(&mut outbox, 5, vec![title(&[4])]), [[3, 4]]);
}

#[test]
fn an_outcome_changes_what_waits_for_it_and_nothing_above_that() {
    let mut outbox = holding(&four());
    let mut journal = Journal::default();
    assert!(
        outbox
            .seal_next(None, |change| change.seen.version, &mut journal)
            .is_some()
    );
    let before: Vec<EntryRow> = outbox.entries().map(|it| it.row.clone()).collect();
    let outcome = Outcome::Applied {
        version: Version(6),
        check: Check(1),
        skipped: Vec::new(),
        replaced: Vec::new(),
        effects: None,
    };
    let settled = Settled {
        board: home(),
        seq: 1,
        id: EditId(1),
        outcome,
    };
    let step = outbox.settle(&settled, &title_at(6), &mut journal);
    assert!(matches!(step, SettleStep::Applied(_)), "{step:?}");
    let after: Vec<EntryRow> = outbox.entries().map(|it| it.row.clone()).collect();
    assert_eq!(after[0].changes[0].seen.version, Version(6));
    assert_eq!(after_of(&outbox, 2), []);
    assert_eq!(after[1..], before[2..]);
}

#[test]
fn where_one_goes_what_waited_for_it_waits_for_the_one_below() {
    let mut outbox = holding(&four());
    outbox.discard(3, &mut Journal::default());
    assert_eq!(after_of(&outbox, 4), [2]);
    outbox.discard(2, &mut Journal::default());
    assert_eq!(after_of(&outbox, 4), [1]);
    outbox.discard(1, &mut Journal::default());
    assert_eq!(after_of(&outbox, 4), []);
}

#[test]
fn one_that_is_taken_back_takes_all_above_it_along_the_last_first() {
    let mut outbox = holding(&four());
    let gone = outbox.roll_back(2, &|_| true, &mut Journal::default());
    let gone: Vec<u64> = gone.iter().map(|row| row.number).collect();
    assert_eq!(gone, [4, 3, 2]);
    let mut outbox = holding(&four());
    let mut journal = Journal::default();
    let gone = outbox.roll_back(2, &|entry| entry.row.number != 3, &mut journal);
    assert_eq!(gone.len(), 1, "what rests on one that stays stays");
    assert_eq!(after_of(&outbox, 3), [1]);
    assert_eq!(after_of(&outbox, 4), [3]);
}

/// What is left of what a title waits for, once it is known what an edit had not seen.
fn once_hidden(own: &OwnSettled, over: &[u128]) -> Vec<u128> {
    let mut change = title(over);
    own.hide(&mut change);
    after(&change)
}

#[test]
fn what_was_seen_through_others_is_not_hidden() {
    // Another tab's edit 9 lies below all of them, unseen.
    let mut unseen = titled(1, 9, &[]);
    let [first, second, third, fourth] = four();
    unseen.number = 0;
    let rows = [unseen, first, second, third];
    let there = holding(&rows);
    assert_eq!(once_hidden(&there.own_gone(&fourth), &[1, 2, 9]), [1, 2]);
    // Also where those went first (seed 6,241 with tabs).
    let mut gone = holding(&rows);
    for number in [2, 3] {
        gone.discard(number, &mut Journal::default());
    }
    assert_eq!(once_hidden(&gone.own_gone(&fourth), &[1, 9]), [1]);
    // One that is not known any more stands for nothing.
    let fresh = holding(&rows[..2]);
    assert_eq!(once_hidden(&fresh.own_gone(&fourth), &[1, 9]), []);
}

#[test]
fn what_another_tab_made_over_a_chain_that_went_waits_for_what_is_left_of_it() {
    let [first, second, third, fourth] = four();
    let mut outbox = holding(&[first, second, third]);
    for number in [2, 3] {
        outbox.discard(number, &mut Journal::default());
    }
    let is_there = |id: EditId| outbox.by_id(id).is_some();
    let mut change = fourth.changes[0].clone();
    let hiding = outbox.settle_all_absent(&mut change, &title_at(1), &is_there);
    assert_eq!(after(&change), [1]);
    assert_eq!(hiding.len(), 1, "the edit 2 had nothing above it any more");
    // Told the other way round: each passes on what it waited for.
    let mut outbox = holding(&[titled(1, 1, &[])]);
    for row in &four()[1..3] {
        outbox.remember(outbox.own_gone(row));
    }
    let is_there = |id: EditId| outbox.by_id(id).is_some();
    let mut change = fourth.changes[0].clone();
    let hiding = outbox.settle_all_absent(&mut change, &title_at(1), &is_there);
    assert_eq!(after(&change), [1]);
    assert_eq!(hiding.len(), 2);
}

#[test]
fn edits_that_name_each_other_in_a_damaged_storage_end() {
    let mut outbox = outbox();
    for row in [titled(1, 1, &[2]), titled(2, 2, &[1])] {
        outbox.remember(outbox.own_gone(&row));
    }
    let mut change = title(&[1]);
    let hiding = outbox.settle_all_absent(&mut change, &title_at(1), &|_| false);
    assert_eq!(hiding.len(), 2);
    assert_eq!(after(&change), []);
}
