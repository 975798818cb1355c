//! What a replica stores, and the text columns of a server's store.

use std::fmt::Debug;

use driftless_model::{ClientId, LeafRef, OnStale, RecordState, Replaced, Slot, Version};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codes::Code;
use crate::durable::{
    AppliedRow, BaseLeaf, BaseRecord, BoardRow, Conflicted, EntryRow, EntryState, Key, LedgerRow,
    LocalChange, RecordRow, ReplicaRow, Row, Seen, TabsRow, from_text, to_text,
};
use crate::feed::Aggregate;
use crate::golden::parts::{
    CURSOR, EDIT, OTHER_EDIT, board, cell, every_effect, every_op, every_value, kind, leaf, record,
    user,
};
use crate::golden::{Sample, assert_covered, assert_golden, client, server, variants};
use crate::message::{Again, Outcome};
use crate::payload::Payload;

variants! { name_of, NAMES: Row,
    Row::Replica(_) => "replica",
    Row::Tabs(_) => "tabs",
    Row::Board(_) => "board",
    Row::Record(_) => "record",
    Row::Entry(_) => "entry",
    Row::Applied(_) => "applied",
}

variants! { slot_name, SLOTS: Slot,
    Slot::Live(_) => "record.live",
    Slot::Removed { .. } => "record.removed",
}

variants! { state_name, STATES: EntryState,
    EntryState::Queued => "entry.queued",
    EntryState::Sealed { .. } => "entry.sealed",
    EntryState::Conflicted(_) => "entry.conflicted",
    EntryState::Quarantined { .. } => "entry.quarantined",
}

/// The server's text columns.
pub const TEXTS: [&str; 7] = [
    "codes",
    "aggregates",
    "aggregates.every",
    "edit",
    "effects",
    "ledger",
    "value",
];

fn entry(state: EntryState) -> Row {
    let change = |op| LocalChange {
        record: record("cpu"),
        op,
        seen: Seen::default(),
    };
    Row::Entry(Box::new(EntryRow {
        board: board(),
        number: 5,
        id: EDIT,
        label: "Rename".into(),
        made_at_ms: 1_794_000_000_000,
        gesture: None,
        on_stale: OnStale::Policy,
        changes: every_op().into_iter().map(change).collect(),
        base: vec![],
        removed: vec![],
        folded: vec![],
        again: None,
        token: None,
        state,
    }))
}

/// With everything that may be absent.
fn whole_entry(state: EntryState) -> Row {
    let Row::Entry(mut row) = entry(state) else {
        unreachable!("an entry is an entry")
    };
    row.gesture = Some(3);
    row.on_stale = OnStale::Skip;
    row.changes[0].seen = Seen {
        version: Version(412),
        after: vec![OTHER_EDIT],
    };
    let base = |value| BaseLeaf {
        record: record("cpu"),
        leaf: leaf("title"),
        value,
    };
    row.base = vec![base(Some(every_value())), base(None)];
    row.removed = vec![BaseRecord {
        record: record("cpu"),
        kind: kind(),
        leaves: [(leaf("title"), "CPU".into())].into(),
    }];
    row.folded = vec![OTHER_EDIT];
    Row::Entry(row)
}

fn entry_with(change: impl FnOnce(&mut EntryRow)) -> Row {
    let Row::Entry(mut row) = entry(EntryState::Queued) else {
        unreachable!("an entry is an entry")
    };
    change(&mut row);
    Row::Entry(row)
}

fn again() -> Again {
    Again {
        above: Version(3),
        clients: vec![ClientId(1)],
    }
}

fn applied() -> Row {
    let Row::Entry(entry) = whole_entry(EntryState::Queued) else {
        unreachable!("an entry is an entry")
    };
    Row::Applied(Box::new(AppliedRow {
        client: ClientId(EDIT.0),
        seq: 7,
        version: Version(413),
        aged_ms: 86_400_000,
        epoch_ms: 1_794_000_000_123,
        entry: *entry,
        skipped: vec![],
        replaced: vec![],
        over: vec![],
        undone_by: None,
    }))
}

/// With everything that may be absent.
fn whole_applied() -> Row {
    let Row::Applied(mut row) = applied() else {
        unreachable!("an applied edit is an applied edit")
    };
    let at = LeafRef {
        record: record("cpu"),
        leaf: Some(leaf("title")),
    };
    row.skipped = vec![at.clone()];
    row.replaced = vec![Replaced {
        at: at.clone(),
        value: Some("CPU".into()),
        author: user(),
        version: Version(9),
    }];
    row.over = vec![(at, Version(9))];
    row.undone_by = Some(OTHER_EDIT);
    Row::Applied(row)
}

fn replica(is_bound: bool) -> Row {
    Row::Replica(ReplicaRow {
        client: ClientId(EDIT.0),
        user: is_bound.then(user),
        token: None,
        former: None,
        term: 3,
        history: 0,
    })
}

fn replica_with(change: impl FnOnce(&mut ReplicaRow)) -> Row {
    let Row::Replica(mut row) = replica(true) else {
        unreachable!("a replica is a replica")
    };
    change(&mut row);
    Row::Replica(row)
}

fn board_row(has_cursor: bool) -> Row {
    Row::Board(BoardRow {
        board: board(),
        cursor: has_cursor.then_some(CURSOR),
        floor: Version(2),
        next_seq: 8,
        settled: 6,
        left: None,
        refused: None,
    })
}

fn board_left() -> Row {
    let Row::Board(row) = board_row(false) else {
        unreachable!("a board is a board")
    };
    let left = Some(CURSOR);
    Row::Board(BoardRow { left, ..row })
}

