//! Watches the machine that it runs on: pushes its load as samples, and keeps a note on the board
//! `agents` that says how often it looked.
//!
//! ```sh
//! driftless serve &
//! headless-agent http://127.0.0.1:4747 agent.redb      # DRIFTLESS_TOKEN holds the token, if any
//! ```
//!
//! Take the network away, or kill it with `kill -9`: what it said is saved is in `agent.redb`, and
//! arrives once, with the next start or the next connection. Samples are not kept in the file: of
//! those that could not be pushed it remembers the newest thousand.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use driftless_client::model::builtin::{QUERY, TITLE};
use driftless_client::model::{Chart, Kind, Note, Value};
use driftless_client::{AutoResolve, Board, Client, EditBuilder, EditError, Redb, SyncState};
use futures::StreamExt;
use serde_json::json;

/// Where it counts how often it looked: a leaf of its note.
const LOOKS: &str = "options/looks";
/// The newest samples that are kept while they cannot be pushed.
const SAMPLES_MAX: usize = 1_000;
/// A server that takes this long to answer a push holds up nothing else.
const PUSH_MAX: Duration = Duration::from_secs(3);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: headless-agent URL FILE [MILLISECONDS BETWEEN LOOKS]".into());
    };
    let every_ms = arguments.next().map_or(Ok(5_000), |text| text.parse())?;
    let token = std::env::var("DRIFTLESS_TOKEN").ok();

    // `start` and not `connect`: it works without the server, too.
    let client = Client::builder(format!("{}/rt", server.replacen("http", "ws", 1)))
        .storage(Redb::open(file)?)
        .token(token.clone())
        .start();
    // Where a person wrote over what it says, the person is right.
    client.auto_resolve(AutoResolve::Theirs);
    until_storage_is_read(&client).await;

    let mut samples = Samples::new(&server, token);
    let mut ticks = tokio::time::interval(Duration::from_millis(every_ms));
    // Asked for once: what comes between two turns is not missed.
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let turn = async {
            ticks.tick().await;
            samples.push(load()).await;
            look(&client.board("agents")).await
        };
        tokio::select! {
            looked = turn => looked?,
            _ = &mut stop => break,
        }
    }
    client.shutdown().await;
    Ok(())
}

async fn until_storage_is_read(client: &Client) {
    let mut statuses = client.watch_status();
    while let Some(status) = statuses.next().await {
        if status.sync_state() != SyncState::Starting {
            return;
        }
    }
}

/// One more look, as an edit: it is saved here, and sent when it can be.
async fn look(board: &Board) -> Result<(), EditError> {
    let before = board.get("agent", LOOKS);
    let looks = before.as_ref().and_then(Value::as_f64).unwrap_or(0.0) + 1.0;
    let edit = board.edit("Look", |edit| {
        // What could not be sent yet is one edit, however long that lasts.
        edit.gesture(1);
        if before.is_none() {
            set_up(edit);
        }
        edit.set("agent", Note::TEXT, format!("I looked {looks} times."));
        edit.set("agent", LOOKS, Value::number(looks).unwrap_or_default());
    })?;
    edit.stored().await?;
    println!("saved {looks}");
    Ok(())
}

/// The note and the chart. Made again, they are as they were.
fn set_up(edit: &mut EditBuilder) {
    edit.create("agent", Note::NAME, []);
    edit.set("agent", TITLE, "Agent");
    edit.create("load", Chart::NAME, []);
    edit.set("load", TITLE, "Load");
    let query = [
        ("selector", Value::from("agent_load")),
        ("window_s", Value::from(900)),
        ("step_s", Value::from(5)),
        ("aggregate", Value::from("avg")),
    ];
    let query = query.map(|(name, value)| (name.to_owned(), value));
    edit.set("load", QUERY, Value::Map(query.into_iter().collect()));
}

/// Samples that were not pushed yet.
struct Samples {
    address: String,
    token: Option<String>,
    waiting: VecDeque<serde_json::Value>,
}

impl Samples {
    fn new(server: &str, token: Option<String>) -> Self {
        Self {
            address: format!("{server}/api/push/json"),
            token,
            waiting: VecDeque::new(),
        }
    }

    /// Pushes a sample with those that wait. They have their times, so that one which arrives twice
    /// is there once.
    async fn push(&mut self, value: f64) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let time_ms = since.unwrap_or_default().as_millis();
        let sample = json!({ "name": "agent_load", "time_ms": time_ms, "value": value });
        self.waiting.push_back(sample);
        let too_many = self.waiting.len().saturating_sub(SAMPLES_MAX);
        self.waiting.drain(..too_many);
        let mut request = ureq::post(&self.address)
            .config()
            .timeout_global(Some(PUSH_MAX))
            .build()
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = json!(self.waiting).to_string();
        let pushed = tokio::task::spawn_blocking(move || request.send(body)).await;
        match pushed {
            Ok(Ok(_)) => self.waiting.clear(),
            Ok(Err(error)) => eprintln!("not pushed: {error}; tried again at the next look"),
            Err(error) => eprintln!("not pushed: {error}"),
        }
    }
}

/// How many programs want the processor; 0 where the system does not say.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|first| first.parse().ok()).unwrap_or(0.0)
}
