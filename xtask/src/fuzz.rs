//! `cargo xtask fuzz`: libFuzzer on one of the targets of `fuzz/`, for as long as asked. The short
//! run over all of them is a test of the crate.

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::machine;
use crate::process;
use crate::repo::Repo;

/// The options of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub struct FuzzOptions {
    /// Which target: a folder of `fuzz/corpus`.
    #[arg(long)]
    target: String,
    /// For how long.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs libFuzzer; what it finds is kept under the target folder, and is an error.
pub fn run(repo: &Repo, options: &FuzzOptions) -> Result<()> {
    let seeds = repo.root().join("fuzz/corpus").join(&options.target);
    if !seeds.is_dir() {
        bail!(
            "there is no fuzz/corpus/{}; the targets are its folders",
            options.target
        );
    }
    let missing = missing();
    if !missing.is_empty() {
        bail!("missing: {}", missing.join(", "));
    }
    let work = repo.target().join("fuzz").join(&options.target);
    let (found, artifacts) = (work.join("corpus"), work.join("artifacts"));
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut cargo = std::process::Command::new("rustup");
    process::forget_xtask(&mut cargo);
    cargo
        .current_dir(repo.root())
        .args([
            "run",
            "nightly",
            "cargo",
            "fuzz",
            "run",
            "--sanitizer",
            "none",
        ])
        .args(["--features", "libfuzzer", "--target-dir"])
        .arg(repo.target().join("fuzz/build"))
        .arg("libfuzzer")
        .args([&found, &seeds])
        .arg("--")
        .args([
            format!("-max_total_time={}", options.seconds),
            format!("-artifact_prefix={}/", artifacts.display()),
            "-timeout=10".to_owned(),
            "-rss_limit_mb=1024".to_owned(),
            "-max_len=4096".to_owned(),
        ])
        .env("DRIFTLESS_FUZZ_TARGET", &options.target);
    process::run(&mut cargo)
}

/// What is not installed, each with the command that installs it.
fn missing() -> Vec<&'static str> {
    let has_cargo_fuzz = machine::find_program("cargo-fuzz").is_some();
    let mut rustup = std::process::Command::new("rustup");
    let toolchains = process::output_of(rustup.args(["toolchain", "list"]));
    let has_nightly = toolchains.is_some_and(|list| list.contains("nightly"));
    let wanted = [
        (
            has_nightly,
            "nightly Rust (`rustup toolchain install nightly`)",
        ),
        (has_cargo_fuzz, "cargo-fuzz (`cargo install cargo-fuzz`)"),
    ];
    let missing = wanted.into_iter().filter(|(is_there, _)| !is_there);
    missing.map(|(_, what)| what).collect()
}
