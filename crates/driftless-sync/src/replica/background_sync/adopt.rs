//! What other tabs wrote: whoever leads takes it into the outbox; everybody else reads the outbox
//! anew, and finds out what became of the entries that they knew.

use driftless_model::{BoardState, EditId, RecordId, SortedMap, SortedSet};
use driftless_protocol::durable::{AppliedRow, BoardRow, EntryRow, Key, Row};

use super::{Entry, Outbox};
use crate::replica::journal::Journal;

/// An outbox as it is stored.
#[derive(Debug, Clone, Default)]
pub struct StoredOutbox {
    /// The counters.
    pub counters: Option<BoardRow>,
    /// The entries, by number.
    pub entries: SortedMap<u64, EntryRow>,
    /// The applied edits that are kept.
    pub applied: Vec<AppliedRow>,
}

/// What became of an entry while somebody else led.
#[derive(Debug, Clone)]
pub enum Became {
    /// It was applied.
    Applied(Box<AppliedRow>),
    /// It waits for a person, perhaps as part of another one: the number.
    SetAside(u64),
    /// It was taken back, and had no effect.
    TakenBack(Box<EntryRow>),
    /// A person let it go or decided otherwise, in another tab.
    Gone(Box<EntryRow>),
}

/// What was taken in.
#[derive(Debug, Default)]
pub struct Adopted {
    /// The records whose view changes.
    pub touched: SortedSet<RecordId>,
    /// Entries that are no more.
    pub gone: Vec<EntryRow>,
}

impl Outbox {
    /// The numbers at which another tab wrote.
    fn differing(&self, stored: &StoredOutbox, journal: &Journal) -> Vec<u64> {
        let mut numbers = journal.known_entries(&self.board);
        numbers.extend(stored.entries.keys());
        let differs = |number: &u64| {
            let known = match journal.known(&self.key(*number)) {
                Some(Row::Entry(row)) => Some(&**row),
                _ => None,
            };
            known != stored.entries.get(number)
        };
        numbers.into_iter().filter(differs).collect()
    }

    fn key(&self, number: u64) -> Key {
        Key::Entry(self.board.clone(), number)
    }

    /// Whether another tab wrote what this one is about to write.
    pub fn clashes(&self, stored: &StoredOutbox, journal: &Journal) -> bool {
        let mut differing = self.differing(stored, journal).into_iter();
        differing.any(|number| journal.is_staged(&self.key(number)))
    }

    /// Takes in what other tabs wrote. What is staged here must not clash with it.
    pub fn adopt(
        &mut self,
        stored: &StoredOutbox,
        confirmed: &BoardState,
        journal: &mut Journal,
    ) -> Adopted {
        let mut adopted = Adopted::default();
        let differing = self.differing(stored, journal);
        for number in &differing {
            let row = stored.entries.get(number);
            let learnt = row.map(|row| Row::Entry(Box::new(row.clone())));
            journal.learn(self.key(*number), learnt);
            let before = self.entries.remove(number);
            adopted
                .touched
                .extend(before.iter().flat_map(|entry| entry.records()));
            if let Some(row) = row {
                self.take_in(row.clone(), before.as_deref());
                adopted.touched.extend(self.entries[number].records());
            }
            adopted.gone.extend(before.map(|entry| entry.row));
        }
        adopted.gone.retain(|row| self.by_id(row.id).is_none());
        for row in &adopted.gone {
            self.forget_gone(row, journal);
        }
        self.take_charge(confirmed, journal, &mut adopted.touched);
        adopted
    }

    fn take_in(&mut self, row: EntryRow, before: Option<&Entry>) {
        let number = row.number;
        let before = before.filter(|before| before.row.id == row.id);
        let entry = Entry {
            attempts: before.map_or(0, |before| before.attempts),
            is_foreign: before.is_none_or(|before| before.is_foreign),
            ..Entry::restored(row)
        };
        self.next_number = self.next_number.max(number + 1);
        self.entries.insert(number, Box::new(entry));
    }

