//! A record's news: what is told of it, and its look without what is pending.

use std::sync::Arc;

use driftless_model::{RecordId, Version};
use driftless_sync::replica::view::{EntryProgress, RecordView};
use leptos::prelude::*;

use crate::context::RealtimeContext;
use crate::erased::memo;

/// An edit that waits for a person: somebody changed the same, or it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEdit {
    /// The entry's number, for the outbox's `resolve`, `retry` and `roll_back`.
    pub number: u64,
    /// What the person did, in words.
    pub label: String,
}

/// Who is told what of a record.
#[derive(Clone, Copy, Default)]
pub struct RecordListeners {
    /// Told of each change of the record.
    pub update: Option<Callback<Arc<RecordView>>>,
    /// Told when all changes of the record are confirmed, with the board's version.
    pub sync: Option<Callback<Version>>,
    /// Told of each edit of the record that waits for a person.
    pub waiting: Option<Callback<WaitingEdit>>,
}

/// The record as it last was with nothing pending.
pub fn confirmed(latest: Signal<Option<Arc<RecordView>>>) -> Signal<Option<Arc<RecordView>>> {
    let confirmed = move |before: Option<&Option<Arc<RecordView>>>| {
        let latest = latest.get();
        match (before, &latest) {
            (Some(before @ Some(_)), Some(record)) if record.is_pending => before.clone(),
            _ => latest,
        }
    };
    Memo::new(confirmed).into()
}

/// Tells the listeners, for as long as the calling owner lives.
pub fn tell(
    context: RealtimeContext,
    latest: Signal<Option<Arc<RecordView>>>,
    id: RecordId,
    listeners: RecordListeners,
) {
    let RecordListeners {
        update,
        sync,
        waiting,
    } = listeners;
    if update.is_some() || sync.is_some() {
        tell_changes(context, latest, update, sync);
    }
    if let Some(waiting) = waiting {
        tell_waiting(context, id, waiting);
    }
}

fn tell_changes(
    context: RealtimeContext,
    latest: Signal<Option<Arc<RecordView>>>,
    on_update: Option<Callback<Arc<RecordView>>>,
    on_sync: Option<Callback<Version>>,
) {
    Effect::new(move |was_pending: Option<bool>| {
        let record = latest.get();
        let is_pending = record.as_ref().is_some_and(|record| record.is_pending);
        if let (Some(tell), Some(record), Some(_)) = (on_update, record, was_pending) {
            tell.run(record);
        }
        if let (Some(tell), Some(true), false) = (on_sync, was_pending, is_pending) {
            tell.run(context.version.get_untracked());
        }
        is_pending
    });
}

fn tell_waiting(context: RealtimeContext, id: RecordId, on_waiting: Callback<WaitingEdit>) {
    let waiting = memo(move || {
        context.outbox.with(|outbox| {
            let about = outbox.iter().filter(|entry| entry.records.contains(&id));
            let waiting = about.filter(|entry| EntryProgress::waits_for_person(&entry.state));
            let waiting = waiting.map(|entry| WaitingEdit {
                number: entry.number,
                label: entry.label.clone(),
            });
            waiting.collect::<Vec<_>>()
        })
    });
    Effect::new(move |before: Option<Vec<WaitingEdit>>| {
        let waiting = waiting.get();
        let before = before.unwrap_or_default();
        for edit in waiting.iter().filter(|edit| !before.contains(edit)) {
            on_waiting.run(edit.clone());
        }
        waiting
    });
}
