//! The server's disk.

use driftless_sync::room::{Append, Input, LogRow, Stored};

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
            for row in &append.log {
                self.image.state.apply(&row.effects, row.version, &row.user);
            }
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
