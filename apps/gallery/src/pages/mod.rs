//! The pages, one a component.

mod provider;
mod hooks;
mod sync_indicator;
mod pending_badge;
mod conflict;
mod widget;
mod account;
mod parts;

use leptos::prelude::*;

/// A page.
pub struct Page {
    /// What it is called in the address.
    pub slug: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What is on it.
    pub view: fn() -> AnyView,
    /// The example's file.
    pub source: &'static str,
}

macro_rules! pages {
    ($($slug:literal $name:literal $view:expr, $file:literal, $about:literal;)*) => {
        /// Every page, in the order of their list.
        pub const PAGES: &[Page] = &[$(Page {
            slug: $slug,
            name: $name,
            about: $about,
            view: $view,
            source: include_str!(concat!("../examples/", $file)),
        }),*];
    };
}

pages! {
    "sync-indicator" "DashboardSyncIndicator" sync_indicator::page, "sync_indicator.rs",
        "The connection at a glance, and in detail where it is pressed.";
    "pending-badge" "PendingOperationsBadge" pending_badge::page, "pending_badge.rs",
        "What is not on the server yet, and what can be done about each edit.";
    "conflict-ui" "ConflictResolutionUi" conflict::page, "conflict.rs",
        "Somebody changed the same: base, theirs and mine side by side, for a person to decide.";
    "widget-realtime" "WidgetRealtime" widget::page, "widget.rs",
        "A widget of your own with live data: how it is, and an error inside it contained.";
    "receipts" "EditReceipts" account::receipts, "receipts.rs",
        "How far each change came: stored here, sent, committed.";
    "ledger" "SyncLedger" account::ledger, "ledger.rs",
        "Every change, accounted for. “Trouble” takes a bug: here the server is made to say what it \
         would say with one.";
    "reconnect" "ReconnectSummary" account::reconnect, "reconnect.rs",
        "What the last connection brought: it costs what changed, not what happened.";
    "performance" "PerformancePanel" account::performance, "performance.rs",
        "How fast everything is. Make the network bad: samples come late, edits come late and once.";
    "provider" "DashboardRealtimeProvider" provider::page, "provider.rs",
        "One client and one board for everything inside it. Here it connects to the server that \
         this page came from.";
    "client-provider" "DashboardClientProvider" provider::client, "client_provider.rs",
        "The same for a client that the application has started itself, as all worlds here are.";
    "hooks" "Hooks" hooks::page, "hooks.rs",
        "use_websocket, use_realtime_updates and use_background_sync: what the components are \
         made of.";
    "parts" "Small parts" parts::page, "parts.rs",
        "StorageNotice, Toaster, Popover, Dialog, JsonCompare, LeafEditor and the clock.";
}
