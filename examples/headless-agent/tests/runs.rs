//! The example as it is, against a real server; both are killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use driftless_client::model::Value;
use driftless_client::{Aggregate, Board, Client, Query};
use driftless_server::{Driftless, push_router, router};
use driftless_store::server::MemoryBoards;
use futures::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::runtime::Runtime;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server on a runtime of its own, which ends with it.
fn serve(boards: MemoryBoards, address: SocketAddr) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().expect("a runtime");
    let serving = async move {
        let driftless = Driftless::builder().store(boards).start().await;
        let driftless = driftless.expect("it starts");
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = axum::Router::new()
            .nest("/rt", router(driftless.clone()))
            .merge(push_router(driftless))
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    };
    let (done, started) = std::sync::mpsc::channel();
    runtime.spawn(async move { done.send(serving.await) });
    let address = started.recv().expect("it starts");
    (runtime, address)
}

struct Agent {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Agent {
    fn start(address: SocketAddr, file: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_headless-agent"))
            .args([format!("http://{address}").as_ref(), file.as_os_str()])
            .arg("20")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let lines = BufReader::new(process.stdout.take().expect("is piped")).lines();
        Self { process, lines }
    }

    /// Waits until it has saved so many looks; answers the last.
    async fn saves(&mut self, looks: usize) -> f64 {
        let mut last = 0.0;
        for _ in 0..looks {
            let line = self.lines.next_line().await.expect("text").expect("a line");
            let number = line.strip_prefix("saved ").and_then(|n| n.parse().ok());
            last = number.expect("a number");
        }
        last
    }

    async fn kill(mut self) {
        self.process.kill().await.expect("it runs");
    }
}

fn looks(board: &Board) -> f64 {
    let looks = board.get("agent", "options/looks");
    looks.as_ref().and_then(Value::as_f64).unwrap_or(0.0)
}

async fn until_looks(board: &Board, least: f64) {
    let mut records = board.watch_record("agent");
    while looks(board) < least {
        records.next().await.expect("the client runs");
    }
}

async fn survives() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("agent.redb");
    let boards = MemoryBoards::new();
    let (server, address) = serve(boards.clone(), ([127, 0, 0, 1], 0).into());
    let watcher = Client::builder(format!("ws://{address}/rt"))
        .connect()
        .await;
    let watcher = watcher.expect("the server is there");
    let board = watcher.board("agents");

    let mut agent = Agent::start(address, &file);
    let saved = agent.saves(3).await;
    until_looks(&board, saved).await;
    let samples = watcher.feed(Query {
        selector: "agent_load".to_owned(),
        window_s: 60,
        step_s: 1,
        aggregate: Aggregate::Max,
    });
    let mut shown = samples.watch();
    while shown
        .next()
        .await
        .expect("the client runs")
        .series
        .is_empty()
    {}

    // Both die; the agent works on without the server, and dies once more.
    agent.kill().await;
    tokio::task::spawn_blocking(move || server.shutdown_timeout(PATIENCE))
        .await
        .expect("nothing panics");
    let mut agent = Agent::start(address, &file);
    let alone = agent.saves(3).await;
    assert!(alone >= saved + 3.0, "{alone} after {saved}: it began anew");
    agent.kill().await;

    let (server, _) = serve(boards, address);
    let mut agent = Agent::start(address, &file);
    let last = agent.saves(1).await;
    assert!(last > alone, "{last} after {alone}");
    until_looks(&board, last).await;
    agent.kill().await;
    server.shutdown_background();
}

#[tokio::test]
async fn what_the_agent_saved_arrives_although_it_and_the_server_are_killed() {
    let survived = tokio::time::timeout(PATIENCE, survives()).await;
    survived.expect("it never came to be");
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_never_answers_holds_up_neither_the_looks_nor_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("an address");
    let mut agent = Agent::start(address, &folder.path().join("agent.redb"));
    let ended = async {
        agent.saves(1).await;
        let process = agent.process.id().expect("it runs").to_string();
        let interrupt = Command::new("kill").args(["-INT", &process]).status().await;
        assert!(interrupt.expect("there is such a command").success());
        agent.process.wait().await.expect("it is a child")
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    assert!(ended.expect("it ends").success());
}
