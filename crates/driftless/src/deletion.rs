//! `driftless boards delete` and `reopen`: beside a server, or without one.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use driftless_model::BoardId;

use crate::accounts::{AccountsError, Done, actor, say, with};
use crate::data::Common;

/// `driftless boards`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BoardsOptions {
    /// What to do; without it the boards are listed.
    #[command(subcommand)]
    pub command: Option<BoardsCommand>,
    /// Where the boards are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// What to do with a board.
#[derive(Debug, Subcommand)]
pub enum BoardsCommand {
    /// Delete a board with its history, the roles on it and the links to it.
    ///
    /// The server may be running: whoever has the board open is told at once, and keeps what they
    /// had not sent, to export it. Nobody begins a board of that name again until `driftless boards
    /// reopen`. Only a backup brings it back.
    #[command(after_help = DELETE)]
    Delete(DeleteOptions),
    /// Give the name of a deleted board free: the next who edits it begins a new board.
    Reopen(ReopenOptions),
}

const DELETE: &str = "\
Examples:
  driftless export plant > plant.json && driftless boards delete plant
  driftless boards delete plant --yes";

/// `driftless boards delete`.
#[derive(Debug, Args)]
pub struct DeleteOptions {
    /// The board, as `driftless boards` names it.
    pub board: BoardId,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Where the boards are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// `driftless boards reopen`.
#[derive(Debug, Args)]
pub struct ReopenOptions {
    /// The name of the deleted board.
    pub board: BoardId,
    /// Where the boards are, and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// Deletes a board, once that is meant.
pub fn delete(options: &DeleteOptions) -> Done {
    let board = &options.board;
    with(&options.common, async |accounts| {
        if !options.yes {
            ask(board)?;
        }
        if !accounts.delete_board(board, &actor()).await? {
            return Err(AccountsError::NoBoard(board.clone()));
        }
        let done = format!(
            "{board} is deleted. `driftless boards reopen {board}` lets the name be used again."
        );
        say(&done, &options.common)
    })
}

/// Gives the name of a deleted board free.
pub fn reopen(options: &ReopenOptions) -> Done {
    let board = &options.board;
    with(&options.common, async |accounts| {
        if !accounts.reopen_board(board, &actor()).await? {
            return Err(AccountsError::NotDeleted(board.clone()));
        }
        say(&format!("{board} may be begun anew."), &options.common)
    })
}

/// Has the name typed: a `y` is pressed too soon.
fn ask(board: &BoardId) -> Done {
    let mut input = io::stdin().lock();
    if !io::stdin().is_terminal() {
        return Err(AccountsError::NotAsked(board.clone()));
    }
    let mut out = io::stderr();
    write!(
        out,
        "This deletes {board} for everybody, with its history. Type its name to go on: "
    )?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    if line.trim() == board.as_str() {
        return Ok(());
    }
    Err(AccountsError::NotMeant)
}