    /// Takes charge of what other tabs wrote: what an entry waits for may have been settled before
    /// whoever leads heard of the entry.
    pub fn take_charge(
        &mut self,
        confirmed: &BoardState,
        journal: &mut Journal,
        touched: &mut SortedSet<RecordId>,
    ) {
        let current: SortedSet<EditId> = self.entries().map(|it| it.row.id).collect();
        let waits = |entry: &&Entry| {
            let after = entry.after();
            entry.is_queued() && after.iter().any(|id| !current.contains(id))
        };
        let waiting = self.entries().filter(waits);
        let waiting: Vec<u64> = waiting.map(|entry| entry.row.number).collect();
        for number in waiting {
            self.settle_adopted(number, confirmed, journal);
        }
        self.join_adopted(touched, journal);
    }

    fn settle_adopted(&mut self, number: u64, confirmed: &BoardState, journal: &mut Journal) {
        let Some(entry) = self.entries.get(&number) else {
            return;
        };
        let mut changes = entry.row.changes.clone();
        let is_there = |id: EditId| {
            let holder = self.by_id(id);
            holder.is_some_and(|it| it.row.id == id || it.is_set_aside())
        };
        for change in &mut changes {
            for own in self.settle_all_absent(change, confirmed, &is_there) {
                own.hide(change);
            }
        }
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        if entry.row.changes != changes {
            entry.row.changes = changes;
            self.store(number, journal);
        }
    }

    fn join_adopted(&mut self, touched: &mut SortedSet<RecordId>, journal: &mut Journal) {
        let set_aside = self.entries().filter(|entry| entry.is_set_aside());
        let set_aside: Vec<u64> = set_aside.map(|entry| entry.row.number).collect();
        for number in set_aside {
            if self.is_awaited(number) {
                self.join_waiting(number, journal);
                touched.extend(self.entries[&number].records());
            }
        }
    }

    /// Starts from what is stored; what was not stored is gone. Answers what became of the entries
    /// that were: `journal` still knows which.
    pub fn reread(&mut self, stored: StoredOutbox, journal: &Journal) -> Vec<Became> {
        let before = std::mem::take(&mut self.entries);
        self.restart(stored);
        let made_here = self.made_here.iter().filter(|made| !made.is_of_another);
        let made_here: SortedSet<EditId> = made_here.map(|made| made.id).collect();
        for entry in self.entries.values_mut() {
            let is_here = entry.row.ids().any(|id| made_here.contains(&id));
            entry.is_foreign = !is_here;
        }
        let is_stored = |entry: &&Entry| match journal.known(&self.key(entry.row.number)) {
            Some(Row::Entry(known)) => entry.is_or_holds(known.id),
            _ => false,
        };
        let known: Vec<Entry> = before
            .values()
            .map(Box::as_ref)
            .filter(is_stored)
            .cloned()
            .collect();
        known
            .iter()
            .filter_map(|entry| self.became(entry))
            .collect()
    }

    fn restart(&mut self, stored: StoredOutbox) {
        let counters = stored.counters.as_ref();
        self.next_seq = counters.map_or(1, |row| row.next_seq);
        self.settled = counters.map_or(0, |row| row.settled);
        self.settled_durable = self.settled;
        self.settled_tickets.clear();
        self.next_number = 1;
        self.applied.clear();
        for row in stored.applied {
            self.restore_applied(row);
        }
        for row in stored.entries.into_values() {
            self.restore_entry(row);
        }
    }

    fn became(&mut self, before: &Entry) -> Option<Became> {
        let row = &before.row;
        if let Some(entry) = self.by_id(row.id) {
            let is_set_aside = before.is_unsettled() && entry.is_set_aside();
            return is_set_aside.then_some(Became::SetAside(entry.row.number));
        }
        if let Some(applied) = self.applied_edit(row.id).cloned() {
            let own = self.own_applied(&applied.entry, applied.version, &applied.skipped);
            self.remember(own);
            return Some(Became::Applied(Box::new(applied)));
        }
        self.remember(self.own_gone(row));
        let row = Box::new(row.clone());
        Some(if before.is_taken_back() {
            Became::TakenBack(row)
        } else {
            Became::Gone(row)
        })
    }
}
