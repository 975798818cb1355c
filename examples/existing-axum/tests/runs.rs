//! The example as it is, with people who reach it through real sockets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use driftless_client::{Board, Client, EditError, EditHandle};
use driftless_model::{BoardId, Kind, PathRule, RecordId, Schema};
use driftless_protocol::Code;
use driftless_sync::replica::view::Connection;
use existing_axum::Valve;
use futures::StreamExt as _;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// The running example; killed when dropped.
struct App {
    process: Child,
    address: String,
}

impl App {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_existing-axum"))
            .arg(folder.join("plant.db"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("is piped");
        BufReader::new(out).read_line(&mut line).expect("reads");
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.expect("an address").to_owned();
        Self { process, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nHost: plant\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    }

    fn person<K: Kind>(&self, session: &str) -> (Client, Board) {
        let schema = Schema::builtin().register::<K>().expect("registers");
        let client = Client::builder(format!("ws://{}/plant/live", self.address))
            .token(Some(session.to_owned()))
            .schema(schema)
            .start();
        let board = client.board(BoardId::new("hall-1").expect("an id"));
        (client, board)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

async fn until(client: &Client, holds: impl Fn() -> bool) {
    let mut events = client.events();
    let waiting = async {
        while !holds() {
            events.next().await.expect("the client runs");
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "it never came to be: {:?}", client.status());
}

fn opens(board: &Board, percent: f64) -> Result<EditHandle, EditError> {
    let valve = RecordId::new("valve-7").expect("an id");
    board.edit("Open the valve", |edit| {
        edit.create(&valve, Valve::NAME, []);
        edit.set(&valve, Valve::OPEN, percent);
    })
}

/// The same kind as a build that lets everything through would have it.
struct Careless;

impl Kind for Careless {
    const NAME: &'static str = Valve::NAME;

    fn rules() -> Vec<PathRule> {
        vec![Valve::OPEN.rule()]
    }
}

#[tokio::test]
async fn the_applications_routes_sessions_rights_and_kinds_hold_on_its_boards() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut app = App::start(folder.path());
    assert!(app.get("/").ends_with("the plant"));
    let (ann, board) = app.person::<Valve>("session-of-ann");
    let applied = opens(&board, 40.0).expect("is valid").applied().await;
    assert_eq!(applied.expect("is applied").0, 1);
    // Who makes an edit and who decides on it have the same validators.
    let (_careless, their_board) = app.person::<Careless>("session-of-ann");
    for (percent, expected) in [(140.0, "a number from 0 to 100"), (42.0, "in steps of 5")] {
        let error = opens(&board, percent).expect_err("is refused");
        assert!(error.to_string().contains(expected), "{error}");
        let edit = opens(&their_board, percent).expect("passes there");
        let Err(EditError::Rejected { code, detail }) = edit.applied().await else {
            panic!("not rejected");
        };
        assert_eq!(code, Code::Invalid);
        assert!(detail.contains(expected), "{detail}");
    }
    // Bo may look.
    let (bo, his_board) = app.person::<Valve>("session-of-bo");
    until(&bo, || !his_board.records().is_empty()).await;
    let error = opens(&his_board, 50.0).expect("is valid").applied().await;
    let Err(EditError::Rejected { code, .. }) = error else {
        panic!("not rejected: {error:?}");
    };
    assert_eq!(code, Code::Forbidden);
    // A stranger may not.
    let (stranger, _) = app.person::<Valve>("session-of-nobody");
    let is_refused = || {
        matches!(
            stranger.status().connection,
            Connection::Unauthorised { .. }
        )
    };
    until(&stranger, is_refused).await;
    // The application's graceful shutdown is the boards' too.
    let process = app.process.id().to_string();
    let told = Command::new("kill").args(["-INT", &process]).status();
    assert!(told.expect("kill runs").success());
    until(&ann, || {
        !matches!(ann.status().connection, Connection::Online { .. })
    })
    .await;
    let status = app.process.wait().expect("ends");
    assert_eq!(status.code(), Some(0));
    let app = App::start(folder.path());
    let (again, board) = app.person::<Valve>("session-of-ann");
    until(&again, || board.version().0 == 1).await;
}

#[test]
fn the_example_is_as_short_as_it_says() {
    let source = include_str!("../src/main.rs");
    assert!(source.lines().count() < 60);
}
