//! rustdoc, asked for data instead of pages.
//!
//! That output is unstable: the stable rustdoc writes it only where `RUSTC_BOOTSTRAP` is set. Set
//! for cargo as a whole it would have every build script look again, and most crates built again.
//! So cargo is given this xtask in rustdoc's place: it passes the call on, with the variable set
//! for that one process, and answers for the crates that nobody asked about without doing anything.
//! What `cargo doc` has built before is used as it is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::process;

/// Tells this xtask that it stands in for rustdoc, and of which crates something is asked.
const ASKED: &str = "DRIFTLESS_API_CRATES";

/// What a crate is called where it is compiled.
fn identifier(package: &str) -> String {
    package.replace('-', "_")
}

/// Runs a `cargo doc` that is chosen already, and answers the file of each package, in order.
///
/// `folder` is where cargo puts the documentation.
pub fn describe(cargo: &mut Command, packages: &[String], folder: &Path) -> Result<Vec<PathBuf>> {
    let files = packages.iter().map(|package| {
        let file = folder.join(identifier(package));
        file.with_extension("json")
    });
    let files: Vec<_> = files.collect();
    for file in files.iter().filter(|file| file.exists()) {
        fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    let asked: Vec<_> = packages.iter().map(|package| identifier(package)).collect();
    let this = env::current_exe().context("cannot tell where xtask runs from")?;
    // Cargo looks for the pages, which are not made here: a flag that is another one each time says
    // that what it did before does not count.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let run = format!("--cfg=api_run_{}", now.as_nanos());
    let flags = format!("-Zunstable-options --output-format=json {run}");
    cargo.args(["--no-deps", "--quiet"]);
    cargo.env("RUSTDOC", this).env("RUSTDOCFLAGS", flags);
    process::run(cargo.env(ASKED, asked.join(",")))?;
    Ok(files)
}

/// Does rustdoc's work where cargo calls this xtask as rustdoc; `None` where a person calls it.
pub fn stand_in() -> Option<ExitCode> {
    let asked = env::var(ASKED).ok()?;
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if !concerns(&asked, &arguments) {
        return Some(ExitCode::SUCCESS);
    }
    let beside_cargo = env::var_os("CARGO")
        .map(|cargo| Path::new(&cargo).with_file_name("rustdoc"))
        .map(|rustdoc| rustdoc.with_extension(env::consts::EXE_EXTENSION))
        .filter(|rustdoc| rustdoc.is_file());
    let mut rustdoc = Command::new(beside_cargo.unwrap_or_else(|| "rustdoc".into()));
    rustdoc.args(&arguments).env("RUSTC_BOOTSTRAP", "1");
    match process::run(&mut rustdoc) {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("{error:#}");
            Some(ExitCode::FAILURE)
        }
    }
}

/// Whether a call of rustdoc is about one of the crates, or about none.
fn concerns(asked: &str, arguments: &[impl AsRef<std::ffi::OsStr>]) -> bool {
    let mut words = arguments.iter().map(AsRef::as_ref);
    let name = words
        .find(|word| *word == "--crate-name")
        .and(words.next())
        .and_then(|name| name.to_str());
    name.is_none_or(|name| asked.split(',').any(|one| one == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_about_is_passed_on_to_rustdoc() {
        let about = |arguments: &[&str]| concerns("one_crate,another", arguments);
        assert!(about(&["--edition", "2024", "--crate-name", "another"]));
        assert!(!about(&["--crate-name", "a_third", "src/lib.rs"]));
        assert!(!about(&["--crate-name", "one"]));
        assert!(about(&["--version"]));
    }
}
