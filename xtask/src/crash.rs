//! `cargo xtask crash`: rounds of `kill -9` against the real server.

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::repo::Repo;

/// The options of `cargo xtask crash`: whatever the rounds take.
#[derive(Debug, Args)]
pub struct CrashOptions {
    /// Passed on: `--rounds N`, `--writers N`, `--boards N`, `--seed S`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl CrashOptions {
    /// So many rounds.
    pub fn rounds(count: u32) -> Self {
        Self {
            arguments: vec!["--rounds".to_owned(), count.to_string()],
        }
    }
}

/// Builds the server and the writers, and runs the rounds; an edit that is lost is an error.
pub fn run(repo: &Repo, options: &CrashOptions) -> Result<()> {
    let packages = ["--package", "driftless", "--package", "driftless-crash"];
    let mut build = process::cargo(repo);
    process::run(build.args(["build", "--quiet"]).args(packages))?;
    let mut rounds = std::process::Command::new(repo.executable("debug", "driftless-crash"));
    let server = repo.executable("debug", "driftless");
    process::run(rounds.arg("--server").arg(server).args(&options.arguments))
}
