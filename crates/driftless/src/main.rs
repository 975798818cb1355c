//! The `driftless` binary: a thin main around the library crates.
#![forbid(unsafe_code)]

mod sockets;
mod data;
mod http_get;
mod bench;
mod push;
mod remote;
mod import;
mod table;
mod values;
mod accounts;
mod boards;
mod deletion;
mod doctor;
mod key_set_url;
mod sign_in;
mod cli;
mod settings;
mod crowd;
mod tls;
mod renewal;
mod patience;
mod web;
mod demo;
mod serve;
mod backup;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::deletion::{BoardsCommand, BoardsOptions};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let (cli, matches) = match settings::parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return ended(Err::<(), _>(error), |_| 2),
    };
    match cli.command {
        Command::Serve(options) if options.check_config => {
            ended(serve::check(&options), serve::ServeError::exit_code)
        }
        Command::Serve(options) => ended(serve::run(&options), serve::ServeError::exit_code),
        Command::Config(ConfigCommand::Print { json, .. }) => {
            ended(settings::print(&matches, &arguments, json), |_| 1)
        }
        Command::Boards(options) => boards(&options),
        Command::Export(options) => ended(boards::export(&options), boards::BoardsError::exit_code),
        Command::Import(options) => ended(import::run(&options), import::ImportError::exit_code),
        Command::Tail(options) => ended(boards::tail(&options), boards::BoardsError::exit_code),
        Command::Doctor(options) => ended(doctor::run(&options), doctor::HealthError::exit_code),
        Command::Healthcheck(server) => {
            ended(doctor::healthcheck(&server), doctor::HealthError::exit_code)
        }
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "driftless", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        Command::Bench(options) => ended(bench::run(&options), bench::BenchError::exit_code),
        Command::Token(command) => account(accounts::token(&command)),
        Command::User(command) => account(accounts::user(&command)),
        Command::Role(command) => account(accounts::role(&command)),
        Command::Audit(options) => account(accounts::audit(&options)),
        Command::Push(options) => ended(push::run(&options), push::PushError::exit_code),
        Command::Backup(options) => ended(backup::make(&options), backup::BackupError::exit_code),
        Command::Restore(options) => {
            ended(backup::put_back(&options), backup::BackupError::exit_code)
        }
    }
}

fn boards(options: &BoardsOptions) -> ExitCode {
    let done = match &options.command {
        None => {
            return ended(
                boards::list(&options.common),
                boards::BoardsError::exit_code,
            );
        }
        Some(BoardsCommand::Delete(options)) => deletion::delete(options),
        Some(BoardsCommand::Reopen(options)) => deletion::reopen(options),
    };
    account(done)
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
