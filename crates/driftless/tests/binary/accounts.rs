//! The command line lets people in and shuts them out, while the server runs or not.

use std::path::Path;
use std::process::Output;

use driftless_protocol::ServerMessage;
use serde_json::Value;

use crate::person::Person;
use crate::process::{Running, driftless, error_of, refused};

fn run(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().expect("text");
    let mut command = driftless(arguments);
    command.args(["--data", data]).output().expect("runs")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", error_of(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(data: &Path, arguments: &[&str]) -> Value {
    let answer = text(&run(data, &[arguments, &["--json"]].concat()));
    serde_json::from_str(&answer).expect("JSON")
}

#[tokio::test]
async fn from_an_empty_folder_to_a_served_board_and_out_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let at = data.to_str().expect("text");
    let everywhere = ["--listen", "0.0.0.0:0", "--data", at];
    let error = error_of(&refused(&everywhere));
    assert!(error.contains("driftless token create --name"), "{error}");
    assert!(error.contains("--insecure"), "{error}");
    assert!(!data.exists(), "nothing is made");
    let create = ["token", "create", "--name", "Ann", "--role", "editor"];
    let url = ["--url", "https://boards.example.org/", "--expires", "7d"];
    let link = text(&run(&data, &[&create[..], &url].concat()));
    let start = "https://boards.example.org/#token=driftless_";
    assert!(link.starts_with(start), "{link}");
    let token = link.trim().split_once('=').expect("a token").1.to_owned();
    let server = Running::everywhere(&data);
    let mut ann = Person::connect_with(server.address, 1, &token).await;
    ann.subscribe().await;
    let listed = json(&data, &["token", "list"]);
    assert_eq!(listed[0]["state"], "valid");
    assert!(!listed.to_string().contains(&token));
    text(&run(&data, &["token", "revoke", "1"]));
    loop {
        if let ServerMessage::Goodbye { close, .. } = ann.message().await {
            assert_eq!(close, 4200);
            break;
        }
    }
    assert_eq!(json(&data, &["token", "list"])[0]["state"], "revoked");
    let actions = json(&data, &["audit"]);
    assert_eq!(actions[1]["action"], "token created");
    assert_eq!(actions[2]["action"], "token revoked");
    assert!(!actions.to_string().contains(&token));
}

#[test]
fn roles_and_links_are_given_listed_and_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let share = ["token", "share", "--board", "plant", "--role", "viewer"];
    let shared = json(data, &[&share[..], &["--name", "Wall"]].concat());
    let link = shared["link"].as_str().expect("a link");
    assert!(
        link.starts_with("http://127.0.0.1:4747/b/plant#token="),
        "{link}"
    );
    assert_eq!(shared["user"], "Wall (link)");
    text(&run(data, &["role", "set", "viewer", "--everybody"]));
    let shut_out = json(data, &["role", "set", "none", "--name", "Bo"]);
    assert_eq!(shut_out["done"], "Bo may not read every board.");
    let grants = json(data, &["role", "list"]);
    assert_eq!(grants[0]["user"], "(everybody)");
    assert_eq!(grants[1]["role"], "none");
    assert_eq!(grants[2]["board"], "plant");
    let withdrawn = json(data, &["role", "withdraw", "--name", "Bo"]);
    assert!(withdrawn["done"].is_string(), "{withdrawn}");
    let removed = json(data, &["user", "remove", "Wall (link)"]);
    assert!(removed["done"].is_string(), "{removed}");
    assert_eq!(
        json(data, &["role", "list"]).as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(json(data, &["user", "list"])[0]["tokens"], 0);
}

#[test]
fn what_cannot_be_done_is_one_sentence_with_a_remedy_and_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let none = data.join("none");
    for (data, arguments, remedy) in [
        (none.as_path(), &["token", "list"][..], "--data"),
        (data, &["token", "create", "--name", "Ann"], "--role"),
        (data, &["token", "revoke", "7"], "driftless token list"),
        (data, &["user", "remove", "Ann"], "driftless user list"),
        (
            data,
            &["role", "withdraw", "--everybody"],
            "driftless role list",
        ),
    ] {
        let output = run(data, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = error_of(&output);
        assert!(error.contains(remedy), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    assert!(!none.exists());
    for bad in [
        &["token", "create", "--name", "A (link)", "--role", "owner"][..],
        &["token", "create", "--name", "Ann", "--role", "none"],
        &[
            "token",
            "create",
            "--name",
            "Ann",
            "--role",
            "owner",
            "--expires",
            "soon",
        ],
        &["token", "share", "--board", "plant", "--role", "owner"],
        &["role", "set", "viewer"],
    ] {
        assert_eq!(run(data, bad).status.code(), Some(2), "{bad:?}");
    }
}

#[test]
fn a_link_that_opens_on_this_machine_only_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let create = ["token", "create", "--name", "Ann", "--role", "owner"];
    let here = run(folder.path(), &create);
    assert!(text(&here).starts_with("http://127.0.0.1:4747/#token="));
    assert!(error_of(&here).contains("as --url the next time"));
    let there = [&create[..], &["--url", "https://boards.example.org"]].concat();
    assert!(!error_of(&run(folder.path(), &there)).contains("--url"));
}
