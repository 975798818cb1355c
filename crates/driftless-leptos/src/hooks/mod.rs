//! The hooks, one a file. Each has two forms: `try_use_*` answers `None` outside a provider;
//! `use_*` answers a handle that shows nothing and does nothing there, and says so on the console.
//! Both have a twin that ends in `_with_options`: who is told what, for as long as the caller's
//! owner (component, effect) lives.

pub(crate) mod record_news;
mod background_sync;
mod realtime_updates;
mod websocket;

pub use background_sync::{
    OperationFailure, UseBackgroundSync, UseBackgroundSyncOptions, try_use_background_sync,
    try_use_background_sync_with_options, use_background_sync, use_background_sync_with_options,
};
pub use realtime_updates::{
    UseRealtimeUpdates, UseRealtimeUpdatesOptions, try_use_realtime_updates,
    try_use_realtime_updates_with_options, use_realtime_updates, use_realtime_updates_with_options,
};
pub use record_news::WaitingEdit;
pub use websocket::{
    UseWebsocket, UseWebsocketOptions, try_use_websocket, try_use_websocket_with_options,
    use_websocket, use_websocket_with_options,
};

use leptos::logging::error;

use crate::context::{RealtimeContext, try_use_realtime};

/// The context, or a word on the console that there is none.
fn context_or_complaint(hook: &str) -> Option<RealtimeContext> {
    let context = try_use_realtime();
    if context.is_none() {
        error!("{hook} needs a DashboardRealtimeProvider around it; it shows and does nothing");
    }
    context
}
