//! `driftless tail --url` on a board that its token may not read, or not any more.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use driftless_client::Client;

use crate::live::Live;
use crate::process::{PATIENCE, Running, driftless, error_of};

/// A server with accounts. Ann writes on the board "home", on which Bob has some role.
struct World {
    data: PathBuf,
    server: Running,
    ann: Live,
    bob: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    async fn with_bob(role: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let (hers, his) = (token(&data, "Ann"), token(&data, "Bob"));
        let bob = folder.path().join("token");
        std::fs::write(&bob, his).expect("writes");
        set_role(&data, role);
        let server = Running::everywhere(&data);
        let url = format!("ws://127.0.0.1:{}/rt", server.address.port());
        let ann = Live::starts(Client::builder(url), &hers);
        let edit = ann.adds("note");
        edit.applied().await.expect("the server takes it");
        Self {
            data,
            server,
            ann,
            bob,
            _folder: folder,
        }
    }

    /// Bob follows the board, by the command line.
    fn follows(&self) -> Child {
        let url = format!("http://127.0.0.1:{}", self.server.address.port());
        let file = self.bob.to_str().expect("text");
        let tail = ["tail", "home", "--url", &url, "--token-file", file];
        let mut tail = driftless(&[&tail[..], &["--follow"]].concat());
        tail.stdout(Stdio::piped()).stderr(Stdio::piped());
        tail.spawn().expect("starts")
    }
}

fn run(data: &Path, arguments: &[&str]) -> String {
    let data = data.to_str().expect("text");
    let output = driftless(&[arguments, &["--data", data]].concat()).output();
    let output = output.expect("runs");
    assert!(output.status.success(), "{}", error_of(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn token(data: &Path, name: &str) -> String {
    let create = ["token", "create", "--name", name, "--role", "editor"];
    let link = run(data, &create);
    link.trim().split_once('=').expect("a token").1.to_owned()
}

/// What Bob may do on the board, from now on.
fn set_role(data: &Path, role: &str) {
    let set = ["role", "set", role, "--name", "Bob", "--board", "home"];
    run(data, &set);
}

/// Waits until it ends by itself, with an error that says what to do.
async fn assert_refused(mut tail: Child) {
    let ended = async {
        while tail.try_wait().expect("it is ours").is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, ended).await.is_err() {
        tail.kill().expect("it runs");
        tail.wait().expect("it ended");
        panic!("it waits for ever");
    }
    let output = tail.wait_with_output().expect("it ended");
    let error = error_of(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("driftless role set"), "{error}");
    assert!(error.contains("--token-file"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[tokio::test]
async fn a_board_that_may_not_be_read_is_refused_and_not_waited_for() {
    let world = World::with_bob("none").await;
    assert_refused(world.follows()).await;
}

#[tokio::test]
async fn a_right_that_is_withdrawn_ends_it_and_is_no_removal() {
    let world = World::with_bob("viewer").await;
    let mut tail = world.follows();
    let mut out: BufReader<ChildStdout> = BufReader::new(tail.stdout.take().expect("is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("text");
    assert!(line.contains("note"), "{line}");
    set_role(&world.data, "none");
    assert_refused(tail).await;
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "", "the board has not changed");
    assert_eq!(world.ann.records(), ["note"]);
}
