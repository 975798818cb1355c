//! `cargo xtask mutants`: bugs seeded by machine into the rules of the sync core. One that no test
//! notices is a missing test, or is listed in `.cargo/mutants.toml` with the reason.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::machine;
use crate::process;
use crate::repo::Repo;

/// How many seeds the simulator tries against each, with and without tabs.
const SEEDS: &str = "40";

/// The options of `cargo xtask mutants`: whatever cargo-mutants takes.
#[derive(Debug, Args)]
pub struct MutantsOptions {
    /// Passed on: `--shard 0/8`, `--file PATH`, `--list`, `--iterate` and so on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The tests that tell most of the bugs, and within seconds; then the simulator, for what they let
/// pass.
const TESTS: [&str; 2] = ["driftless-model,driftless-sync", "driftless-simulator"];

/// The exit code of cargo-mutants where it found a bug that nobody noticed.
const MISSED: i32 = 2;

/// Runs cargo-mutants; what it finds is under the target folder, and a bug that nobody noticed is
/// an error.
pub fn run(repo: &Repo, options: &MutantsOptions) -> Result<()> {
    if machine::find_program("cargo-mutants").is_none() {
        bail!("missing: cargo-mutants (`cargo install --locked cargo-mutants`)");
    }
    let [first, then] = TESTS;
    let mut quick = seeded(repo, options, first);
    let status = quick.status()?;
    if status.code() != Some(MISSED) {
        return process::check(status, &quick);
    }
    let mut slow = seeded(repo, options, then);
    if !options.arguments.iter().any(|it| it == "--iterate") {
        slow.arg("--iterate");
    }
    process::run(&mut slow)
}

/// Bugs are seeded, and the tests of these packages have to notice.
fn seeded(repo: &Repo, options: &MutantsOptions, packages: &str) -> Command {
    let mut cargo = process::cargo(repo);
    cargo
        // Nobody looks at where a bug of these is: no time for line numbers.
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("DRIFTLESS_SEEDS", SEEDS)
        .args(["mutants", "--workspace", "--no-shuffle", "--output"])
        .arg(repo.target().join("mutants"))
        .args(["--test-package", packages])
        .args(&options.arguments);
    cargo
}
