//! Provider, hooks and components for Leptos: a live board in somebody's own dashboard.
//!
//! Wrap the layout in a [`DashboardRealtimeProvider`], put the status components where they fit,
//! and wrap each widget in a [`WidgetRealtime`]. Components come without style: every element has a
//! `data-part`, states are `data-state`, and each component takes a `class`. Every text can be
//! replaced through [`Texts`].
#![forbid(unsafe_code)]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

pub mod relative_time;
pub mod texts;
pub mod clock;
pub mod element_id;
pub mod download;
pub mod status_text;
pub mod icons;
pub mod erased;
pub mod executor;
pub mod json_compare;
pub mod popover;
pub mod dialog;
pub mod toast;
pub mod missing_provider;
mod record_signals;
mod shared_feeds;
mod live_board;
pub mod context;
pub mod provider;
pub mod hooks;
pub mod components;

pub use components::{
    AutoResolve, ConflictDecision, ConflictResolutionUi, DashboardSyncIndicator, OperationFailure,
    PendingOperationsBadge, Settlement, StorageNotice, WidgetContext, WidgetError, WidgetId,
    WidgetRealtime, WidgetState, try_use_widget,
};
pub use context::{RealtimeContext, try_use_realtime};
pub use hooks::{
    UseBackgroundSync, UseRealtimeUpdates, UseWebsocket, try_use_background_sync,
    try_use_realtime_updates, try_use_websocket, use_background_sync, use_realtime_updates,
    use_websocket,
};
pub use missing_provider::MissingProvider;
pub use provider::DashboardRealtimeProvider;
pub use status_text::Tone;
pub use texts::{Texts, use_texts};
pub use toast::{Toast, Toaster, Toasts, try_use_toasts};
