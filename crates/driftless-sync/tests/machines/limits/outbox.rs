//! An outbox: how far back it remembers own edits and gestures.

use std::sync::Arc;

use driftless_model::{
    BoardId, BoardState, Check, EditId, LeafPath, OnStale, Op, RecordId, Schema, Version, limits,
};
use driftless_protocol::durable::{Key, LocalChange, Seen};
use driftless_protocol::message::{Outcome, Settled};
use driftless_sync::replica::NewEdit;
use driftless_sync::replica::background_sync::Outbox;
use driftless_sync::replica::journal::Journal;
use driftless_sync::replica::realtime_state::RealtimeState;

/// An outbox of a board of which nothing is confirmed.
struct Bench {
    outbox: Outbox,
    state: RealtimeState,
    journal: Journal,
}

impl Bench {
    fn new() -> Self {
        Self {
            outbox: Outbox::new(board(), Arc::new(Schema::builtin())),
            state: RealtimeState::default(),
            journal: Journal::default(),
        }
    }

    /// Adds an edit of the record with its number; answers its entry.
    fn add(&mut self, number: usize, gesture: Option<u64>, seen: Seen) -> u64 {
        let leaf = LeafPath::new("title").expect("a path");
        let change = LocalChange {
            record: RecordId::new(format!("w{number}")).expect("an id"),
            op: Op::Set {
                leaf,
                value: "x".into(),
            },
            seen,
        };
        let edit = NewEdit {
            board: board(),
            id: id(number),
            label: "Rename".to_owned(),
            gesture,
            on_stale: OnStale::Policy,
            changes: vec![change],
        };
        let saw = self.outbox.saw(&edit, false, &self.state, 0);
        let confirmed = self.state.confirmed();
        self.outbox.check_room().expect("there is room");
        self.outbox.add(edit, saw, confirmed, &mut self.journal).0
    }

    /// Makes an edit that the server applies as the version of its number.
    fn apply(&mut self, number: usize) {
        self.add(number, None, Seen::default());
        let seen = |change: &LocalChange| change.seen.version;
        assert!(
            self.outbox
                .seal_next(None, seen, &mut self.journal)
                .is_some()
        );
        let settled = Settled {
            board: board(),
            seq: self.outbox.next_seq() - 1,
            id: id(number),
            outcome: Outcome::Applied {
                version: Version(number as u64),
                check: Check::default(),
                skipped: Vec::new(),
                replaced: Vec::new(),
                effects: None,
            },
        };
        let confirmed = BoardState::default();
        self.outbox.settle(&settled, &confirmed, &mut self.journal);
    }

    /// What is staged is written, and durable.
    fn write(&mut self) {
        assert!(self.journal.next_transaction().is_some());
        self.journal.committed();
        self.outbox.committed(&self.journal);
    }

    /// Seals an edit, and answers up to which seq its push says that outcomes are settled.
    fn settled_in_push(&mut self, number: usize) -> u64 {
        self.add(number, None, Seen::default());
        let seq = self.outbox.next_seq();
        let seen = |change: &LocalChange| change.seen.version;
        assert!(
            self.outbox
                .seal_next(None, seen, &mut self.journal)
                .is_some()
        );
        self.write();
        let pushes = self.outbox.pushes_from(seq, &self.journal);
        pushes[0].1.settled
    }

    /// What an edit has seen that rests on an earlier one.
    fn seen_after(&mut self, number: usize, earlier: usize) -> Version {
        let after = vec![id(earlier)];
        let version = Version(0);
        let number = self.add(number, None, Seen { version, after });
        let entry = self.outbox.entry(number).expect("it was added");
        entry.row.changes[0].seen.version
    }
}

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn id(number: usize) -> EditId {
    EditId(number as u128)
}

#[test]
fn a_mark_rests_on_the_last_own_edits_and_not_on_older_ones() {
    let mut bench = Bench::new();
    for number in 1..=limits::RECENT_EDITS_MAX + 1 {
        bench.apply(number);
    }
    assert_eq!(bench.seen_after(10_001, 1), Version(0));
    assert_eq!(bench.seen_after(10_002, 2), Version(2));
}

#[test]
fn a_gesture_goes_on_while_it_is_among_the_last_ones() {
    for (others, is_known) in [
        (limits::GESTURES_MAX - 1, true),
        (limits::GESTURES_MAX, false),
    ] {
        let mut bench = Bench::new();
        bench.add(0, Some(0), Seen::default());
        for number in 1..=others {
            bench.add(number, Some(number as u64), Seen::default());
        }
        let number = bench.add(others + 1, Some(0), Seen::default());
        let entry = bench.outbox.entry(number).expect("it was added");
        assert_eq!(
            entry.after().contains(&id(0)),
            is_known,
            "after {others} others"
        );
    }
}

/// The server forgets the outcomes that a push names as settled.
#[test]
fn a_push_names_the_outcomes_that_are_durable_however_many_writes_that_takes() {
    let mut bench = Bench::new();
    for number in 1..=2 {
        bench.apply(number);
    }
    bench.journal.delete(Key::Board(board()));
    assert!(bench.journal.next_transaction().is_some());
    // The row that says so goes with the write after the one that is under way.
    let ticket = bench.journal.delete(Key::Board(board()));
    bench.outbox.board_row_staged(ticket);
    bench.journal.committed();
    bench.outbox.committed(&bench.journal);
    assert_eq!(bench.settled_in_push(3), 2);
}
