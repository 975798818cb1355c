//! `examples/python-client` against the real binary, which gets a `kill -9` while edits are under
//! way.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

const CLIENT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../examples/python-client/client.py"
);

/// A server; killed when dropped, as `kill -9` does.
struct Server(Child);

impl Server {
    /// Comes back where it was: clients know no other address.
    fn start(address: SocketAddr, data: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftless"));
        command
            .args(["serve", "--no-host-metrics", "--log", "warn", "--listen"])
            .arg(address.to_string())
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut server = Self(command.spawn().expect("starts"));
        let mut line = String::new();
        let out = server.0.stdout.as_mut().expect("is piped");
        BufReader::new(out).read_line(&mut line).expect("reads");
        assert!(line.contains("listening"), "{line:?}");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A client with its input and output.
struct Client {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    fn start(address: SocketAddr, file: &Path, name: &str) -> Self {
        let mut process = python(address, file, name);
        Self {
            input: process.stdin.take().expect("is piped"),
            output: BufReader::new(process.stdout.take().expect("is piped")),
            process,
        }
    }

    fn edit(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("reads its input");
    }

    /// What became of the next edit.
    fn outcome(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("is text");
        line.trim().to_owned()
    }

    /// Ends its input, and waits until everything is settled. What it printed until then.
    fn end(mut self) -> String {
        drop(self.input);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("is text");
        let status = self.process.wait().expect("ends");
        assert!(status.success(), "{status}");
        rest
    }
}

fn python(address: SocketAddr, file: &Path, name: &str) -> Child {
    python_with(address, file, name, Stdio::inherit())
}

fn python_with(address: SocketAddr, file: &Path, name: &str, errors: Stdio) -> Child {
    let mut command = Command::new("python3");
    command.arg(CLIENT).arg(format!("ws://{address}/rt"));
    command.arg("home").arg(file).arg(name);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = command.stderr(errors).spawn();
    started.expect("python3 is installed; `cargo xtask test unit` sees to it")
}

/// Makes an edit, which is not taken: with what sentence the client ends, its input still open.
fn stops(address: SocketAddr, file: &Path, name: &str) -> String {
    let mut process = python_with(address, file, name, Stdio::piped());
    let mut input = process.stdin.take().expect("is piped");
    writeln!(input, "note text \"kept\"").expect("reads its input");
    let output = process.wait_with_output().expect("ends");
    drop(input);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"", "no outcome");
    let outbox = state(file)["outbox"].to_string();
    assert!(outbox.contains("kept"), "{outbox}");
    String::from_utf8(output.stderr).expect("text")
}

fn state(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).expect("is there");
    serde_json::from_str(&text).expect("JSON")
}

/// An address that nobody uses, now and when the server comes back.
fn address() -> SocketAddr {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    taken.local_addr().expect("an address")
}

#[test]
fn edits_of_a_client_from_the_page_survive_a_killed_server_and_are_not_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("ann.json"));
    let address = address();
    let mut server = Server::start(address, &data);
    let mut ann = Client::start(address, &file, "Ann");
    let mut outcomes = Vec::new();
    for round in 0..3 {
        for number in 0..10 {
            ann.edit(&format!("note-{number} text \"round {round}\""));
        }
        outcomes.push(ann.outcome());
        // The other nine are sealed, under way, acknowledged or only stored by now.
        drop(server);
        server = Server::start(address, &data);
        outcomes.extend((1..10).map(|_| ann.outcome()));
    }
    assert_eq!(ann.end(), "");
    let expected: Vec<_> = (0..30)
        .map(|place| format!("applied note-{} text {}", place % 10, place + 1))
        .collect();
    assert_eq!(outcomes, expected);

    // Another copy reads from the server what the first one has: thirty versions for thirty edits.
    let other = folder.path().join("bob.json");
    let mut bob = Client::start(address, &other, "Bob");
    bob.edit("note-bob text \"hello\"");
    assert_eq!(bob.end(), "applied note-bob text 31\n");
    let (ann, bob) = (state(&file), state(&other));
    assert_eq!(ann["cursor"]["version"], 30);
    assert_eq!(ann["outbox"], Value::Array(vec![]));
    for number in 0..10 {
        let record = format!("note-{number}");
        let text = |state: &Value| state["records"][&record]["leaves"]["text"]["value"].clone();
        assert_eq!(text(&ann), "round 2", "{record}");
        assert_eq!(text(&bob), "round 2", "{record}");
    }
    drop(server);
}

#[test]
fn edits_that_were_made_offline_wait_in_the_file_for_the_next_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("ann.json"));
    let address = address();
    let mut ann = Client::start(address, &file, "Ann");
    ann.edit("note text \"made offline\"");
    ann.edit("note title \"twice\"");
    let is_stored = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.contains("made offline") && text.contains("twice")
    };
    while !is_stored() {
        std::thread::yield_now();
    }
    ann.process.kill().expect("is killed");
    ann.process.wait().expect("is gone");
    let server = Server::start(address, &data);
    let ann = Client::start(address, &file, "Ann");
    assert_eq!(ann.end(), "applied note text 1\napplied note title 2\n");
    assert_eq!(state(&file)["aside"], Value::Array(vec![]));
    drop(server);
}

#[test]
fn a_client_ends_with_a_sentence_where_only_a_person_can_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (folder.path().join("data"), folder.path().join("ann.json"));
    let address = address();
    let server = Server::start(address, &data);
    let settle = |outcome: &str| {
        let mut ann = Client::start(address, &file, "Ann");
        ann.edit("note text \"settled\"");
        assert_eq!(ann.end(), outcome);
    };
    settle("applied note text 1\n");
    let (copied, others) = (
        folder.path().join("copied.json"),
        folder.path().join("others.json"),
    );
    std::fs::copy(&file, &copied).expect("copies");
    std::fs::copy(&file, &others).expect("copies");

    // The client id is Ann's.
    let said = stops(address, &others, "Bob");
    assert!(said.starts_with("wrong_user: "), "{said}");

    // The file was copied, and the other copy went on.
    settle("applied note text 2\n");
    let otherwise = "the server remembers this client otherwise: it was restored from a backup";
    let said = stops(address, &copied, "Ann");
    assert!(said.starts_with(otherwise), "{said}");

    // The server lost what it had confirmed.
    drop(server);
    let server = Server::start(address, &folder.path().join("restored"));
    let said = stops(address, &file, "Ann");
    assert!(said.starts_with(otherwise), "{said}");
    assert!(said.contains("the edits are kept in"), "{said}");
    drop(server);
}

#[test]
fn the_client_has_at_most_150_lines_and_needs_nothing_but_python() {
    let text = std::fs::read_to_string(CLIENT).expect("is there");
    assert!(text.lines().count() <= 150);
    let imports = text.lines().filter(|line| line.starts_with("import "));
    assert_eq!(imports.count(), 1, "everything is imported in one line");
}
