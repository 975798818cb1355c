//! Edits come in: what they rest on, squashing, and joining what waits for a person.

use driftless_model::{
    BoardState, EditId, OnStale, RecordId, SortedMap, SortedSet, Version, limits,
};
use driftless_protocol::durable::{BaseLeaf, BaseRecord, EntryRow, LocalChange};

use super::entry::base_of;
use super::{Entry, MadeHere, NewEdit, Outbox, OutboxFull, history_id};
use crate::planted::{Bug, is_planted};
use crate::replica::journal::Journal;
use crate::replica::realtime_state::RealtimeState;

/// What the author of an edit saw of what it changes, and when that was.
#[derive(Debug, Clone, PartialEq)]
pub struct Saw {
    /// Of each leaf that it writes.
    pub(super) base: Vec<BaseLeaf>,
    /// Of each record that it removes.
    pub(super) removed: Vec<BaseRecord>,
    /// When, in milliseconds since 1970 by the device's clock.
    pub(super) made_at_ms: u64,
    /// See [`EntryRow::token`].
    pub(in crate::replica) token: Option<u64>,
}

impl Outbox {
    /// What the author of an edit sees now of what it changes.
    pub fn saw(
        &self,
        new: &NewEdit,
        is_decision: bool,
        state: &RealtimeState,
        made_at_ms: u64,
    ) -> Saw {
        // What an undo brings back, and what a decision is over, lies under what is pending now;
        // the last flush may be older, and show what was decided on.
        let is_over_pending = is_decision || new.on_stale == OnStale::Skip;
        let view_of = |id: &RecordId| {
            if is_over_pending {
                let one = SortedSet::from([id.clone()]);
                let active = self.active_changes(&one).remove(id).unwrap_or_default();
                state.fold_now(&self.schema, id, &active)
            } else {
                state.views().get(id).cloned()
            }
        };
        let (base, removed) = base_of(&new.changes, view_of);
        Saw {
            base,
            removed,
            made_at_ms,
            token: None,
        }
    }

    /// Whether there is room for one more.
    pub fn check_room(&self) -> Result<(), OutboxFull> {
        if self.entries.len() >= limits::OUTBOX_ENTRIES_MAX {
            return Err(OutboxFull);
        }
        Ok(())
    }

    /// Adds an edit; answers its number. An edit that rests on one that was set aside joins it:
    /// answers with that one's number which edits did.
    pub fn add(
        &mut self,
        mut new: NewEdit,
        saw: Saw,
        confirmed: &BoardState,
        journal: &mut Journal,
    ) -> (u64, Vec<EditId>) {
        self.note_made_here(new.id);
        let gesture_before = new
            .gesture
            .and_then(|gesture| self.follow_gesture(gesture, new.id));
        for change in &mut new.changes {
            self.settle_seen(change, gesture_before, confirmed);
        }
        let number = match self.squashed(&new, &saw) {
            Some(entry) => {
                let number = entry.row.number;
                self.entries.insert(number, Box::new(entry));
                self.store(number, journal);
                number
            }
            None => self.insert(new, saw, journal),
        };
        let Some(target) = self.set_aside_below(number) else {
            return (number, Vec::new());
        };
        let joining = self.entry(number).into_iter();
        let joining = joining.flat_map(|entry| entry.row.ids()).collect();
        self.join_waiting(target, journal);
        (target, joining)
    }

    fn note_made_here(&mut self, id: EditId) {
        let is_of_another = false;
        self.made_here.push_back(MadeHere { id, is_of_another });
        if self.made_here.len() > limits::RECENT_EDITS_MAX {
            self.made_here.pop_front();
        }
    }

    /// Whether an entry is, or holds, an edit that was made here and not in another tab.
    pub fn is_made_here(&self, row: &EntryRow) -> bool {
        row.ids().any(|id| self.made_as(id).is_some())
    }

    /// How an edit was made here, if it was.
    fn made_as(&self, id: EditId) -> Option<&MadeHere> {
        self.made_here.iter().rev().find(|made| made.id == id)
    }

    /// Whether a part of an entry was made in another tab.
    pub(in crate::replica) fn is_of_another(&self, entry: &Entry) -> bool {
        let is_own = |id: &EditId| self.made_as(*id).is_some_and(|made| !made.is_of_another);
        entry.is_foreign || !entry.row.folded.iter().all(is_own)
    }

    /// The edit was made here of what another tab made, and no person of this one saw it: it is
    /// that tab's.
    pub(in crate::replica) fn made_of_anothers(&mut self, id: EditId) {
        if let Some(made) = self.made_here.iter_mut().rfind(|made| made.id == id) {
            made.is_of_another = true;
        }
        if let Some(entry) = self.entries.values_mut().rfind(|entry| entry.row.id == id) {
            entry.is_foreign = true;
        }
    }

