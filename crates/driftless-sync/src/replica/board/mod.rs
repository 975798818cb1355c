//! One board of a replica: its state, its outbox, and how far the stream from the server is.

mod copy;
mod reread;
mod undo;

use std::sync::Arc;

use driftless_model::{
    BoardId, ClientId, Cursor, EditId, Effect, LeafRef, RecordId, Replaced, Schema, Slot,
    SortedSet, UserId, Version, effects, limits,
};
use driftless_protocol::durable::{EntryRow, EntryState, Key, LocalChange, RecordRow, Row};
use driftless_protocol::message::{Event, Outcome, Resume, Settled};

pub use reread::StoredBoard;

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::{Entry, Outbox, SettleStep, Told, records_of, undo_changes};
use crate::replica::journal::Journal;
use crate::replica::realtime_state::RealtimeState;
use crate::replica::shown::Shown;
use crate::replica::types::{Notice, Settlement};
use crate::replica::undo_history::{Applied, UndoHistory, Versions, versions_under};
use crate::replica::update_processor::BoardFlush;

/// One board of a replica.
#[derive(Debug)]
pub struct Board {
    id: BoardId,
    /// What the server said and the person sees.
    pub state: RealtimeState,
    /// What is unsettled.
    pub outbox: Outbox,
    /// What the person can undo and redo.
    pub history: UndoHistory,
    /// How far the stream is.
    pub stream: Stream,
    /// Whether the application follows the board.
    pub is_followed: bool,
    /// Why the user may not read it, as the server said last; nothing where they may, as far as is
    /// known.
    pub refused: Option<String>,
    /// Whether an application in another tab does, for which this one leads.
    pub is_followed_elsewhere: bool,
    /// Since when which version is on screen.
    pub(super) shown: Shown,
}

/// As whom a replica is connected, and when.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The user.
    pub user: UserId,
    /// The replica.
    pub client: ClientId,
    /// The device's clock, in milliseconds since 1970.
    pub epoch_ms: u64,
}

/// How far the stream from the server is, on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Not asked for.
    Detached,
    /// Asked for; the resume has not come.
    Resuming,
    /// Asked for whole: where the deleted copy stood is part of the server's history.
    Agreed,
    /// Edits go out.
    Live {
        /// The next seq to send.
        next: u64,
    },
    /// A transient refusal: edits wait.
    Paused {
        /// Until this monotonic time, in milliseconds.
        until_ms: u64,
        /// The seq to go on with.
        next: u64,
    },
    /// The resume did not come, since the server could not read the board or the user may not:
    /// asked for again then.
    Retrying {
        /// The monotonic time, in milliseconds.
        at_ms: u64,
    },
}

/// What a message did to a board.
#[derive(Debug, Default)]
pub struct Step {
    /// The records whose view may have changed.
    pub touched: SortedSet<RecordId>,
    /// Whether the outbox changed.
    pub outbox_changed: bool,
    /// What the application is told.
    pub notices: Vec<Notice>,
    /// What went wrong with the stream, if anything.
    pub trouble: Option<Trouble>,
    /// Whether a reading of the storage found anything new.
    pub is_news: bool,
    /// Undo edits to add: for entries that were taken back and turned out to be applied.
    pub undo: Vec<Undo>,
}

/// An edit that undoes an applied one.
#[derive(Debug)]
pub struct Undo {
    /// What it says that it does.
    pub label: String,
    /// Its changes.
    pub changes: Vec<LocalChange>,
    /// The entry that it undoes.
    pub of: Box<EntryRow>,
    /// What that one had written over.
    pub over: Versions,
}

/// What goes wrong with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Something is missing: follow the board anew from the cursor.
    Gap,
    /// This copy's identity is used by another one, or the server knows less than it confirmed.
    Identity,
}

impl Board {
    /// A board of which nothing is known yet.
    pub fn new(id: BoardId, schema: Arc<Schema>) -> Self {
        Self {
            state: RealtimeState::default(),
            outbox: Outbox::new(id.clone(), schema),
            history: UndoHistory::default(),
            stream: Stream::Detached,
            is_followed: false,
            refused: None,
            is_followed_elsewhere: false,
            shown: Shown::default(),
            id,
        }
    }

    /// Whether edits of the board have to be received or sent.
    pub fn wants_stream(&self) -> bool {
        let is_followed = self.is_followed || self.is_followed_elsewhere;
        is_followed || self.outbox.entries().any(Entry::is_unsettled)
    }

