//! What the command line takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::bench::error::BenchError;

/// Longest run, in seconds.
const SECONDS_MAX: usize = 3_600;

/// Which workload to measure.
#[derive(Debug, Args)]
pub struct BenchOptions {
    /// Which workload.
    #[command(subcommand)]
    pub workload: Workload,
}

/// The workloads.
#[derive(Debug, Subcommand)]
pub enum Workload {
    /// One writer, many followers: how soon and at what cost every update reaches everybody.
    Fanout(FanoutOptions),
    /// Many writers: how many edits are acknowledged a second, and how soon.
    Edits(EditsOptions),
    /// Many connections that do nothing: memory of each.
    Idle(IdleOptions),
    /// The floor that the others are compared with: relays frames and stores nothing.
    #[command(hide = true)]
    Relay(RelayOptions),
}

/// What every workload takes.
#[derive(Debug, Clone, Args)]
pub struct CommonOptions {
    /// Measure this running server, such as `ws://127.0.0.1:4747/rt`, in place of one that is
    /// started and stopped. It gets a new board.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The process of the server at --url, for its processor time and memory.
    #[arg(long, value_name = "PID", requires = "url")]
    pub server_pid: Option<u32>,
    /// The token for the server at --url: a name, where it has no sign-in.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "DRIFTLESS_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Where the servers store what they are sent, in a folder that is removed afterwards: name one
    /// on the disk that you want to measure.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// How often everything is measured, floor and server in turn; the figures are medians.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Leave the floor out.
    #[arg(long)]
    pub no_floor: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How to measure fan-out.
#[derive(Debug, Clone, Args, Serialize)]
pub struct FanoutOptions {
    /// Everybody who follows.
    #[arg(long, default_value_t = 1_000)]
    pub followers: usize,
    /// Updates a second.
    #[arg(long, default_value_t = 50.0)]
    pub rate: f64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// The value that each update writes, in bytes.
    #[arg(long, default_value_t = 200)]
    pub bytes: usize,
    /// What every workload takes.
    #[command(flatten)]
    #[serde(skip)]
    pub common: CommonOptions,
}

/// How to measure edits.
#[derive(Debug, Clone, Args, Serialize)]
pub struct EditsOptions {
    /// Boards.
    #[arg(long, default_value_t = 1)]
    pub boards: usize,
    /// Writers on each board, who follow it too.
    #[arg(long, default_value_t = 10)]
    pub writers: usize,
    /// Edits that each writer has under way at once.
    #[arg(long, default_value_t = 1)]
    pub in_flight: usize,
    /// Edits a second of each writer; 0 for as many as are acknowledged.
    #[arg(long, default_value_t = 0.0)]
    pub rate: f64,
    /// How long, in seconds, after a second to warm up.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// The value that each edit writes, in bytes.
    #[arg(long, default_value_t = 32)]
    pub bytes: usize,
    /// What every workload takes.
    #[command(flatten)]
    #[serde(skip)]
    pub common: CommonOptions,
}

/// How to measure idle connections.
#[derive(Debug, Clone, Args, Serialize)]
pub struct IdleOptions {
    /// Connections, each of which follows one board.
    #[arg(long, default_value_t = 5_000)]
    pub connections: usize,
    /// How long they are left alone, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// What every workload takes.
    #[command(flatten)]
    #[serde(skip)]
    pub common: CommonOptions,
}

/// How to relay.
#[derive(Debug, Clone, Args)]
pub struct RelayOptions {
    /// Write everything to this file, and sync it before it is relayed: one sync for all that
    /// waits.
    #[arg(long, value_name = "FILE")]
    pub commit: Option<PathBuf>,
}

/// The time between two updates at a rate; `None` for 0, which is no pace.
pub fn period(rate: f64) -> Result<Option<Duration>, BenchError> {
    if rate == 0.0 {
        return Ok(None);
    }
    let period = Duration::try_from_secs_f64(rate.recip()).ok();
    let period = period.filter(|period| !period.is_zero() && *period <= longest());
    period.map(Some).ok_or(BenchError::Zero { option: "rate" })
}

/// A length of time that was asked for.
pub fn duration(seconds: f64) -> Result<Duration, BenchError> {
    let duration = Duration::try_from_secs_f64(seconds).ok();
    let duration = duration.filter(|duration| !duration.is_zero());
    let duration = duration.ok_or(BenchError::Zero { option: "seconds" })?;
    if duration > longest() {
        return Err(BenchError::TooMany {
            option: "seconds",
            most: SECONDS_MAX,
        });
    }
    Ok(duration)
}

/// How often a period begins within so many seconds, at least once.
pub fn count(seconds: f64, period: Duration) -> Result<u32, BenchError> {
    let count = duration(seconds)?.as_nanos() / period.as_nanos();
    Ok(u32::try_from(count).unwrap_or(u32::MAX).max(1))
}

fn longest() -> Duration {
    Duration::from_secs(SECONDS_MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_sense_are_refused() {
        assert_eq!(
            period(50.0).expect("is one"),
            Some(Duration::from_millis(20))
        );
        assert_eq!(period(0.0).expect("is no pace"), None);
        for rate in [-1.0, f64::NAN, f64::INFINITY, 1e-9] {
            assert!(period(rate).is_err(), "{rate}");
        }
        for seconds in [0.0, -1.0, f64::NAN, 3_601.0] {
            assert!(duration(seconds).is_err(), "{seconds}");
        }
        assert_eq!(count(10.0, Duration::from_millis(20)).expect("is one"), 500);
    }
}
