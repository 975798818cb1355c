//! What others wrote and we ship: licences, duplicates and origins of every crate in `Cargo.lock`,
//! held against `deny.toml`. Advisories need the database of `RustSec` and cargo-deny itself:
//! docs/release.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::process;
use crate::repo::Repo;
use crate::tally::Tally;

const POLICY: &str = "deny.toml";

/// The tables of `deny.toml` that are checked here.
#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A version that may stand beside another one.
#[derive(Debug, Deserialize)]
struct Skip {
    /// `NAME@VERSION`, the version as far as it matters.
    #[serde(rename = "crate")]
    which: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// What `cargo metadata` says of a crate.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression or close to one.
    pub license: Option<String>,
    /// Where it comes from; absent for those of the workspace.
    pub source: Option<String>,
    /// Where its `Cargo.toml` is.
    pub manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Every crate in `Cargo.lock`, whatever target it is for.
pub fn packages(repo: &Repo) -> Result<Vec<Package>> {
    let mut cargo = process::cargo(repo);
    cargo.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
    ]);
    let output = process::output_of(&mut cargo);
    let output = output.context("`cargo metadata --locked` failed: is Cargo.lock up to date?")?;
    let metadata: Metadata = serde_json::from_str(&output).context("unexpected metadata")?;
    Ok(metadata.packages)
}

/// Checks as a command of its own.
pub fn run(repo: &Repo) -> Result<()> {
    let tally = check(repo)?;
    ensure!(
        tally.failed == 0,
        "{} of {} checks failed",
        tally.failed,
        tally.executed()
    );
    Ok(())
}

/// Prints what does not keep to the policy, and counts one test for each of its tables.
pub fn check(repo: &Repo) -> Result<Tally> {
    let text = fs::read_to_string(repo.root().join(POLICY)).context("deny.toml is missing")?;
    let policy: Policy = toml::from_str(&text).context("deny.toml cannot be read")?;
    let packages = packages(repo)?;
    let checks = [
        ("licences", licences(&policy.licenses, &packages)),
        ("duplicates", duplicates(&policy.bans, &packages)),
        ("sources", sources(&policy.sources, &packages)),
    ];
    let mut tally = Tally::default();
    for (name, findings) in &checks {
        let verdict = if findings.is_empty() { "ok" } else { "FAILED" };
        println!("{name} of {} crates: {verdict}", packages.len());
        for finding in findings {
            println!("  {finding}");
        }
        tally += Tally::of_check(findings.is_empty());
    }
    Ok(tally)
}

fn licences(policy: &Licences, packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages {
        let Package {
            name,
            version,
            license,
            ..
        } = package;
        let Some(text) = license else {
            findings.push(format!("{name} {version} names no licence"));
            continue;
        };
        match Expression::parse_mode(text, ParseMode::LAX) {
            Ok(licence) if licence.evaluate(|asked| is_allowed(policy, &asked.to_string())) => {}
            Ok(_) => findings.push(format!("{name} {version}: {text} is not in {POLICY}")),
            Err(error) => findings.push(format!("{name} {version}: {text}: {}", error.reason)),
        }
    }
    findings
}

fn is_allowed(policy: &Licences, asked: &str) -> bool {
    policy.allow.iter().any(|allowed| allowed == asked)
}

/// Two versions of a crate are built twice, shipped twice, and do not know each other's types.
fn duplicates(policy: &Bans, packages: &[Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(&package.name)
            .or_default()
            .insert(&package.version);
    }
    let mut unused: BTreeSet<&str> = policy.skip.iter().map(|skip| skip.which.as_str()).collect();
    let mut findings = Vec::new();
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        let is_skipped = |version: &&&str| {
            let skip = policy
                .skip
                .iter()
                .find(|skip| is_of(&skip.which, name, version));
            skip.is_some_and(|skip| {
                unused.remove(skip.which.as_str());
                true
            })
        };
        let skipped = versions.iter().filter(is_skipped).count();
        if versions.len() - skipped > 1 {
            let versions: Vec<_> = versions.iter().copied().collect();
            findings.push(format!("{name} is there in {}", versions.join(" and ")));
        }
    }
    let unused = unused.into_iter();
    findings.extend(unused.map(|skip| format!("{skip} is no duplicate any more: take it out")));
    findings
}

/// Whether `NAME@VERSION` means this version of this crate.
fn is_of(skip: &str, name: &str, version: &str) -> bool {
    let Some((skipped, prefix)) = skip.split_once('@') else {
        return false;
    };
    let rest = version.strip_prefix(prefix);
    skipped == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn sources(policy: &Sources, packages: &[Package]) -> Vec<String> {
    let is_known = |source: &str| {
        let registry = source.strip_prefix("registry+");
        registry.is_some_and(|registry| policy.allow_registry.iter().any(|one| one == registry))
    };
    let foreign = packages.iter().filter_map(|package| {
        let source = package
            .source
            .as_deref()
            .filter(|source| !is_known(source))?;
        Some(format!(
            "{} {} comes from {source}",
            package.name, package.version
        ))
    });
    foreign.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, licence: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: licence.map(str::to_owned),
            source: Some("registry+https://registry.test/index".to_owned()),
            manifest_path: "Cargo.toml".into(),
        }
    }

    #[test]
    fn a_licence_passes_where_one_of_its_alternatives_is_allowed_and_all_that_it_demands() {
        let allow = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
        let policy = Licences {
            allow: allow.map(str::to_owned).to_vec(),
        };
        let found = |text| licences(&policy, &[package("a", "1.0.0", text)]).len();
        for fine in ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR (MIT AND ISC)"] {
            assert_eq!(found(Some(fine)), 0, "{fine}");
        }
        assert_eq!(found(Some("Apache-2.0 WITH LLVM-exception")), 0);
        for bad in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "Apache-2.0",
            "whatever",
        ] {
            assert_eq!(found(Some(bad)), 1, "{bad}");
        }
        assert_eq!(found(None), 1);
    }

    #[test]
    fn a_second_version_needs_a_reason_and_a_reason_a_second_version() {
        let skip = |which: &str| Skip {
            which: which.to_owned(),
        };
        let two = [package("a", "1.2.0", None), package("a", "2.0.0", None)];
        let found = |skips: &[&str], packages: &[Package]| {
            let skip = skips.iter().map(|which| skip(which)).collect();
            duplicates(&Bans { skip }, packages).len()
        };
        assert_eq!(found(&[], &two), 1);
        assert_eq!(found(&["a@1"], &two), 0);
        assert_eq!(found(&["a@1.2"], &two), 0);
        assert_eq!(found(&["a@1.20"], &two), 2);
        assert_eq!(found(&["a@1"], &two[1..]), 1);
    }

    #[test]
    fn what_comes_from_elsewhere_is_named() {
        let of = |registry: &str| Sources {
            allow_registry: vec![registry.to_owned()],
        };
        let packages = [package("a", "1.0.0", None)];
        assert!(sources(&of("https://registry.test/index"), &packages).is_empty());
        assert_eq!(sources(&of("https://other.test/index"), &packages).len(), 1);
    }
}
