//! `use_realtime_updates`: one record, typed by its kind.

use std::marker::PhantomData;
use std::sync::Arc;

use driftless_client::{EditBuilder, EditError, EditHandle, SeenMark};
use driftless_model::{Kind, Leaf, LeafValue, RecordId, Version};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

use super::context_or_complaint;
use super::record_news::{RecordListeners, WaitingEdit, confirmed, tell};
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::memo;

/// One record: its leaves as signals, and edits.
pub struct UseRealtimeUpdates<K> {
    context: Option<RealtimeContext>,
    id: StoredValue<RecordId>,
    /// The record; `None` where it is not on the board, or is of another kind than `K`.
    pub record: Signal<Option<Arc<RecordView>>>,
    /// Whether any change of the record waits to be confirmed.
    pub is_pending: Signal<bool>,
    /// The numbers of the record's conflicts, for the outbox's `resolve`.
    pub conflicts: Signal<Vec<u64>>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Clone for UseRealtimeUpdates<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for UseRealtimeUpdates<K> {}

/// How a record is shown, and who is told what of it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseRealtimeUpdatesOptions {
    /// Whether pending changes are shown at once: so it is by default. Otherwise the record stays
    /// as it was until nothing of it is pending.
    pub enable_optimistic: bool,
    /// Told of each change of the record.
    pub on_update: Option<Callback<Arc<RecordView>>>,
    /// Told when all changes of the record are confirmed, with the board's version.
    pub on_sync: Option<Callback<Version>>,
    /// Told of each edit of the record that waits for a person.
    pub on_waiting: Option<Callback<WaitingEdit>>,
}

impl Default for UseRealtimeUpdatesOptions {
    fn default() -> Self {
        Self {
            enable_optimistic: true,
            on_update: None,
            on_sync: None,
            on_waiting: None,
        }
    }
}

impl UseRealtimeUpdatesOptions {
    /// Whether pending changes are shown at once.
    #[must_use]
    pub fn enable_optimistic(mut self, is_shown: bool) -> Self {
        self.enable_optimistic = is_shown;
        self
    }

    /// With somebody who is told of each change of the record.
    #[must_use]
    pub fn on_update(mut self, tell: impl Fn(Arc<RecordView>) + Send + Sync + 'static) -> Self {
        self.on_update = Some(Callback::new(tell));
        self
    }

    /// With somebody who is told when all changes of the record are confirmed, with the board's
    /// version.
    #[must_use]
    pub fn on_sync(mut self, tell: impl Fn(Version) + Send + Sync + 'static) -> Self {
        self.on_sync = Some(Callback::new(tell));
        self
    }

    /// With somebody who is told of each edit of the record that waits for a person.
    #[must_use]
    pub fn on_waiting(mut self, tell: impl Fn(WaitingEdit) + Send + Sync + 'static) -> Self {
        self.on_waiting = Some(Callback::new(tell));
        self
    }

    fn listeners(self) -> RecordListeners {
        RecordListeners {
            update: self.on_update,
            sync: self.on_sync,
            waiting: self.on_waiting,
        }
    }
}

/// A record of the nearest provider's board. Outside of a provider there is no record, and every
/// edit is [`EditError::Closed`].
pub fn use_realtime_updates<K: Kind>(id: RecordId) -> UseRealtimeUpdates<K> {
    use_realtime_updates_with_options(id, UseRealtimeUpdatesOptions::default())
}

/// As [`use_realtime_updates`], with a say in how it is shown, and told of it.
pub fn use_realtime_updates_with_options<K: Kind>(
    id: RecordId,
    options: UseRealtimeUpdatesOptions,
) -> UseRealtimeUpdates<K> {
    UseRealtimeUpdates::of(context_or_complaint("use_realtime_updates"), id, options)
}

/// A record of the nearest provider's board, where there is a provider.
pub fn try_use_realtime_updates<K: Kind>(id: RecordId) -> Option<UseRealtimeUpdates<K>> {
    try_use_realtime_updates_with_options(id, UseRealtimeUpdatesOptions::default())
}

/// As [`try_use_realtime_updates`], with a say in how it is shown, and told of it.
pub fn try_use_realtime_updates_with_options<K: Kind>(
    id: RecordId,
    options: UseRealtimeUpdatesOptions,
) -> Option<UseRealtimeUpdates<K>> {
    let context = try_use_realtime()?;
    Some(UseRealtimeUpdates::of(Some(context), id, options))
}

impl<K: Kind> UseRealtimeUpdates<K> {
    fn of(
        context: Option<RealtimeContext>,
        id: RecordId,
        options: UseRealtimeUpdatesOptions,
    ) -> Self {
        let latest = context.map(|context| (context, context.record(&id)));
        if let Some((context, latest)) = latest {
            tell(context, latest, id.clone(), options.listeners());
        }
        let any = latest.map(|(_, latest)| {
            if options.enable_optimistic {
                latest
            } else {
                confirmed(latest)
            }
        });
        let record = Signal::derive(move || {
            let record = any.and_then(|record| record.get())?;
            (record.kind.as_str() == K::NAME).then_some(record)
        });
        let is_pending = move || record.with(|r| r.as_ref().is_some_and(|r| r.is_pending));
        let conflicts =
            move || record.with(|r| r.as_ref().map(|r| r.conflicts.clone()).unwrap_or_default());
        Self {
            context,
            id: StoredValue::new(id),
            record,
            is_pending: memo(is_pending).into(),
            conflicts: memo(conflicts).into(),
            kind: PhantomData,
        }
    }

    /// The record's id.
    pub fn id(&self) -> RecordId {
        self.id.get_value()
    }

    /// A leaf as a signal; `None` where it has no value, or one of another type. Renewed only when
    /// this leaf's value changes.
    pub fn get<T>(&self, leaf: Leaf<T>) -> Signal<Option<T>>
    where
        T: LeafValue + PartialEq + Clone + Send + Sync + 'static,
    {
        let (record, path) = (self.record, leaf.path());
        let value = move || record.with(|record| T::from_value(record.as_ref()?.value(&path)?));
        memo(value).into()
    }

    /// What is on screen now. Take it when a gesture begins, and give it to [`Self::set_from`].
    pub fn seen(&self) -> SeenMark {
        let context = self.context;
        context
            .map(|context| context.board().seen())
            .unwrap_or_default()
    }

    /// Gives a leaf a value, on what is on screen now. Nothing is durable yet when it returns: see
    /// [`EditHandle::stored`].
    pub fn set<T: LeafValue>(&self, leaf: Leaf<T>, value: T) -> Result<EditHandle, EditError> {
        self.set_from(self.seen(), leaf, value)
    }

    /// Gives a leaf a value, on what was on screen when the person began.
    pub fn set_from<T: LeafValue>(
        &self,
        seen: SeenMark,
        leaf: Leaf<T>,
        value: T,
    ) -> Result<EditHandle, EditError> {
        let label = format!("Change {}", leaf.path());
        self.edit(label, |edit, id| {
            edit.seen(seen);
            edit.set(id, leaf, value);
        })
    }

    /// Takes the record off the board.
    pub fn remove(&self) -> Result<EditHandle, EditError> {
        self.edit("Remove", |edit, id| edit.remove(id))
    }

    /// Makes an edit with a label of one's own. The closure is handed the record's id.
    pub fn edit(
        &self,
        label: impl Into<String>,
        build: impl FnOnce(&mut EditBuilder, &RecordId),
    ) -> Result<EditHandle, EditError> {
        let context = self.context.ok_or(EditError::Closed)?;
        let id = self.id.get_value();
        context.board().edit(label, |edit| build(edit, &id))
    }
}
