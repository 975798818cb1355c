//! `use_realtime_updates`: one record, typed by its kind.

use std::marker::PhantomData;
use std::sync::Arc;

use driftless_client::{EditBuilder, EditError, EditHandle, SeenMark};
use driftless_model::{Kind, Leaf, LeafValue, RecordId};
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

use super::context_or_complaint;
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

/// A record of the nearest provider's board. Outside of a provider there is no record, and every
/// edit is [`EditError::Closed`].
pub fn use_realtime_updates<K: Kind>(id: RecordId) -> UseRealtimeUpdates<K> {
    UseRealtimeUpdates::of(context_or_complaint("use_realtime_updates"), id)
}

/// A record of the nearest provider's board, where there is a provider.
pub fn try_use_realtime_updates<K: Kind>(id: RecordId) -> Option<UseRealtimeUpdates<K>> {
    let context = try_use_realtime()?;
    Some(UseRealtimeUpdates::of(Some(context), id))
}

impl<K: Kind> UseRealtimeUpdates<K> {
    fn of(context: Option<RealtimeContext>, id: RecordId) -> Self {
        let any = context.map(|context| context.record(&id));
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
