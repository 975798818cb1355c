//! What makes the shipped web app smaller: wasm-opt for the module, esbuild for scripts and
//! styles. Both come from npm where node is there, and neither is needed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::repo::Repo;
use crate::{glue, neighbours, node, process, sizes};

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

/// Makes the files of a web app smaller in place, or says why they stay as they are.
pub fn files(repo: &Repo, app: &Path) -> Result<()> {
    let packages = repo.root().join("xtask/shrink");
    if !node::present() {
        println!("The web app stays as it is built: node and npm are missing");
        return Ok(());
    }
    if let Err(reason) = node::install_locked(&packages) {
        println!("The web app stays as it is built: {reason:#}");
        return Ok(());
    }
    glue::shorten(&packages, app)?;
    for file in sizes::files_below(app)? {
        let file = app.join(file);
        match file.extension().and_then(OsStr::to_str) {
            Some("wasm") => replace(&file, |smaller| module(&packages, &file, smaller))?,
            Some("js" | "css") => replace(&file, |smaller| text(&packages, &file, smaller))?,
            _ => {}
        }
    }
    Ok(())
}

fn replace(file: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    println!("Making {} smaller", file.display());
    let mut smaller = PathBuf::from(file);
    smaller.add_extension("smaller");
    make(&smaller)?;
    fs::rename(&smaller, file).with_context(|| format!("cannot replace {}", file.display()))
}

/// What holds for the output of the Rust compiler, and lets more be folded: it checks divisors and
/// indices itself, and the first KiB is the far end of the stack, where nothing else lies.
const PROMISES: [&str; 2] = ["--ignore-implicit-traps", "--low-memory-unused"];

/// Larger functions stay by themselves, also where only one place calls them: compression finds
/// fewer repetitions in a large one than in small ones, whose locals have the same numbers.
const ALONE: &str = "--one-caller-inline-max-function-size=24";

/// Structured control flow is taken apart and put together again before the usual passes, which
/// finds repetitions that they leave.
fn module(packages: &Path, file: &Path, smaller: &Path) -> Result<()> {
    let mut command = Command::new("node");
    command
        .arg(packages.join("node_modules/binaryen/bin/wasm-opt"))
        .arg(file)
        .args(FEATURES)
        .args(PROMISES)
        .arg(ALONE)
        .args(["-Oz", "--flatten", "--rereloop", "-Oz", "-Oz"])
        .arg("--strip-target-features")
        .arg("--output")
        .arg(smaller);
    process::run(&mut command)?;
    let module = fs::read(smaller).with_context(|| format!("cannot read {}", smaller.display()))?;
    fs::write(smaller, neighbours::reordered(&module)?)?;
    Ok(())
}

fn text(packages: &Path, file: &Path, smaller: &Path) -> Result<()> {
    let mut command = Command::new(packages.join("node_modules/.bin/esbuild"));
    let mut outfile = OsStr::new("--outfile=").to_owned();
    outfile.push(smaller);
    command
        .arg(file)
        .args(["--minify", "--charset=utf8", "--log-level=warning"])
        .arg(outfile);
    process::run(&mut command)
}
