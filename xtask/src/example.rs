//! The examples that have a page and a server of their own: built together, run, tested.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::process;
use crate::repo::Repo;
use crate::wasm_target::WasmTarget;
use crate::web::{self, WebProfile};

/// The options of `cargo xtask example`.
#[derive(Debug, Args)]
pub struct ExampleOptions {
    /// Which one.
    #[arg(value_enum)]
    name: Name,
    /// The port on this machine.
    #[arg(long, default_value_t = 4749)]
    port: u16,
}

/// An example with a page, by the name of its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// The smallest live page.
    Minimal,
    /// An application with a widget of its own, after it went live.
    ExistingLeptos,
    /// A live page without a UI framework.
    PlainPage,
}

/// An example's page and server.
#[derive(Debug)]
pub struct Example {
    /// The folder that the server is to serve.
    pub page: PathBuf,
    /// The server's executable.
    pub server: PathBuf,
}

impl Name {
    /// The package.
    pub fn package(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::ExistingLeptos => "existing-leptos",
            Self::PlainPage => "plain-page",
        }
    }

    /// What its page needs: one that has no server of its own is its page.
    fn page_features(self) -> &'static [&'static str] {
        match self {
            Self::Minimal | Self::ExistingLeptos => &["--features", "page"],
            Self::PlainPage => &[],
        }
    }

    /// The package of its server: one that only has a page takes that of the smallest.
    fn server_package(self) -> &'static str {
        match self {
            Self::Minimal | Self::PlainPage => "minimal",
            Self::ExistingLeptos => "existing-leptos",
        }
    }
}

/// Builds an example's page and server.
pub fn build(repo: &Repo, wasm: &WasmTarget, name: Name) -> Result<Example> {
    let (package, features) = (name.package(), name.page_features());
    let page = web::build_example_page(repo, wasm, package, features, WebProfile::Web)?;
    let package = name.server_package();
    let server = format!("{package}-server");
    let mut cargo = process::cargo(repo);
    cargo.args(["build", "--quiet", "--package", package, "--bin", &server]);
    process::run(&mut cargo)?;
    let server = repo.executable("debug", &server);
    Ok(Example { page, server })
}

/// Builds an example and runs it until Ctrl-C. Its boards are kept in the target folder.
pub fn run(repo: &Repo, options: &ExampleOptions) -> Result<()> {
    let example = build(repo, &WasmTarget::ensure(repo)?, options.name)?;
    let folder = repo.target().join("examples-data");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let boards = folder.join(format!("{}.db", options.name.package()));
    let mut server = Command::new(example.server);
    server.arg(example.page).arg(boards);
    process::run(server.arg(format!("127.0.0.1:{}", options.port)))
}
