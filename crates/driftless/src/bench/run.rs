//! Runs a workload against each side in turn.

use std::path::Path;
use std::time::Duration;

use driftless_model::BoardId;
use serde_json::Value;
use tokio::time::Instant;

use crate::bench::error::BenchError;
use crate::bench::figures::Figures;
use crate::bench::line::Who;
use crate::bench::machine::{self, Cores, Usage};
use crate::bench::options::CommonOptions;
use crate::bench::report::{Machine, Measured, Report};
use crate::bench::target::{Side, Target};
use crate::data;
use crate::sockets;

/// Connections that are made at once.
pub const CONNECTING_AT_ONCE: usize = 64;
/// How long anything may take beyond what it should, before it counts as missing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A workload.
pub struct Workload<'a> {
    /// Its name.
    pub name: &'static str,
    /// How it was asked for.
    pub settings: Value,
    /// What every workload takes.
    pub common: &'a CommonOptions,
    /// The floors that it is compared with.
    pub floors: &'a [Side],
    /// How long a run is to be, in seconds.
    pub seconds: f64,
    /// Between two updates of a writer, where there is a pace.
    pub period: Option<Duration>,
}

/// One measurement under way.
#[derive(Debug)]
pub struct Run {
    /// What no other run shares.
    id: u64,
    epoch: std::time::Instant,
}

/// What server and load had used at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    at: Instant,
    server: Option<Usage>,
    load: Option<Usage>,
}

impl Workload<'_> {
    /// Measures every side, as often as asked for, in turn.
    pub fn run(
        self,
        mut measure: impl AsyncFnMut(&Target, &Run) -> Result<Figures, BenchError>,
    ) -> Result<Report, BenchError> {
        sockets::may_open_more();
        let cores = machine::cores();
        let folder = match &self.common.data {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                tempfile::tempdir_in(folder)?
            }
            None => tempfile::tempdir()?,
        };
        let (sync_p50_us, sync_p99_us) = machine::sync_latency(folder.path())?.p50_p99();
        if let Some(cores) = cores {
            machine::pin(cores.load);
        }
        let runtime = data::runtime()?;
        let floors = self.floors.iter().copied();
        let floors = floors.filter(|_| !self.common.no_floor);
        let mut sides: Vec<(Side, Vec<Figures>)> = floors
            .chain([Side::Driftless])
            .map(|side| (side, Vec::new()))
            .collect();
        for _ in 0..self.common.rounds {
            for (side, runs) in &mut sides {
                let target = self.start(*side, folder.path(), cores)?;
                let figures = runtime.block_on(measure(&target, &Run::new()?))?;
                figures.judge(*side, self.seconds, self.period)?;
                runs.push(figures);
            }
        }
        let machine = Machine {
            // A server that was there before runs where it likes.
            is_pinned: cores.is_some() && self.common.url.is_none(),
            sync_p50_us,
            sync_p99_us,
        };
        Ok(self.report(machine, &sides))
    }

    fn start(&self, side: Side, folder: &Path, cores: Option<Cores>) -> Result<Target, BenchError> {
        // A new folder each time: what an earlier run stored must not slow a later one.
        let folder = tempfile::tempdir_in(folder)?.keep();
        Target::start(side, self.common, &folder, cores)
    }

    fn report(self, machine: Machine, sides: &[(Side, Vec<Figures>)]) -> Report {
        let medians: Vec<_> = sides
            .iter()
            .map(|(side, runs)| (*side, Figures::median(runs)))
            .collect();
        let not_judged =
            |runs: &Vec<Figures>| runs.iter().find_map(|run| run.not_judged(self.seconds));
        Report {
            workload: self.name,
            settings: self.settings,
            machine,
            rounds: self.common.rounds,
            ratios: Report::ratios(&medians),
            sides: medians
                .into_iter()
                .zip(sides)
                .map(|((side, figures), (_, runs))| Measured {
                    side: side.name(),
                    not_judged: not_judged(runs),
                    figures,
                })
                .collect(),
        }
    }
}

impl Run {
    fn new() -> Result<Self, BenchError> {
        let id = getrandom::u64().map_err(|error| BenchError::Io(std::io::Error::other(error)))?;
        Ok(Self {
            id,
            epoch: std::time::Instant::now(),
        })
    }

    /// A connection of the load, on the board of this number.
    pub fn who(&self, number: usize, board: usize) -> Who {
        let board = BoardId::new(format!("bench-{:016x}-{board}", self.id));
        Who {
            number: number as u64,
            run: self.id,
            board: board.expect("letters, digits and dashes"),
            epoch: self.epoch,
        }
    }

    /// Since the load's clock started, in microseconds.
    pub fn epoch(&self) -> std::time::Instant {
        self.epoch
    }
}

impl Moment {
    /// Now.
    pub fn now(target: &Target) -> Self {
        Self {
            at: Instant::now(),
            server: target.usage(),
            load: machine::usage(std::process::id()),
        }
    }

    /// What this moment and a later one say, with nothing but times and memory in it.
    pub fn figures(self, later: Self, connections: usize) -> Figures {
        let cpu = |from: Option<Usage>, to: Option<Usage>| {
            let spent = to?.cpu.saturating_sub(from?.cpu);
            Some(spent.as_secs_f64())
        };
        Figures {
            seconds: later.at.duration_since(self.at).as_secs_f64(),
            connections: connections as u64,
            updates: 0,
            per_second: 0.0,
            p50_us: 0,
            p99_us: 0,
            server_cpu_s: cpu(self.server, later.server),
            server_resident_bytes: later.server.map(|usage| usage.resident_bytes),
            bytes_per_connection: None,
            sent_bytes: 0,
            received_bytes: 0,
            load_cpu_s: cpu(self.load, later.load),
            late_p99_us: None,
        }
    }

    /// The server's resident memory, in bytes.
    pub fn server_resident_bytes(self) -> Option<u64> {
        self.server.map(|usage| usage.resident_bytes)
    }
}
