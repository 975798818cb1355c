//! The whole system over a virtual clock: real machines, real codec, seeded faults, one checker a
//! property. `cargo xtask sim --seeds N [--seed S]`.
#![forbid(unsafe_code)]

mod dice;
mod tally;
mod failure;
mod steps;
mod coverage;
mod schedule;
mod network;
mod trace;
mod builds;
mod book;
mod world;
mod plants;
mod shrink;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;

use crate::coverage::Coverage;
use crate::failure::Failure;
use crate::tally::Tally;
use crate::world::{BadDay, Plan, Run};

/// Within so many seeds a planted bug has to be found: several times what the rarest needs.
const PLANT_SEEDS_MAX: u64 = 5_000;

/// Tries histories until one breaks a promise, or none does.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to try: 1,000 unless told.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed. Without `--seeds` it is the only one, and its history is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Plants every bug that can be planted, and demands that the checker meant for it finds it.
    #[arg(long)]
    plants: bool,
    /// Plants only the bug of this name; with `--seed`, in that run.
    #[arg(long, value_name = "NAME")]
    plant: Option<String>,
    /// How long persons and faults go on, in virtual milliseconds.
    #[arg(long)]
    milliseconds: Option<u64>,
    /// A fault that does not happen; as often as wanted.
    #[arg(long, value_name = "FAULT")]
    without: Vec<String>,
    /// Devices may have several tabs.
    #[arg(long)]
    tabs: bool,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.plants || (arguments.plant.is_some() && arguments.seed.is_none()) {
        let is_proved = plants::prove(
            arguments.plant.as_deref(),
            arguments.seeds.unwrap_or(PLANT_SEEDS_MAX),
            arguments.threads.max(1),
        );
        return ExitCode::from(u8::from(!is_proved));
    }
    if let Some(name) = &arguments.plant
        && !plants::plant_here(name)
    {
        println!("no bug is called {name}");
        return ExitCode::FAILURE;
    }
    let plan = match arguments.plan(arguments.seed.unwrap_or(1)) {
        Ok(plan) => plan,
        Err(reason) => {
            println!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    let seeds = match (arguments.seeds, arguments.seed) {
        (None, Some(_)) => return show(&plan),
        (seeds, _) => seeds.unwrap_or(1_000),
    };
    let started = Instant::now();
    let total = try_all(&plan, seeds, arguments.threads.max(1));
    report(&total.tally, total.tried, started.elapsed().as_secs_f64());
    total
        .coverage
        .lines()
        .iter()
        .for_each(|line| println!("{line}"));
    if let Some((seed, failure)) = &total.failed {
        return tell_failure(
            &Plan {
                seed: *seed,
                ..plan
            },
            failure,
        );
    }
    let holes = total
        .coverage
        .holes(&total.tally, total.tried, plan.has_tabs);
    if !holes.is_empty() {
        println!("never reached, or too seldom: {}", holes.join("; "));
        return ExitCode::FAILURE;
    }
    println!("{} seeds passed", total.tried);
    ExitCode::SUCCESS
}

impl Arguments {
    fn plan(&self, seed: u64) -> Result<Plan, String> {
        let mut plan = Plan::of(seed);
        plan.faults_ms = self.milliseconds.unwrap_or(plan.faults_ms);
        plan.has_tabs = self.tabs;
        for name in &self.without {
            let day = BadDay::ALL
                .into_iter()
                .find(|day| format!("{day:?}") == *name);
            plan.without
                .insert(day.ok_or_else(|| format!("no fault is called {name}"))?);
        }
        Ok(plan)
    }
}

/// The failure, and the smallest history that could be found for it.
fn tell_failure(plan: &Plan, failure: &Failure) -> ExitCode {
    println!("seed {} failed: {failure}", plan.seed);
    println!(
        "repeat it, with its history: cargo xtask sim {}",
        flags(plan)
    );
    std::panic::set_hook(Box::new(|_| {}));
    let small = shrink::shrunk(plan, failure.checker);
    if small != *plan {
        println!(
            "smaller, for the same checker: cargo xtask sim {}",
            flags(&small)
        );
    }
    ExitCode::FAILURE
}

/// How to ask for a plan.
fn flags(plan: &Plan) -> String {
    let whole = Plan::of(plan.seed);
    let mut flags = vec![format!("--seed {}", plan.seed)];
    if plan.faults_ms != whole.faults_ms {
        flags.push(format!("--milliseconds {}", plan.faults_ms));
    }
    if plan.has_tabs {
        flags.push("--tabs".to_owned());
    }
    flags.extend(plan.without.iter().map(|day| format!("--without {day:?}")));
    flags.join(" ")
}

/// One history, printed.
fn show(plan: &Plan) -> ExitCode {
    let run = plan.run(true);
    report(&run.tally, 1, 1.0);
    match run.result {
        Ok(()) => {
            println!("seed {} passed", plan.seed);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {} failed: {failure}", plan.seed);
            ExitCode::FAILURE
        }
    }
}

/// What many runs came to.
#[derive(Debug, Default)]
struct Total {
    tally: Tally,
    coverage: Coverage,
    tried: u64,
    /// The lowest seed that failed.
    failed: Option<(u64, Failure)>,
}

impl Total {
    fn take(&mut self, seed: u64, run: Run) {
        self.tally += run.tally;
        self.coverage += run.coverage;
        self.tried += 1;
        if let Err(failure) = run.result {
            let is_first = self.failed.as_ref().is_none_or(|(other, _)| seed < *other);
            if is_first {
                self.failed = Some((seed, failure));
            }
        }
    }
}

fn try_all(plan: &Plan, seeds: u64, threads: u64) -> Total {
    let total = Mutex::new(Total::default());
    let next = AtomicU64::new(plan.seed);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= plan.seed + seeds {
                        break;
                    }
                    let run = Plan {
                        seed,
                        ..plan.clone()
                    }
                    .run(false);
                    is_over.fetch_or(run.result.is_err(), Ordering::Relaxed);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.take(seed, run);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn report(tally: &Tally, seeds: u64, seconds: f64) {
    for (label, count) in tally.rows() {
        println!("{count:>12}  {label}");
    }
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let rate = seeds as f64 / seconds.max(0.001);
    println!("{seeds:>12}  seeds tried, {rate:.0} a second");
}

#[cfg(test)]
mod tests {
    use crate::world::Plan;

    /// The long runs are optimised (`cargo xtask sim`). This one tells bugs that are seeded by
    /// machine (`cargo xtask mutants`), which says how many seeds.
    #[test]
    fn a_few_seeds_pass_with_tabs_and_without() {
        let seeds = std::env::var("DRIFTLESS_SEEDS").ok();
        let seeds = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(10);
        for seed in 1..=seeds {
            for has_tabs in [false, true] {
                let plan = Plan {
                    has_tabs,
                    ..Plan::of(seed)
                };
                let result = plan.run(false).result;
                assert!(result.is_ok(), "{seed} (tabs: {has_tabs}): {result:?}");
            }
        }
    }

    /// Seeds with tabs that failed. In the first three the account of what a person knows was
    /// wrong: of a redo over what another tab had hidden, of an edit that a tab wanted after all
    /// and was closed before that was stored, and of a leaf that is absent since their own edit
    /// made its record anew. In the last a decision that the machine had taken by itself, which
    /// had joined a refused edit and was never stored, went without a word. In 6,241 an edit that
    /// was known through others to have been seen counted as unseen once those had gone.
    #[test]
    fn seeds_that_failed_pass() {
        for seed in [6_241, 72_003, 73_736, 74_922, 87_799] {
            let plan = Plan {
                has_tabs: true,
                ..Plan::of(seed)
            };
            let result = plan.run(false).result;
            assert!(result.is_ok(), "{seed}: {result:?}");
        }
    }
}
