//! `cargo xtask test`: every check of the project, each of which can be run alone.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::app::Build;
use crate::crash::{self, CrashOptions};
use crate::package::{self, Depth};
use crate::repo::{self, Repo};
use crate::sim::{self, SimOptions};
use crate::tally::{self, Tally};
use crate::wasm_target::{self, WasmTarget};
use crate::{api, browser, machine, process, site, supply_chain, tidy};

const SIMULATED_SEEDS: u32 = 3000;
const CRASH_ROUNDS: u32 = 6;
const FLOOR_PATH: &str = "xtask/test-floor.txt";

/// The crates that must compile for the browser without any user interface.
const CORE: [&str; 4] = [
    "driftless-model",
    "driftless-protocol",
    "driftless-feeds",
    "driftless-sync",
];

/// The executables that are pages.
const BROWSER_PAGES: [&str; 6] = [
    "driftless-dashboard",
    "driftless-gallery",
    "minimal",
    "existing-leptos",
    "existing-leptos-before",
    "plain-page",
];

/// The options of `cargo xtask test`.
#[derive(Debug, Args)]
pub struct TestOptions {
    /// What to run; everything if nothing is named.
    parts: Vec<Part>,
    /// Of the browser tests, only the files whose name contains this.
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// The browser tests on the web app and the server as they ship; takes minutes to build.
    #[arg(long)]
    release: bool,
}

impl TestOptions {
    fn build(&self) -> Build {
        if self.release {
            Build::Release
        } else {
            Build::Fast
        }
    }
}

/// A part of the tests, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The formatting.
    Fmt,
    /// The house rules that a machine can check.
    Tidy,
    /// Licences, duplicates and sources of all dependencies; packages as they would be published.
    Supply,
    /// Clippy with warnings as errors, for this machine and for the browser.
    Clippy,
    /// The core crates compile for the browser.
    WasmCore,
    /// Unit, property and integration tests.
    Unit,
    /// The simulator over a few thousand seeds, then with bugs planted.
    Sim,
    /// A few rounds of `kill -9` against the real server.
    Crash,
    /// The browser tests.
    Browser,
    /// The documentation, with warnings as errors, its site with every link in it, and what is
    /// public, compared with `api/`.
    Doc,
}

/// How a part ended.
enum Outcome {
    Ran(Tally),
    /// Without the tests that could not run here.
    RanInPart(Tally, String),
    Skipped(String),
}

struct Report {
    part: Part,
    outcome: Outcome,
    duration: Duration,
}

/// Runs the parts, going on after one that failed; the last line is the count.
pub fn run(repo: &Repo, options: &TestOptions) -> Result<ExitCode> {
    let complete = options.parts.is_empty() && options.only.is_empty();
    let chosen = |part: &Part| options.parts.is_empty() || options.parts.contains(part);
    let mut reports = Vec::new();
    for part in Part::value_variants().iter().copied().filter(chosen) {
        println!("\n== {part}");
        let started = Instant::now();
        let outcome = run_part(repo, part, options).unwrap_or_else(|error| {
            println!("{part}: {error:#}");
            Outcome::Ran(Tally::ONE_FAILURE)
        });
        let report = Report {
            part,
            outcome,
            duration: started.elapsed(),
        };
        println!("== {report}");
        reports.push(report);
    }
    let total = summarise(repo, &reports, complete)?;
    let succeeded = total.failed == 0 && total.executed() > 0;
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run_part(repo: &Repo, part: Part, options: &TestOptions) -> Result<Outcome> {
    let tally = match part {
        Part::Fmt => fmt(repo),
        Part::Tidy => tidy::check(repo)?,
        Part::Supply => supply(repo)?,
        Part::Clippy => clippy(repo)?,
        Part::WasmCore => wasm_core(repo)?,
        Part::Unit => return unit(repo),
        Part::Sim => simulate(repo),
        Part::Crash => passed(&crash::run(repo, &CrashOptions::rounds(CRASH_ROUNDS))),
        Part::Browser => return browser_tests(repo, options),
        Part::Doc => return Ok(doc(repo)),
    };
    Ok(Outcome::Ran(tally))
}

/// What comes in, and what would go out.
fn supply(repo: &Repo) -> Result<Tally> {
    let mut tally = supply_chain::check(repo)?;
    tally += passed(&package::run(repo, Depth::Made));
    Ok(tally)
}

fn fmt(repo: &Repo) -> Tally {
    passed(&process::run(
        process::cargo(repo).args(["fmt", "--all", "--check"]),
    ))
}

fn clippy(repo: &Repo) -> Result<Tally> {
    let mut native = process::cargo(repo);
    native.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]);
    let mut tally = passed(&process::run(&mut native));

    let wasm = WasmTarget::ensure(repo)?;
    let subcommand = if wasm.has_clippy() {
        "clippy"
    } else {
        println!("Clippy is missing for the browser here: the compiler's own warnings instead");
        "check"
    };
    let mut browser = wasm.cargo(repo, subcommand);
    browser
        .args(wasm_target::browser_libraries())
        .args(BROWSER_PAGES.iter().flat_map(|page| ["--bin", page]));
    if wasm.has_clippy() {
        browser.args(["--", "-D", "warnings"]);
    }
    tally += passed(&process::run(&mut browser));
    Ok(tally)
}

