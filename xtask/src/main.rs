//! Everything that builds, runs and checks the project: `cargo xtask help`.

#![forbid(unsafe_code)]

mod repo;
mod process;
mod machine;
mod node;
mod split;
mod wasm_target;
mod sizes;
mod markdown;
mod site;
mod glue;
mod neighbours;
mod shrink;
mod web_folder;
mod web;
mod app;
mod example;
mod sim;
mod crash;
mod golden;
mod fuzz;
mod mutants;
mod tally;
mod supply_chain;
mod notices;
mod archive;
mod package;
mod api;
mod browser;
mod upgrade;
mod pages;
mod tidy;
mod demo;
mod gallery;
mod dist;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::crash::CrashOptions;
use crate::demo::DemoOptions;
use crate::example::ExampleOptions;
use crate::fuzz::FuzzOptions;
use crate::gallery::GalleryOptions;
use crate::mutants::MutantsOptions;
use crate::package::Depth;
use crate::repo::Repo;
use crate::sim::SimOptions;
use crate::test::TestOptions;
use crate::tidy::TidyOptions;
use crate::upgrade::UpgradeOptions;
use crate::wasm_target::WasmTarget;
use crate::web::WebProfile;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and checks Driftless")]
struct CommandLine {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Build everything, serve it on this machine and open the board.
    Demo(DemoOptions),
    /// Build the gallery of components, serve it on this machine and open it.
    Gallery(GalleryOptions),
    /// Build an example that has a page, and serve it on this machine.
    Example(ExampleOptions),
    /// Run the checks and tests, all or the parts that are named.
    Test(TestOptions),
    /// Run the simulator: `--seeds N` for many, `--seed S` to repeat one.
    Sim(SimOptions),
    /// Kill the real server again and again while clients write: `--rounds N`.
    Crash(CrashOptions),
    /// Run libFuzzer on one target.
    Fuzz(FuzzOptions),
    /// Seed bugs by machine into the rules of the sync core, and see whether a test notices each.
    Mutants(MutantsOptions),
    /// Count the frames of a page with 200 widgets while others write 5,000 leaves a second.
    Frames,
    /// Make the golden files of new messages and durable records.
    Golden,
    /// Check the house rules: lengths, cycles, layers, stray files, documents.
    Tidy(TidyOptions),
    /// Make the packages of the crates as they would be published, and compile each from what is in
    /// it.
    Package,
    /// Write what is public in each crate into api/, which the tests compare.
    Api,
    /// Let an older build and this one take turns with one data folder, while clients and pages
    /// stay.
    Upgrade(UpgradeOptions),
    /// Check licences, duplicates and sources of all dependencies against deny.toml.
    Deny,
    /// Write the pages of docs/ that are made from tables in the code.
    Pages,
    /// Make the documentation's site, with search, and check its links.
    Docs,
    /// Build the web app.
    Web {
        /// How it is compiled.
        #[arg(long, value_enum, default_value = "web")]
        profile: WebProfile,
    },
    /// Build what ships into dist/: the binary with the web app inside, and an archive of it with
    /// licences and settings, which is unpacked and tried.
    Dist,
    /// Prove, from nothing, that Debian's compiler builds the web app too.
    ProveWasmFallback,
}

fn main() -> ExitCode {
    if let Some(code) = api::rustdoc::stand_in() {
        return code;
    }
    let line = CommandLine::parse();
    match run(&line.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Subcommands) -> Result<ExitCode> {
    let repo = Repo::locate();
    match command {
        Subcommands::Demo(options) => demo::run(&repo, options)?,
        Subcommands::Gallery(options) => gallery::run(&repo, options)?,
        Subcommands::Example(options) => example::run(&repo, options)?,
        Subcommands::Test(options) => return test::run(&repo, options),
        Subcommands::Sim(options) => sim::run(&repo, options)?,
        Subcommands::Crash(options) => crash::run(&repo, options)?,
        Subcommands::Fuzz(options) => fuzz::run(&repo, options)?,
        Subcommands::Mutants(options) => mutants::run(&repo, options)?,
        Subcommands::Frames => browser::frames(&repo)?,
        Subcommands::Golden => golden::run(&repo)?,
        Subcommands::Tidy(options) => tidy::run(&repo, options)?,
        Subcommands::Package => package::run(&repo, Depth::Compiled)?,
        Subcommands::Api => api::write(&repo)?,
        Subcommands::Upgrade(options) => upgrade::run(&repo, options)?,
        Subcommands::Deny => supply_chain::run(&repo)?,
        Subcommands::Pages => pages::write(&repo)?,
        Subcommands::Docs => drop(site::build(&repo)?),
        Subcommands::Web { profile } => build_web(&repo, *profile)?,
        Subcommands::Dist => dist::run(&repo)?,
        Subcommands::ProveWasmFallback => prove_wasm_fallback(&repo)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn build_web(repo: &Repo, profile: WebProfile) -> Result<()> {
    if profile == WebProfile::Web {
        web::build(repo, &WasmTarget::ensure(repo)?, profile)?;
    } else {
        web::build_measured(repo, &WasmTarget::ensure_to_ship(repo)?)?;
    }
    println!(
        "The web app is in {}",
        repo.web_output(profile.name()).display()
    );
    Ok(())
}

/// Starts from an empty target folder, so that nothing of another compiler can help.
fn prove_wasm_fallback(repo: &Repo) -> Result<()> {
    let target = repo.target().join("wasm-fallback-proof");
    if target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    let wasm = WasmTarget::debian(target.clone())?;
    web::prove(repo, &wasm, &target.join("glue"))?;
    println!("Proved: Debian's compiler built the web app, and wasm-bindgen accepted it");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn the_simulator_gets_its_own_options() {
        let line = CommandLine::parse_from(["xtask", "sim", "--seeds", "5", "--seed", "7"]);
        assert!(
            format!("{line:?}").contains(r#"["--seeds", "5", "--seed", "7"]"#),
            "{line:?}"
        );
    }

    #[test]
    fn parts_are_named_in_kebab_case() {
        assert!(CommandLine::try_parse_from(["xtask", "test", "wasm-core", "fmt"]).is_ok());
        assert!(CommandLine::try_parse_from(["xtask", "test", "everything"]).is_err());
    }
}
