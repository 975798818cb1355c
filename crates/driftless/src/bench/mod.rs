//! `driftless bench`: how fast this server is on this machine, beside the least that any server
//! needs.
//!
//! Each workload starts its own server, a child process of the same executable, on one processor,
//! and puts the load on another. The load talks the real protocol over real sockets. In the same
//! run it measures a floor: a bare relay ([`relay`]) that stores nothing. Absolute figures belong
//! to a machine; ratios to the floor hold.

mod error;
mod latencies;
mod machine;
mod options;
mod relay;
mod target;
mod line;
mod writer;
mod figures;
mod report;
mod run;
mod fanout;
mod edits;
mod idle;

use std::io::Write as _;

pub use error::BenchError;
pub use options::BenchOptions;

use crate::bench::options::Workload;

/// Measures a workload and prints what came out.
pub fn run(options: &BenchOptions) -> Result<(), BenchError> {
    let (report, common) = match &options.workload {
        Workload::Fanout(options) => (fanout::run(options)?, &options.common),
        Workload::Edits(options) => (edits::run(options)?, &options.common),
        Workload::Idle(options) => (idle::run(options)?, &options.common),
        Workload::Relay(options) => return Ok(relay::run(options)?),
    };
    let text = if common.json {
        serde_json::to_string_pretty(&report).expect("figures are finite numbers and names") + "\n"
    } else {
        report.to_string()
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
