//! `driftless import`: what `driftless export` wrote, as edits of a running server.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use driftless_client::{Client, EditError};
use driftless_model::{BoardId, IdError, KindName, LeafPath, RecordId, Value, limits};
use driftless_sync::replica::view::Connection;
use serde::Deserialize;

use crate::data;
use crate::http_get::Server;
use crate::remote::{self, RemoteError};

/// How long the server may take for one edit.
const PATIENCE: Duration = Duration::from_secs(20);
/// How large an edit may get as text, in bytes: well below the limit of one as it is sent.
const EDIT_BYTES_MAX: usize = limits::PAYLOAD_BYTES_MAX / 2;

/// What to import, and where to.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportOptions {
    /// The file that `driftless export` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The board; without it, the one that was exported.
    #[arg(long)]
    pub board: Option<BoardId>,
    /// The server.
    #[command(flatten)]
    pub server: Server,
    /// A file with the token of somebody who may edit the board. `DRIFTLESS_TOKEN` can hold the
    /// token itself.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

const EXAMPLES: &str = "\
The records come with their ids. A value that the board has otherwise is not overwritten: then
nothing of that edit is taken, and the command says so.

Examples:
  driftless export plant > plant.json
  driftless import plant.json --board plant-copy --token-file token";

/// Why it is not imported, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file is none that was exported.
    #[error("{file} is no exported board: {reason}; `driftless export BOARD` writes one")]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There can be no client of the server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The board has something else already.
    #[error("the board has other values in these records; import into another with --board")]
    Conflict,
    /// The edit is refused.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// No outcome came in time.
    #[error("{url} did not take it: {reason}")]
    NoOutcome {
        /// Where.
        url: String,
        /// Why, as far as is known.
        reason: String,
    },
    /// The answer cannot be written, or there is no runtime.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
}

impl ImportError {
    /// 1 for what may go the next time, else 2.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoOutcome { .. } | Self::Io(_) => 1,
            _ => 2,
        }
    }
}

#[derive(Deserialize)]
struct Exported {
    board: BoardId,
    records: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    record: RecordId,
    kind: KindName,
    leaves: BTreeMap<String, Value>,
}

/// Imports.
pub fn run(options: &ImportOptions) -> Result<(), ImportError> {
    let file = |reason: String| ImportError::File {
        file: options.file.clone(),
        reason,
    };
    let text = fs::read(&options.file).map_err(|error| file(error.to_string()))?;
    let exported = serde_json::from_slice(&text).map_err(|error| file(error.to_string()));
    let exported: Exported = exported?;
    let board = options.board.clone().unwrap_or(exported.board);
    let (url, ca_file) = (&options.server.url, options.server.ca_file.as_deref());
    let client = remote::client(url, ca_file, options.token_file.as_deref())?;
    let count = exported.records.len();
    data::runtime()?.block_on(async {
        let client = client.start();
        let done = import(&client, url, &board, exported.records).await;
        client.shutdown().await;
        done
    })?;
    Ok(writeln!(
        io::stdout(),
        "{count} records imported into {board}"
    )?)
}

async fn import(
    client: &Client,
    url: &str,
    board: &BoardId,
    records: Vec<Part>,
) -> Result<(), ImportError> {
    let board = client.board(board.clone());
    for batch in batches(records) {
        let mut unnamed: Option<IdError> = None;
        let handle = board.edit("Import", |edit| {
            for Part {
                record,
                kind,
                leaves,
            } in batch
            {
                let leaves = leaves.into_iter().filter_map(|(path, value)| {
                    let path = LeafPath::new(&path).map_err(|error| unnamed = Some(error));
                    Some((path.ok()?, value))
                });
                edit.create(&record, kind.as_str(), leaves);
            }
        })?;
        if let Some(error) = unnamed {
            return Err(ImportError::Edit(error.into()));
        }
        match tokio::time::timeout(PATIENCE, handle.applied()).await {
            Ok(Ok(_)) => {}
            Ok(Err(EditError::Conflicted)) => return Err(ImportError::Conflict),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(no_outcome(client, url)),
        }
    }
    Ok(())
}

fn no_outcome(client: &Client, url: &str) -> ImportError {
    let reason = match client.status().connection {
        Connection::Unauthorised { reason }
        | Connection::Closed { reason }
        | Connection::Waiting { reason, .. } => reason,
        _ => "no outcome came in time".to_owned(),
    };
    let url = url.to_owned();
    ImportError::NoOutcome { url, reason }
}

/// As few edits as the limits allow.
fn batches(records: Vec<Part>) -> Vec<Vec<Part>> {
    let mut batches: Vec<Vec<Part>> = Vec::new();
    let mut bytes = usize::MAX;
    for record in records {
        let weight: usize = record.leaves.values().map(Value::weight_bytes).sum();
        let is_full = batches
            .last()
            .is_none_or(|last| last.len() >= limits::CHANGES_PER_EDIT_MAX);
        if is_full || bytes.saturating_add(weight) > EDIT_BYTES_MAX {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += weight;
        batches.last_mut().expect("there is one now").push(record);
    }
    batches
}