fn wasm_core(repo: &Repo) -> Result<Tally> {
    let wasm = WasmTarget::ensure(repo)?;
    let mut cargo = wasm.cargo(repo, "check");
    Ok(passed(&process::run(cargo.args(packages(&CORE)))))
}

/// One test looks at system calls. Where they cannot be traced it says so and passes, or fails
/// where a run must be complete.
fn ensure_strace() -> Result<()> {
    let is_missing = cfg!(target_os = "linux") && machine::find_program("strace").is_none();
    if is_missing && machine::can_install() {
        machine::install(&["strace"])?;
    }
    Ok(())
}

/// Tests have the server behind nginx and behind Caddy. Where one cannot be installed its test says
/// so and passes, or fails where a run must be complete. Under systemd the packages would start
/// servers that nobody asked for: there it is left to whoever owns the machine.
fn ensure_proxies() -> Result<()> {
    let would_start = Path::new("/run/systemd/system").exists();
    if !cfg!(target_os = "linux") || would_start || !machine::can_install() {
        return Ok(());
    }
    for (program, package) in [
        ("/usr/sbin/nginx", "nginx-light"),
        ("/usr/bin/caddy", "caddy"),
    ] {
        if !Path::new(program).exists() {
            machine::install(&[package])?;
        }
    }
    Ok(())
}

/// Python, for the client in `examples/python-client`; its standard library is enough.
fn ensure_python() -> Result<()> {
    if machine::find_program("python3").is_some() {
        return Ok(());
    }
    if !machine::can_install() {
        bail!("python3 is missing: install Python 3.9 or later");
    }
    machine::install(&["python3"])
}

/// What the commands of the documentation need, which are run as they stand.
fn ensure_documented_tools() -> Result<()> {
    for tool in ["curl", "openssl"] {
        if machine::find_program(tool).is_some() {
            continue;
        }
        if !machine::can_install() {
            bail!("{tool} is missing: install it, the documentation's commands are run with it");
        }
        machine::install(&[tool])?;
    }
    Ok(())
}

fn unit(repo: &Repo) -> Result<Outcome> {
    ensure_documented_tools()?;
    ensure_strace()?;
    ensure_python()?;
    ensure_proxies()?;
    let mut counted = Tally::default();
    let mut skipped = Vec::new();
    let mut cargo = process::cargo(repo);
    cargo.args(["test", "--workspace", "--no-fail-fast"]);
    let status = process::run_reading(&mut cargo, |line| {
        if let Some(part) = tally::of_cargo_line(line) {
            counted += part;
        }
        skipped.extend(tally::of_skipped_line(line).map(str::to_owned));
    })?;
    let mut counted = counted.judged(status.success());
    counted.passed = counted.passed.saturating_sub(skipped.len() as u64);
    Ok(if skipped.is_empty() {
        Outcome::Ran(counted)
    } else {
        Outcome::RanInPart(counted, skipped.join("; "))
    })
}

/// The machines keep their promises, and the checkers would see if they did not.
fn simulate(repo: &Repo) -> Tally {
    let seeds = || SimOptions::seeds(SIMULATED_SEEDS);
    let mut tally = passed(&sim::run(repo, &seeds()));
    tally += passed(&sim::run(repo, &seeds().with_tabs()));
    tally += passed(&sim::run(repo, &SimOptions::plants()));
    tally
}

