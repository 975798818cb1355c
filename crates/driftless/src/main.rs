//! The `driftless` binary: a thin main around the library crates.
#![forbid(unsafe_code)]

mod bench;
mod cli;
mod web;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (error, code) = match cli.command {
        Command::Serve(options) => match serve::run(&options) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => (error.to_string(), error.exit_code()),
        },
        Command::Bench(options) => match bench::run(&options) {
            Ok(()) => return ExitCode::SUCCESS,
            Err(error) => (error.to_string(), error.exit_code()),
        },
    };
    eprintln!("error: {error}");
    ExitCode::from(code)
}
