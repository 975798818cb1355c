//! What the client is up to, in figures: the account of all edits, what coming back cost, and how
//! fast everything is.

mod ledger;
mod reconnect;
mod sample;
mod performance;

pub use ledger::SyncLedger;
pub use performance::PerformancePanel;
pub use reconnect::ReconnectSummary;
pub use sample::{Percentiles, PerformanceSample};
