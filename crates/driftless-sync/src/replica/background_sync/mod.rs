//! The durable outbox of one board: queue, order, seal, settle, set aside.
//!
//! An entry is *queued*, then *sealed* (final, with its place in the sequence), then settled; or it
//! is set aside (conflicted, quarantined) until a person decides. Everything that changes is staged
//! in the [`Journal`] in the same step.

mod entry;
mod conflict;
mod rests_on;
mod undo;
mod pending;
mod overlay;
mod start_over;
mod applied;
mod add;
mod adopt;
mod below;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use driftless_model::{
    BoardId, BoardState, EditId, OnStale, RecordId, RecordState, Schema, SortedMap, SortedSet,
    Version, limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::{
    AppliedRow, BoardRow, Conflicted, EntryRow, EntryState, Key, LocalChange, Row,
};
use driftless_protocol::message::{Outcome, Push, Settled};

pub use add::Saw;
pub use adopt::{Became, StoredOutbox};
pub use applied::{Told, resent_changes};
pub use below::Lifted;
pub use conflict::resolved_changes;
pub use entry::{Entry, records_of};
pub use pending::SeenMark;
use pending::history_id;
pub use undo::{base_record, undo_changes};

use rests_on::OwnSettled;

use crate::planted::{Bug, is_planted};
use crate::replica::journal::{Journal, Ticket};
use crate::replica::realtime_state::RealtimeState;
use driftless_model::sorted::sort_by_key;

/// What a person made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEdit {
    /// The board.
    pub board: BoardId,
    /// Random.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// The gesture that it belongs to: edits of one gesture are squashed while the last is queued.
    pub gesture: Option<u64>,
    /// What happens to stale leaves.
    pub on_stale: OnStale,
    /// The changes.
    pub changes: Vec<LocalChange>,
}

/// An edit that was made here.
#[derive(Debug, Clone, Copy)]
struct MadeHere {
    id: EditId,
    /// Whether nobody here made it: a conflict of another tab's edit that settled itself.
    is_of_another: bool,
}

/// The outbox of one board.
#[derive(Debug)]
pub struct Outbox {
    board: BoardId,
    schema: Arc<Schema>,
    /// Boxed, as what is applied: the first goes first, and the others move up.
    entries: SortedMap<u64, Box<Entry>>,
    next_number: u64,
    next_seq: u64,
    settled: u64,
    /// Settled marks that are not durable yet, oldest first.
    settled_tickets: Vec<(Ticket, u64)>,
    /// The highest settled mark that is durable: what pushes carry.
    settled_durable: u64,
    /// The versions that own edits got lately, newest last.
    recent: Vec<OwnSettled>,
    /// The last edit of each recent gesture, newest last.
    gestures: Vec<(u64, EditId)>,
    /// The edits that were made here lately, not in another tab, newest last.
    made_here: VecDeque<MadeHere>,
    /// Applied edits that are kept, oldest first.
    applied: SortedMap<u64, Box<AppliedRow>>,
    /// Counts how often the server's history turned out not to be the one on screen.
    history: u32,
}

/// What became of an outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum SettleStep {
    /// The entry is gone; its changes are confirmed.
    Applied(Box<EntryRow>),
    /// The entry waits for a person.
    SetAside(u64),
    /// The entry was taken back, and had no effect: it is gone.
    TakenBack(Box<EntryRow>),
    /// No entry with this seq: it was settled before, or is not this replica's.
    Unknown,
    /// Another edit had this seq: a clone.
    Mismatch,
}

impl Outbox {
    /// An empty outbox.
    pub fn new(board: BoardId, schema: Arc<Schema>) -> Self {
        Self {
            board,
            schema,
            entries: SortedMap::new(),
            next_number: 1,
            next_seq: 1,
            settled: 0,
            settled_tickets: Vec::new(),
            settled_durable: 0,
            recent: Vec::new(),
            gestures: Vec::new(),
            made_here: VecDeque::new(),
            applied: SortedMap::new(),
            history: 0,
        }
    }

    /// The kinds that this build knows.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The counters as they were stored.
    pub fn restore(&mut self, row: &BoardRow) {
        self.next_seq = row.next_seq;
        self.settled = row.settled;
        self.settled_durable = row.settled;
    }

    /// One stored entry.
    pub fn restore_entry(&mut self, row: EntryRow) {
        self.next_number = self.next_number.max(row.number + 1);
        self.entries
            .insert(row.number, Box::new(Entry::restored(row)));
    }