    /// Asks for a board that rests now rather than when its time comes.
    pub fn hurry(&mut self) {
        match self.stream {
            Stream::Paused { next, .. } => self.stream = Stream::Live { next },
            Stream::Retrying { .. } => self.stream = Stream::Detached,
            _ => {}
        }
    }

    /// Takes somebody else's applied edit.
    pub fn event(&mut self, event: &Event, user: &UserId, journal: &mut Journal) -> Step {
        let mut step = Step::default();
        let expected = self.state.version().next();
        if event.version < expected {
            return step;
        }
        if event.version > expected || self.state.cursor().is_none() {
            step.trouble = Some(Trouble::Gap);
            return step;
        }
        let cursor = Cursor {
            version: event.version,
            check: event.check,
        };
        let is_halved = is_planted(Bug::HalfEvent) && event.effects.len() > 1;
        let taken = event.effects.len() - usize::from(is_halved);
        let effects = &event.effects[..taken];
        self.advance(cursor, effects, &event.author, journal, &mut step);
        let own = event
            .replaced
            .iter()
            .filter(|replaced| replaced.author == *user);
        step.notices.extend(own.map(|replaced| Notice::Overwritten {
            board: self.id.clone(),
            at: replaced.at.clone(),
            value: replaced.value.clone(),
            by: event.author.clone(),
            version: event.version,
        }));
        self.store_board(journal);
        step
    }

    /// Takes the outcome of an own edit, in stream order.
    pub fn outcome(&mut self, settled: &Settled, whose: &Whose, journal: &mut Journal) -> Step {
        let mut step = Step::default();
        let mut over = Versions::new();
        let version = self.state.version();
        if let Outcome::Applied {
            version: applied,
            check,
            skipped,
            effects: renamed,
            ..
        } = &settled.outcome
            && *applied > version
        {
            let entry = self.outbox.at_seq(settled.seq);
            let entry = entry.filter(|entry| entry.row.id == settled.id);
            let (Some(entry), true) = (entry, *applied == version.next()) else {
                step.trouble = Some(Trouble::Gap);
                return step;
            };
            over = versions_under(&entry.row.changes, self.state.confirmed());
            let changes = entry
                .row
                .changes
                .iter()
                .map(|change| driftless_model::Change {
                    record: change.record.clone(),
                    seen: change.seen.version,
                    op: change.op.clone(),
                });
            let own = || effects(&changes.collect::<Vec<_>>(), skipped);
            let effects = renamed.clone().unwrap_or_else(own);
            let cursor = Cursor {
                version: *applied,
                check: *check,
            };
            self.advance(cursor, &effects, &whose.user, journal, &mut step);
        }
        self.settle(settled, whose, over, journal, &mut step);
        self.store_board(journal);
        step
    }

    /// Takes everything that this replica lacks, as one unit.
    pub fn resume(&mut self, resume: &Resume, whose: &Whose, journal: &mut Journal) -> Step {
        let mut step = Step::default();
        self.refused = None;
        if self.state.cursor().is_none() && !resume.full {
            // What is pending rests on the server's history. The copy of it is gone.
            self.stream = Stream::Agreed;
            step.trouble = Some(Trouble::Gap);
            return step;
        }
        if !resume.full && resume.since > self.state.cursor().map(|own| own.version) {
            // Something that was sent before it was lost here. The answer to what was asked since
            // has all of it.
            if self.stream != Stream::Resuming {
                step.trouble = Some(Trouble::Gap);
            }
            return step;
        }
        let is_copied = self.differs_at(resume.last_seq, resume.last_id)
            || self.outbox.applied_differs(whose.client, resume);
        let is_other = resume.last_seq < self.outbox.settled()
            || resume.last_seq >= self.outbox.next_seq()
            || is_copied;
        self.take_values(resume, journal, &mut step);
        // An outcome of this very edit is true, whoever else uses the identity.
        for settled in &resume.outcomes {
            if !is_other || self.outbox.has(settled) {
                self.settle(settled, whose, Versions::new(), journal, &mut step);
            }
        }
        if is_other || resume.diverged {
            self.history.forget_applied();
        }
        if resume.diverged {
            self.outbox.forget_seen(journal);
            step.outbox_changed = true;
        }
        self.offer_missing(resume, is_copied, whose, journal, &mut step);
        let is_unknown = |entry: &Entry| {
            entry
                .seq()
                .is_some_and(|seq| resume.diverged || seq <= resume.last_seq)
        };
        if is_other || self.outbox.entries().any(is_unknown) {
            step.trouble = Some(Trouble::Identity);
        } else {
            self.stream = Stream::Live {
                next: resume.last_seq.saturating_add(1),
            };
        }
        self.store_board(journal);
        step
    }

