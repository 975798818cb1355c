//! `cargo xtask sim`: the simulator, optimised and with its debug assertions on.

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::repo::Repo;

/// The options of `cargo xtask sim`: whatever the simulator takes.
#[derive(Debug, Args)]
pub struct SimOptions {
    /// Passed on to the simulator: `--seeds N`, `--seed S` and so on.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl SimOptions {
    /// A run over this many seeds.
    pub fn seeds(count: u32) -> Self {
        Self {
            arguments: vec!["--seeds".to_owned(), count.to_string()],
        }
    }

    /// The same, where devices may have several tabs.
    pub fn with_tabs(mut self) -> Self {
        self.arguments.push("--tabs".to_owned());
        self
    }

    /// A run that plants bugs: each has to be found by the checker that is meant for it.
    pub fn plants() -> Self {
        Self {
            arguments: vec!["--plants".to_owned()],
        }
    }
}

/// Builds and runs the simulator; a failed seed is an error.
pub fn run(repo: &Repo, options: &SimOptions) -> Result<()> {
    let mut cargo = process::cargo(repo);
    cargo.args([
        "run",
        "--quiet",
        "--profile",
        "sim",
        "--package",
        "driftless-simulator",
        "--",
    ]);
    process::run(cargo.args(&options.arguments))
}
