//! `cargo xtask upgrade`: an older build and this one take turns with one data folder, while
//! clients and pages stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::app::{self, App, Build};
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::{browser, process};

/// Names the older server's executable to the test.
const OLDER: &str = "DRIFTLESS_OLDER";

/// The options of `cargo xtask upgrade`.
#[derive(Debug, Args)]
pub struct UpgradeOptions {
    /// The older build: a tag or a commit, as git names it.
    #[arg(long, value_name = "REVISION", required_unless_present = "older")]
    from: Option<String>,
    /// The same, built already: its executable.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "from",
        requires = "older_web"
    )]
    older: Option<PathBuf>,
    /// The folder of its pages.
    #[arg(long, value_name = "DIR", requires = "older")]
    older_web: Option<PathBuf>,
}

/// Builds the older half where it is not given, and runs the tests that need it.
pub fn run(repo: &Repo, options: &UpgradeOptions) -> Result<()> {
    let older = match (&options.older, &options.older_web, &options.from) {
        (Some(server), Some(web), _) => App {
            server: absolute(server)?,
            web: absolute(web)?,
        },
        (_, _, from) => built(repo, from.as_deref().unwrap_or("HEAD"))?,
    };
    let mut cargo = process::cargo(repo);
    cargo.args(["test", "--package", "driftless", "--test", "binary", "--"]);
    cargo.args(["--ignored", "--nocapture", "upgrade::"]);
    process::run(cargo.env(OLDER, &older.server))?;
    let newer = app::build(repo, &WasmTarget::ensure(repo)?, Build::Fast)?;
    browser::try_upgrade(repo, &older, &newer)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    let found = path.canonicalize();
    found.with_context(|| format!("there is no {}", path.display()))
}

/// Builds server and pages of another revision. Cargo gets a folder of its own for it: it would
/// take one revision's artifacts for the other's.
fn built(repo: &Repo, revision: &str) -> Result<App> {
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
    git(&["worktree", "add", "--force", "--detach", place, revision])?;
    let built = build_both(repo, &source, &target);
    git(&["worktree", "remove", "--force", place])?;
    built
}

fn build_both(repo: &Repo, source: &Path, target: &Path) -> Result<App> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = process::cargo(repo);
        cargo.current_dir(source).args(arguments);
        process::run(cargo.env("CARGO_TARGET_DIR", target))
    };
    cargo(&["build", "--locked", "--package", "driftless"])?;
    let server = target
        .join("debug")
        .join(format!("driftless{}", std::env::consts::EXE_SUFFIX));
    ensure!(server.is_file(), "cargo left no {}", server.display());
    // That revision's own xtask knows how its pages are made.
    cargo(&["xtask", "web"])?;
    let web = target.join("pages");
    if web.exists() {
        fs::remove_dir_all(&web).with_context(|| format!("cannot empty {}", web.display()))?;
    }
    let made = source.join("target/web/web");
    fs::rename(&made, &web).with_context(|| format!("there are no pages in {}", made.display()))?;
    Ok(App { web, server })
}