    /// What the server had applied and lacks now waits for its author to send it again.
    fn offer_missing(
        &mut self,
        resume: &Resume,
        is_copied: bool,
        whose: &Whose,
        journal: &mut Journal,
        step: &mut Step,
    ) {
        let confirmed = self.state.confirmed();
        let whose = (whose.client, &whose.user);
        let offered = self
            .outbox
            .offer_missing(whose, is_copied, resume, confirmed, journal);
        for number in offered {
            step.outbox_changed = true;
            let Some(Entry { row, .. }) = self.outbox.entry(number) else {
                continue;
            };
            step.touched.extend(records_of(row));
            if matches!(row.state, EntryState::Quarantined { .. }) {
                let settlement = set_aside_as(&row.state);
                step.notices.extend(settlements(&self.id, row, &settlement));
            }
        }
    }

    fn differs_at(&self, seq: u64, id: Option<EditId>) -> bool {
        self.outbox
            .at_seq(seq)
            .is_some_and(|entry| Some(entry.row.id) != id)
    }

    fn take_values(&mut self, resume: &Resume, journal: &mut Journal, step: &mut Step) {
        let stays = |id: &RecordId| {
            let is_gone = resume.removed.iter().any(|removed| removed.record == *id);
            let is_new = resume.records.iter().any(|whole| whole.record == *id);
            !is_gone && (is_new || !resume.full)
        };
        let vanishing = self.state.confirmed().live().filter(|(id, _)| !stays(id));
        let vanishing: Vec<_> = vanishing
            .map(|(id, record)| (id.clone(), record.clone()))
            .collect();
        for (id, record) in &vanishing {
            self.outbox.remember_removed(id, record, journal);
        }
        let touched = self.state.resume(resume);
        self.store_records(&touched, journal);
        step.touched.extend(touched);
    }

    /// Moves the confirmed state by one applied edit.
    fn advance(
        &mut self,
        cursor: Cursor,
        effects: &[Effect],
        author: &UserId,
        journal: &mut Journal,
        step: &mut Step,
    ) {
        let touched: SortedSet<RecordId> =
            effects.iter().map(|effect| effect.record.clone()).collect();
        for effect in effects {
            if matches!(effect.op, driftless_model::Op::Remove)
                && let Some(record) = self.state.confirmed().record(&effect.record)
            {
                self.outbox
                    .remember_removed(&effect.record, record, journal);
            }
        }
        self.state.advance(cursor, effects, author);
        if !is_planted(Bug::StoreHalf) {
            self.store_records(&touched, journal);
        }
        step.touched.extend(touched);
    }

    /// `over` is what the edit wrote over, where that is known.
    fn settle(
        &mut self,
        settled: &Settled,
        whose: &Whose,
        over: Versions,
        journal: &mut Journal,
        step: &mut Step,
    ) {
        match self.outbox.settle(settled, self.state.confirmed(), journal) {
            SettleStep::Applied(row) => {
                if let Outcome::Applied {
                    version,
                    skipped,
                    replaced,
                    ..
                } = &settled.outcome
                {
                    let place = (whose.client, settled.seq);
                    let told = Told {
                        version: *version,
                        skipped,
                        replaced,
                        over: &over,
                    };
                    self.outbox
                        .keep_applied(&row, place, told, whose.epoch_ms, journal);
                }
                self.applied(*row, &settled.outcome, over, step);
            }
            SettleStep::SetAside(number) => self.set_aside(number, None, step),
            SettleStep::TakenBack(row) => {
                step.outbox_changed = true;
                self.history.had_no_effect(&row);
                step.notices
                    .extend(settlements(&self.id, &row, &Settlement::RolledBack));
            }
            SettleStep::Unknown => {}
            SettleStep::Mismatch => step.trouble = Some(Trouble::Identity),
        }
    }

    /// An entry waits for a person from here on, with all that joined it; or it did already, and
    /// these edits joined it.
    pub fn set_aside(&mut self, number: u64, joined: Option<&[EditId]>, step: &mut Step) {
        let Some(Entry { row, .. }) = self.outbox.entry(number) else {
            return;
        };
        step.outbox_changed = true;
        self.history.forget(row);
        step.touched.extend(records_of(row));
        let mut told = settlements(&self.id, row, &set_aside_as(&row.state));
        told.retain(|told| {
            let is_of =
                |ids: &[EditId]| matches!(told, Notice::EditSettled { id, .. } if ids.contains(id));
            joined.is_none_or(is_of)
        });
        step.notices.extend(told);
    }