    /// The last edit of a gesture so far.
    pub fn last_of_gesture(&self, gesture: u64) -> Option<EditId> {
        let mut gestures = self.gestures.iter();
        let last = gestures.find(|(own, _)| *own == gesture);
        last.map(|(_, edit)| *edit)
    }

    /// Notes the newest edit of a gesture; answers the one before it.
    fn follow_gesture(&mut self, gesture: u64, id: EditId) -> Option<EditId> {
        let index = self.gestures.iter().position(|(own, _)| *own == gesture);
        let before = index.map(|index| self.gestures.remove(index).1);
        self.gestures.push((gesture, id));
        let surplus = self.gestures.len().saturating_sub(limits::GESTURES_MAX);
        self.gestures.drain(..surplus);
        before
    }

    fn insert(&mut self, new: NewEdit, saw: Saw, journal: &mut Journal) -> u64 {
        self.put_last(Entry::new(new, saw), journal)
    }

    /// Puts an entry after all others. Answers the number that it gets.
    pub(super) fn put_last(&mut self, mut entry: Entry, journal: &mut Journal) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        entry.row.number = number;
        self.entries.insert(number, Box::new(entry));
        self.store(number, journal);
        number
    }

    /// A set-aside entry that this one waits for, if any.
    fn set_aside_below(&self, number: u64) -> Option<u64> {
        let entry = self.entries.get(&number)?;
        let mut set_aside = self.entries().filter(|other| other.is_set_aside());
        set_aside
            .find(|other| entry.waits_for(other))
            .map(|other| other.row.number)
    }

    /// Makes what a change rests on final: own edits that got their version meanwhile count with
    /// it, own edits on the same leaf and the same gesture are waited for.
    fn settle_seen(
        &self,
        change: &mut LocalChange,
        gesture_before: Option<EditId>,
        confirmed: &BoardState,
    ) {
        let mut on_screen = std::mem::take(&mut change.seen.after);
        let is_of_past = |id: &EditId| (0..self.history).any(|past| *id == history_id(past));
        let is_over = on_screen.iter().any(is_of_past);
        on_screen.retain(|id| !is_of_past(id) && *id != history_id(self.history));
        if is_over {
            // What was on screen when the person began may never have been.
            change.seen.version = Version(0);
        }
        let holders = self.holders(&on_screen);
        let holder = |id: &EditId| holders.get(id).copied();
        let mut hiding = Vec::new();
        for id in &on_screen {
            hiding.extend(self.settle_hidden(change, (*id, holder(id)), confirmed));
        }
        change.seen.after = on_screen;
        for own in hiding {
            own.hide(change);
        }
        let mut on_screen = std::mem::take(&mut change.seen.after);
        let is_another = |id: &EditId| holder(id).is_some_and(|it| it.is_another_than(*id));
        on_screen.retain(|id| !is_another(id));
        let before = gesture_before.filter(|id| self.by_id(*id).is_none());
        if let Some(own) = before.and_then(|id| self.recently(id))
            && own.version() > Some(change.seen.version)
        {
            own.settle(change, confirmed, &self.schema);
        }
        let mut after: SortedSet<EditId> = on_screen.into_iter().collect();
        after.extend(gesture_before);
        // What another tab wrote counts where it was on screen.
        let here = self.entries().filter(|entry| !entry.is_foreign);
        let own = here
            .filter(|entry| entry.is_unsettled() && entry.is_under(change, &self.schema))
            .map(|entry| entry.row.id);
        after.extend(own);
        let after: Vec<EditId> = after.into_iter().collect();
        let after: Vec<&Entry> = self.holders(&after).into_values().collect();
        change.seen.after = self.nearest(change, &after);
    }

    /// The entries of these edits, or those that they became part of. One pass over the outbox,
    /// however many edits.
    fn holders(&self, ids: &[EditId]) -> SortedMap<EditId, &Entry> {
        let wanted: SortedSet<EditId> = ids.iter().copied().collect();
        let own = self
            .entries()
            .flat_map(|entry| entry.row.ids().map(move |id| (id, entry)));
        own.filter(|(id, _)| wanted.contains(id)).collect()
    }

    /// The last entry with this edit in it, if that one is queued and of the same gesture, and both
    /// are an edit that the server takes: else each goes by itself, one after the other.
    fn squashed(&self, new: &NewEdit, saw: &Saw) -> Option<Entry> {
        let (_, last) = self.entries.last_key_value()?;
        let is_same = new.gesture.is_some() && last.row.gesture == new.gesture;
        let is_same = is_same && last.row.token == saw.token;
        let is_new = last.row.again.is_none() && !last.is_foreign;
        let is_open = last.is_queued() || is_planted(Bug::SquashSealed);
        if !(is_same && is_new && is_open && last.row.on_stale == new.on_stale) {
            return None;
        }
        let mut entry = Entry::clone(last);
        entry.squash(new.clone());
        entry.fits().then_some(entry)
    }
}
