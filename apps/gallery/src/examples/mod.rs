//! What stands on the stages, as an application would write it. Each file is shown beside it.

pub mod provider;
pub mod client_provider;
pub mod hooks;
pub mod sync_indicator;
pub mod pending_badge;
pub mod conflict;
pub mod widget;
pub mod receipts;
pub mod ledger;
pub mod reconnect;
pub mod performance;
pub mod parts;
