//! The outbox by itself: what edits become when they meet. `tests/machines` has it with a server.

mod applied;
mod conflict;
mod entry;
mod nearest;
mod outbox;
mod rests_on;
mod undo;

use std::sync::Arc;

use driftless_model::{
    BoardId, BoardState, Cell, EditId, KindName, LeafPath, LeafRef, OnStale, Op, RecordId,
    RecordState, Schema, Slot, UserId, Value, Version,
};
use driftless_protocol::durable::{BaseLeaf, BaseRecord, EntryRow, LocalChange, Seen};

use super::{Entry, NewEdit, Outbox, Saw};

fn record(name: &str) -> RecordId {
    RecordId::new(name).expect("an id")
}

fn leaf(name: &str) -> LeafPath {
    LeafPath::new(name).expect("a path")
}

fn chart() -> KindName {
    KindName::new("chart").expect("a kind")
}

fn set(name: &str, value: u32) -> Op {
    let (leaf, value) = (leaf(name), Value::from(value));
    Op::Set { leaf, value }
}

fn create(leaves: &[(&str, u32)]) -> Op {
    let leaves = leaves
        .iter()
        .map(|(name, value)| (leaf(name), Value::from(*value)));
    Op::Create {
        kind: chart(),
        leaves: leaves.collect(),
    }
}

fn change(name: &str, op: Op, after: &[u128]) -> LocalChange {
    LocalChange {
        record: record(name),
        op,
        seen: Seen {
            version: Version(1),
            after: after.iter().map(|id| EditId(*id)).collect(),
        },
    }
}

fn new_edit(id: u128, changes: Vec<LocalChange>) -> NewEdit {
    NewEdit {
        board: home(),
        id: EditId(id),
        label: format!("Edit {id}"),
        gesture: None,
        on_stale: OnStale::Policy,
        changes,
    }
}

/// What an author saw who saw nothing.
fn saw() -> Saw {
    Saw {
        base: Vec::new(),
        removed: Vec::new(),
        made_at_ms: 0,
        token: None,
    }
}

fn entry(id: u128, changes: Vec<LocalChange>) -> Entry {
    Entry::new(new_edit(id, changes), saw())
}

/// An edit that gives record "a" a title, as it is stored.
fn titled(number: u64, id: u128, after: &[u128]) -> EntryRow {
    let mut row = entry(id, vec![change("a", set("title", 1), after)]).row;
    row.number = number;
    row
}

fn holding(rows: &[EntryRow]) -> Outbox {
    let mut outbox = outbox();
    for row in rows {
        outbox.restore_entry(row.clone());
    }
    outbox
}

fn base_leaf(name: &str, value: u32) -> BaseLeaf {
    BaseLeaf {
        record: record("a"),
        leaf: leaf(name),
        value: Some(Value::from(value)),
    }
}

fn base_record(name: &str, title: u32) -> BaseRecord {
    BaseRecord {
        record: record(name),
        kind: chart(),
        leaves: [(leaf("title"), Value::from(title))].into(),
    }
}

fn home() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn outbox() -> Outbox {
    Outbox::new(home(), Arc::new(Schema::builtin()))
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

fn at(name: &str, leaf_name: &str) -> LeafRef {
    LeafRef {
        record: record(name),
        leaf: Some(leaf(leaf_name)),
    }
}

/// A record as such.
fn whole(name: &str) -> LeafRef {
    LeafRef {
        record: record(name),
        leaf: None,
    }
}

/// What a change has seen, and does.
fn seen(name: &str, version: u64, op: Op) -> LocalChange {
    let mut change = change(name, op, &[]);
    change.seen.version = Version(version);
    change
}

/// A value that somebody wrote: its leaf, itself, the version, and who that was.
type Written<'a> = (&'a str, u32, u64, &'a str);

/// A chart that is there.
fn live(cells: &[Written<'_>]) -> Slot {
    let cells = cells.iter().map(|(name, value, version, author)| {
        let cell = Cell {
            value: Some(Value::from(*value)),
            version: Version(*version),
            author: user(author),
        };
        (leaf(name), cell)
    });
    Slot::Live(RecordState {
        kind: chart(),
        created: Version(1),
        leaves: cells.collect(),
    })
}

fn removed(version: u64, author: &str) -> Slot {
    Slot::Removed {
        version: Version(version),
        author: user(author),
    }
}

fn board(slots: &[(&str, Slot)]) -> BoardState {
    let slots = slots.iter().cloned();
    BoardState {
        records: slots.map(|(name, slot)| (record(name), slot)).collect(),
        floor: Version(0),
    }
}