    fn applied(&mut self, row: EntryRow, outcome: &Outcome, over: Versions, step: &mut Step) {
        let Outcome::Applied {
            version,
            skipped,
            replaced,
            ..
        } = outcome
        else {
            return;
        };
        step.outbox_changed = true;
        step.touched.extend(records_of(&row));
        step.notices
            .extend(self.applied_notices(&row, *version, skipped, replaced));
        let is_taken_back = matches!(
            row.state,
            EntryState::Sealed {
                take_back: true,
                ..
            }
        );
        if is_taken_back {
            self.history.took_effect(row.id, *version, skipped);
            let has_made = |id: &RecordId| self.has_made(id, *version);
            let changes = undo_changes(&row, skipped, *version, &has_made);
            step.undo.push(Undo {
                label: labelled("Take back", &row.label),
                changes,
                of: Box::new(row),
                over,
            });
        } else {
            self.history.applied(&Applied {
                row,
                skipped: skipped.clone(),
                version: *version,
                over,
            });
        }
    }

    /// What is told about an edit that was applied.
    fn applied_notices(
        &self,
        row: &EntryRow,
        version: Version,
        skipped: &[LeafRef],
        replaced: &[Replaced],
    ) -> Vec<Notice> {
        let mut notices = settlements(&self.id, row, &Settlement::Applied(version));
        if !skipped.is_empty() {
            notices.push(Notice::Skipped {
                board: self.id.clone(),
                id: row.id,
                label: row.label.clone(),
                at: skipped.to_vec(),
            });
        }
        notices.extend(replaced.iter().map(|replaced| Notice::Replaced {
            board: self.id.clone(),
            at: replaced.at.clone(),
            value: replaced.value.clone(),
            author: replaced.author.clone(),
        }));
        notices
    }

    /// Stages the board's row: cursor, next seq, settled mark.
    pub fn store_board(&mut self, journal: &mut Journal) {
        let ticket = journal.put(self.outbox.board_row(&self.state, self.refused.as_ref()));
        self.outbox.board_row_staged(ticket);
    }

    fn store_records(&self, records: &SortedSet<RecordId>, journal: &mut Journal) {
        for record in records {
            let slot: Option<&Slot> = self.state.confirmed().records.get(record);
            let (board, id) = (self.id.clone(), record.clone());
            match slot {
                Some(slot) => {
                    let slot = slot.clone();
                    journal.put(Row::Record(RecordRow {
                        board,
                        record: id,
                        slot,
                    }));
                }
                None => {
                    journal.delete(Key::Record(board, id));
                }
            }
        }
    }

    /// Folds the outbox over the flushed records again. Answers which views changed.
    pub fn refresh(&mut self, flush: &BoardFlush) -> Vec<RecordId> {
        let records = flush.records.iter().cloned().collect();
        let active = self.outbox.active_changes(&records);
        let set_aside = self.outbox.set_aside(&records);
        self.state.refresh(
            self.outbox.schema(),
            flush,
            |record| active.get(record).cloned().unwrap_or_default(),
            |record| set_aside.get(record).cloned().unwrap_or_default(),
        )
    }

    /// Every record that anything is known about.
    pub fn all_records(&self) -> SortedSet<RecordId> {
        let confirmed = self.state.confirmed().records.keys().cloned();
        confirmed
            .chain(self.outbox.entries().flat_map(Entry::records))
            .collect()
    }
}

/// What is told about an entry: for its edit and all that were joined to it.
pub fn settlements(board: &BoardId, row: &EntryRow, settlement: &Settlement) -> Vec<Notice> {
    let notice = |id: EditId| Notice::EditSettled {
        board: board.clone(),
        id,
        label: row.label.clone(),
        settlement: settlement.clone(),
    };
    row.ids().map(notice).collect()
}

/// As what an entry waits for a person.
fn set_aside_as(state: &EntryState) -> Settlement {
    match state {
        EntryState::Quarantined { code, detail } => Settlement::Rejected {
            code: *code,
            detail: detail.clone(),
        },
        _ => Settlement::Conflicted,
    }
}

/// A label for an edit about another one, within the limit.
pub fn labelled(what: &str, label: &str) -> String {
    let mut text = format!("{what}: {label}");
    while text.len() > limits::LABEL_BYTES_MAX {
        text.pop();
    }
    text
}