fn board_refused() -> Row {
    let Row::Board(row) = board_left() else {
        unreachable!("a board is a board")
    };
    let refused = Some("you may not read this board".to_owned());
    Row::Board(BoardRow { refused, ..row })
}

fn record_row(slot: Slot) -> Row {
    Row::Record(RecordRow {
        board: board(),
        record: record("cpu"),
        slot,
    })
}

fn live() -> Slot {
    Slot::Live(RecordState {
        kind: kind(),
        created: Version(7),
        leaves: [
            (leaf("title"), cell(Some(every_value()))),
            (leaf("unit"), cell(None)),
        ]
        .into(),
    })
}

fn conflicted() -> EntryState {
    let Outcome::Conflict { at, stale } = server::conflict() else {
        unreachable!("a conflict is a conflict")
    };
    EntryState::Conflicted(Box::new(Conflicted { at, stale }))
}

/// At least one of each variant.
pub fn samples() -> Vec<Sample<Row>> {
    let sealed = |take_back| EntryState::Sealed {
        seq: 7,
        payload: Payload::seal(&client::edit(OnStale::Policy)).expect("fits"),
        take_back,
    };
    let quarantined = EntryState::Quarantined {
        code: Code::Invalid,
        detail: "range_s of board must be a number from 10 to 31622400".into(),
    };
    let removed = Slot::Removed {
        version: Version(9),
        author: user(),
    };
    vec![
        ("replica", replica(true)),
        ("replica.unbound", replica(false)),
        ("replica.history", replica_with(|row| row.history = 2)),
        (
            "replica.token",
            replica_with(|row| row.token = Some(u64::MAX)),
        ),
        (
            "replica.former",
            replica_with(|row| row.former = row.user.take()),
        ),
        ("tabs", Row::Tabs(TabsRow { writes: 4 })),
        ("board", board_row(true)),
        ("board.first", board_row(false)),
        ("board.left", board_left()),
        ("board.refused", board_refused()),
        ("record.live", record_row(live())),
        ("record.removed", record_row(removed)),
        ("entry.queued", entry(EntryState::Queued)),
        ("entry.queued.whole", whole_entry(EntryState::Queued)),
        (
            "entry.queued.again",
            entry_with(|row| row.again = Some(again())),
        ),
        (
            "entry.queued.token",
            entry_with(|row| row.token = Some(u64::MAX)),
        ),
        ("entry.sealed", entry(sealed(false))),
        ("entry.sealed.taken_back", entry(sealed(true))),
        ("entry.conflicted", whole_entry(conflicted())),
        ("entry.quarantined", entry(quarantined)),
        ("applied", applied()),
        ("applied.whole", whole_applied()),
    ]
}

#[test]
fn rows_of_a_replica_are_golden() {
    assert_covered(samples(), name_of, NAMES);
    let slots = samples().into_iter().filter_map(|(file, row)| match row {
        Row::Record(row) => Some((file, row.slot)),
        _ => None,
    });
    assert_covered(slots, slot_name, SLOTS);
    let states = samples().into_iter().filter_map(|(file, row)| match row {
        Row::Entry(row) => Some((file, row.state)),
        _ => None,
    });
    assert_covered(states, state_name, STATES);
    for (file, row) in samples() {
        assert_golden(&format!("rows/{file}.hex"), &row, Row::encode, |bytes| {
            Row::decode(bytes).map_err(|error| error.to_string())
        });
    }
}

#[test]
fn keys_of_a_replica_are_golden() {
    let keys = [
        Key::Replica,
        Key::Board(board()),
        Key::Record(board(), record("cpu")),
        Key::Entry(board(), 0x1f),
        Key::Tabs,
    ];
    assert_eq!(
        keys.map(|key| key.to_string()),
        [
            "replica",
            "board/this-machine",
            "record/this-machine/cpu",
            "entry/this-machine/000000000000001f",
            "tabs",
        ]
    );
}

fn assert_text<T: PartialEq + Debug + Serialize + DeserializeOwned>(file: &str, value: &T) {
    assert!(TEXTS.contains(&file), "{file} is not listed");
    assert_golden(
        &format!("texts/{file}.json"),
        value,
        |value| to_text(value).into_bytes(),
        |bytes| {
            let text = std::str::from_utf8(bytes).expect("is text");
            from_text(text).map_err(|error| error.to_string())
        },
    );
}

#[test]
fn text_columns_of_a_server_are_golden() {
    let outcomes = [
        server::applied(),
        server::applied_in_part(),
        server::conflict(),
        server::rejected(),
    ];
    let outcomes = (1..)
        .zip(outcomes)
        .map(|(seq, it)| server::settled(seq, it));
    let ledger = LedgerRow {
        client: ClientId(1),
        user: user(),
        last_seq: 4,
        last_id: EDIT,
        settled: 0,
        outcomes: outcomes.collect(),
    };
    let aggregates = [
        Aggregate::Avg,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Sum,
        Aggregate::Count,
        Aggregate::Last,
    ];
    assert_text("codes", &Code::ALL.to_vec());
    assert_text("aggregates", &aggregates.to_vec());
    let every = Aggregate::NAMED.map(|(_, aggregate)| aggregate);
    assert_text("aggregates.every", &every.to_vec());
    assert_text("edit", &client::edit(OnStale::Skip));
    assert_text("effects", &every_effect());
    assert_text("ledger", &ledger);
    assert_text("value", &every_value());
}
