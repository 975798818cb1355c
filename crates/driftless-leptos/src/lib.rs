//! Provider, hooks and components for Leptos: a live board in somebody's own dashboard.
//!
//! Wrap the layout in a [`DashboardRealtimeProvider`], put the status components where they fit,
//! and wrap each widget in a [`WidgetRealtime`]. Components come without style: every element has a
//! `data-part`, states are `data-state`, and each component takes a `class`. Every text can be
//! replaced through [`Texts`].
#![cfg_attr(not(feature = "split"), forbid(unsafe_code))]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

/// The pages about the components, their examples compiled.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($page:ident = $file:literal;)*) => {
            $(#[doc = include_str!(concat!("../../../docs/components/", $file))] pub struct $page;)*
        };
    }
    pages! {
        Overview = "README.md";
        Provider = "provider.md";
        ClientProvider = "client-provider.md";
        Hooks = "hooks.md";
        SyncIndicator = "sync-indicator.md";
        PendingBadge = "pending-badge.md";
        ConflictUi = "conflict-ui.md";
        Widget = "widget-realtime.md";
        Receipts = "receipts.md";
        Ledger = "ledger.md";
        Reconnect = "reconnect.md";
        Performance = "performance.md";
        Parts = "parts.md";
    }
}

pub mod relative_time;
pub mod texts;
pub mod clock;
pub mod element_id;
pub mod clipboard;
pub mod download;
pub mod status_text;
pub mod erased;
pub mod icons;
pub mod facts;
pub mod figures;
pub mod executor;
mod announcement;
pub mod json_compare;
pub mod leaf_editor;
pub mod popover;
pub mod dialog;
pub mod toast;
pub mod missing_provider;
#[doc(hidden)]
pub mod part;
mod record_signals;
mod shared_feeds;
mod live_board;
pub mod context;
pub mod provider;
pub mod hooks;
pub mod components;

pub use components::{
    AutoResolve, ConflictDecision, ConflictResolutionUi, DashboardSyncIndicator, EditReceipts,
    PendingOperationsBadge, Percentiles, PerformancePanel, PerformanceSample, ReconnectSummary,
    Settlement, StorageNotice, SyncLedger, WidgetContext, WidgetError, WidgetId, WidgetRealtime,
    WidgetState, try_use_widget,
};
pub use context::{RealtimeContext, try_use_realtime};
pub use hooks::{
    OperationFailure, UseBackgroundSync, UseBackgroundSyncOptions, UseRealtimeUpdates,
    UseRealtimeUpdatesOptions, UseWebsocket, UseWebsocketOptions, WaitingEdit,
    try_use_background_sync, try_use_background_sync_with_options, try_use_realtime_updates,
    try_use_realtime_updates_with_options, try_use_websocket, try_use_websocket_with_options,
    use_background_sync, use_background_sync_with_options, use_realtime_updates,
    use_realtime_updates_with_options, use_websocket, use_websocket_with_options,
};
pub use missing_provider::MissingProvider;
pub use provider::{DashboardClientProvider, DashboardRealtimeProvider};
pub use status_text::Tone;
pub use texts::{Texts, use_texts};
pub use toast::{Toast, Toaster, Toasts, try_use_toasts};

#[cfg(test)]
mod page_tests {
    /// A component's source, its name and its page.
    const PAGES: [(&str, &str, &str); 10] = [
        (
            include_str!("provider.rs"),
            "DashboardClientProvider",
            include_str!("../../../docs/components/client-provider.md"),
        ),
        (
            include_str!("provider.rs"),
            "DashboardRealtimeProvider",
            include_str!("../../../docs/components/provider.md"),
        ),
        (
            include_str!("components/sync_indicator/mod.rs"),
            "DashboardSyncIndicator",
            include_str!("../../../docs/components/sync-indicator.md"),
        ),
        (
            include_str!("components/pending_badge/mod.rs"),
            "PendingOperationsBadge",
            include_str!("../../../docs/components/pending-badge.md"),
        ),
        (
            include_str!("components/conflict/mod.rs"),
            "ConflictResolutionUi",
            include_str!("../../../docs/components/conflict-ui.md"),
        ),
        (
            include_str!("components/widget/mod.rs"),
            "WidgetRealtime",
            include_str!("../../../docs/components/widget-realtime.md"),
        ),
        (
            include_str!("components/pending_badge/receipts.rs"),
            "EditReceipts",
            include_str!("../../../docs/components/receipts.md"),
        ),
        (
            include_str!("components/monitor/ledger.rs"),
            "SyncLedger",
            include_str!("../../../docs/components/ledger.md"),
        ),
        (
            include_str!("components/monitor/reconnect.rs"),
            "ReconnectSummary",
            include_str!("../../../docs/components/reconnect.md"),
        ),
        (
            include_str!("components/monitor/performance.rs"),
            "PerformancePanel",
            include_str!("../../../docs/components/performance.md"),
        ),
    ];

    fn properties(source: &str, component: &str) -> Vec<String> {
        let start = format!("pub fn {component}(");
        let (_, rest) = source.split_once(&start).expect("the component");
        let (list, _) = rest.split_once(") -> impl IntoView").expect("its end");
        let named = list.lines().filter_map(|line| {
            let (name, _) = line.trim().split_once(": ")?;
            let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            is_name.then(|| name.to_owned())
        });
        named.filter(|name| name != "children").collect()
    }

    #[test]
    fn each_page_has_a_row_for_each_property_and_for_nothing_else() {
        for (source, component, page) in PAGES {
            let table = page.split("| property |").nth(1).expect("a table");
            let (table, _) = table.split_once("\n\n").expect("its end");
            let rows = table.lines().skip(2);
            let rows = rows.map(|row| row.trim_start_matches("| `").split('`').next());
            let rows: Vec<_> = rows.map(|name| name.expect("a name").to_owned()).collect();
            let mut expected = properties(source, component);
            let mut told = rows.clone();
            expected.sort();
            told.sort();
            assert_eq!(told, expected, "{component}");
        }
    }
}
