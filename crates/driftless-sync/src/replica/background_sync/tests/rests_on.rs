use driftless_model::{BoardState, EditId, LeafRef, Op, Schema, Version};
use driftless_protocol::durable::{EntryRow, LocalChange};

use super::{
    at, board, change, create, entry, holding, live, outbox, removed, seen, set, titled, whole,
};
use crate::replica::background_sync::Outbox;
use crate::replica::background_sync::rests_on::OwnSettled;
use crate::replica::journal::Journal;

/// What a change has seen that had seen version 2, once the edit that it rests on made `made`.
fn seen_once(made: u64, op: Op, skipped: &[LeafRef], state: &BoardState) -> u64 {
    let outbox = outbox();
    // The edit itself had seen only version 1.
    let row = entry(1, vec![change("a", set("title", 1), &[])]).row;
    let own = outbox.own_applied(&row, Version(made), skipped);
    let mut change = seen("a", 2, op);
    own.settle(&mut change, state, &Schema::builtin());
    change.seen.version.0
}

fn state(slot: driftless_model::Slot) -> BoardState {
    board(&[("a", slot)])
}

/// Somebody else wrote the title at this version.
fn title_at(version: u64) -> BoardState {
    state(live(&[("title", 1, version, "Bob"), ("unit", 1, 1, "Bob")]))
}

#[test]
fn an_own_edit_vouches_for_its_version_unless_somebody_wrote_below_it() {
    let title = || set("title", 2);
    assert_eq!(seen_once(6, title(), &[], &title_at(1)), 6);
    assert_eq!(seen_once(6, title(), &[], &title_at(6)), 6, "its own write");
    assert_eq!(seen_once(6, title(), &[], &title_at(2)), 6, "seen");
    assert_eq!(seen_once(6, title(), &[], &title_at(4)), 2);
    assert_eq!(seen_once(6, title(), &[], &title_at(7)), 6);
    assert_eq!(seen_once(6, set("unit", 2), &[], &title_at(4)), 6);
}

#[test]
fn an_edit_that_had_been_applied_all_along_hid_what_was_written_above_it() {
    assert_eq!(seen_once(1, set("title", 2), &[], &title_at(1)), 1);
}

#[test]
fn where_it_was_left_out_it_vouches_for_nothing() {
    let title = || set("title", 2);
    let left_out = |skipped| seen_once(6, title(), &[skipped], &title_at(1));
    assert_eq!(left_out(at("a", "title")), 1);
    assert_eq!(left_out(at("a", "unit")), 6);
    assert_eq!(left_out(at("b", "title")), 6);
    assert_eq!(left_out(whole("a")), 1);
    assert_eq!(left_out(whole("b")), 6);
    // Removing a record concerns all of it, making it what it is made with.
    let over = |op, leaf| seen_once(6, op, &[at("a", leaf)], &title_at(1));
    assert_eq!(over(Op::Remove, "title"), 1);
    assert_eq!(over(create(&[("title", 1)]), "title"), 1);
    assert_eq!(over(create(&[("title", 1)]), "unit"), 6);
}

#[test]
fn a_removal_concerns_what_a_person_wrote_and_no_positions() {
    let removal = |slot| seen_once(6, Op::Remove, &[], &state(slot));
    assert_eq!(removal(live(&[("unit", 1, 4, "Bob")])), 2);
    assert_eq!(removal(live(&[("layout/x", 1, 4, "Bob")])), 6);
    assert_eq!(removal(live(&[("unit", 1, 7, "Bob")])), 6);
    assert_eq!(removal(removed(4, "Bob")), 2);
    assert_eq!(removal(removed(7, "Bob")), 6);
}

#[test]
fn a_record_that_is_gone_counts_by_when_it_went() {
    let title = || set("title", 2);
    let mut none = BoardState::default();
    assert_eq!(seen_once(6, title(), &[], &none), 6);
    // Gone so long ago that nobody remembers it: before the floor.
    none.floor = Version(4);
    assert_eq!(seen_once(6, title(), &[], &none), 2);
    assert_eq!(seen_once(6, title(), &[], &state(removed(4, "Bob"))), 2);
    assert_eq!(seen_once(6, title(), &[], &state(removed(2, "Bob"))), 6);
}

#[test]
fn a_leaf_that_this_build_does_not_know_may_have_another_name() {
    // "colour" is no leaf of a chart here; a newer build may know it as the title.
    assert_eq!(seen_once(6, set("colour", 2), &[], &title_at(4)), 2);
    assert_eq!(seen_once(6, set("colour", 2), &[], &title_at(1)), 6);
    // One that it knows, and that nobody wrote, has no other.
    assert_eq!(seen_once(6, set("query", 2), &[], &title_at(4)), 6);
}

#[test]
fn an_edit_that_is_gone_has_no_version_and_vouches_for_what_it_had_seen() {
    let outbox = outbox();
    let row = entry(1, vec![change("a", set("title", 1), &[])]).row;
    let gone = outbox.own_gone(&row);
    assert_eq!(gone.version(), None);
    assert_eq!(
        outbox.own_applied(&row, Version(6), &[]).version(),
        Some(Version(6))
    );
    let mut over = seen("a", 2, set("title", 2));
    gone.settle(&mut over, &title_at(1), &Schema::builtin());
    assert_eq!(over.seen.version, Version(1));
    let mut elsewhere = seen("b", 2, set("title", 2));
    gone.hide(&mut elsewhere);
    assert_eq!(
        elsewhere.seen.version,
        Version(0),
        "it had seen nothing there"
    );
}