    /// The entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.values().map(Box::as_ref)
    }

    /// One entry.
    pub fn entry(&self, number: u64) -> Option<&Entry> {
        self.entries.get(&number).map(Box::as_ref)
    }

    /// The next seq to seal with.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// All outcomes up to this seq are known.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Everything durable about the board but its records.
    pub fn board_row(&self, state: &RealtimeState, refused: Option<&String>) -> Row {
        Row::Board(BoardRow {
            board: self.board.clone(),
            cursor: state.cursor(),
            floor: state.confirmed().floor,
            next_seq: self.next_seq,
            settled: self.settled,
            left: state.left(),
            refused: refused.cloned(),
        })
    }

    fn store(&mut self, number: u64, journal: &mut Journal) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.store(journal);
        }
    }

    fn remove(&mut self, number: u64, journal: &mut Journal) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        journal.delete(Key::Entry(self.board.clone(), number));
        Some(*entry)
    }

    /// The entry of an edit, or the one that it became part of.
    pub fn by_id(&self, id: EditId) -> Option<&Entry> {
        self.entries().find(|entry| entry.is_or_holds(id))
    }

    /// The entry of an edit, or the one that it is squashed into. What it was set aside with since
    /// was not shown as that.
    pub fn as_shown(&self, edit: EditId) -> Option<&Entry> {
        let is_shown = |entry: &&Entry| entry.row.id == edit || entry.is_unsettled();
        self.by_id(edit).filter(is_shown)
    }

    /// Folds an edit that waited for a set-aside one into it.
    fn join(&mut self, target: u64, joined: EntryRow, journal: &mut Journal) {
        if is_planted(Bug::DropWaiting) {
            return;
        }
        if let Some(entry) = self.entries.get_mut(&target) {
            entry.fold(joined);
        }
        if is_planted(Bug::JoinUnsaved) {
            return;
        }
        self.store(target, journal);
    }

    /// Folds everything that waits for a set-aside entry into it, in order.
    fn join_waiting(&mut self, target: u64, journal: &mut Journal) {
        while let Some(number) = self.waiting_for(target) {
            if let Some(entry) = self.remove(number, journal) {
                self.join(target, entry.row, journal);
            }
        }
    }

    fn waiting_for(&self, target: u64) -> Option<u64> {
        let target = self.entries.get(&target)?;
        let waits = |entry: &&Entry| entry.is_queued() && entry.waits_for(target);
        self.entries().find(waits).map(|entry| entry.row.number)
    }

    /// Whether another entry waits for this one.
    pub fn is_awaited(&self, number: u64) -> bool {
        self.waiting_for(number).is_some()
    }

    /// The pending edits that write what a change writes.
    pub fn over(&self, change: &LocalChange) -> impl DoubleEndedIterator<Item = &Entry> {
        let pending = self.entries().filter(|entry| entry.is_active());
        pending.filter(|entry| entry.is_under(change, &self.schema))
    }

    /// The newest pending edit that decides whether a record is there, and whether it is.
    pub fn last_to_decide(&self, record: &RecordId) -> Option<(EditId, bool)> {
        let active = self.entries().rev().filter(|entry| entry.is_active());
        let mut decided = active.map(|entry| (entry.row.id, entry.decides(record)));
        decided.find_map(|(edit, is_there)| is_there.map(|is_there| (edit, is_there)))
    }

    /// Whether a pending edit other than `but` writes what a change writes.
    pub fn is_covered(&self, change: &LocalChange, but: EditId) -> bool {
        self.over(change).any(|entry| !entry.is_or_holds(but))
    }

    /// A sealed edit that was taken back counts again.
    pub fn take_anew(&mut self, number: u64, journal: &mut Journal) {
        if let Some(entry) = self.entries.get_mut(&number)
            && let EntryState::Sealed { take_back, .. } = &mut entry.row.state
        {
            *take_back = false;
            self.store(number, journal);
        }
    }

    /// What was made with these tokens is the user's from here on.
    pub fn vouch_for(&mut self, tokens: [Option<u64>; 2], journal: &mut Journal) {
        for entry in self.entries.values_mut() {
            let is_known = tokens.contains(&entry.row.token) || is_planted(Bug::IgnoreToken);
            if !entry.is_owned() && is_known {
                entry.row.token = None;
                entry.store(journal);
            }
        }
    }

    /// Seals the next entry that waits for nothing, while fewer than the limit are under way.
    /// `token` is the mark of the one that the user was let in with; `seen_by_undo` says what a
    /// change of an undo has seen by now. Answers which it was, if any.
    pub fn seal_next(
        &mut self,
        token: Option<u64>,
        seen_by_undo: impl Fn(&LocalChange) -> Version,
        journal: &mut Journal,
    ) -> Option<u64> {
        let in_flight = self.entries().filter(|entry| entry.seq().is_some()).count();
        if in_flight >= limits::IN_FLIGHT_MAX {
            return None;
        }
        let ready = |entry: &&Entry| entry.is_queued() && entry.row.changes.iter().all(is_ready);
        let number = self.entries().find(ready)?.row.number;
        let seq = self.next_seq;
        let entry = self.entries.get_mut(&number)?;
        if entry.row.on_stale == OnStale::Skip {
            let changes = entry.row.changes.iter_mut();
            changes.for_each(|change| change.seen.version = seen_by_undo(change));
        }
        if entry.seal(seq, token) && !is_planted(Bug::ReuseSeq) {
            self.next_seq += 1;
        }
        let is_set_aside = entry.is_set_aside();
        self.store(number, journal);
        if is_set_aside {
            self.join_waiting(number, journal);
        }
        Some(number)
    }

    /// The pushes from a seq on that are durable, in order: never one above another that is not.
    pub fn pushes_from(&self, seq: u64, journal: &Journal) -> Vec<(u64, Push)> {
        let mut sealed: Vec<(u64, &Entry)> = self
            .entries()
            .filter_map(|entry| entry.seq().map(|own| (own, entry)))
            .filter(|(own, _)| *own >= seq)
            .collect();
        sort_by_key(&mut sealed, |(seq, _)| *seq);
        let durable = sealed.into_iter().take_while(|(_, entry)| {
            journal.is_durable(entry.ticket) || is_planted(Bug::SendBeforeSaved)
        });
        durable
            .filter_map(|(_, entry)| {
                let push = entry.push(&self.board, self.settled_durable)?;
                Some((entry.row.number, push))
            })
            .collect()
    }

    /// Counts a sending.
    pub fn sent(&mut self, number: u64) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.attempts += 1;
        }
    }

    /// Takes note of what became durable with the last transaction. Answers whether that is to be
    /// seen of any entry.
    pub fn committed(&mut self, journal: &Journal) -> bool {
        let durable = self
            .settled_tickets
            .iter()
            .filter(|(ticket, _)| journal.is_durable(*ticket));
        if let Some((_, settled)) = durable.max() {
            self.settled_durable = self.settled_durable.max(*settled);
        }
        self.settled_tickets
            .retain(|(ticket, _)| !journal.is_durable(*ticket));
        let mut tickets = self.entries().map(|entry| entry.ticket);
        tickets.any(|ticket| journal.became_durable(ticket))
    }

    /// The sealed entry at a seq.
    pub fn at_seq(&self, seq: u64) -> Option<&Entry> {
        self.entries().find(|entry| entry.seq() == Some(seq))
    }

    /// Settles the entry that an outcome is about. The caller stages the board's row afterwards.
    /// `confirmed` is the state with the outcome's effects in it.
    pub fn settle(
        &mut self,
        settled: &Settled,
        confirmed: &BoardState,
        journal: &mut Journal,
    ) -> SettleStep {
        let Some(entry) = self.at_seq(settled.seq) else {
            return SettleStep::Unknown;
        };
        if entry.row.id != settled.id {
            return SettleStep::Mismatch;
        }
        let number = entry.row.number;
        let is_taken_back = entry.is_taken_back();
        self.settled = self.settled.max(settled.seq);
        let state = match &settled.outcome {
            Outcome::Applied {
                version, skipped, ..
            } => {
                let Some(entry) = self.remove(number, journal) else {
                    return SettleStep::Unknown;
                };
                let own = self.own_applied(&entry.row, *version, skipped);
                self.got_version(own, is_taken_back, confirmed, journal);
                return SettleStep::Applied(Box::new(entry.row));
            }
            Outcome::Conflict { at, stale } => {
                let (at, stale) = (*at, stale.clone());
                EntryState::Conflicted(Box::new(Conflicted { at, stale }))
            }
            Outcome::Rejected { code, detail } => EntryState::Quarantined {
                code: *code,
                detail: detail.clone(),
            },
            _ => EntryState::Quarantined {
                code: Code::Unknown,
                detail: "the server gave an outcome that this build does not know".to_owned(),
            },
        };
        let is_refused = matches!(state, EntryState::Quarantined { .. });
        if is_taken_back || (is_refused && is_planted(Bug::DropRejected)) {
            let gone = self.discard(number, journal);
            return gone.map_or(SettleStep::Unknown, |row| {
                SettleStep::TakenBack(Box::new(row))
            });
        }
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.row.state = state;
        }
        self.store(number, journal);
        self.join_waiting(number, journal);
        SettleStep::SetAside(number)
    }

    /// The board's row with the new settled mark was staged under this ticket.
    pub fn board_row_staged(&mut self, ticket: Ticket) {
        if self.settled > self.settled_durable {
            self.settled_tickets.push((ticket, self.settled));
        }
    }

    /// Whoever waited for an edit has seen what it wrote. If its author took it back, they go on
    /// waiting: an edit that undoes it is about to be made.
    fn got_version(
        &mut self,
        own: OwnSettled,
        is_taken_back: bool,
        confirmed: &BoardState,
        journal: &mut Journal,
    ) {
        let schema = self.schema.clone();
        self.release(own.ids(), journal, &|change| {
            own.settle(change, confirmed, &schema);
            if is_taken_back {
                change.seen.after.extend(own.ids().last());
            }
        });
        self.remember(own);
    }

    fn remember(&mut self, own: OwnSettled) {
        self.recent.push(own);
        let surplus = self.recent.len().saturating_sub(limits::RECENT_EDITS_MAX);
        self.recent.drain(..surplus);
    }

    /// Nobody waits for these edits any more; `seen` says what a change that did has seen of them.
    fn release(&mut self, ids: &[EditId], journal: &mut Journal, seen: &dyn Fn(&mut LocalChange)) {
        let released = |entry: &mut Entry| entry.release(ids, seen).then_some(entry.row.number);
        let entries = self.entries.values_mut().map(Box::as_mut);
        let numbers: Vec<u64> = entries.filter_map(released).collect();
        for number in numbers {
            self.store(number, journal);
        }
    }

    /// Removes an entry without effect. What waited for it has seen what it had seen, and no more:
    /// another tab may have made it, and the two not have met.
    pub fn discard(&mut self, number: u64, journal: &mut Journal) -> Option<EntryRow> {
        let entry = self.remove(number, journal)?;
        self.forget_gone(&entry.row, journal);
        Some(entry.row)
    }

    fn forget_gone(&mut self, row: &EntryRow, journal: &mut Journal) {
        let own = self.own_gone(row);
        self.release(own.ids(), journal, &|change| {
            own.pass_on(change);
            own.hide(change);
        });
        self.remember(own);
    }

    /// Takes an edit back. Queued: it goes, with what waits for it. Sealed: it is marked, and what
    /// waits for it goes. Set aside: it goes. Answers the entries that are gone.
    ///
    /// `goes` says what may go with it: where it is taken back once more, another tab may have
    /// stored something meanwhile that rests on it, and whose author knows nothing of this.
    pub fn roll_back(
        &mut self,
        number: u64,
        goes: &dyn Fn(&Entry) -> bool,
        journal: &mut Journal,
    ) -> Vec<EntryRow> {
        let mut gone = Vec::new();
        for waiting in self.all_waiting_for(number, goes).into_iter().rev() {
            gone.extend(self.discard(waiting, journal));
        }
        let Some(entry) = self.entries.get_mut(&number) else {
            return gone;
        };
        if let EntryState::Sealed { take_back, .. } = &mut entry.row.state {
            *take_back = true;
            self.store(number, journal);
        } else {
            gone.extend(self.discard(number, journal));
        }
        gone
    }

    /// What waits for an entry, and what waits for that.
    fn all_waiting_for(&self, target: u64, is_meant: &dyn Fn(&Entry) -> bool) -> SortedSet<u64> {
        let mut found = SortedSet::new();
        let target_entry = self.entry(target).into_iter();
        let mut ids: SortedSet<EditId> = target_entry.flat_map(|it| it.row.ids()).collect();
        // What waits lies above what it waits for; were it otherwise, another pass would find it.
        loop {
            let known = found.len();
            for entry in self.entries().filter(|entry| entry.is_queued()) {
                let waits = || entry.after().iter().any(|id| ids.contains(id));
                let number = entry.row.number;
                if number != target && !found.contains(&number) && is_meant(entry) && waits() {
                    found.insert(number);
                    ids.extend(entry.row.ids());
                }
            }
            if found.len() == known {
                return found;
            }
        }
    }

    /// Notes records that are about to vanish from the confirmed state, so that entries which
    /// write them can restore them.
    pub fn remember_removed(&mut self, id: &RecordId, record: &RecordState, journal: &mut Journal) {
        let touching = self.entries().filter(|entry| entry.lacks_base_of(id));
        let numbers: Vec<u64> = touching.map(|entry| entry.row.number).collect();
        for number in numbers {
            if let Some(entry) = self.entries.get_mut(&number) {
                entry.row.removed.push(base_record(id, record));
            }
            self.store(number, journal);
        }
    }
}

/// The outbox has no room for another edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} edits wait on this board already; reconnect, or roll some back",
    limits::OUTBOX_ENTRIES_MAX
)]
pub struct OutboxFull;

fn is_ready(change: &LocalChange) -> bool {
    change.seen.after.is_empty()
}
