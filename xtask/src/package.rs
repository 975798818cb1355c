//! The crates as they would be published: nothing leaves this machine.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::archive;
use crate::process;
use crate::repo::Repo;

/// What every package has in it, so that whoever gets one has what its licences ask for.
const IN_EACH: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

#[derive(Debug, Deserialize)]
struct Member {
    name: String,
    /// To which registries; absent for any, empty for none.
    publish: Option<Vec<String>>,
}

/// How far a package is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// It is made, and has in it what it needs.
    Made,
    /// It is also compiled from what is in it, against the others as packaged: minutes.
    Compiled,
}

/// The crates that are published, by name.
pub fn published(repo: &Repo) -> Result<Vec<String>> {
    let mut cargo = process::cargo(repo);
    cargo.args(["metadata", "--format-version=1", "--no-deps", "--locked"]);
    let output = process::output_of(&mut cargo);
    let output = output.context("`cargo metadata --locked` failed: is Cargo.lock up to date?")?;
    let metadata: Metadata = serde_json::from_str(&output).context("unexpected metadata")?;
    let is_published = |member: &Member| member.publish.as_ref().is_none_or(|to| !to.is_empty());
    let members = metadata.packages.into_iter();
    Ok(members
        .filter(is_published)
        .map(|member| member.name)
        .collect())
}

/// Packages what is published.
pub fn run(repo: &Repo, depth: Depth) -> Result<()> {
    let names = published(repo)?;
    ensure!(!names.is_empty(), "no crate is published");
    let mut cargo = process::cargo(repo);
    cargo.args(["package", "--quiet", "--locked", "--allow-dirty"]);
    if depth == Depth::Made {
        cargo.arg("--no-verify");
    }
    for name in &names {
        cargo.args(["--package", name]);
    }
    process::run(&mut cargo)?;
    for name in &names {
        let folder = PathBuf::from(format!("{name}-{}", env!("CARGO_PKG_VERSION")));
        let file = folder.with_added_extension("crate");
        let files = archive::names(&repo.target().join("package").join(file))?;
        for file in IN_EACH {
            ensure!(
                files.contains(&folder.join(file)),
                "the package {name} lacks {file}"
            );
        }
    }
    println!("{} packages: {}", names.len(), names.join(", "));
    Ok(())
}
