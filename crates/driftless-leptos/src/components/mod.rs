//! The components, one a file or folder each.

mod conflict;
mod pending_badge;
mod storage_notice;
mod monitor;
mod sync_indicator;
mod widget;

pub use conflict::{AutoResolve, ConflictDecision, ConflictResolutionUi, Settlement};
pub use monitor::{Percentiles, PerformancePanel, PerformanceSample, ReconnectSummary, SyncLedger};
pub use pending_badge::{EditReceipts, PendingOperationsBadge};
pub use storage_notice::StorageNotice;
pub use sync_indicator::DashboardSyncIndicator;
pub use widget::{
    WidgetContext, WidgetError, WidgetId, WidgetRealtime, WidgetState, try_use_widget,
};
