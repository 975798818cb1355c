use driftless_model::{BoardState, Check, ClientId, Cursor, EditId, Op, Version, limits};
use driftless_protocol::Code;
use driftless_protocol::durable::{EntryRow, EntryState, Key};
use driftless_protocol::message::{Again, Outcome, Resume, Settled};

use super::{
    base_leaf, base_record, board, change, create, home, leaf, live, outbox, record, removed, set,
    titled, user,
};
use crate::replica::background_sync::{Outbox, Told, resent_changes};
use crate::replica::journal::Journal;

const ANN: ClientId = ClientId(1);
const FORMER: ClientId = ClientId(2);

/// Each edit's id is its place.
fn row(number: u64) -> EntryRow {
    titled(number, u128::from(number), &[])
}

/// An applied edit: as whom and with which seq it was sent, the version that it made, and when.
fn keep(
    outbox: &mut Outbox,
    row: &EntryRow,
    (client, seq): (ClientId, u64),
    version: u64,
    ms: u64,
) {
    let told = Told {
        version: Version(version),
        skipped: &[],
        replaced: &[],
        over: &Vec::new(),
    };
    outbox.keep_applied(row, (client, seq), told, ms, &mut Journal::default());
}

/// An outbox whose edits were applied at these seqs under its present client id; ten times its
/// seq as version.
fn applied(seqs: &[u64]) -> Outbox {
    let mut outbox = outbox();
    for seq in seqs {
        keep(&mut outbox, &row(*seq), (ANN, *seq), seq * 10, 0);
        outbox.next_seq = seq + 1;
    }
    outbox
}

/// What a server says that has applied so much of this replica's.
fn resume(last_seq: u64) -> Resume {
    Resume {
        board: home(),
        cursor: Cursor {
            version: Version(100),
            check: Check(1),
        },
        full: true,
        diverged: false,
        since: None,
        floor: Version(0),
        last_seq,
        last_id: Some(EditId(u128::from(last_seq))),
        outcomes: Vec::new(),
        removed: Vec::new(),
        leaves: Vec::new(),
        records: Vec::new(),
    }
}

fn diverged(last_seq: u64) -> Resume {
    Resume {
        diverged: true,
        ..resume(last_seq)
    }
}

/// The ids of the edits that are offered again.
fn offered(outbox: &mut Outbox, is_copied: bool, resume: &Resume, state: &BoardState) -> Vec<u128> {
    let ann = user("Ann");
    let mut journal = Journal::default();
    let numbers = outbox.offer_missing((ANN, &ann), is_copied, resume, state, &mut journal);
    let entries = numbers.iter().filter_map(|number| outbox.entry(*number));
    entries.map(|entry| entry.row.id.0).collect()
}

#[test]
fn what_a_restored_server_lacks_is_offered_as_it_was() {
    let mut outbox = applied(&[1]);
    let mut row = row(2);
    row.gesture = Some(7);
    row.again = Some(Again {
        above: Version(3),
        clients: vec![FORMER],
    });
    keep(&mut outbox, &row, (ANN, 2), 20, 0);
    outbox.next_seq = 3;
    let nothing = BoardState::default();
    assert_eq!(offered(&mut outbox, false, &resume(2), &nothing), []);
    assert_eq!(offered(&mut outbox, false, &resume(1), &nothing), [2]);
    let entry = outbox.by_id(EditId(2)).expect("it is in the outbox again");
    // Not part of a gesture that may go on, and not sent before: the server that had it is no more.
    assert_eq!((entry.row.gesture, &entry.row.again), (None, &None));
    assert_eq!(entry.row.changes, row.changes);
    let is_restored = matches!(
        entry.row.state,
        EntryState::Quarantined {
            code: Code::Restored,
            ..
        }
    );
    assert!(is_restored, "{:?}", entry.row.state);
    assert!(
        outbox.applied_edit(EditId(2)).is_none(),
        "it is offered once"
    );
    assert!(outbox.applied_edit(EditId(1)).is_some());
}

#[test]
fn a_seq_proves_nothing_where_a_copy_used_it() {
    let nothing = BoardState::default();
    assert_eq!(
        offered(&mut applied(&[1, 2]), true, &resume(1), &nothing),
        []
    );
    // One that is not used here yet was used by a copy.
    assert_eq!(
        offered(&mut applied(&[1, 2]), false, &diverged(3), &nothing),
        [1, 2]
    );
    assert_eq!(
        offered(&mut applied(&[1, 2]), false, &diverged(2), &nothing),
        []
    );
}

