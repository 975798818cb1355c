//! What a run measured, and whether it may be believed.

use std::time::Duration;

use serde::Serialize;

use crate::bench::error::BenchError;
use crate::bench::target::Side;

/// The share of its processor from which on the load may have been the limit.
const LOAD_BUSY: f64 = 0.9;
/// The share of its processor from which on the server is the limit in any case.
const SERVER_BUSY: f64 = 0.95;
/// A run that was asked to be shorter says nothing about anybody's limit, in seconds: processor
/// time is counted in hundredths.
const JUDGED_SECONDS_MIN: f64 = 1.0;

/// What a run measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figures {
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Connections that the load held.
    pub connections: u64,
    /// Updates that reached somebody: followers in `fanout`, their writer as acknowledged in
    /// `edits`.
    pub updates: u64,
    /// Those, a second.
    pub per_second: f64,
    /// The median of how long they took, in microseconds.
    pub p50_us: u64,
    /// The 99th percentile of that.
    pub p99_us: u64,
    /// Processor time of the server, where its process is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cpu_s: Option<f64>,
    /// Resident memory of the server at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_resident_bytes: Option<u64>,
    /// How much of it came with each connection, in `idle`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_connection: Option<u64>,
    /// What the load sent, in bytes of messages.
    pub sent_bytes: u64,
    /// What it received.
    pub received_bytes: u64,
    /// Processor time of the load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_cpu_s: Option<f64>,
    /// How late updates left, where there is a pace: the 99th percentile, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_p99_us: Option<u64>,
}

impl Figures {
    /// Why nothing can be said about whether the load was the limit, where it cannot. `asked_s` is
    /// how long the run was to be, in seconds.
    pub fn not_judged(&self, asked_s: f64) -> Option<&'static str> {
        if asked_s < JUDGED_SECONDS_MIN {
            Some("it was to take less than a second")
        } else if self.load_cpu_s.is_none() {
            Some("the processor time of the load is not known here")
        } else {
            None
        }
    }

    /// Refuses a run in which the load was the limit, as far as that is known (see
    /// [`Self::not_judged`]). `period` is the time between two updates of a writer, where there is
    /// a pace.
    pub fn judge(
        &self,
        side: Side,
        asked_s: f64,
        period: Option<Duration>,
    ) -> Result<(), BenchError> {
        if asked_s < JUDGED_SECONDS_MIN {
            return Ok(());
        }
        let share = |cpu: Option<f64>| cpu.map(|cpu| cpu / self.seconds);
        // A server whose time is not known is no excuse for a load that was busy.
        let is_server_busy = share(self.server_cpu_s).is_some_and(|share| share >= SERVER_BUSY);
        let load = share(self.load_cpu_s).filter(|share| *share >= LOAD_BUSY);
        if let Some(load) = load.filter(|_| !is_server_busy) {
            let side = side.name();
            let busy = rounded(load * 100.0);
            return Err(BenchError::LoadBusy { side, busy });
        }
        let period_us = period.map(|period| u64::try_from(period.as_micros()).unwrap_or(u64::MAX));
        match (self.late_p99_us, period_us) {
            (Some(late_us), Some(period_us)) if late_us > period_us / 2 => {
                Err(BenchError::LoadLate {
                    side: side.name(),
                    late_us,
                    period_us,
                })
            }
            _ => Ok(()),
        }
    }

    /// The median of each figure. There is at least one run.
    pub fn median(runs: &[Self]) -> Self {
        let real = |of: fn(&Self) -> f64| middle(runs.iter().map(of).collect());
        let whole = |of: fn(&Self) -> u64| middle(runs.iter().map(of).collect());
        let maybe_real = |of: fn(&Self) -> Option<f64>| {
            let known: Option<Vec<_>> = runs.iter().map(of).collect();
            known.map(middle)
        };
        let maybe_whole = |of: fn(&Self) -> Option<u64>| {
            let known: Option<Vec<_>> = runs.iter().map(of).collect();
            known.map(middle)
        };
        Self {
            seconds: real(|run| run.seconds),
            connections: whole(|run| run.connections),
            updates: whole(|run| run.updates),
            per_second: real(|run| run.per_second),
            p50_us: whole(|run| run.p50_us),
            p99_us: whole(|run| run.p99_us),
            server_cpu_s: maybe_real(|run| run.server_cpu_s),
            server_resident_bytes: maybe_whole(|run| run.server_resident_bytes),
            bytes_per_connection: maybe_whole(|run| run.bytes_per_connection),
            sent_bytes: whole(|run| run.sent_bytes),
            received_bytes: whole(|run| run.received_bytes),
            load_cpu_s: maybe_real(|run| run.load_cpu_s),
            late_p99_us: maybe_whole(|run| run.late_p99_us),
        }
    }
}

