//! The real binary, as a child process: what it refuses, how it ends, and what survives its death.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use driftless_model::{
    BoardId, Change, ClientId, Edit, EditId, KindName, LeafPath, OnStale, Op, RecordId, Version,
};
use driftless_protocol::message::{Hello, Outcome, Push, Resume, Settled, Subscribe};
use driftless_protocol::{ClientMessage, Codec, PROTOCOL, Payload, ServerMessage};
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message as Frame};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

fn driftless(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
    command.arg("serve").args(arguments).stdin(Stdio::null());
    command
}

/// Runs a server that is expected to end by itself.
fn refused(arguments: &[&str]) -> Output {
    driftless(arguments).output().expect("runs")
}

fn error_of(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// A server that runs; killed when dropped.
struct Running {
    process: Child,
    address: SocketAddr,
}

impl Running {
    fn start(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().expect("a path of text");
        let arguments = ["--listen", "127.0.0.1:0", "--data", data, "--log", "warn"];
        let mut process = driftless(&[&arguments, more].concat())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let out = process.stdout.as_mut().expect("is piped");
        BufReader::new(out).read_line(&mut line).expect("reads");
        let address = line
            .trim()
            .strip_prefix("driftless listening on http://")
            .unwrap_or_else(|| panic!("unexpected first line: {line:?}"));
        let address = address.parse().expect("an address");
        Self { process, address }
    }

    /// One request; the head and the body.
    fn get(&self, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).expect("connects");
        let host = self.address;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sends");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("reads");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).expect("text");
        (head.to_ascii_lowercase(), answer[end + 4..].to_vec())
    }

    /// What `kill -9` does.
    fn kill(mut self) {
        self.process.kill().expect("is killed");
        self.process.wait().expect("is gone");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn an_address_that_others_reach_is_refused_with_both_remedies() {
    let output = refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    let error = error_of(&output);
    assert!(
        error.contains("--tokens FILE") && error.contains("--insecure"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_busy_port_is_one_sentence_and_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let data_argument = data.to_str().expect("text");
    let output = refused(&["--listen", &address, "--data", data_argument]);
    assert_eq!(output.status.code(), Some(2));
    let error = error_of(&output);
    assert!(
        error.starts_with(&format!("error: {address} is in use")),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!data.exists(), "the data of another server is not touched");
}

#[test]
fn a_folder_without_an_app_and_a_file_without_tokens_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("text");
    let output = refused(&["--listen", "127.0.0.1:0", "--data", path, "--web", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_of(&output).contains("index.html"),
        "{}",
        error_of(&output)
    );
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "# nobody yet\n").expect("writes");
    let tokens = tokens.to_str().expect("text");
    let output = refused(&[
        "--listen",
        "127.0.0.1:0",
        "--data",
        path,
        "--tokens",
        tokens,
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_of(&output).contains("token name role"),
        "{}",
        error_of(&output)
    );
}

#[test]
fn the_app_is_served_with_its_types_and_a_strict_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = folder.path().join("web");
    std::fs::create_dir(&web).expect("makes a folder");
    std::fs::write(web.join("index.html"), "<!doctype html>the page").expect("writes");
    std::fs::write(web.join("app.wasm"), b"\0asm").expect("writes");
    let web = web.to_str().expect("text");
    let server = Running::start(folder.path(), &["--no-host-metrics", "--web", web]);
    for path in ["/", "/b/home", "/demo"] {
        let (head, body) = server.get(path);
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert_eq!(body, b"<!doctype html>the page");
        assert!(
            head.contains("script-src 'self' 'wasm-unsafe-eval'"),
            "{head}"
        );
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    }
    let (head, body) = server.get("/app.wasm");
    assert!(head.contains("content-type: application/wasm"), "{head}");
    assert_eq!(body, b"\0asm");
    assert!(server.get("/no-such-file").0.starts_with("http/1.1 404"));
    assert!(server.get("/../serve.rs").0.starts_with("http/1.1 404"));
    assert_eq!(server.get("/api/boards").1, b"[]");
}

#[cfg(unix)]
#[tokio::test]
async fn it_says_goodbye_and_ends_cleanly_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["-INT", "-TERM"] {
        let mut server = Running::start(folder.path(), &[]);
        let mut person = Person::connect(server.address, 1).await;
        let process = server.process.id().to_string();
        let told = Command::new("kill").args([signal, &process]).status();
        assert!(told.expect("kill runs").success());
        let ServerMessage::Goodbye { close, .. } = person.message().await else {
            panic!("no goodbye");
        };
        assert_eq!(close, 4000);
        drop(person);
        let waiting = tokio::task::spawn_blocking(move || server.process.wait());
        let status = tokio::time::timeout(PATIENCE, waiting).await;
        let status = status.expect("ends").expect("ends").expect("ends");
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn an_acknowledged_edit_survives_a_killed_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    for seq in 1..=20 {
        ann.push(push(seq)).await;
    }
    let mut acknowledged = 0;
    while acknowledged < 10 {
        acknowledged = ann.outcome().await.seq;
    }
    server.kill();
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut ann = Person::connect(server.address, 1).await;
    let resume = ann.subscribe().await;
    assert!(
        resume.last_seq >= acknowledged,
        "an acknowledged edit is gone"
    );
    assert_eq!(resume.cursor.version, Version(resume.last_seq));
    // What was not acknowledged is sent again, whether it is there or not: each has its effect
    // once.
    for seq in acknowledged + 1..=20 {
        ann.push(push(seq)).await;
        let settled = ann.outcome().await;
        let Outcome::Applied { version, .. } = settled.outcome else {
            panic!("not applied: {settled:?}");
        };
        assert_eq!((settled.seq, version), (seq, Version(seq)));
    }
}

/// Somebody with a raw socket.
struct Person {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
}

impl Person {
    async fn connect(address: SocketAddr, client: u128) -> Self {
        let uri = format!("ws://{address}/rt").parse().expect("a URL");
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(Codec::Json.subprotocol());
        let (socket, _) = connect_async(request).await.expect("connects");
        let mut person = Self { socket };
        let hello = ClientMessage::Hello(Hello {
            protocol: PROTOCOL,
            client: ClientId(client),
            token: Some("Ann".to_owned()),
            build: "test".to_owned(),
            boards: vec![],
        });
        person.send(&hello).await;
        let welcome = person.message().await;
        assert!(matches!(welcome, ServerMessage::Welcome(_)), "{welcome:?}");
        person
    }

    async fn send(&mut self, message: &ClientMessage) {
        let text = String::from_utf8(Codec::Json.encode_client(message)).expect("text");
        self.socket.send(Frame::text(text)).await.expect("sends");
    }

    async fn message(&mut self) -> ServerMessage {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let frame = next.expect("something comes").expect("a frame");
            let text = frame.expect("a frame").into_text().expect("text");
            let message = Codec::Json.decode_server(text.as_bytes());
            match message.expect("a message") {
                ServerMessage::Ping { nonce } => self.send(&ClientMessage::Pong { nonce }).await,
                message => return message,
            }
        }
    }

    async fn subscribe(&mut self) -> Box<Resume> {
        let subscribe = Subscribe {
            board: home(),
            cursor: None,
        };
        self.send(&ClientMessage::Subscribe(subscribe)).await;
        match self.message().await {
            ServerMessage::Resume(resume) => resume,
            other => panic!("no resume: {other:?}"),
        }
    }

    async fn push(&mut self, push: Push) {
        self.send(&ClientMessage::Push(push)).await;
    }

    async fn outcome(&mut self) -> Settled {
        match self.message().await {
            ServerMessage::Outcome(settled) => settled,
            other => panic!("no outcome: {other:?}"),
        }
    }
}

fn home() -> BoardId {
    BoardId::new("home").expect("a board id")
}

/// The nth edit: another record each time.
fn push(seq: u64) -> Push {
    let title = LeafPath::new("title").expect("a path");
    let id = EditId(seq.into());
    let change = Change {
        record: RecordId::new(format!("chart-{seq}")).expect("a record id"),
        seen: Version(0),
        op: Op::Create {
            kind: KindName::new("chart").expect("a kind"),
            leaves: [(title, seq.to_string().into())].into(),
        },
    };
    let edit = Edit {
        id,
        label: "Add a chart".to_owned(),
        on_stale: OnStale::Policy,
        changes: vec![change],
    };
    Push {
        board: home(),
        seq,
        id,
        settled: 0,
        payload: Payload::seal(&edit).expect("is small"),
        again: None,
    }
}
