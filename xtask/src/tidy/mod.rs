//! `cargo xtask tidy`: the half of the house rules that a machine can check.

mod cycles;
mod documents;
mod examples;
mod layers;
mod lengths;
mod limits;
mod made_pages;
mod masked;
mod paths;
mod ratchet;
mod stray;
mod tree;

use std::fs;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::ratchet::Ratchet;
use self::tree::{Finding, Tree};
use crate::pages;
use crate::repo::Repo;
use crate::tally::Tally;

/// The options of `cargo xtask tidy`.
#[derive(Debug, Args)]
pub struct TidyOptions {
    /// Lower the ratchet to today's lengths.
    #[arg(long)]
    bless: bool,
    /// Let pass everything that is too long today, new exceptions included.
    #[arg(long)]
    bless_new: bool,
}

/// Runs the checks as a command of its own.
pub fn run(repo: &Repo, options: &TidyOptions) -> Result<()> {
    if options.bless || options.bless_new {
        bless(repo, options.bless_new)?;
    }
    let tally = check(repo)?;
    if tally.failed > 0 {
        bail!(
            "tidy: {} of {} checks failed",
            tally.failed,
            tally.executed()
        );
    }
    println!("tidy: {} checks passed", tally.passed);
    Ok(())
}

/// Runs every check, prints what they found, and counts one test a check.
pub fn check(repo: &Repo) -> Result<Tally> {
    let tree = Tree::read(repo)?;
    let ratchet = read_ratchet(repo)?;
    let mut lengths = ratchet.compare(&lengths::over_ceiling(&tree));
    lengths.extend(lengths::wide_lines(&tree));
    let checks = [
        ("lengths", lengths),
        ("cycles", cycles::check(&tree)),
        ("layers", layers::check(&tree)),
        ("limits", limits::check(&tree)),
        ("stray files", stray::check(&tree)),
        ("documents", documents::check(&tree)),
        ("examples", examples::check(&tree)),
        ("made pages", made_pages::check(&tree, &pages::all())),
    ];
    let mut tally = Tally::default();
    for (name, findings) in &checks {
        print(name, findings);
        tally += Tally::of_check(findings.is_empty());
    }
    Ok(tally)
}

fn print(check: &str, findings: &[Finding]) {
    let verdict = if findings.is_empty() { "ok" } else { "FAILED" };
    println!("tidy {check}: {verdict}");
    for finding in findings {
        println!("  {}: {}", finding.place, finding.message);
    }
}

fn read_ratchet(repo: &Repo) -> Result<Ratchet> {
    let file = repo.root().join(ratchet::PATH);
    let text = fs::read_to_string(&file)
        .with_context(|| format!("cannot read the ratchet, {}", ratchet::PATH))?;
    Ratchet::parse(&text)
}

fn bless(repo: &Repo, also_new: bool) -> Result<()> {
    let measured = lengths::over_ceiling(&Tree::read(repo)?);
    let ratchet = if also_new {
        Ratchet::of(&measured)
    } else {
        read_ratchet(repo)?.lowered(&measured)
    };
    fs::write(repo.root().join(ratchet::PATH), ratchet.to_text())
        .with_context(|| format!("cannot write {}", ratchet::PATH))
}
