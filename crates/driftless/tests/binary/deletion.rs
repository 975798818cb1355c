//! A board is deleted by command while people have it open, and its name is used again.

use std::path::Path;
use std::process::{Output, Stdio};

use driftless_client::{ClientError, ClientEvent, EventStream};
use driftless_model::Version;
use driftless_protocol::Code;
use futures::StreamExt as _;

use crate::live::Live;
use crate::process::{PATIENCE, Running, driftless, error_of};

fn run(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().expect("text");
    let mut command = driftless(arguments);
    command.args(["--data", data]).stdin(Stdio::null());
    command.output().expect("runs")
}

fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Why the board is not shown any more.
async fn refusal(events: &mut EventStream) -> String {
    let waiting = async {
        loop {
            if let Some(ClientEvent::Error(ClientError::Server { code, detail })) =
                events.next().await
            {
                assert_eq!(code, Code::Forbidden);
                return detail;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("is told")
}

#[tokio::test]
async fn a_deleted_board_goes_from_every_screen_and_what_was_not_sent_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Running::start(&data, &["--no-host-metrics"]);
    let ann = Live::arrives(server.address, "Ann").await;
    let bob = Live::arrives(server.address, "Bob").await;
    ann.adds("a1").applied().await.expect("is applied");
    bob.until(|bob| bob.board.version() == Version(1)).await;
    ann.client.hold_network(true);
    let pending = ann.adds("a2");

    let refused = run(&data, &["boards", "delete", "home"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(error_of(&refused).contains("give --yes"));
    let refused = run(&data, &["boards", "delete", "nowhere", "--yes"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(error_of(&refused).contains("there is no board nowhere"));

    let mut told = bob.client.events();
    let said = succeeds(&data, &["boards", "delete", "home", "--yes"]);
    assert!(said.contains("home is deleted"), "{said}");
    assert_eq!(refusal(&mut told).await, "the board home was deleted");
    bob.until(|bob| !bob.board.is_loaded()).await;
    let mut told = ann.client.events();
    ann.client.hold_network(false);
    assert_eq!(refusal(&mut told).await, "the board home was deleted");
    ann.until(|ann| !ann.board.is_loaded()).await;
    assert_eq!(ann.board.outbox().len(), 1, "it can be exported");
    assert_eq!(succeeds(&data, &["boards", "--json"]).trim(), "[]");

    // Neither a new client nor a restart brings it back.
    let address = server.address;
    server.kill();
    let server = Running::again(address, &data, &["--no-host-metrics"]);
    let cy = Live::opens(server.address, "Cy");
    let mut told = cy.client.events();
    assert_eq!(refusal(&mut told).await, "the board home was deleted");
    assert_eq!(ann.board.outbox().len(), 1);

    succeeds(&data, &["boards", "reopen", "home"]);
    let refused = run(&data, &["boards", "reopen", "home"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(pending.applied().await, Ok(Version(1)));
    for person in [&ann, &bob, &cy] {
        person.until(|person| person.records() == ["a2"]).await;
    }
    let audit = succeeds(&data, &["audit"]);
    assert!(audit.contains("board deleted") && audit.contains("board reopened"));
}

/// Where others say who may what, the command line still deletes.
#[tokio::test]
async fn a_board_is_deleted_whatever_sign_in_the_server_has_and_its_links_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Running::start(&data, &["--no-host-metrics", "--insecure"]);
    let ann = Live::arrives(server.address, "Ann").await;
    ann.adds("a1").applied().await.expect("is applied");
    for board in ["home", "other"] {
        let share = ["token", "share", "--board", board, "--role", "viewer"];
        succeeds(&data, &share);
    }
    let mut told = ann.client.events();
    succeeds(&data, &["boards", "delete", "home", "--yes"]);
    assert_eq!(refusal(&mut told).await, "the board home was deleted");
    let tokens = succeeds(&data, &["token", "list", "--json"]);
    let tokens: serde_json::Value = serde_json::from_str(&tokens).expect("JSON");
    assert_eq!(tokens[0]["state"], "revoked");
    assert_eq!(tokens[1]["state"], "valid");
    let roles = succeeds(&data, &["role", "list", "--json"]);
    assert!(!roles.contains("home"), "{roles}");
}

/// The board of this machine is not made again at the next start.
#[tokio::test]
async fn a_deleted_board_of_this_machine_stays_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    Running::start(&data, &[]).kill();
    assert!(succeeds(&data, &["boards"]).contains("this-machine"));
    succeeds(&data, &["boards", "delete", "this-machine", "--yes"]);
    Running::start(&data, &[]).kill();
    assert_eq!(succeeds(&data, &["boards", "--json"]).trim(), "[]");
}
