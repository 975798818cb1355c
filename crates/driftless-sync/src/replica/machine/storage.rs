//! Storage: reading it, leading it, and what becomes of what is written.

use driftless_model::{BoardId, ClientId, SortedSet};
use driftless_protocol::durable::{ReplicaRow, Row};
use rand_core::RngCore;

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::NewEdit;
use crate::replica::board::Board;
use crate::replica::journal::{Ticket, Writer};
use crate::replica::machine::{Phase, Replica};
use crate::replica::types::{CommitResult, Notice, Now, Output};
use crate::replica::view::StorageVerdict;

impl Replica {
    pub(super) fn loaded(&mut self, rows: Vec<Row>, volatile: Option<String>, now: Now) {
        if self.tabs.is_some() {
            return self.read(&rows, volatile, now);
        }
        if self.phase != Phase::Loading {
            return;
        }
        let followed: SortedSet<BoardId> = std::mem::take(&mut self.boards)
            .into_iter()
            .filter(|(_, board)| board.is_followed)
            .map(|(id, _)| id)
            .collect();
        self.journal.start_from(Writer::Alone, &rows);
        self.unstored.clear();
        self.storage_retry_at_ms = None;
        self.row = None;
        for row in rows {
            self.restore(row);
        }
        for id in followed {
            self.board_mut(&id).is_followed = true;
        }
        self.claim();
        self.verdict = match volatile {
            Some(reason) => StorageVerdict::MemoryOnly { reason },
            None => StorageVerdict::Durable,
        };
        self.take_charge();
        self.phase = Phase::Claiming;
        for edit in std::mem::take(&mut self.early) {
            self.person_edit(edit, now);
        }
    }

    pub(super) fn restore(&mut self, row: Row) {
        match row {
            Row::Replica(row) => self.row = Some(row),
            Row::Board(row) => {
                let board = self.board_mut(&row.board);
                board.state.restore_counters(&row);
                board.refused.clone_from(&row.refused);
                board.outbox.restore(&row);
            }
            Row::Record(row) => {
                let id = row.board.clone();
                self.board_mut(&id).state.restore_record(row);
            }
            Row::Entry(row) => {
                let id = row.board.clone();
                self.board_mut(&id).outbox.restore_entry(*row);
            }
            Row::Applied(row) => {
                let id = row.entry.board.clone();
                self.board_mut(&id).outbox.restore_applied(*row);
            }
            _ => {}
        }
    }

    /// Raises the term: from here on, whoever led before can no longer write.
    pub(super) fn claim(&mut self) {
        if self.tabs.is_none() {
            self.meet_token();
        }
        let row = match self.row.take() {
            Some(row) => ReplicaRow {
                term: row.term + 1,
                ..row
            },
            None => ReplicaRow {
                client: ClientId(self.draw_wide()),
                user: None,
                token: None,
                former: None,
                term: 1,
                history: 0,
            },
        };
        self.row = Some(row);
        self.store_row();
    }

    pub(super) fn store_row(&mut self) {
        if let Some(row) = self.row.clone() {
            self.journal.put(Row::Replica(row));
        }
    }