/// So many in so many seconds, a second.
#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::EPSILON)
}

/// The lower one of the middle two, where there are two.
fn middle<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("figures are numbers"));
    values[(values.len() - 1) / 2]
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a percentage"
)]
fn rounded(number: f64) -> u64 {
    number.round() as u64
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A run in which nobody was at the limit.
    pub fn run() -> Figures {
        Figures {
            seconds: 10.0,
            connections: 3,
            updates: 20,
            per_second: 2.0,
            p50_us: 100,
            p99_us: 900,
            server_cpu_s: Some(5.0),
            server_resident_bytes: Some(1_000_000),
            bytes_per_connection: None,
            sent_bytes: 10,
            received_bytes: 30,
            load_cpu_s: Some(5.0),
            late_p99_us: Some(1_000),
        }
    }

    fn judged(run: &Figures) -> Result<(), BenchError> {
        run.judge(Side::Floor, 1.0, Some(Duration::from_millis(20)))
    }

    #[test]
    fn a_run_in_which_the_load_had_no_time_to_spare_is_refused() {
        assert!(judged(&run()).is_ok());
        let mut busy = run();
        busy.load_cpu_s = Some(9.0);
        let error = judged(&busy).expect_err("is refused");
        assert!(matches!(
            error,
            BenchError::LoadBusy {
                side: "floor",
                busy: 90
            }
        ));
        assert_eq!(error.exit_code(), 3);
        busy.server_cpu_s = None;
        assert!(judged(&busy).is_err());
        // Both were busy: then the server is the limit at least as much.
        busy.server_cpu_s = Some(9.5);
        assert!(judged(&busy).is_ok());
        busy.server_cpu_s = None;
        let short = busy.judge(Side::Floor, 0.9, None);
        assert!(short.is_ok(), "too short to be judged");
    }

    #[test]
    fn a_run_of_which_too_little_is_known_says_that_it_was_not_judged() {
        assert_eq!(run().not_judged(1.0), None);
        let mut unknown = run();
        unknown.load_cpu_s = None;
        let why = unknown.not_judged(1.0).expect("a reason");
        assert!(why.contains("processor time of the load"), "{why}");
        // Its pace is known all the same.
        unknown.late_p99_us = Some(10_001);
        assert!(judged(&unknown).is_err());
        let short = "it was to take less than a second";
        assert_eq!(unknown.not_judged(0.9), Some(short));
    }

    #[test]
    fn a_run_in_which_the_load_could_not_keep_its_pace_is_refused() {
        let mut late = run();
        late.late_p99_us = Some(10_000);
        assert!(judged(&late).is_ok());
        late.late_p99_us = Some(10_001);
        let error = judged(&late).expect_err("is refused");
        assert!(matches!(
            error,
            BenchError::LoadLate {
                late_us: 10_001,
                ..
            }
        ));
        assert!(
            late.judge(Side::Floor, 1.0, None).is_ok(),
            "there is no pace"
        );
    }

    #[test]
    fn figures_of_several_runs_are_medians() {
        let mut runs = vec![run(), run(), run()];
        (runs[0].p99_us, runs[1].p99_us, runs[2].p99_us) = (7, 900, 8);
        runs[2].server_cpu_s = None;
        let median = Figures::median(&runs);
        assert_eq!((median.p99_us, median.updates), (8, 20));
        assert_eq!(median.server_cpu_s, None);
    }
}
