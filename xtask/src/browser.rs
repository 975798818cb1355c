//! The browser tests: real Chromium pages against a real server.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::app::{self, App, Build};
use crate::example;
use crate::repo::Repo;
use crate::tally::{self, Tally};
use crate::wasm_target::WasmTarget;
use crate::{machine, node, process, web};

const CHROMIUM_VARIABLE: &str = "DRIFTLESS_CHROMIUM";

/// Installs what the browser tests need; the error says in one line what is missing.
pub fn prepare(repo: &Repo) -> Result<PathBuf> {
    node::ensure()?;
    let chromium = ensure_chromium()?;
    node::install_locked(&repo.root().join("e2e"))
        .context("the browser tests lack their npm packages")?;
    Ok(chromium)
}

/// Builds the app and runs the test files whose name contains `only`.
pub fn run(repo: &Repo, chromium: &Path, only: &str, build: Build) -> Result<Tally> {
    let files = test_files(&repo.root().join("e2e/tests"), only)?;
    let wasm = WasmTarget::ensure(repo)?;
    let app = app::build(repo, &wasm, build)?;
    let conformance = web::build_conformance(repo, &wasm)?;
    let kit = web::build_kit(repo, &wasm)?;
    let gallery = web::build_gallery(repo, &wasm)?;
    let minimal = example::build(repo, &wasm, example::Name::Minimal)?;
    let existing = example::build(repo, &wasm, example::Name::ExistingLeptos)?;
    let plain = example::build(repo, &wasm, example::Name::PlainPage)?;
    let mut command = Command::new("node");
    command
        .current_dir(repo.root().join("e2e"))
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(files)
        .env(CHROMIUM_VARIABLE, chromium)
        .env("DRIFTLESS_SERVER", &app.server)
        .env("DRIFTLESS_WEB", &app.web)
        .env("DRIFTLESS_CONFORMANCE", conformance)
        .env("DRIFTLESS_KIT", kit)
        .env("DRIFTLESS_GALLERY", gallery)
        .env("DRIFTLESS_MINIMAL_PAGE", minimal.page)
        .env("DRIFTLESS_MINIMAL_SERVER", minimal.server)
        .env("DRIFTLESS_EXISTING_LEPTOS_PAGE", existing.page)
        .env("DRIFTLESS_EXISTING_LEPTOS_SERVER", existing.server)
        .env("DRIFTLESS_PLAIN_PAGE_PAGE", plain.page)
        .env("DRIFTLESS_PLAIN_PAGE_SERVER", plain.server);
    let mut counted = Tally::default();
    let status = process::run_reading(&mut command, |line| {
        if let Some(part) = tally::of_node_line(line) {
            counted += part;
        }
    })?;
    Ok(counted.judged(status.success()))
}

/// Counts the frames of a page with 200 widgets while others write into all of them, and tells.
pub fn frames(repo: &Repo) -> Result<()> {
    let chromium = prepare(repo)?;
    let wasm = WasmTarget::ensure(repo)?;
    let mut cargo = process::cargo(repo);
    process::run(cargo.args(["build", "--release", "--package", "driftless"]))?;
    let kit = web::build_kit(repo, &wasm)?;
    let mut command = Command::new("node");
    command
        .current_dir(repo.root().join("e2e"))
        // A global from Node 22 on.
        .args(["--experimental-websocket", "bench/frames.mjs"])
        .env(CHROMIUM_VARIABLE, chromium)
        .env("DRIFTLESS_SERVER", repo.executable("release", "driftless"))
        .env("DRIFTLESS_KIT", kit);
    process::run(&mut command)
}

/// Opens a board with a server that is installed somewhere, with nothing else of this repository
/// but the test.
pub fn try_installed(repo: &Repo, server: &Path) -> Result<()> {
    let mut command = release_test(repo, "installed")?;
    command.env("DRIFTLESS_SERVER", server);
    process::run(command.env("DRIFTLESS_WEB", ""))
}

/// Opens a board with an older server, which becomes this one and goes back.
pub fn try_upgrade(repo: &Repo, older: &App, newer: &App) -> Result<()> {
    let mut command = release_test(repo, "upgrade")?;
    command
        .env("DRIFTLESS_OLDER", &older.server)
        .env("DRIFTLESS_OLDER_WEB", &older.web)
        .env("DRIFTLESS_SERVER", &newer.server)
        .env("DRIFTLESS_WEB", &newer.web);
    process::run(&mut command)
}

/// A test that is part of a release alone.
fn release_test(repo: &Repo, name: &str) -> Result<Command> {
    let chromium = prepare(repo)?;
    let mut command = Command::new("node");
    command
        .current_dir(repo.root().join("e2e"))
        .args(["--test", "--test-reporter=spec"])
        .arg(format!("release/{name}.test.mjs"))
        .env(CHROMIUM_VARIABLE, chromium);
    Ok(command)
}

fn ensure_chromium() -> Result<PathBuf> {
    if let Some(chromium) = find_chromium() {
        return Ok(chromium);
    }
    if machine::can_install() {
        machine::install(&["chromium"])?;
    }
    match find_chromium() {
        Some(chromium) => Ok(chromium),
        None => {
            bail!("Chromium is missing: install it, or name its executable in {CHROMIUM_VARIABLE}")
        }
    }
}

fn find_chromium() -> Option<PathBuf> {
    env::var_os(CHROMIUM_VARIABLE)
        .map(PathBuf::from)
        .or_else(|| machine::find_program("chromium"))
        .filter(|chromium| chromium.is_file())
}

/// The files themselves, since versions of node differ in what a folder means.
fn test_files(folder: &Path, only: &str) -> Result<Vec<PathBuf>> {
    let entries = folder
        .read_dir()
        .with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".test.mjs") && name.contains(only) {
            files.push(path);
        }
    }
    files.sort();
    ensure!(
        !files.is_empty(),
        "no browser test's file name contains `{only}`"
    );
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_chosen_by_name_and_none_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.test.mjs", "a.test.mjs", "page.mjs"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |only| -> Vec<_> {
            let files = test_files(folder.path(), only).unwrap();
            files
                .iter()
                .map(|file| file.file_name().unwrap().to_owned())
                .collect()
        };
        assert_eq!(names(""), ["a.test.mjs", "b.test.mjs"]);
        assert_eq!(names("b.t"), ["b.test.mjs"]);
        assert!(test_files(folder.path(), "absent").is_err());
    }
}
