//! Why a benchmark has no result.

use std::io;

use driftless_protocol::Code;

/// Why a benchmark has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The address is none that can be measured.
    #[error("{0:?} is no address of a server; give one such as ws://127.0.0.1:4747/rt to --url")]
    Url(String),
    /// A number makes no sense.
    #[error("--{option} has to be above 0")]
    Zero {
        /// Which.
        option: &'static str,
    },
    /// A number is too large.
    #[error("--{option} is at most {most}")]
    TooMany {
        /// Which.
        option: &'static str,
        /// The most.
        most: usize,
    },
    /// Writers wait for acknowledgements that do not come.
    #[error("the server acknowledges nothing more; look into its log")]
    Stalled,
    /// A server does not start.
    #[error("the server to be measured does not start: {reason}")]
    Start {
        /// Why.
        reason: String,
    },
    /// The load cannot connect.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// The server said no.
    #[error("the server refused: {}: {detail}", .code.as_str())]
    Refused {
        /// Why.
        code: Code,
        /// In words.
        detail: String,
    },
    /// The server ended a connection, or said something that does not belong there.
    #[error("a connection went wrong: {0}; look into the server's log")]
    Broken(String),
    /// Something is missing at the end.
    #[error("{got} of {expected} updates came in time; try fewer --followers or a lower --rate")]
    Incomplete {
        /// What should have come.
        expected: u64,
        /// What came.
        got: u64,
    },
    /// The load had no time to spare while the server had.
    #[error(
        "the load was the limit in the run against {side}, not the server: it was busy for {busy} \
         % of the time; use a second processor, or ask for less"
    )]
    LoadBusy {
        /// What was measured.
        side: &'static str,
        /// In percent.
        busy: u64,
    },
    /// The load could not keep its pace.
    #[error(
        "the load was the limit in the run against {side}: updates left {late_us} µs late (99 %), \
         of {period_us} µs between them; use a second processor, or ask for less"
    )]
    LoadLate {
        /// What was measured.
        side: &'static str,
        /// The 99th percentile, in microseconds.
        late_us: u64,
        /// In microseconds.
        period_us: u64,
    },
    /// This machine's files, sockets or processes fail.
    #[error("the benchmark cannot go on: {0}")]
    Io(#[from] io::Error),
}

impl BenchError {
    /// 2 for what the caller can put right on the command line, 3 where the load was the limit,
    /// else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Url(_) | Self::Zero { .. } | Self::TooMany { .. } => 2,
            Self::LoadBusy { .. } | Self::LoadLate { .. } => 3,
            _ => 1,
        }
    }
}
