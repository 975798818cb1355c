//! Rounds of `kill -9`: a real server and its file, many real clients, and at the end an account of
//! every edit that anybody made. `cargo xtask crash --rounds 100` builds both and runs it.
//!
//! After every kill a copy of the file is read as the next server will find it: no acknowledged
//! edit may be missing, none may be there twice. At the end every writer's journal has to add up:
//! each edit is applied, or waits for its writer. `kill -9` proves no sync, since the page cache
//! survives it: that is `crates/driftless/tests/binary/synced.rs`.
#![forbid(unsafe_code)]

mod dice;
mod journal;
mod server;
mod writer;
mod book;
mod rounds;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::rounds::{Plan, Report, run};
use crate::server::Server;

/// What the command line takes.
#[derive(Debug, Parser)]
struct Options {
    /// The server's binary.
    #[arg(long, value_name = "FILE")]
    server: PathBuf,
    /// How often the server is killed.
    #[arg(long, default_value_t = 100)]
    rounds: usize,
    /// Clients that write.
    #[arg(long, default_value_t = 50)]
    writers: usize,
    /// Boards that they share.
    #[arg(long, default_value_t = 5)]
    boards: usize,
    /// What chance comes from [default: by chance].
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match try_main(&options).await {
        Ok(report) => {
            tell(&report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn try_main(options: &Options) -> Result<Report> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => getrandom::u64()?,
    };
    println!("seed {seed}");
    let folder = tempfile::tempdir()?;
    let mut server = Server::new(&options.server, folder.path());
    let plan = Plan {
        rounds: options.rounds,
        writers: options.writers,
        boards: options.boards.max(1),
        seed,
    };
    let report = run(&mut server, plan).await;
    if report.is_err() {
        // Killed first, so that the file is as the failure found it.
        server.kill().await?;
        eprintln!("the data is kept in {}", folder.keep().display());
    }
    report
}

fn tell(report: &Report) {
    let account = &report.account;
    println!(
        "{} kills and {} of servers that were starting, {} clients restarted, {:.0} s",
        report.kills,
        report.stillborn,
        report.restarts,
        report.took.as_secs_f64()
    );
    println!(
        "made {} = applied {} + set aside {} · lost 0 · doubled 0",
        account.made, account.applied, account.set_aside
    );
}
