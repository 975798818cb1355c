//! `driftless boards`, `export` and `tail`: what the file of the boards has, read beside a server;
//! `tail` also by a client of a server elsewhere.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use driftless_model::{BoardId, Effect, Op, Slot, Version};
use driftless_store::server::{BoardStore as _, SqliteBoards, StoreError};
use driftless_sync::room::LogRow;
use serde_json::{Map, Value, json};

use crate::data::{self, Common, DataError, Folder};
use crate::remote::{self, RemoteError};
use crate::table::{Table, time};
use crate::values::{self, Showing, ValuesError};

/// How often `tail --follow` looks for more.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Lines that are read at once.
const ROWS_AT_ONCE: usize = 256;

/// Which board to write out.
#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The board, as `driftless boards` names it.
    pub board: BoardId,
    /// Where it is.
    #[command(flatten)]
    pub folder: Folder,
}

/// Which board to watch.
#[derive(Debug, Args)]
#[command(after_help = TAIL)]
pub struct TailOptions {
    /// The board, as `driftless boards` names it.
    pub board: BoardId,
    /// How many of its newest edits; with --url, of its newest values.
    #[arg(long, default_value_t = 20)]
    pub last: u64,
    /// Go on with each edit as it is applied, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// The address of a server: values instead of edits, as a client of it sees them.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// With --url: a file with the certificates to trust, in PEM, instead of those of the public
    /// authorities.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// With --url: a file with the token of somebody who may read the board. `DRIFTLESS_TOKEN` can
    /// hold the token itself.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Where the boards are, and how to answer: one JSON object a line.
    #[command(flatten)]
    pub common: Common,
}

const TAIL: &str = "\
Beside the file of the boards it reads the log: who did what, edit by edit. With --url it is a
client of a server elsewhere, which knows the values of the board, and whose they are.

Examples:
  driftless tail plant --follow
  driftless tail plant --follow --url https://boards.example.org --token-file token";

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BoardsError {
    /// There is no file of boards.
    #[error(transparent)]
    Data(#[from] DataError),
    /// There is no such board.
    #[error("there is no board {0}; `driftless boards` names them")]
    NoBoard(BoardId),
    /// There can be no client of the server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The server does not show it.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer cannot be written, or there is no runtime.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl BoardsError {
    /// 2 for what the caller can put right on the command line, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Data(_) | Self::NoBoard(_) | Self::Remote(_) => 2,
            Self::Values(_) | Self::Store(_) | Self::Io(_) => 1,
        }
    }
}

type Done = Result<(), BoardsError>;

/// Lists the boards.
pub fn list(options: &Common) -> Done {
    with(&options.folder, async |store| {
        let boards = store.boards().await?;
        let row = |summary: driftless_store::server::BoardSummary| {
            let (version, title) = (summary.head.version.0, summary.title);
            vec![json!(summary.board), json!(version), json!(title)]
        };
        let table = Table::new(&["board", "version", "title"], boards.into_iter().map(row));
        Ok(table.print(options.json)?)
    })
}

/// Writes a board out as JSON.
pub fn export(options: &ExportOptions) -> Done {
    with(&options.folder, async |store| {
        let image = store.load(&options.board).await?;
        if image.head.version == Version(0) {
            return Err(BoardsError::NoBoard(options.board.clone()));
        }
        let mut records = Vec::new();
        for (id, slot) in &image.state.records {
            let Slot::Live(record) = slot else { continue };
            let mut leaves = Map::new();
            for (path, cell) in &record.leaves {
                if let Some(value) = &cell.value {
                    leaves.insert(path.to_string(), json!(value));
                }
            }
            records.push(json!({ "record": id, "kind": record.kind, "leaves": leaves }));
        }
        let whole = json!({
            "driftless": 1,
            "board": options.board,
            "version": image.head.version,
            "records": records,
        });
        let text = serde_json::to_string_pretty(&whole).map_err(io::Error::from)?;
        Ok(writeln!(io::stdout(), "{text}")?)
    })
}

/// Shows the newest edits of a board, or its newest values.
pub fn tail(options: &TailOptions) -> Done {
    match &options.url {
        Some(url) => tail_values(url, options),
        None => tail_log(options),
    }
}

fn tail_values(url: &str, options: &TailOptions) -> Done {
    let (ca_file, token_file) = (options.ca_file.as_deref(), options.token_file.as_deref());
    let client = remote::client(url, ca_file, token_file)?;
    let showing = Showing {
        last: usize::try_from(options.last).unwrap_or(usize::MAX),
        follow: options.follow,
        json: options.common.json,
    };
    data::runtime()?.block_on(values::show(client, &options.board, showing))?;
    Ok(())
}

fn tail_log(options: &TailOptions) -> Done {
    with(&options.common.folder, async |store| {
        let boards = store.boards().await?;
        let found = boards
            .into_iter()
            .find(|summary| summary.board == options.board);
        let head = match found {
            Some(summary) => summary.head.version.0,
            None if options.follow => 0,
            None => return Err(BoardsError::NoBoard(options.board.clone())),
        };
        let mut above = Version(head.saturating_sub(options.last));
        loop {
            let rows = store.log(&options.board, above, ROWS_AT_ONCE).await?;
            for row in &rows {
                writeln!(io::stdout(), "{}", line(row, options.common.json))?;
            }
            match rows.last() {
                Some(last) => above = last.version,
                None if options.follow => tokio::time::sleep(LOOK_EVERY).await,
                None => return Ok(()),
            }
        }
    })
}

fn line(row: &LogRow, is_json: bool) -> String {
    let at = time(row.time_ms);
    if is_json {
        let effects: Vec<Value> = row.effects.iter().map(effect).collect();
        let line = json!({
            "version": row.version, "time": at, "user": row.user, "label": row.label,
            "id": row.id, "effects": effects,
        });
        return line.to_string();
    }
    let changes = match row.effects.len() {
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    format!(
        "v{}  {at}  {}  {}  ({changes})",
        row.version.0, row.user, row.label
    )
}

fn effect(effect: &Effect) -> Value {
    let record = &effect.record;
    match &effect.op {
        Op::Create { kind, .. } => json!({ "record": record, "create": kind }),
        Op::Set { leaf, value } => json!({ "record": record, "set": leaf, "value": value }),
        Op::Unset { leaf } => json!({ "record": record, "unset": leaf }),
        Op::Remove => json!({ "record": record, "remove": true }),
    }
}

fn with(folder: &Folder, act: impl AsyncFnOnce(SqliteBoards) -> Done) -> Done {
    let file = data::existing(&folder.data)?;
    data::runtime()?.block_on(async {
        let store = SqliteBoards::options().unchecked().open(&file).await?;
        let done = act(store.clone()).await;
        store.close().await;
        done
    })
}
