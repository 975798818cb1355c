//! What a board shows, value by value and newest last, by a client of its server.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use driftless_client::{Board, Client, ClientBuilder, ConnectError, EditError, Records, SyncState};
use driftless_model::{BoardId, RecordId, Value, Version};
use futures::StreamExt as _;
use serde_json::json;

/// Why no more values are shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValuesError {
    /// The server does not take the client in.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The board does not come.
    #[error(transparent)]
    Board(#[from] EditError),
    /// The user may not read the board, or not any more.
    #[error(
        "the server does not show the board: {0}; give its user a role on it (`driftless role \
         set`, beside the server), or sign in as another (--token-file)"
    )]
    Refused(String),
    /// The server ended it for good.
    #[error("the server ended it: {0}")]
    Ended(String),
    /// The answer cannot be written.
    #[error("the answer cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// How to show values.
#[derive(Debug, Clone, Copy)]
pub struct Showing {
    /// How many of the newest values come first.
    pub last: usize,
    /// Whether it goes on.
    pub follow: bool,
    /// One JSON object a line.
    pub json: bool,
}

/// Shows the newest values of a board, and goes on with what they become. An interruption of the
/// connection is none of this: what happened meanwhile comes with the next one.
pub async fn show(
    builder: ClientBuilder,
    board: &BoardId,
    showing: Showing,
) -> Result<(), ValuesError> {
    let client = builder.connect().await?;
    let board = client.board(board);
    let shown = tokio::select! {
        shown = lines(&board, showing) => shown,
        refused = refused(&client, &board) => Err(refused),
        reason = ended(&client) => Err(ValuesError::Ended(reason)),
    };
    client.shutdown().await;
    shown
}

async fn lines(board: &Board, showing: Showing) -> Result<(), ValuesError> {
    board.loaded().await?;
    let mut above = None;
    let mut known = BTreeSet::new();
    let mut watch = board.watch_select(|_, _| true);
    while let Some(records) = watch.next().await {
        // With the right the records go from here, not from the board.
        if let Some(reason) = board.refusal() {
            return Err(ValuesError::Refused(reason));
        }
        for gone in known.iter().filter(|id| !has(&records, id)) {
            writeln!(
                io::stdout(),
                "{}",
                removed(gone, board.version(), showing.json)
            )?;
        }
        let newest = newer(&records, above);
        // Only the first time: afterwards all of it is news.
        let skipped = match above {
            None => newest.len().saturating_sub(showing.last),
            Some(_) => 0,
        };
        for value in &newest[skipped..] {
            writeln!(io::stdout(), "{}", value.line(showing.json))?;
        }
        if !showing.follow {
            break;
        }
        above = newest
            .last()
            .map(|value| value.version)
            .or(above)
            .or(Some(Version(0)));
        known = records.into_iter().map(|(id, _)| id).collect();
    }
    Ok(())
}

/// Waits until the server refuses the board, also one without any records.
async fn refused(client: &Client, board: &Board) -> ValuesError {
    let mut events = client.events();
    loop {
        if let Some(reason) = board.refusal() {
            return ValuesError::Refused(reason);
        }
        if events.next().await.is_none() {
            // Why the client stopped is said by its status.
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the server refuses the client for good; says why.
async fn ended(client: &Client) -> String {
    let mut statuses = client.watch_status();
    while let Some(status) = statuses.next().await {
        match status.sync_state() {
            SyncState::Unauthorised { reason }
            | SyncState::Disconnected {
                reason: Some(reason),
                ..
            } => return reason,
            _ => {}
        }
    }
    "it stopped".to_owned()
}

fn has(records: &Records, id: &RecordId) -> bool {
    records.iter().any(|(record, _)| record == id)
}

/// A value as it was written.
struct Written {
    version: Version,
    user: String,
    record: RecordId,
    leaf: String,
    value: Value,
}

/// The values above a version, in the order in which they were written.
fn newer(records: &Records, above: Option<Version>) -> Vec<Written> {
    let mut values = Vec::new();
    for (record, view) in records {
        for (leaf, shown) in &view.leaves {
            let Some(version) = shown.version.filter(|version| Some(*version) > above) else {
                continue;
            };
            values.push(Written {
                version,
                user: shown
                    .author
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                record: record.clone(),
                leaf: leaf.to_string(),
                value: shown.value.clone(),
            });
        }
    }
    values.sort_by_key(|value| value.version);
    values
}

impl Written {
    fn line(&self, is_json: bool) -> String {
        let (version, user) = (self.version, &self.user);
        let (record, leaf, value) = (&self.record, &self.leaf, json!(self.value));
        if is_json {
            let line = json!({
                "version": version, "user": user, "record": record, "leaf": leaf, "value": value,
            });
            return line.to_string();
        }
        format!("v{}  {user}  {record}  {leaf} = {value}", version.0)
    }
}

fn removed(record: &RecordId, version: Version, is_json: bool) -> String {
    if is_json {
        return json!({ "version": version, "record": record, "remove": true }).to_string();
    }
    format!("v{}  {record} removed", version.0)
}
