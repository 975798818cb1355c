//! `cargo xtask upgrade`: an older build and this one take turns with one data folder, while
//! clients stay.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::process;
use crate::repo::Repo;

/// Names the older server's executable to the test.
const OLDER: &str = "DRIFTLESS_OLDER";

/// The options of `cargo xtask upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeOptions {
    /// The older build: a tag or a commit, as git names it.
    #[arg(long, value_name = "REVISION", required_unless_present = "older")]
    from: Option<String>,
    /// The same, built already: its executable.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    older: Option<PathBuf>,
}

/// Builds the older server where it is not given, and runs the test that needs it.
pub fn run(repo: &Repo, options: &UpgradeOptions) -> Result<()> {
    let older = match (&options.older, &options.from) {
        (Some(older), _) => older
            .canonicalize()
            .context("there is no such executable")?,
        (None, from) => built(repo, from.as_deref().unwrap_or("HEAD"))?,
    };
    let mut cargo = process::cargo(repo);
    cargo.args(["test", "--package", "driftless", "--test", "binary", "--"]);
    cargo.args(["--ignored", "--nocapture", "upgrade::"]);
    process::run(cargo.env(OLDER, older))
}

/// Builds a server of another revision, in a folder of its own.
fn built(repo: &Repo, revision: &str) -> Result<PathBuf> {
    let source = repo.target().join("older-source");
    let target = repo.target().join("older");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        process::run(git.current_dir(repo.root()).args(arguments))
    };
    let place = source
        .to_str()
        .context("the target folder's path is no text")?;
    if source.exists() {
        git(&["worktree", "remove", "--force", place])?;
    }
    git(&["worktree", "add", "--detach", place, revision])?;
    let mut cargo = process::cargo(repo);
    cargo
        .current_dir(&source)
        .args(["build", "--locked", "--package", "driftless"]);
    let built = process::run(cargo.env("CARGO_TARGET_DIR", &target));
    git(&["worktree", "remove", "--force", place])?;
    built?;
    let executable = target
        .join("debug")
        .join(format!("driftless{}", std::env::consts::EXE_SUFFIX));
    ensure!(
        executable.is_file(),
        "cargo left no {}",
        executable.display()
    );
    Ok(executable)
}
