//! The licences of what others wrote and the artefact has in it, as they ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::repo::Repo;
use crate::supply_chain::{self, Package};

/// How files with licences are called.
const BEGINNINGS: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// What is built into the artefact: the server with everything, and the web app in it.
const BUILT: [&[&str]; 2] = [
    &["--package", "driftless", "--features", "embed-web"],
    &[
        "--package",
        "driftless-dashboard",
        "--target",
        "wasm32-unknown-unknown",
    ],
];

/// One text: every crate with its licence, then each licence text once, with those that have it.
pub fn text(repo: &Repo) -> Result<String> {
    let mut built = BTreeSet::new();
    for what in BUILT {
        built.extend(crates(repo, what)?);
    }
    let mut packages = supply_chain::packages(repo)?;
    packages.retain(|package| {
        package.source.is_some() && built.contains(&format!("{} {}", package.name, package.version))
    });
    ensure!(
        !packages.is_empty(),
        "no crate of others is built into the artefact"
    );
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &packages {
        for text in licence_texts(package)? {
            let crates = texts.entry(text).or_default();
            crates.push(format!("{} {}", package.name, package.version));
        }
    }
    Ok(written(&packages, &texts))
}

/// `NAME VERSION` of what is compiled into something.
fn crates(repo: &Repo, what: &[&str]) -> Result<Vec<String>> {
    let mut cargo = process::cargo(repo);
    cargo.args([
        "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}",
    ]);
    let output = process::output_of(cargo.args(what)).context("`cargo tree --locked` failed")?;
    let named = output.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split_whitespace().next()?;
        Some(format!("{name} {version}"))
    });
    Ok(named.collect())
}

fn licence_texts(package: &Package) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder);
    let entries = entries.with_context(|| format!("cannot list {}", folder.display()))?;
    let mut texts = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        if path.is_file()
            && BEGINNINGS
                .iter()
                .any(|beginning| name.starts_with(beginning))
        {
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
            texts.push(text.trim().to_owned());
        }
    }
    Ok(texts)
}

fn written(packages: &[Package], texts: &BTreeMap<String, Vec<String>>) -> String {
    let mut out = String::from(
        "Driftless is licensed under MIT or Apache-2.0, at your option. It has these works of others in it:\n\n",
    );
    for package in packages {
        let licence = package.license.as_deref().unwrap_or("see below");
        writeln!(out, "{} {}: {licence}", package.name, package.version)
            .expect("a text can be written to");
    }
    for (text, crates) in texts {
        let line = "-".repeat(80);
        write!(out, "\n{line}\n{}:\n\n{text}\n", crates.join(", "))
            .expect("a text can be written to");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_several_have_is_there_once() {
        let package = |name: &str| Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: Some("MIT".to_owned()),
            source: None,
            manifest_path: "Cargo.toml".into(),
        };
        let owners = vec!["a 1.0.0".to_owned(), "b 1.0.0".to_owned()];
        let texts = [("As is.".to_owned(), owners)].into();
        let out = written(&[package("a"), package("b")], &texts);
        assert!(out.contains("a 1.0.0: MIT\nb 1.0.0: MIT\n"), "{out}");
        assert!(out.ends_with("\na 1.0.0, b 1.0.0:\n\nAs is.\n"), "{out}");
    }
}
