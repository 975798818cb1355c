//! What a person starts: the web app's files and the server's binary, built together.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process;
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::web::{self, WebProfile};

/// How both halves are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// Quick to build.
    Fast,
    /// Optimised, as it ships.
    Release,
}

/// A web app and a server that belong together.
#[derive(Debug, Clone)]
pub struct App {
    /// The folder that the server is to serve.
    pub web: PathBuf,
    /// The server's executable.
    pub server: PathBuf,
}

/// Builds the server alone, quickly, and returns its executable.
pub fn build_server(repo: &Repo) -> Result<PathBuf> {
    let mut cargo = process::cargo(repo);
    process::run(cargo.args(["build", "--quiet", "--package", "driftless"]))?;
    Ok(repo.executable("debug", "driftless"))
}

/// Builds both halves at the same time: each ends with steps that keep only one core busy, and
/// cargo locks each profile's folder apart.
pub fn build(repo: &Repo, wasm: &WasmTarget, build: Build) -> Result<App> {
    let (web_profile, server_folder) = match build {
        Build::Fast => (WebProfile::Web, "debug"),
        Build::Release => (WebProfile::WebDist, "release"),
    };
    let mut cargo = process::cargo(repo);
    cargo.args(["build", "--quiet", "--package", "driftless"]);
    if build == Build::Release {
        cargo.arg("--release");
    }
    let mut server_build = cargo.spawn().context("cannot start cargo")?;
    let web = web::build(repo, wasm, web_profile);
    if web.is_err() {
        // The first error is the one to show; the other build would only print over it.
        server_build.kill().ok();
    }
    let status = server_build.wait().context("cannot wait for cargo")?;
    let web = web?;
    process::check(status, &cargo)?;
    Ok(App {
        web,
        server: repo.executable(server_folder, "driftless"),
    })
}