fn browser_tests(repo: &Repo, options: &TestOptions) -> Result<Outcome> {
    match browser::prepare(repo) {
        Ok(chromium) => {
            let (only, build) = (&options.only, options.build());
            Ok(Outcome::Ran(browser::run(repo, &chromium, only, build)?))
        }
        Err(missing) if repo::in_ci() => Err(missing),
        Err(missing) => Ok(Outcome::Skipped(format!("{missing:#}"))),
    }
}

fn doc(repo: &Repo) -> Outcome {
    let mut cargo = process::cargo(repo);
    cargo
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings");
    let mut tally = passed(&process::run(&mut cargo));
    tally += passed(&site::build(repo).map(drop));
    match api::check(repo) {
        Ok(api::Outcome::Compared(compared)) => tally += compared,
        Ok(api::Outcome::Skipped(reason)) => return Outcome::RanInPart(tally, reason),
        Err(error) => tally += passed(&Err(error)),
    }
    Outcome::Ran(tally)
}

fn packages<'a>(names: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    names.iter().flat_map(|name| ["--package", name])
}

/// A command as one test; its own output has said what is wrong.
fn passed(result: &Result<()>) -> Tally {
    if let Err(error) = result {
        println!("{error:#}");
    }
    Tally::of_check(result.is_ok())
}

/// Prints the table and, last, the count.
fn summarise(repo: &Repo, reports: &[Report], complete: bool) -> Result<Tally> {
    let mut total = Tally::default();
    println!();
    for report in reports {
        println!("{report}");
        match report.outcome {
            Outcome::Ran(tally) | Outcome::RanInPart(tally, _) => total += tally,
            Outcome::Skipped(_) => {}
        }
    }
    if complete && repo::in_ci() {
        let text = std::fs::read_to_string(repo.root().join(FLOOR_PATH))
            .with_context(|| format!("cannot read {FLOOR_PATH}"))?;
        if let Some(sentence) = below_floor(total, floor(&text)?) {
            println!("{sentence}");
            total += Tally::ONE_FAILURE;
        }
    }
    println!("{total}");
    Ok(total)
}

fn floor(text: &str) -> Result<u64> {
    let number = text
        .lines()
        .find(|line| !line.starts_with('#'))
        .unwrap_or_default();
    number
        .trim()
        .parse()
        .with_context(|| format!("{FLOOR_PATH} holds no number"))
}

fn below_floor(total: Tally, floor: u64) -> Option<String> {
    let executed = total.executed();
    (executed < floor).then(|| {
        format!("Only {executed} tests ran; {FLOOR_PATH} demands {floor}: something was skipped")
    })
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self
            .to_possible_value()
            .expect("no part is hidden from the command line");
        f.pad(value.get_name())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.duration.as_secs_f64();
        write!(f, "{:<10} {seconds:>7.1} s  ", self.part)?;
        match &self.outcome {
            Outcome::Ran(tally) => write!(f, "{tally}"),
            Outcome::RanInPart(tally, why) => write!(f, "{tally}; SKIPPED: {why}"),
            Outcome::Skipped(why) => write!(f, "SKIPPED: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_tests_than_the_floor_is_said_and_as_many_is_not() {
        let total = Tally {
            passed: 9,
            failed: 1,
        };
        assert_eq!(below_floor(total, 10), None);
        assert!(
            below_floor(total, 11)
                .unwrap()
                .starts_with("Only 10 tests ran")
        );
    }

    #[test]
    fn the_floor_is_the_first_line_that_is_no_comment() {
        assert_eq!(floor("# why\n120\n").unwrap(), 120);
        assert!(floor("# nothing\n").is_err());
    }

    #[test]
    fn a_report_tells_the_part_the_time_the_count_and_what_was_skipped() {
        let tally = Tally {
            passed: 2,
            failed: 1,
        };
        let mut report = Report {
            part: Part::WasmCore,
            outcome: Outcome::Ran(tally),
            duration: Duration::from_millis(1500),
        };
        let ran = "wasm-core      1.5 s  2 passed, 1 failed";
        assert_eq!(report.to_string(), ran);
        report.outcome = Outcome::RanInPart(tally, "no strace".to_owned());
        assert_eq!(report.to_string(), format!("{ran}; SKIPPED: no strace"));
    }
}
