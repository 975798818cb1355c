//! `use_background_sync`: the outbox.

use std::sync::Arc;

use driftless_client::{ClientEvent, OutboxError, UndoState};
use driftless_model::{BoardId, EditId, Version};
use driftless_sync::replica::view::{EntryProgress, EntryView, Resolution, StorageVerdict};
use futures::StreamExt;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::context_or_complaint;
use crate::context::{RealtimeContext, try_use_realtime};
use crate::download::download_json;
use crate::erased::memo;

/// The outbox of the board: what is in it, and deciding on it.
#[derive(Clone, Copy)]
pub struct UseBackgroundSync {
    context: Option<RealtimeContext>,
    /// Every unsettled edit, oldest first.
    pub outbox: Signal<Arc<Vec<EntryView>>>,
    /// How many edits wait to be applied, without those that wait for a person.
    pub pending: Signal<usize>,
    /// How many edits wait for a person because somebody changed the same.
    pub conflicts: Signal<usize>,
    /// How many edits wait for a person because they were refused.
    pub quarantined: Signal<usize>,
    /// Whether this device keeps what is made.
    pub durable: Signal<bool>,
    /// The label of what [`Self::undo`] takes back; `None` where there is nothing.
    pub can_undo: Signal<Option<String>>,
    /// The label of what [`Self::redo`] makes again; `None` where there is nothing.
    pub can_redo: Signal<Option<String>>,
}

/// An edit that was not applied: it conflicts, was refused, or was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Which.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// Why, in words.
    pub detail: String,
}

/// Who is told what of the outbox.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct UseBackgroundSyncOptions {
    /// Told of each edit that was applied, with the version that it made.
    pub on_operation_complete: Option<Callback<(EditId, Version)>>,
    /// Told of each edit that was not.
    pub on_operation_fail: Option<Callback<OperationFailure>>,
}

impl UseBackgroundSyncOptions {
    /// With somebody who is told of each edit that was applied, with the version that it made.
    #[must_use]
    pub fn on_operation_complete(
        mut self,
        tell: impl Fn((EditId, Version)) + Send + Sync + 'static,
    ) -> Self {
        self.on_operation_complete = Some(Callback::new(tell));
        self
    }

    /// With somebody who is told of each edit that was not.
    #[must_use]
    pub fn on_operation_fail(
        mut self,
        tell: impl Fn(OperationFailure) + Send + Sync + 'static,
    ) -> Self {
        self.on_operation_fail = Some(Callback::new(tell));
        self
    }
}

/// The outbox of the nearest provider's board. Outside of one: empty for ever.
pub fn use_background_sync() -> UseBackgroundSync {
    use_background_sync_with_options(UseBackgroundSyncOptions::default())
}

/// As [`use_background_sync`], and tells of it.
pub fn use_background_sync_with_options(options: UseBackgroundSyncOptions) -> UseBackgroundSync {
    UseBackgroundSync::of(context_or_complaint("use_background_sync"), options)
}

/// The outbox of the nearest provider's board, where there is one.
pub fn try_use_background_sync() -> Option<UseBackgroundSync> {
    try_use_background_sync_with_options(UseBackgroundSyncOptions::default())
}

/// As [`try_use_background_sync`], and tells of it.
pub fn try_use_background_sync_with_options(
    options: UseBackgroundSyncOptions,
) -> Option<UseBackgroundSync> {
    try_use_realtime().map(|context| UseBackgroundSync::of(Some(context), options))
}

impl UseBackgroundSync {
    fn of(context: Option<RealtimeContext>, options: UseBackgroundSyncOptions) -> Self {
        if let Some(context) = context {
            tell(
                context,
                options.on_operation_complete,
                options.on_operation_fail,
            );
        }
        let outbox = Signal::derive(move || {
            context
                .map(|context| context.outbox.get())
                .unwrap_or_default()
        });
        let durable = move || {
            let storage = context.map(|context| context.status.with(|s| s.storage.clone()));
            storage == Some(StorageVerdict::Durable)
        };
        Self {
            context,
            outbox,
            pending: count(outbox, |state| !state.waits_for_person()),
            conflicts: count(outbox, |state| {
                matches!(state, EntryProgress::Conflicted(_))
            }),
            quarantined: count(outbox, |state| {
                matches!(state, EntryProgress::Quarantined { .. })
            }),
            durable: memo(durable).into(),
            can_undo: undo_label(context, |undo| &undo.undo),
            can_redo: undo_label(context, |undo| &undo.redo),
        }
    }

