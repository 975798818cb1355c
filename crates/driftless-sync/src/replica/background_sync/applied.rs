//! Own edits that were applied, kept for a while: what a server that was restored from a backup
//! lacks is offered to its author again.

use driftless_model::{
    BoardState, ClientId, EditId, LeafRef, Op, Replaced, Slot, UserId, Version, limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::{AppliedRow, EntryRow, EntryState, Key, LocalChange, Row, Seen};
use driftless_protocol::message::{Outcome, Resume, Settled};

use super::{Entry, Outbox};
use crate::planted::{Bug, is_planted};
use crate::replica::journal::Journal;

/// Why an edit is in the outbox again.
const MISSING: &str = "the server was restored from a backup; this edit is missing there";

/// What is known of an edit that was applied, beside the edit.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The version that it made.
    pub version: Version,
    /// What the server left out.
    pub skipped: &'a [LeafRef],
    /// Whose values it replaced unseen.
    pub replaced: &'a [Replaced],
    /// What it wrote over.
    pub over: &'a Vec<(LeafRef, Version)>,
}

impl Outbox {
    /// One stored applied edit.
    pub fn restore_applied(&mut self, row: AppliedRow) {
        self.next_number = self.next_number.max(row.entry.number + 1);
        self.applied.insert(row.entry.number, Box::new(row));
    }

    /// Keeps an edit that was applied, and lets go of those that are old.
    pub fn keep_applied(
        &mut self,
        entry: &EntryRow,
        (client, seq): (ClientId, u64),
        told: Told<'_>,
        epoch_ms: u64,
        journal: &mut Journal,
    ) {
        let last = self.applied_rows().next_back();
        let aged_ms = last.map_or(0, |last| {
            let passed_ms = epoch_ms.saturating_sub(last.epoch_ms);
            last.aged_ms + passed_ms.min(limits::APPLIED_STEP_MS_MAX)
        });
        let entry = EntryRow {
            state: EntryState::Queued,
            ..entry.clone()
        };
        let row = AppliedRow {
            client,
            seq,
            version: told.version,
            aged_ms,
            epoch_ms,
            entry,
            skipped: told.skipped.to_vec(),
            replaced: told.replaced.to_vec(),
            over: told.over.clone(),
            undone_by: None,
        };
        journal.put(Row::Applied(Box::new(row.clone())));
        self.applied.insert(row.entry.number, Box::new(row));
        let is_old =
            |row: &AppliedRow| aged_ms - row.aged_ms.min(aged_ms) > limits::APPLIED_KEPT_MS;
        while let Some((_, first)) = self.applied.first_key_value()
            && (is_old(first) || self.applied.len() > limits::APPLIED_KEPT_MAX)
        {
            if let Some((number, _)) = self.applied.pop_first() {
                journal.delete(Key::Applied(self.board.clone(), number));
            }
        }
    }

    /// An edit of these was applied although its author had taken it back, and another one undoes
    /// it: the author may be in another tab.
    pub fn note_undone(&mut self, number: u64, by: EditId, journal: &mut Journal) {
        if let Some(row) = self.applied.get_mut(&number) {
            row.undone_by = Some(by);
            journal.put(Row::Applied(row.clone()));
        }
    }

    fn applied_rows(&self) -> impl DoubleEndedIterator<Item = &AppliedRow> {
        self.applied.values().map(Box::as_ref)
    }

    /// What is kept of an applied edit.
    pub fn applied_edit(&self, id: EditId) -> Option<&AppliedRow> {
        let is_it = |row: &&AppliedRow| row.entry.id == id || row.entry.folded.contains(&id);
        self.applied_rows().rev().find(is_it)
    }

    /// Forgets the applied edits that are kept.
    pub fn forget_applied(&mut self, journal: &mut Journal) {
        for number in std::mem::take(&mut self.applied).into_keys() {
            journal.delete(Key::Applied(self.board.clone(), number));
        }
    }

    /// Whether an applied edit had this seq under another id than the server has there.
    pub fn applied_differs(&self, client: ClientId, resume: &Resume) -> bool {
        let mut applied = self.applied_rows();
        applied.any(|row| {
            row.client == client
                && row.seq == resume.last_seq
                && Some(row.entry.id) != resume.last_id
        })
    }