#[test]
fn in_another_history_what_is_not_to_be_seen_is_offered() {
    let nothing = BoardState::default();
    let kept = |edits: &[(u64, ClientId, u64)]| {
        let mut outbox = outbox();
        for (number, client, version) in edits {
            keep(&mut outbox, &row(*number), (*client, *number), *version, 0);
        }
        outbox.next_seq = 4;
        outbox
    };
    let former = || kept(&[(1, FORMER, 10), (2, FORMER, 30), (3, ANN, 20)]);
    assert_eq!(offered(&mut former(), false, &resume(3), &nothing), []);
    // Version 20 is there, so what lies below is, too.
    assert_eq!(offered(&mut former(), false, &diverged(3), &nothing), [2]);
    assert_eq!(
        offered(&mut former(), false, &diverged(2), &nothing),
        [1, 2, 3]
    );
    assert_eq!(
        offered(&mut former(), true, &diverged(3), &nothing),
        [1, 2, 3]
    );
    let at_once = &mut kept(&[(1, FORMER, 20), (3, ANN, 20)]);
    assert_eq!(offered(at_once, false, &diverged(3), &nothing), []);
    // A copy sent it to the server.
    let told = |id, outcome| Settled {
        board: home(),
        seq: 1,
        id: EditId(id),
        outcome,
    };
    let applied = Outcome::Applied {
        version: Version(30),
        check: Check(1),
        skipped: Vec::new(),
        replaced: Vec::new(),
        effects: None,
    };
    let conflict = Outcome::Conflict {
        at: Version(30),
        stale: Vec::new(),
    };
    let mut resume = diverged(3);
    resume.outcomes = vec![told(2, conflict), told(9, applied.clone())];
    assert_eq!(offered(&mut former(), false, &resume, &nothing), [2]);
    resume.outcomes.push(told(2, applied));
    assert_eq!(offered(&mut former(), false, &resume, &nothing), []);
}

/// Whether Ann's edit of version 10 passes for one that the other history has.
fn is_seen(op: Op, state: &BoardState) -> bool {
    let mut outbox = outbox();
    let mut row = row(1);
    row.changes[0].op = op;
    keep(&mut outbox, &row, (FORMER, 1), 10, 0);
    offered(&mut outbox, false, &diverged(0), state).is_empty()
}

#[test]
fn what_is_to_be_seen_is_the_value_its_author_and_its_version() {
    let cells = |cell| board(&[("a", live(&[("unit", 5, 10, "Ann"), cell]))]);
    let title = || set("title", 1);
    assert!(is_seen(title(), &cells(("title", 1, 10, "Ann"))));
    assert!(!is_seen(title(), &cells(("title", 2, 10, "Ann"))));
    assert!(!is_seen(title(), &cells(("title", 1, 11, "Ann"))));
    assert!(!is_seen(title(), &cells(("title", 1, 10, "Bob"))));
    assert!(!is_seen(title(), &BoardState::default()));
    let gone = |version, author| board(&[("a", removed(version, author))]);
    assert!(is_seen(Op::Remove, &gone(10, "Ann")));
    assert!(!is_seen(Op::Remove, &gone(11, "Ann")));
    assert!(!is_seen(Op::Remove, &gone(10, "Bob")));
    assert!(!is_seen(title(), &gone(10, "Ann")), "it is not what it did");
    // One of what it wrote is enough.
    let both = create(&[("title", 1), ("unit", 4)]);
    assert!(is_seen(both, &cells(("title", 1, 10, "Ann"))));
}

/// What the changes of an edit have seen that is sent again onto the board at version 9.
fn resent(row: &EntryRow, state: &BoardState) -> Vec<u64> {
    let changes = resent_changes(row, state, Version(9));
    changes.iter().map(|change| change.seen.version.0).collect()
}

