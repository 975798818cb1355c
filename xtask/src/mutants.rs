//! `cargo xtask mutants`: bugs seeded by machine into the rules of the sync core. One that no test
//! notices is a missing test, or is listed in `.cargo/mutants.toml` with the reason.

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

/// Runs cargo-mutants; what it finds is under the target folder, and a bug that nobody noticed is
/// an error.
pub fn run(repo: &Repo, options: &MutantsOptions) -> Result<()> {
    if machine::find_program("cargo-mutants").is_none() {
        bail!("missing: cargo-mutants (`cargo install --locked cargo-mutants`)");
    }
    let mut cargo = process::cargo(repo);
    cargo
        .env("DRIFTLESS_SEEDS", SEEDS)
        .args(["mutants", "--workspace", "--no-shuffle", "--output"])
        .arg(repo.target().join("mutants"));
    process::run(cargo.args(&options.arguments))
}
