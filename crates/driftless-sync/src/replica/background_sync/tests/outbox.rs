//! Which edits an outbox takes for its own tab's, and what becomes of those of others.

use std::sync::Arc;

use driftless_model::{
    BoardState, ClientId, EditId, OnStale, Schema, SortedMap, SortedSet, Version, limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::{Conflicted, EntryRow, EntryState, LocalChange, Row};
use driftless_protocol::message::{Outcome, Settled};

use super::{
    at, board, change, entry, holding, home, live, new_edit, outbox, record, saw, seen, set, titled,
};
use crate::replica::background_sync::{
    Became, Entry, MadeHere, Outbox, Saw, SeenMark, SettleStep, StoredOutbox,
};
use crate::replica::journal::{Journal, Writer};

/// A title of record "a".
fn title(after: &[u128]) -> LocalChange {
    change("a", set("title", 1), after)
}

fn add(outbox: &mut Outbox, id: u128, gesture: Option<u64>, change: LocalChange) -> u64 {
    let mut new = new_edit(id, vec![change]);
    new.gesture = gesture;
    let state = title_by_bob(1);
    outbox.add(new, saw(), &state, &mut Journal::default()).0
}

/// A board whose title was written at this version.
fn title_by_bob(version: u64) -> BoardState {
    board(&[("a", live(&[("title", 1, version, "Bob")]))])
}

fn conflicted(row: EntryRow) -> EntryRow {
    let (at, stale) = (Version(3), Vec::new());
    EntryRow {
        state: EntryState::Conflicted(Box::new(Conflicted { at, stale })),
        ..row
    }
}

fn stored(rows: &[EntryRow]) -> StoredOutbox {
    StoredOutbox {
        entries: rows.iter().map(|row| (row.number, row.clone())).collect(),
        ..StoredOutbox::default()
    }
}

/// A journal that knows these entries of the storage.
fn journal(rows: &[EntryRow]) -> Journal {
    let mut journal = Journal::default();
    let rows: Vec<Row> = rows
        .iter()
        .cloned()
        .map(|row| Row::Entry(Box::new(row)))
        .collect();
    journal.start_from(Writer::Leader, &rows);
    journal
}

/// An outbox and its journal, as they are when these entries were stored here.
fn of(rows: &[EntryRow]) -> (Outbox, Journal) {
    (holding(rows), journal(rows))
}

fn by(outbox: &Outbox, id: u128) -> &Entry {
    outbox.by_id(EditId(id)).expect("it is there")
}

#[test]
fn an_edit_is_made_here_while_it_is_one_of_the_last() {
    let mut outbox = outbox();
    add(&mut outbox, 1, None, title(&[]));
    assert!(outbox.is_made_here(&titled(1, 1, &[])));
    assert!(!outbox.is_made_here(&titled(1, 2, &[])));
    let others = 10..10 + limits::RECENT_EDITS_MAX as u128 - 2;
    let others = others.map(|id| MadeHere {
        id: EditId(id),
        is_of_another: false,
    });
    outbox.made_here.extend(others);
    add(&mut outbox, 2, None, title(&[]));
    assert!(
        outbox.is_made_here(&titled(1, 1, &[])),
        "as many as are kept"
    );
    add(&mut outbox, 3, None, title(&[]));
    assert!(!outbox.is_made_here(&titled(1, 1, &[])));
    assert!(outbox.is_made_here(&titled(1, 10, &[])));
}

#[test]
fn an_entry_is_of_another_tab_where_a_part_of_it_is() {
    let mut outbox = outbox();
    add(&mut outbox, 1, None, title(&[]));
    add(&mut outbox, 2, None, change("b", set("title", 1), &[]));
    let is_of_another = |outbox: &Outbox, folded: &[u128]| {
        let mut entry = entry(9, vec![title(&[])]);
        entry.row.folded = folded.iter().map(|id| EditId(*id)).collect();
        outbox.is_of_another(&entry)
    };
    assert!(!is_of_another(&outbox, &[]));
    assert!(!is_of_another(&outbox, &[1, 2]));
    assert!(is_of_another(&outbox, &[1, 7]));
    let mut foreign = entry(9, vec![]);
    foreign.is_foreign = true;
    assert!(outbox.is_of_another(&foreign));
    outbox.made_of_anothers(EditId(2));
    assert!(is_of_another(&outbox, &[1, 2]));
    assert!(!is_of_another(&outbox, &[1]));
    let foreign = [1, 2].map(|id| by(&outbox, id).is_foreign);
    assert_eq!(foreign, [false, true]);
}

#[test]
fn each_gesture_has_its_own_last_edit() {
    let mut outbox = outbox();
    for (id, gesture) in [(1, 7), (2, 8), (3, 7)] {
        add(&mut outbox, id, Some(gesture), title(&[]));
    }
    let last = [7, 8, 9].map(|gesture| outbox.last_of_gesture(gesture));
    assert_eq!(last, [Some(EditId(3)), Some(EditId(2)), None]);
}

#[test]
fn an_edit_joins_the_last_one_only_where_both_are_new_and_made_here() {
    let number_of_next = |last: &mut dyn FnMut(&mut Entry)| {
        let mut outbox = outbox();
        add(&mut outbox, 1, Some(7), title(&[]));
        last(outbox.entries.get_mut(&1).expect("it is there"));
        add(&mut outbox, 2, Some(7), title(&[]))
    };
    assert_eq!(number_of_next(&mut |_| {}), 1);
    assert_eq!(number_of_next(&mut |last| last.is_foreign = true), 2);
    let again = || driftless_protocol::message::Again {
        above: Version(1),
        clients: vec![ClientId(2)],
    };
    assert_eq!(
        number_of_next(&mut |last| last.row.again = Some(again())),
        2
    );
    assert_eq!(number_of_next(&mut |last| last.row.gesture = Some(8)), 2);
    assert_eq!(
        number_of_next(&mut |last| last.row.on_stale = OnStale::Skip),
        2
    );
}

#[test]
fn an_edit_that_rests_on_what_waits_for_a_person_joins_it() {
    let (mut outbox, _) = of(&[conflicted(titled(1, 1, &[]))]);
    assert_eq!(
        add(&mut outbox, 2, None, title(&[])),
        2,
        "it does not rest on it"
    );
    assert_eq!(add(&mut outbox, 3, None, title(&[1])), 1);
    assert_eq!(by(&outbox, 3).row.id, EditId(1));
}

/// What the next edit of a gesture has seen that had version 4 on screen, once the gesture's edit
/// was applied.
fn seen_after(made: u64, skipped: bool, confirmed: &BoardState) -> u64 {
    let mut outbox = outbox();
    let mut journal = Journal::default();
    let next = |outbox: &mut Outbox, id, version| {
        let mut new = new_edit(id, vec![seen("a", version, set("title", 1))]);
        new.gesture = Some(7);
        outbox.add(new, saw(), confirmed, &mut Journal::default()).0
    };
    next(&mut outbox, 1, 1);
    assert!(
        outbox
            .seal_next(None, |change| change.seen.version, &mut journal)
            .is_some()
    );
    let skipped = if skipped {
        vec![at("a", "title")]
    } else {
        vec![]
    };
    let settled = Settled {
        board: home(),
        seq: 1,
        id: EditId(1),
        outcome: Outcome::Applied {
            version: Version(made),
            check: driftless_model::Check(1),
            skipped,
            replaced: Vec::new(),
            effects: None,
        },
    };
    assert!(outbox.has(&settled));
    let step = outbox.settle(&settled, confirmed, &mut journal);
    assert!(matches!(step, SettleStep::Applied(_)), "{step:?}");
    next(&mut outbox, 2, 4);
    by(&outbox, 2).row.changes[0].seen.version.0
}

#[test]
fn a_gesture_goes_on_over_its_own_edit() {
    assert_eq!(seen_after(6, false, &title_by_bob(1)), 6);
    assert_eq!(seen_after(6, false, &title_by_bob(5)), 4, "Bob's is unseen");
    assert_eq!(
        seen_after(3, false, &title_by_bob(1)),
        4,
        "that was on screen"
    );
    assert_eq!(seen_after(4, true, &title_by_bob(1)), 4, "so was this");
}

#[test]
fn an_undo_has_seen_what_it_restores_and_a_persons_edit_what_they_saw() {
    for (on_stale, expected) in [(OnStale::Policy, 1), (OnStale::Skip, 9)] {
        let mut outbox = outbox();
        let mut journal = Journal::default();
        let mut new = new_edit(1, vec![title(&[])]);
        new.on_stale = on_stale;
        outbox.add(new, saw(), &title_by_bob(1), &mut journal);
        assert!(
            outbox
                .seal_next(None, |_| Version(9), &mut journal)
                .is_some()
        );
        assert_eq!(
            by(&outbox, 1).row.changes[0].seen.version,
            Version(expected)
        );
    }
}

#[test]
fn an_outcome_is_about_the_edit_at_its_seq() {
    let mut outbox = outbox();
    add(&mut outbox, 1, None, title(&[]));
    let settled = |seq, id| Settled {
        board: home(),
        seq,
        id: EditId(id),
        outcome: Outcome::Rejected {
            code: Code::Invalid,
            detail: String::new(),
        },
    };
    assert!(!outbox.has(&settled(1, 1)), "it is not sealed");
    assert!(
        outbox
            .seal_next(None, |change| change.seen.version, &mut Journal::default())
            .is_some()
    );
    assert!(outbox.has(&settled(1, 1)));
    assert!(!outbox.has(&settled(1, 2)));
    assert!(!outbox.has(&settled(2, 1)));
}

#[test]
fn two_tabs_clash_where_both_wrote_the_same_entry() {
    let (outbox, mut journal) = of(&[titled(1, 1, &[]), titled(2, 2, &[])]);
    let as_known = stored(&[titled(1, 1, &[]), titled(2, 2, &[])]);
    let another = stored(&[titled(1, 1, &[]), titled(2, 3, &[])]);
    assert!(
        !outbox.clashes(&another, &journal),
        "nothing is staged here"
    );
    journal.put(Row::Entry(Box::new(titled(2, 2, &[]))));
    assert!(!outbox.clashes(&as_known, &journal), "nobody else wrote");
    assert!(outbox.clashes(&another, &journal));
    let elsewhere = stored(&[titled(1, 3, &[]), titled(2, 2, &[])]);
    assert!(!outbox.clashes(&elsewhere, &journal));
}

#[test]
fn what_another_tab_wrote_is_taken_in_as_that_tabs() {
    let (mut outbox, mut journal) = of(&[titled(1, 1, &[]), titled(2, 2, &[])]);
    for number in [1, 2] {
        outbox.sent(number);
    }
    // The first one's label changed; in the second's place is another one; a third one is new.
    let mut renamed = titled(1, 1, &[]);
    renamed.label = "Another".to_owned();
    let stored = stored(&[renamed, titled(2, 5, &[]), titled(3, 3, &[])]);
    let adopted = outbox.adopt(&stored, &title_by_bob(1), &mut journal);
    let gone: Vec<EditId> = adopted.gone.iter().map(|row| row.id).collect();
    assert_eq!(gone, [EditId(2)]);
    assert_eq!(adopted.touched, SortedSet::from([record("a")]));
    let of = |id| (by(&outbox, id).attempts, by(&outbox, id).is_foreign);
    assert_eq!([1, 5, 3].map(of), [(1, false), (0, true), (0, true)]);
    assert_eq!(by(&outbox, 1).row.label, "Another");
}

#[test]
fn what_another_tab_made_over_a_conflict_joins_it() {
    let (mut outbox, mut journal) = of(&[conflicted(titled(1, 1, &[]))]);
    let stored = stored(&[conflicted(titled(1, 1, &[])), titled(2, 2, &[1])]);
    outbox.adopt(&stored, &title_by_bob(1), &mut journal);
    assert_eq!(by(&outbox, 2).row.id, EditId(1));
    assert_eq!(outbox.entries().count(), 1);
}

#[test]
fn what_waits_for_a_person_is_judged_when_they_decide() {
    let waiting = conflicted(titled(1, 1, &[9]));
    let (mut outbox, mut journal) = of(std::slice::from_ref(&waiting));
    let mut touched = SortedSet::default();
    outbox.take_charge(&title_by_bob(1), &mut journal, &mut touched);
    assert_eq!(by(&outbox, 1).row, waiting);
    // What is queued would wait forever: nobody knows the edit any more.
    let (mut outbox, mut journal) = of(&[titled(1, 1, &[9])]);
    outbox.take_charge(&title_by_bob(1), &mut journal, &mut touched);
    assert_eq!(by(&outbox, 1).row.changes, [seen("a", 0, set("title", 1))]);
}

/// What became of the entry 1 where another one is stored at its place.
fn became(before: &EntryRow, after: Option<&EntryRow>) -> Option<Became> {
    let (mut outbox, journal) = of(std::slice::from_ref(before));
    let after = after.map_or(&[][..], std::slice::from_ref);
    let became = outbox.reread(stored(after), &journal);
    assert!(became.len() <= 1);
    became.into_iter().next()
}

#[test]
fn a_tab_finds_out_what_became_of_an_entry_while_another_led() {
    let (queued, waiting) = (titled(1, 1, &[]), conflicted(titled(1, 1, &[])));
    let set_aside = became(&queued, Some(&waiting));
    assert!(
        matches!(set_aside, Some(Became::SetAside(1))),
        "{set_aside:?}"
    );
    assert!(became(&queued, Some(&queued)).is_none());
    assert!(became(&waiting, Some(&waiting)).is_none());
    assert!(
        became(&waiting, Some(&queued)).is_none(),
        "it was decided on"
    );
    let gone = became(&queued, None);
    assert!(matches!(gone, Some(Became::Gone(_))), "{gone:?}");
}

#[test]
fn a_tab_that_reads_the_outbox_anew_knows_its_own_edits() {
    let mut outbox = outbox();
    for id in [1, 2] {
        add(&mut outbox, id, None, title(&[]));
    }
    outbox.made_of_anothers(EditId(2));
    let rows = [1, 2, 3].map(|number| titled(number, u128::from(number), &[]));
    outbox.reread(stored(&rows), &journal(&rows));
    let foreign = [1, 2, 3].map(|id| by(&outbox, id).is_foreign);
    assert_eq!(foreign, [false, true, true]);
}

#[test]
fn another_history_lets_go_of_what_was_settled_in_the_one_before() {
    let mut outbox = outbox();
    assert_eq!(outbox.history(), 0);
    outbox.remember(outbox.own_gone(&titled(1, 1, &[])));
    outbox.go_to_history(0);
    assert!(outbox.recently(EditId(1)).is_some(), "it is the same");
    outbox.go_to_history(3);
    assert_eq!(outbox.history(), 3);
    assert!(outbox.recently(EditId(1)).is_none());
}

#[test]
fn the_entries_that_wait_for_a_person_are_found_by_record() {
    let mut of_b = conflicted(titled(2, 2, &[]));
    of_b.changes.push(change("b", set("title", 1), &[]));
    let (outbox, _) = of(&[conflicted(titled(1, 1, &[])), of_b, titled(3, 3, &[])]);
    let asked = |name| outbox.set_aside(&SortedSet::from([record(name)]));
    assert_eq!(asked("a"), SortedMap::from([(record("a"), vec![1, 2])]));
    assert_eq!(asked("b"), SortedMap::from([(record("b"), vec![2])]));
    assert_eq!(asked("c"), SortedMap::new());
}

#[test]
fn what_stays_above_an_undo_is_lifted_and_the_undone_entry_is_not() {
    let mut beside = titled(3, 3, &[]);
    beside.changes = vec![change("a", set("unit", 1), &[])];
    let rows = [
        titled(1, 1, &[]),
        titled(2, 2, &[]),
        beside,
        conflicted(titled(4, 4, &[])),
    ];
    let (mut outbox, mut journal) = of(&rows);
    outbox.lift(1, &[title(&[])], &mut journal);
    let left: Vec<u64> = outbox.entries().map(|entry| entry.row.number).collect();
    assert_eq!(left, [1, 3, 4]);
}

#[test]
fn a_mark_tells_the_version_on_screen() {
    let schema = Arc::new(Schema::builtin());
    let held = Arc::new(SortedMap::from([(record("b"), Version(3))]));
    let mark = SeenMark::new(Version(5), held, EditId(9), std::iter::empty(), &schema);
    assert_eq!(mark.version(), Version(5));
    let of = ["a", "b"].map(|name| mark.version_of(&record(name)));
    assert_eq!(of, [Version(5), Version(3)]);
}

#[test]
fn an_edit_is_sealed_for_whoever_has_its_token_and_is_theirs_then() {
    for (token, is_sealed) in [(Some(7), true), (Some(8), false), (None, false)] {
        let mut outbox = outbox();
        let saw = Saw {
            token: Some(7),
            ..saw()
        };
        let new = new_edit(1, vec![title(&[])]);
        outbox.add(new, saw, &title_by_bob(1), &mut Journal::default());
        let seen = |change: &LocalChange| change.seen.version;
        let sealed = outbox.seal_next(token, seen, &mut Journal::default());
        assert!(sealed.is_some());
        let entry = by(&outbox, 1);
        assert_eq!(entry.seq(), is_sealed.then_some(1));
        assert_eq!(entry.is_owned(), is_sealed);
        assert_eq!(entry.is_set_aside(), !is_sealed);
    }
}
