//! The whole system over a virtual clock: real machines, real codec, seeded faults, one checker a
//! property. `cargo xtask sim --seeds N [--seed S]`.
#![forbid(unsafe_code)]

mod dice;
mod tally;
mod schedule;
mod network;
mod failure;
mod trace;
mod book;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;

use crate::failure::Failure;
use crate::tally::Tally;

/// Tries histories until one breaks a promise, or none does.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to try: 1,000 unless told.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed. Without `--seeds` it is the only one, and its history is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let first = arguments.seed.unwrap_or(1);
    let seeds = match (arguments.seeds, arguments.seed) {
        (None, Some(seed)) => return show(seed),
        (seeds, _) => seeds.unwrap_or(1_000),
    };
    let started = Instant::now();
    let (tally, tried, failed) = try_all(first, seeds, arguments.threads.max(1));
    report(&tally, tried, started.elapsed().as_secs_f64());
    match failed {
        None => {
            println!("{tried} seeds passed");
            ExitCode::SUCCESS
        }
        Some((seed, failure)) => {
            println!("seed {seed} failed: {failure}");
            println!("repeat it, with its history: cargo xtask sim --seed {seed}");
            ExitCode::FAILURE
        }
    }
}

/// One seed, with its history.
fn show(seed: u64) -> ExitCode {
    let (tally, result) = world::run(seed, true);
    report(&tally, 1, 1.0);
    match result {
        Ok(()) => {
            println!("seed {seed} passed");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {seed} failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn try_all(first: u64, seeds: u64, threads: u64) -> (Tally, u64, Option<(u64, Failure)>) {
    let total = Mutex::new((Tally::default(), 0_u64, None::<(u64, Failure)>));
    let next = AtomicU64::new(first);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    let (tally, result) = world::run(seed, false);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.0 += tally;
                    total.1 += 1;
                    if let Err(failure) = result {
                        is_over.store(true, Ordering::Relaxed);
                        let is_first = total.2.as_ref().is_none_or(|(other, _)| seed < *other);
                        if is_first {
                            total.2 = Some((seed, failure));
                        }
                    }
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
