//! What a provider puts in context: the handle that hooks and components stand on.

use std::sync::Arc;

use driftless_client::{Board, Client, Status, UndoState};
use driftless_feeds::FeedData;
use driftless_model::{RecordId, Version};
use driftless_protocol::Query;
use driftless_sync::replica::view::{EntryView, RecordView};
use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;

use crate::live_board::LiveBoard;

/// The realtime handle of the nearest provider: one client, one board, as signals. Copy it where it
/// is needed; it lives as long as the provider.
#[derive(Clone, Copy)]
pub struct RealtimeContext {
    live: StoredValue<Arc<LiveBoard>>,
    /// How the client is: connection, storage, counts over all its boards.
    pub status: Signal<Status>,
    /// The ids of the board's records, ascending. Changes only when the set does.
    pub record_ids: Signal<Vec<RecordId>>,
    /// Every unsettled edit of the board, oldest first.
    pub outbox: Signal<Arc<Vec<EntryView>>>,
    /// What undo and redo would do.
    pub undo: Signal<UndoState>,
    /// The version of the board's confirmed state.
    pub version: Signal<Version>,
    /// Whether there is something to show: what was stored, or what a server sent.
    pub loaded: Signal<bool>,
    /// Why the user may not read the board, in the server's words; nothing where they may.
    pub refusal: Signal<Option<String>>,
    /// The number of the entry whose conflict is open for decision. Set it to open one; the
    /// `ConflictResolutionUi` of the provider shows it.
    pub open_conflict: RwSignal<Option<u64>>,
}

/// Provides contexts to what is inside, and to nothing beside it: components have no owner of their
/// own, so a context that one provides is its siblings' too.
pub(crate) fn within(provide: impl FnOnce() -> AnyView) -> AnyView {
    let owner = Owner::current().map_or_else(Owner::new, |owner| owner.child());
    let view = owner.with(provide);
    OwnedView::new_with_owner(view, owner).into_any()
}

/// The realtime handle, where there is a provider around the caller.
pub fn try_use_realtime() -> Option<RealtimeContext> {
    use_context()
}

impl RealtimeContext {
    pub(crate) fn new(live: Arc<LiveBoard>) -> Self {
        Self {
            status: live.status.clone().into(),
            record_ids: live.records.ids().into(),
            outbox: live.outbox.clone().into(),
            undo: live.undo.clone().into(),
            version: live.version.clone().into(),
            loaded: live.loaded.clone().into(),
            refusal: live.refusal.clone().into(),
            open_conflict: RwSignal::new(None),
            live: StoredValue::new(live),
        }
    }

    /// The client.
    pub fn client(&self) -> Client {
        self.live.with_value(|live| live.client.clone())
    }

    /// The board: reads without signals, and edits.
    pub fn board(&self) -> Board {
        self.live.with_value(|live| live.board.clone())
    }

    /// What is computed here is computed again when a receipt says more of the screens of others.
    pub(crate) fn track_screens(&self) {
        self.live.with_value(|live| live.screens.track());
    }

    /// A record as a signal: renewed when this record changes, and by nothing else.
    pub fn record(&self, id: &RecordId) -> Signal<Option<Arc<RecordView>>> {
        let live = self.live.get_value();
        lasting(live.records.record(id, |id| live.board.record(id)))
    }

    /// The data of a feed as a signal, for as long as the calling owner (component, effect) lives.
    /// Equal queries are one feed, however many ask.
    pub fn feed(&self, query: Query) -> Signal<Arc<FeedData>> {
        let live = self.live.get_value();
        let data = live.feeds.acquire(&live.client, &query);
        on_cleanup(move || {
            live.feeds.release(&query);
            // Not at once: an owner that runs again asks for the same query in the same turn.
            #[cfg(target_arch = "wasm32")]
            set_timeout(move || live.feeds.close_unused(), std::time::Duration::ZERO);
            #[cfg(not(target_arch = "wasm32"))]
            live.feeds.close_unused();
        });
        lasting(data)
    }
}

/// A handle of the caller's on a signal that lives on. Between them is a memo, which goes with the
/// caller: an effect that is left over when its view has gone (see [`crate::executor`]) then finds
/// nothing that has changed, and does not read a handle that is no more.
fn lasting<T: Clone + Send + Sync + 'static>(signal: ArcRwSignal<T>) -> Signal<T> {
    // The signal is set only when there is news.
    Memo::new_with_compare(move |_| signal.get(), |_, _| true).into()
}
