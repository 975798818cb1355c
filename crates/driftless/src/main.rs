//! The `driftless` binary: a thin main around the library crates.
#![forbid(unsafe_code)]

mod bench;
mod push;
mod data;
mod accounts;
mod sign_in;
mod cli;
mod sockets;
mod tls;
mod web;
mod serve;
mod backup;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Serve(options) => ended(serve::run(&options), serve::ServeError::exit_code),
        Command::Bench(options) => ended(bench::run(&options), bench::BenchError::exit_code),
        Command::Token(command) => account(accounts::token(&command)),
        Command::User(command) => account(accounts::user(&command)),
        Command::Role(command) => account(accounts::role(&command)),
        Command::Audit(options) => account(accounts::audit(&options)),
        Command::Push(options) => ended(push::run(&options), push::PushError::exit_code),
        Command::Backup(options) => ended(backup::make(&options), |_| 1),
        Command::Restore(options) => ended(backup::put_back(&options), |_| 1),
    }
}

fn account(outcome: Result<(), accounts::AccountsError>) -> ExitCode {
    ended(outcome, accounts::AccountsError::exit_code)
}

fn ended<E: std::fmt::Display>(outcome: Result<(), E>, code: impl Fn(&E) -> u8) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(code(&error))
        }
    }
}
