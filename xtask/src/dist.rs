//! `cargo xtask dist`: the one binary that is shipped, with the web app inside.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::web;

/// The ceiling for a first visit's download after brotli. It was 450,000 before tabs shared a
/// replica, a page told of itself, and receipts, ledger and monitor came; it is to be that again.
const FIRST_LOAD_BYTES_MAX: usize = 495_000;

/// Builds into `dist/`; a first load over its ceiling is an error.
pub fn run(repo: &Repo) -> Result<()> {
    let wasm = WasmTarget::ensure(repo)?;
    let first_load = web::build_measured(repo, &wasm)?;
    ensure!(
        first_load <= FIRST_LOAD_BYTES_MAX,
        "the first load is {first_load} bytes after brotli; at most {FIRST_LOAD_BYTES_MAX}"
    );
    let mut cargo = process::cargo(repo);
    cargo.args([
        "build",
        "--release",
        "--package",
        "driftless",
        "--features",
        "embed-web",
    ]);
    process::run(&mut cargo)?;

    let built = repo.executable("release", "driftless");
    let folder = repo.root().join("dist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let name = built.file_name().context("cargo's output has a name")?;
    let shipped = folder.join(name);
    let bytes = fs::copy(&built, &shipped)
        .with_context(|| format!("cannot copy to {}", shipped.display()))?;
    println!(
        "{}: {bytes} bytes; first load {first_load} bytes after brotli",
        shipped.display()
    );
    Ok(())
}
