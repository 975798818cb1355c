//! A board as it is stored, where other tabs write too.

use driftless_model::{RecordId, Slot, SortedMap, SortedSet};
use driftless_protocol::durable::{AppliedRow, EntryRow, EntryState};

use super::{Board, Step, settlements};
use crate::replica::background_sync::{Became, StoredOutbox};
use crate::replica::journal::Journal;
use crate::replica::types::Settlement;
use crate::replica::undo_history::Applied;

/// A board as it is stored.
#[derive(Debug, Clone, Default)]
pub struct StoredBoard {
    /// What the server said.
    pub records: SortedMap<RecordId, Slot>,
    /// What is unsettled, with the counters.
    pub outbox: StoredOutbox,
}

impl Board {
    /// Takes in what other tabs wrote, while this one leads.
    pub fn adopt(&mut self, stored: &StoredOutbox, journal: &mut Journal) -> Step {
        let confirmed = self.state.confirmed();
        let adopted = self.outbox.adopt(stored, confirmed, journal);
        let mut step = Step {
            outbox_changed: !adopted.touched.is_empty(),
            is_news: !adopted.touched.is_empty(),
            touched: adopted.touched,
            ..Step::default()
        };
        for row in &adopted.gone {
            self.history.forget(row);
            let told = settlements(&self.id, row, &Settlement::Discarded);
            step.notices.extend(told);
        }
        step
    }

    /// Starts from what is stored; what was not stored is gone.
    pub fn reread(&mut self, stored: StoredBoard, journal: &Journal) -> Step {
        let entries = |board: &Self| -> SortedMap<u64, EntryRow> {
            let entries = board.outbox.entries();
            entries
                .map(|entry| (entry.row.number, entry.row.clone()))
                .collect()
        };
        let before = entries(self);
        let counters = stored.outbox.counters.as_ref();
        let cursor = counters.and_then(|row| row.cursor);
        let is_moved = self.state.cursor() != cursor;
        let refused = counters.and_then(|row| row.refused.clone());
        let is_judged = self.refused != refused;
        self.refused = refused;
        let touched = self.state.reread(counters, stored.records);
        let became = self.outbox.reread(stored.outbox, journal);
        let now = entries(self);
        let numbers: SortedSet<&u64> = before.keys().chain(now.keys()).collect();
        let mut step = Step {
            touched,
            ..Step::default()
        };
        for number in numbers {
            let rows = (before.get(number), now.get(number));
            if rows.0 != rows.1 {
                step.outbox_changed = true;
                let rows = rows.0.into_iter().chain(rows.1);
                let changes = rows.flat_map(|row| &row.changes);
                step.touched
                    .extend(changes.map(|change| change.record.clone()));
            }
        }
        let mut set_aside = SortedSet::new();
        for became in became {
            let is_told = matches!(became, Became::SetAside(number) if !set_aside.insert(number));
            if !is_told {
                self.became(became, &mut step);
            }
        }
        let has_news = !step.touched.is_empty() || !step.notices.is_empty();
        step.is_news = is_moved || is_judged || step.outbox_changed || has_news;
        step
    }

    /// What became of an entry: undo has to know, and whoever made it here.
    fn became(&mut self, became: Became, step: &mut Step) {
        match became {
            Became::Applied(applied) => {
                if self.outbox.is_made_here(&applied.entry) {
                    step.notices.extend(self.applied_notices(
                        &applied.entry,
                        applied.version,
                        &applied.skipped,
                        &applied.replaced,
                    ));
                }
                self.applied_elsewhere(*applied);
            }
            Became::SetAside(number) => {
                let Some(entry) = self.outbox.entry(number) else {
                    return;
                };
                let row = &entry.row;
                self.history.forget(row);
                let settlement = match &row.state {
                    EntryState::Quarantined { code, detail } => Settlement::Rejected {
                        code: *code,
                        detail: detail.clone(),
                    },
                    _ => Settlement::Conflicted,
                };
                if self.outbox.is_made_here(row) {
                    step.notices.extend(settlements(&self.id, row, &settlement));
                }
            }
            Became::TakenBack(row) => {
                self.history.had_no_effect(&row);
                if self.outbox.is_made_here(&row) {
                    let told = settlements(&self.id, &row, &Settlement::RolledBack);
                    step.notices.extend(told);
                }
            }
            Became::Gone(row) => {
                self.history.forget(&row);
                if self.outbox.is_made_here(&row) {
                    let told = settlements(&self.id, &row, &Settlement::Discarded);
                    step.notices.extend(told);
                }
            }
        }
    }

    fn applied_elsewhere(&mut self, applied: AppliedRow) {
        let AppliedRow {
            entry,
            skipped,
            version,
            over,
            undone_by,
            ..
        } = applied;
        if let Some(undo) = undone_by {
            self.history.undoes(undo, &over);
            self.history.undone_by(&entry, Some(undo));
        }
        let row = entry;
        self.history.applied(&Applied {
            row,
            skipped,
            version,
            over,
        });
    }
}