#[test]
fn sent_again_it_has_seen_what_is_still_as_its_author_saw_it() {
    let there = board(&[("a", live(&[("title", 7, 3, "Bob"), ("unit", 8, 3, "Bob")]))]);
    let mut row = row(1);
    assert_eq!(resent(&row, &there), [0], "nobody knows what was seen");
    row.base = vec![base_leaf("unit", 7), base_leaf("title", 8)];
    assert_eq!(resent(&row, &there), [0]);
    row.base = vec![base_leaf("unit", 9), base_leaf("title", 7)];
    assert_eq!(resent(&row, &there), [9]);
    assert_eq!(resent(&row, &BoardState::default()), [0]);
    let both = create(&[("title", 1), ("unit", 1)]);
    row.changes.push(change("a", both, &[]));
    assert_eq!(resent(&row, &there), [9, 0], "the unit is another");
    row.base[1].record = record("b");
    assert_eq!(resent(&row, &there), [0, 0], "that was another record's");
}

#[test]
fn a_removal_is_sent_again_onto_the_whole_record_as_it_was() {
    let mut row = row(1);
    row.changes[0].op = Op::Remove;
    let there = board(&[("a", live(&[("title", 7, 3, "Bob")]))]);
    assert_eq!(resent(&row, &there), [0]);
    row.removed = vec![base_record("b", 7), base_record("a", 8)];
    assert_eq!(resent(&row, &there), [0]);
    row.removed = vec![base_record("a", 7)];
    assert_eq!(resent(&row, &there), [9]);
    let more = board(&[("a", live(&[("title", 7, 3, "Bob"), ("unit", 1, 3, "Bob")]))]);
    assert_eq!(resent(&row, &more), [0]);
}

#[test]
fn applied_edits_are_kept_for_a_week_by_a_clock_that_takes_no_leaps() {
    const STEP: u64 = limits::APPLIED_STEP_MS_MAX;
    let mut outbox = outbox();
    let days = limits::APPLIED_KEPT_MS / STEP;
    for day in 0..=days {
        keep(&mut outbox, &row(day + 1), (ANN, day + 1), day, day * STEP);
    }
    assert!(
        outbox.applied_edit(EditId(1)).is_some(),
        "a week, and no more"
    );
    keep(&mut outbox, &row(100), (ANN, 100), 100, days * STEP + 1);
    assert!(outbox.applied_edit(EditId(1)).is_none());
    assert!(outbox.applied_edit(EditId(2)).is_some());
    // A year passed, as it seems: a day counts.
    keep(&mut outbox, &row(101), (ANN, 101), 101, 365 * STEP);
    assert!(outbox.applied_edit(EditId(2)).is_none());
    assert!(outbox.applied_edit(EditId(3)).is_some());
}

#[test]
fn what_undoes_an_applied_edit_is_noted_beside_it_and_stored() {
    let mut outbox = applied(&[1, 2]);
    let mut journal = Journal::default();
    outbox.note_undone(9, EditId(77), &mut journal);
    assert!(!journal.is_staged(&Key::Applied(home(), 9)));
    outbox.note_undone(2, EditId(77), &mut journal);
    assert!(journal.is_staged(&Key::Applied(home(), 2)));
    let by = [1, 2].map(|id| outbox.applied_edit(EditId(id)).expect("kept").undone_by);
    assert_eq!(by, [None, Some(EditId(77))]);
}

#[test]
fn a_seq_that_another_edit_has_at_the_server_differs() {
    let outbox = applied(&[1, 2]);
    assert!(!outbox.applied_differs(ANN, &resume(2)));
    let mut another = resume(2);
    another.last_id = Some(EditId(9));
    assert!(outbox.applied_differs(ANN, &another));
    assert!(
        !outbox.applied_differs(FORMER, &another),
        "it was not sent as that"
    );
    another.last_seq = 3;
    assert!(
        !outbox.applied_differs(ANN, &another),
        "nothing was applied there"
    );
}

#[test]
fn the_leaves_of_an_edit_that_became_part_of_another_are_found_by_its_id() {
    let mut outbox = outbox();
    let mut row = row(1);
    row.folded = vec![EditId(5)];
    row.changes[0].op = Op::Unset { leaf: leaf("unit") };
    keep(&mut outbox, &row, (ANN, 1), 10, 0);
    let found = outbox.applied_edit(EditId(5)).expect("it was applied");
    assert_eq!(found.entry.changes, row.changes);
    assert!(outbox.applied_edit(EditId(6)).is_none());
}
