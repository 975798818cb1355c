//! The hooks, one a file. Each has two forms: `try_use_*` answers `None` outside a provider;
//! `use_*` answers a handle that shows nothing and does nothing there, and says so on the console.

mod background_sync;
mod realtime_updates;
mod websocket;

pub use background_sync::{UseBackgroundSync, try_use_background_sync, use_background_sync};
pub use realtime_updates::{UseRealtimeUpdates, try_use_realtime_updates, use_realtime_updates};
pub use websocket::{UseWebsocket, try_use_websocket, use_websocket};

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
