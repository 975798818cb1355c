//! The server's disk.

use driftless_model::{BoardState, Cell, RecordState, Slot, Version};
use driftless_sync::room::{Append, Delta, Input, LogRow, Stored};

use super::Pair;

impl Pair {
    /// What the server's log still has.
    pub(super) fn kept_log(&self) -> impl Iterator<Item = &LogRow> {
        let rows = self.log.iter().flat_map(|append| &append.log);
        rows.filter(|row| row.version > self.image.pruned)
    }

    pub(super) fn commit(&mut self, append: Append) {
        let stored = std::mem::replace(&mut self.next_commit, Stored::Committed);
        // Unknown here means: it is there, and nobody heard.
        if matches!(stored, Stored::Committed | Stored::Unknown) {
            assert_eq!(append.expect, self.image.head, "an append fits the head");
            let mut by_delta = self.image.state.clone();
            take(&mut by_delta, &append.delta, append.expect.version);
            for row in &append.log {
                self.image.state.apply(&row.effects, row.version, &row.user);
            }
            assert_eq!(by_delta, self.image.state, "the log and the delta agree");
            self.image.head = append.head;
            for mark in &append.prune.marks {
                self.image.state.records.remove(mark);
            }
            self.image.state.floor = append.prune.floor;
            self.image.pruned = self.image.pruned.max(append.prune.log);
            for row in &append.ledger {
                self.image.ledger.retain(|own| own.client != row.client);
                self.image.ledger.push(row.clone());
            }
            self.log.push(append);
        }
        self.room.handle(Input::Stored(stored), self.now_ms);
    }
}

/// What a store does with a delta. It holds nothing that was there before.
fn take(state: &mut BoardState, delta: &Delta, before: Version) {
    for removed in &delta.removed {
        let (version, author) = (removed.version, removed.author.clone());
        assert!(version > before, "{} was gone before", removed.record);
        let mark = Slot::Removed { version, author };
        state.records.insert(removed.record.clone(), mark);
    }
    for whole in &delta.records {
        assert!(whole.created > before, "{} was there", whole.record);
        let live = Slot::Live(RecordState {
            kind: whole.kind.clone(),
            created: whole.created,
            leaves: whole.leaves.clone(),
        });
        state.records.insert(whole.record.clone(), live);
    }
    for leaf in &delta.leaves {
        assert!(leaf.version > before, "{} did not change", leaf.leaf);
        let Some(Slot::Live(record)) = state.records.get_mut(&leaf.record) else {
            panic!("{} has a leaf, and is not there", leaf.record);
        };
        let cell = Cell {
            value: leaf.value.clone(),
            version: leaf.version,
            author: leaf.author.clone(),
        };
        record.leaves.insert(leaf.leaf.clone(), cell);
    }
}
