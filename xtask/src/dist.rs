//! `cargo xtask dist`: what is shipped. One binary with the web app inside, and an archive of it
//! with licences, settings for where it runs, and completions.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::archive;
use crate::browser;
use crate::notices;
use crate::process;
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::web;

/// The ceiling for a first visit's download after brotli: what a board is shown with. It is to be
/// 350,000.
const FIRST_LOAD_BYTES_MAX: usize = 365_000;

/// The ceiling for a page with the client and no UI framework (`examples/plain-page`), its glue and
/// its few lines of document included, after brotli.
const CLIENT_BYTES_MAX: usize = 150_000;

/// What the archive has as it is in the repository.
const AS_THEY_ARE: [&str; 9] = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "CHANGELOG.md",
    "docs/operations.md",
    "docs/http.md",
    "deploy/driftless.service",
    "deploy/nginx.conf",
    "deploy/Caddyfile",
    "deploy/compose.yaml",
];

/// Shells with completions, and how their files are called.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "driftless.bash"),
    ("fish", "driftless.fish"),
    ("zsh", "_driftless"),
];

/// Builds into `dist/`, packs it, unpacks it elsewhere and opens a board with it in Chromium; a
/// first load over its ceiling is an error where the standard library is built with the app.
pub fn run(repo: &Repo) -> Result<()> {
    let wasm = WasmTarget::ensure_to_ship(repo)?;
    let first_load = web::build_measured(repo, &wasm)?;
    let client = web::client_measured(repo, &wasm)?;
    for (what, bytes, bytes_max) in [
        ("first load", first_load, FIRST_LOAD_BYTES_MAX),
        ("client alone", client, CLIENT_BYTES_MAX),
    ] {
        // Without its sources, the standard library is one that was compiled to be fast.
        ensure!(
            bytes <= bytes_max || !wasm.builds_std(),
            "{what}: {bytes} bytes after brotli; at most {bytes_max}"
        );
    }
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

    let dist = repo.root().join("dist");
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;
    let binary = copied(&repo.executable("release", "driftless"), &dist)?;
    let folder = assembled(repo, &binary, &dist)?;
    let packed = folder.with_added_extension("tar.gz");
    archive::pack(&folder, &packed)?;
    try_out(repo, &packed, &folder)?;
    for file in [&binary, &packed] {
        println!("{}: {} bytes", file.display(), fs::metadata(file)?.len());
    }
    println!("first load {first_load} bytes after brotli, the client alone {client}");
    Ok(())
}

/// The folder that is packed: `dist/driftless-VERSION-TARGET`.
fn assembled(repo: &Repo, binary: &Path, dist: &Path) -> Result<PathBuf> {
    let name = format!(
        "driftless-{}-{}-{}",
        env!("CARGO_PKG_VERSION"),
        env::consts::ARCH,
        env::consts::OS
    );
    let folder = dist.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for file in AS_THEY_ARE {
        let place = folder.join(file);
        let place = place.parent().context("a file is in a folder")?;
        fs::create_dir_all(place)?;
        copied(&repo.root().join(file), place)?;
    }
    copied(binary, &folder)?;
    fs::write(folder.join("THIRD-PARTY.txt"), notices::text(repo)?)?;
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for (shell, file) in SHELLS {
        let script = process::output_of(Command::new(binary).args(["completions", shell]));
        let script = script.with_context(|| format!("no completions for {shell}"))?;
        fs::write(completions.join(file), script)?;
    }
    Ok(folder)
}

fn copied(file: &Path, folder: &Path) -> Result<PathBuf> {
    let name = file.file_name().context("a file has a name")?;
    let place = folder.join(name);
    fs::copy(file, &place).with_context(|| format!("cannot copy to {}", place.display()))?;
    Ok(place)
}

/// From an empty folder, with nothing but the archive: a board opens in Chromium.
fn try_out(repo: &Repo, packed: &Path, folder: &Path) -> Result<()> {
    let place = repo.target().join("dist-tried");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    archive::unpack(packed, &place)?;
    let name = folder.file_name().context("a folder has a name")?;
    let binary = binary_in(&place.join(name));
    let version = process::output_of(Command::new(&binary).arg("--version"));
    let version = version.context("the unpacked binary does not start")?;
    println!("unpacked and started: {}", version.trim());
    browser::try_installed(repo, &binary)?;
    fs::remove_dir_all(&place)?;
    Ok(())
}

fn binary_in(folder: &Path) -> PathBuf {
    folder.join(format!("driftless{}", env::consts::EXE_SUFFIX))
}
