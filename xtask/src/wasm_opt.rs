//! wasm-opt from npm's `binaryen`, where node is there: smaller by a few percent, never needed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::repo::Repo;
use crate::{node, process};

/// What the output of the Rust compiler uses. Never `--all-features`: it makes wasm-opt emit
/// imports that Chromium refuses.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-multivalue",
    "--enable-mutable-globals",
];

/// Optimises a module in place for size, or says why it stays as it is.
pub fn optimise(repo: &Repo, module: &Path) -> Result<()> {
    let folder = repo.root().join("xtask/wasm-opt");
    if !node::present() {
        println!("Not optimised with wasm-opt: node and npm are missing");
        return Ok(());
    }
    if let Err(reason) = node::install_locked(&folder) {
        println!("Not optimised with wasm-opt: {reason:#}");
        return Ok(());
    }
    let optimised = module.with_extension("optimised");
    let mut command = Command::new("node");
    command
        .arg(folder.join("node_modules/binaryen/bin/wasm-opt"))
        .arg(module);
    command
        .arg("-Oz")
        .args(FEATURES)
        .arg("--output")
        .arg(&optimised);
    println!("Optimising the module with wasm-opt");
    process::run(&mut command)?;
    fs::rename(&optimised, module).with_context(|| format!("cannot replace {}", module.display()))
}
