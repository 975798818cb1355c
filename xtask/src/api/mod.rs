//! `cargo xtask api`: what is public in each crate that is published, as text that is committed
//! (`api/`), so that every change of it is seen.

pub mod rustdoc;
mod listing;
mod recorded;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::repo::{self, Repo};
use crate::tally::Tally;
use crate::wasm_target::{self, TRIPLE, WasmTarget};
use crate::{package, process};
use recorded::Recorded;

/// What has an API of its own in the browser: other items than on this machine.
const IN_BROWSERS: [&str; 3] = ["driftless-client", "driftless-leptos", "driftless-store"];

/// How a check ended.
#[derive(Debug)]
pub enum Outcome {
    /// One test for each crate.
    Compared(Tally),
    /// Nothing could be compared, and why.
    Skipped(String),
}

/// A crate, with what is public in it.
#[derive(Debug)]
struct Listed {
    package: String,
    native: Vec<String>,
    /// `None` where it is not listed apart for the browser.
    browser: Option<Vec<String>>,
}

/// Writes what is public into `api/`.
pub fn write(repo: &Repo) -> Result<()> {
    if let Some(reason) = unreadable() {
        bail!(reason);
    }
    let browsers = browsers(repo)?;
    ensure!(
        browsers.is_some(),
        "only the toolchain that has the target {TRIPLE} can list what is public in a browser"
    );
    let crates = list(repo, browsers.as_ref())?;
    for one in &crates {
        let recorded = Recorded::of(&one.native, one.browser.as_deref());
        let file = file_of(repo, &one.package);
        std::fs::write(&file, recorded.text(&one.package))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("What is public in {} crates is in api/", crates.len());
    Ok(())
}

/// Compares what is public with what `api/` says, and prints where they differ.
pub fn check(repo: &Repo) -> Result<Outcome> {
    match unreadable() {
        Some(reason) if repo::in_ci() => bail!(reason),
        Some(reason) => return Ok(Outcome::Skipped(reason)),
        None => {}
    }
    let mut tally = Tally::default();
    for one in list(repo, browsers(repo)?.as_ref())? {
        let file = file_of(repo, &one.package);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let recorded = Recorded::read(&text);
        let differences = recorded.differences(&one.native, one.browser.as_deref());
        if !differences.is_empty() {
            println!(
                "What is public in {} is not what api/{}.txt says. `cargo xtask api` writes it; \
                 docs/release.md says what a change means for the next version.",
                one.package, one.package
            );
        }
        for difference in &differences {
            println!("  {difference}");
        }
        tally += Tally::of_check(differences.is_empty());
    }
    println!("The public API of {} crates was compared", tally.executed());
    Ok(Outcome::Compared(tally))
}

/// Why what rustdoc says cannot be read here. Its format is that of one version of Rust, the oldest
/// that compiles the crates.
fn unreadable() -> Option<String> {
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let found = process::output_of(rustc.arg("--version")).unwrap_or_default();
    let is_wanted = found.starts_with(&format!("rustc {wanted}."));
    (!is_wanted).then(|| format!("the public API is compared with Rust {wanted}, this is {found}"))
}

/// The toolchain for the browser where it is the one that runs this xtask; Debian's says other
/// things about a crate.
fn browsers(repo: &Repo) -> Result<Option<WasmTarget>> {
    let wasm = WasmTarget::ensure(repo)?;
    Ok(Some(wasm).filter(|wasm| *wasm == WasmTarget::Installed))
}

fn list(repo: &Repo, browsers: Option<&WasmTarget>) -> Result<Vec<Listed>> {
    let packages = package::published(repo)?;
    let mut cargo = process::cargo(repo);
    // As `cargo doc` did before: nothing is compiled again.
    cargo.args(["doc", "--workspace"]);
    let native = rustdoc::describe(&mut cargo, &packages, &repo.target().join("doc"))?;
    let in_browsers = match browsers {
        Some(wasm) => {
            let names = IN_BROWSERS.map(str::to_owned);
            let mut cargo = wasm.cargo(repo, "doc");
            cargo.args(wasm_target::browser_libraries());
            rustdoc::describe(&mut cargo, &names, &repo.target().join(TRIPLE).join("doc"))?
        }
        None => Vec::new(),
    };
    let mut crates = Vec::new();
    for (package, file) in packages.into_iter().zip(native) {
        let at = IN_BROWSERS.iter().position(|name| *name == package);
        let browser = at.and_then(|at| in_browsers.get(at));
        crates.push(Listed {
            native: listing::of(&file)?,
            browser: browser.map(|file| listing::of(file)).transpose()?,
            package,
        });
    }
    Ok(crates)
}

fn file_of(repo: &Repo, package: &str) -> PathBuf {
    repo.root().join("api").join(format!("{package}.txt"))
}