#[test]
fn an_edit_that_was_left_out_hides_what_lay_below_it_unseen() {
    // Below Ann's edit 2 lies another tab's edit 1, which she had not seen.
    let outbox = holding(&[row(1, &[]), row(2, &[])]);
    let over = |own: &OwnSettled, name| {
        let mut change = change(name, set("title", 2), &[1, 7]);
        own.hide(&mut change);
        change.seen.after
    };
    let skipped = [at("a", "title")];
    let left_out = outbox.own_applied(&row(2, &[]), Version(6), &skipped);
    assert_eq!(over(&left_out, "a"), [EditId(7)]);
    assert_eq!(over(&left_out, "b"), [EditId(1), EditId(7)]);
    let whole = outbox.own_applied(&row(2, &[]), Version(6), &[]);
    assert_eq!(
        over(&whole, "a"),
        [EditId(1), EditId(7)],
        "it was applied whole"
    );
    let saw_it = outbox.own_gone(&row(2, &[1]));
    assert_eq!(over(&saw_it, "a"), [EditId(1), EditId(7)]);
}

/// Ann's title, over these edits.
fn title(after: &[u128]) -> LocalChange {
    let mut change = change("a", set("title", 2), after);
    change.seen.version = Version(2);
    change
}

/// Each edit's id is its place.
fn row(id: u64, after: &[u128]) -> EntryRow {
    titled(id, u128::from(id), after)
}

fn taken_back(id: u64) -> EntryRow {
    let mut outbox = holding(&[row(id, &[])]);
    let mut journal = Journal::default();
    assert!(
        outbox
            .seal_next(None, |change| change.seen.version, &mut journal)
            .is_some()
    );
    outbox.roll_back(id, &|_| true, &mut journal);
    let entry = outbox.by_id(EditId(u128::from(id))).expect("it is marked");
    assert!(entry.is_taken_back());
    entry.row.clone()
}

/// Once the edit 1 is settled: what was seen, or nothing where that has to be hidden.
fn once(
    settle: impl FnOnce(&mut LocalChange, EditId, &BoardState) -> Option<OwnSettled>,
) -> Option<u64> {
    let mut change = title(&[1]);
    let hiding = settle(&mut change, EditId(1), &title_at(1));
    hiding.is_none().then_some(change.seen.version.0)
}

/// An outbox whose last edit was settled lately.
fn lately(settled: impl FnOnce(&Outbox) -> OwnSettled) -> Outbox {
    let mut outbox = outbox();
    outbox.remember(settled(&outbox));
    outbox
}

fn lately_applied() -> Outbox {
    lately(|outbox| outbox.own_applied(&row(1, &[]), Version(6), &[]))
}

/// The edit 1 became part of a later one of its gesture.
fn gesture() -> EntryRow {
    EntryRow {
        folded: vec![EditId(1)],
        ..row(3, &[])
    }
}

/// The same wherever the edit 1 is looked for, once it is no more.
fn vouches_for_what_it_can(seen: impl Fn(&Outbox) -> Option<u64>) {
    assert_eq!(seen(&lately_applied()), Some(6));
    let gone = lately(|outbox| outbox.own_gone(&row(1, &[])));
    assert_eq!(seen(&gone), None);
    let became = lately(|outbox| outbox.own_applied(&gesture(), Version(6), &[]));
    assert_eq!(seen(&became), None);
    assert_eq!(seen(&outbox()), Some(0), "nobody knows what it hid");
}

#[test]
fn what_was_on_screen_when_a_gesture_began_vouches_for_what_it_can() {
    let seen = |outbox: &Outbox| {
        once(|change, id, state| outbox.settle_hidden(change, (id, outbox.by_id(id)), state))
    };
    let under_way = holding(&[row(1, &[])]);
    assert_eq!(seen(&under_way), Some(2));
    assert_eq!(seen(&holding(&[taken_back(1)])), None);
    let mut another = holding(&[gesture()]);
    assert_eq!(seen(&another), Some(2), "it was made here");
    // Another tab put a later edit of the gesture in its place.
    another.entries.get_mut(&3).expect("it is there").is_foreign = true;
    assert_eq!(seen(&another), None);
    vouches_for_what_it_can(seen);
}

#[test]
fn what_another_tabs_edit_waited_for_vouches_for_what_it_can() {
    let seen = |outbox: &Outbox| once(|change, id, state| outbox.settle_absent(change, id, state));
    assert_eq!(seen(&holding(&[row(1, &[])])), None);
    vouches_for_what_it_can(seen);
}

#[test]
fn what_is_sent_anew_waits_for_what_is_on_screen_and_has_seen_what_is_settled() {
    let anew = |outbox: &Outbox, after: &[u128], own: &[u128]| {
        let mut change = title(after);
        let own: Vec<EditId> = own.iter().map(|id| EditId(*id)).collect();
        outbox.send_anew(&mut change, &own, &title_at(1));
        let after: Vec<u128> = change.seen.after.iter().map(|id| id.0).collect();
        (change.seen.version.0, after)
    };
    assert_eq!(anew(&outbox(), &[], &[]), (2, vec![]));
    assert_eq!(anew(&outbox(), &[1], &[1]), (2, vec![]), "it is itself");
    assert_eq!(anew(&outbox(), &[1], &[2]), (0, vec![]));
    assert_eq!(anew(&lately_applied(), &[1], &[]), (6, vec![]));
    let under_way = holding(&[row(1, &[]), row(5, &[])]);
    assert_eq!(anew(&under_way, &[1], &[]), (2, vec![1, 5]));
    // Taken back, it is not on screen any more, and hid what it had not seen.
    let gone = holding(&[taken_back(1), row(5, &[])]);
    assert_eq!(anew(&gone, &[1], &[]), (1, vec![5]));
}