    /// Tries a refused edit again, as a new one.
    pub fn retry(&self, number: u64) {
        if let Some(context) = self.context {
            context.board().retry(number);
        }
    }

    /// Takes an edit back. One that was sent already is undone once its outcome is known.
    pub fn roll_back(&self, number: u64) {
        if let Some(context) = self.context {
            context.board().roll_back(number);
        }
    }

    /// Undoes what this person did last, in this session.
    pub fn undo(&self) {
        if let Some(context) = self.context {
            context.board().undo();
        }
    }

    /// Does again what was undone last.
    pub fn redo(&self) {
        if let Some(context) = self.context {
            context.board().redo();
        }
    }

    /// Settles a conflicted edit, as it is in the outbox now; the error says where it is another by
    /// then, and nothing happened.
    pub fn resolve(&self, number: u64, resolution: Resolution) -> Result<(), OutboxError> {
        let Some(context) = self.context else {
            return Err(OutboxError::Closed);
        };
        let entry = self.outbox.with_untracked(|outbox| {
            let mut entries = outbox.iter();
            entries.find(|entry| entry.number == number).cloned()
        });
        let entry = entry.ok_or(OutboxError::Settled)?;
        context.board().resolve(&entry, resolution)
    }

    /// The outbox as indented JSON.
    pub fn export_json(&self) -> String {
        let entries = self.outbox.get_untracked();
        driftless_protocol::to_json_pretty(&*entries)
    }

    /// Saves the outbox as a file, through the browser's download.
    pub fn export(&self) {
        let board = self.context.map(|context| context.board());
        let id = board.as_ref().and_then(|board| board.id().ok());
        let board = id.map_or("board", BoardId::as_str);
        download_json(&format!("{board}-pending.json"), &self.export_json());
    }
}

fn tell(
    context: RealtimeContext,
    on_complete: Option<Callback<(EditId, Version)>>,
    on_fail: Option<Callback<OperationFailure>>,
) {
    if on_complete.is_none() && on_fail.is_none() {
        return;
    }
    let (board, mut events) = (
        context.board().id().ok().cloned(),
        context.client().events(),
    );
    let (listening, stop) = abortable(async move {
        while let Some(event) = events.next().await {
            match (event, on_complete, on_fail) {
                (
                    ClientEvent::EditApplied {
                        board: at,
                        id,
                        version,
                        ..
                    },
                    Some(tell),
                    _,
                ) if Some(&at) == board.as_ref() => {
                    tell.run((id, version));
                }
                (
                    ClientEvent::EditFailed {
                        board: at,
                        id,
                        label,
                        detail,
                    },
                    _,
                    Some(tell),
                ) if Some(&at) == board.as_ref() => {
                    tell.run(OperationFailure { id, label, detail });
                }
                _ => {}
            }
        }
    });
    spawn_local(async move {
        // Aborted on unmount, or ended with the client.
        let _ = listening.await;
    });
    on_cleanup(move || stop.abort());
}

fn count(
    outbox: Signal<Arc<Vec<EntryView>>>,
    counts: impl Fn(&EntryProgress) -> bool + Send + Sync + 'static,
) -> Signal<usize> {
    let count =
        move || outbox.with(|outbox| outbox.iter().filter(|entry| counts(&entry.state)).count());
    memo(count).into()
}

fn undo_label(
    context: Option<RealtimeContext>,
    label: fn(&UndoState) -> &Option<String>,
) -> Signal<Option<String>> {
    let read = move |undo: &UndoState| label(undo).clone();
    memo(move || context.and_then(|context| context.undo.with(read))).into()
}