    /// Sets aside every applied edit that the server lacks. `confirmed` is what it has.
    ///
    /// - Under this client id, that is each one above the server's last seq. That says nothing
    ///   where a copy of the replica used it (`is_copied`).
    /// - Where the history is another one, it is also each one under a former id (or under this
    ///   one, where a copy of the replica went on with it) that is above the newest known to be
    ///   there, and of which nothing is to be seen. This may offer one that was written over.
    pub fn offer_missing(
        &mut self,
        (client, user): (ClientId, &UserId),
        is_copied: bool,
        resume: &Resume,
        confirmed: &BoardState,
        journal: &mut Journal,
    ) -> Vec<u64> {
        let is_proof = !is_copied && resume.last_seq < self.next_seq;
        let is_there =
            |row: &&AppliedRow| is_proof && row.client == client && row.seq <= resume.last_seq;
        let there = self.applied_rows().filter(is_there);
        let there = there.map(|row| row.version).max().unwrap_or_default();
        let is_missing = |row: &&AppliedRow| {
            if is_proof && row.client == client {
                return row.seq > resume.last_seq;
            }
            if resume.outcomes.iter().any(|it| is_applied(it, row)) {
                return false;
            }
            resume.diverged && row.version > there && !is_to_be_seen(row, user, confirmed)
        };
        let missing = self.applied_rows().filter(is_missing);
        let missing = missing.filter(|_| !is_planted(Bug::NeverOffer));
        let missing: Vec<u64> = missing.map(|row| row.entry.number).collect();
        let offered = missing.into_iter().filter_map(|number| {
            let row = self.applied.remove(&number)?;
            journal.delete(Key::Applied(self.board.clone(), number));
            Some(self.offer(row.entry, journal))
        });
        offered.collect()
    }

    fn offer(&mut self, row: EntryRow, journal: &mut Journal) -> u64 {
        let state = EntryState::Quarantined {
            code: Code::Restored,
            detail: MISSING.to_owned(),
        };
        let row = EntryRow {
            state,
            again: None,
            gesture: None,
            ..row
        };
        self.put_last(Entry::restored(row), journal)
    }
}

/// Whether the server itself says that it has the edit: a copy of the replica sent it there.
fn is_applied(settled: &Settled, row: &AppliedRow) -> bool {
    settled.id == row.entry.id && matches!(settled.outcome, Outcome::Applied { .. })
}

/// Whether anything that the edit wrote is on the board as it wrote it. The version alone says
/// nothing: in the other history it is somebody else's.
fn is_to_be_seen(row: &AppliedRow, user: &UserId, confirmed: &BoardState) -> bool {
    let mut changes = row.entry.changes.iter();
    changes.any(|change| match confirmed.records.get(&change.record) {
        None => false,
        Some(Slot::Removed { version, author }) => {
            matches!(change.op, Op::Remove) && *version == row.version && author == user
        }
        Some(Slot::Live(record)) => change.op.writes().iter().any(|(leaf, value)| {
            record.leaves.get(leaf).is_some_and(|cell| {
                cell.version == row.version && cell.author == *user && cell.value.as_ref() == *value
            })
        }),
    })
}

/// The changes of a missing edit that its author sends again: on the board as it is where that has
/// what the author saw then, else on nothing, so that the server asks.
pub fn resent_changes(
    row: &EntryRow,
    confirmed: &BoardState,
    version: Version,
) -> Vec<LocalChange> {
    let resend = |change: &LocalChange| LocalChange {
        seen: Seen {
            version: if is_as_seen(row, change, confirmed) {
                version
            } else {
                Version(0)
            },
            after: Vec::new(),
        },
        ..change.clone()
    };
    row.changes.iter().map(resend).collect()
}

fn is_as_seen(row: &EntryRow, change: &LocalChange, confirmed: &BoardState) -> bool {
    let Some(record) = confirmed.record(&change.record) else {
        return false;
    };
    if matches!(change.op, Op::Remove) {
        let mut removed = row.removed.iter();
        return removed
            .any(|base| base.record == change.record && record.values().eq(base.leaves.iter()));
    }
    change.op.writes().iter().all(|(leaf, _)| {
        let base = row
            .base
            .iter()
            .find(|base| base.record == change.record && base.leaf == **leaf);
        base.is_some_and(|base| base.value.as_ref() == record.value(leaf))
    })
}