    /// 128 random bits: an id.
    pub(super) fn draw_wide(&mut self) -> u128 {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    pub(super) fn board_mut(&mut self, id: &BoardId) -> &mut Board {
        let history = self.row.as_ref().map_or(0, |row| row.history);
        self.boards.entry(id.clone()).or_insert_with(|| {
            let mut board = Board::new(id.clone(), self.schema.clone());
            board.outbox.go_to_history(history);
            board
        })
    }

    pub(super) fn committed(&mut self, ticket: Ticket, result: CommitResult, now: Now) {
        if !self.journal.is_under_way(ticket) {
            return;
        }
        match result {
            CommitResult::Done => self.stored(now),
            CommitResult::Conflict if self.tabs.is_some() => {
                self.journal.refused();
                self.outdated();
            }
            CommitResult::Conflict => self.superseded(),
            CommitResult::Failed { reason } => {
                if self.phase == Phase::Claiming && self.tabs.is_some() && self.is_anothers() {
                    // Tried again by itself: what is made here is not to be the former user's.
                    self.journal.refused();
                    self.outdated();
                } else {
                    self.journal.put_back();
                }
                self.verdict = StorageVerdict::NotSaved { reason };
                self.storage_retry_at_ms = Some(now.mono_ms + self.config.storage_retry_ms());
            }
        }
    }

    fn stored(&mut self, now: Now) {
        self.journal.committed();
        if matches!(self.verdict, StorageVerdict::NotSaved { .. }) {
            self.verdict = StorageVerdict::Durable;
        }
        if self.phase == Phase::Claiming {
            self.phase = Phase::Leading;
            self.lead();
            if self.tabs.is_some() && self.is_anothers() {
                self.outdated();
            } else {
                self.is_signing_in = false;
                self.connect_if_wished(now);
            }
        }
        self.tell_stored();
        self.tell_written(now);
    }

    pub(super) fn tell_stored(&mut self) {
        let journal = &self.journal;
        let mut stored = Vec::new();
        self.unstored.retain(|id, ticket| {
            let is_durable = journal.is_durable(*ticket) || is_planted(Bug::SaidSavedTooEarly);
            if is_durable {
                stored.push(*id);
            }
            !is_durable
        });
        for id in &stored {
            self.outputs
                .push_back(Output::Notice(Notice::EditStored { id: *id }));
        }
        for (id, board) in &mut self.boards {
            if board.outbox.committed(&self.journal) {
                self.processor.outbox(id);
            }
        }
    }

    pub(super) fn superseded(&mut self) {
        if let Some(tabs) = &mut self.tabs {
            // The lock may be lost before what it was got for has begun.
            tabs.is_elected = false;
            self.is_signing_in = false;
            return match self.phase {
                Phase::Loading | Phase::Unusable => {}
                _ => {
                    self.phase = Phase::Following;
                    self.outdated();
                }
            };
        }
        if !self.is_leading() {
            return;
        }
        self.phase = Phase::Superseded;
        self.verdict = StorageVerdict::OpenElsewhere;
        self.detach();
        self.socket.disconnect(&mut self.actions);
    }

    /// Leads again: reads what the other tab wrote, and keeps what this one had not stored.
    pub(super) fn take_over(&mut self) {
        if self.phase == Phase::Following {
            return self.outputs.push_back(Output::Elect);
        }
        if self.phase != Phase::Superseded {
            return;
        }
        let boards = self.boards.values();
        let entries = boards.flat_map(|board| board.outbox.entries());
        let unstored = entries.filter(|entry| !self.journal.is_durable(entry.ticket));
        let unstored = unstored.filter(|entry| self.unstored.contains_key(&entry.row.id));
        let edits = unstored.map(|entry| NewEdit {
            board: entry.row.board.clone(),
            id: entry.row.id,
            label: entry.row.label.clone(),
            gesture: entry.row.gesture,
            on_stale: entry.row.on_stale,
            changes: entry.row.changes.clone(),
        });
        self.early.extend(edits);
        self.phase = Phase::Loading;
        self.verdict = StorageVerdict::Loading;
        self.outputs.push_back(Output::Load);
    }

    /// A new identity: what was sealed under the old one is sealed again.
    pub(super) fn reidentify(&mut self, now: Now) {
        let client = ClientId(self.draw_wide());
        let Some(row) = &mut self.row else {
            return;
        };
        let former = std::mem::replace(&mut row.client, client);
        self.store_row();
        for (id, board) in &mut self.boards {
            board.outbox.unseal(former, &mut self.journal);
            board.store_board(&mut self.journal);
            self.processor.whole(id);
            self.processor.local(id, board.all_records());
        }
        self.detach();
        self.socket
            .restart(now.mono_ms, &self.config, &mut self.actions);
    }
}
