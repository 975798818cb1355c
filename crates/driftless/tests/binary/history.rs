//! The history of feeds: there after a kill, a stop and a restore, and no longer than it is kept.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use driftless_protocol::feed::unpack;
use driftless_protocol::{Aggregate, ClientMessage, Query, ServerMessage};

use crate::person::Person;
use crate::process::{Running, driftless, error_of};

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("fits")
}

fn run(arguments: &[&str]) -> Output {
    driftless(arguments).output().expect("runs")
}

fn succeeds(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Pushes a file to a server; what it says.
fn push(address: SocketAddr, file: &Path, more: &[&str]) -> Output {
    let url = format!("http://{address}");
    let file = file.to_str().expect("text");
    run(&[&["push", file, "--url", &url], more].concat())
}

/// Waits until a new viewer sees so many samples of the series.
async fn sees(address: SocketAddr, count: f64) {
    let mut person = Person::connect(address, 1).await;
    let query = Query {
        selector: "orders by ()".to_owned(),
        window_s: 14_400,
        step_s: 7_200,
        aggregate: Aggregate::Count,
    };
    person
        .send(&ClientMessage::OpenFeed { feed: 1, query })
        .await;
    let mut seen = 0.0;
    while (seen - count).abs() > 0.1 {
        let ServerMessage::Feed(frame) = person.message().await else {
            continue;
        };
        let runs = unpack(&frame.points).expect("unpacks");
        seen = runs.iter().flat_map(|run| &run.values).sum();
        assert!(seen <= count, "{seen} samples of {count}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_kill_nine_and_a_restore_brings_back_what_was_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, kept) = (folder.path().join("data"), folder.path().join("backup.db"));
    let file = folder.path().join("orders.txt");
    let end_ms = now_ms();
    let lines = |from: u64| {
        let lines = (from..from + 100).map(|number| {
            let time_ms = end_ms - number * 10;
            format!("orders{{shop=\"north\"}} {number} {time_ms}\n")
        });
        lines.collect::<String>()
    };
    std::fs::write(&file, lines(0)).expect("writes");
    let server = Running::start(&data, &["--no-host-metrics"]);
    let address = server.address;
    let first = push(address, &file, &["--id", "first"]);
    assert!(first.status.success(), "{}", error_of(&first));
    assert_eq!(first.stdout, b"taken: 100\n");
    server.kill();
    let server = Running::again(address, &data, &["--no-host-metrics"]);
    sees(address, 100.0).await;
    let (data_text, kept_text) = (data.to_str().expect("text"), kept.to_str().expect("text"));
    succeeds(&["backup", kept_text, "--data", data_text]);
    // The same again is nothing new, more is.
    let again = push(address, &file, &["--id", "first", "--json"]);
    assert!(again.status.success(), "{}", error_of(&again));
    std::fs::write(&file, lines(100)).expect("writes");
    let second = push(address, &file, &[]);
    assert!(second.status.success(), "{}", error_of(&second));
    sees(address, 200.0).await;
    server.kill();
    succeeds(&["restore", kept_text, "--data", data_text]);
    let server = Running::again(address, &data, &["--no-host-metrics"]);
    sees(server.address, 100.0).await;
}

#[tokio::test]
async fn a_push_says_what_was_not_taken_and_with_which_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let server = Running::start(&data, &["--no-host-metrics"]);
    let address = server.address;
    let file = folder.path().join("samples.txt");
    std::fs::write(&file, "a 1\nb 2 5\n").expect("writes");
    let some = push(address, &file, &[]);
    assert_eq!(some.status.code(), Some(3));
    assert!(
        error_of(&some).contains("1 of 2 samples"),
        "{}",
        error_of(&some)
    );
    assert!(error_of(&some).contains("line 2"), "{}", error_of(&some));
    std::fs::write(&file, "a 1\nb two\n").expect("writes");
    let none = push(address, &file, &[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(error_of(&none).contains("line 2"), "{}", error_of(&none));
    let missing = push(address, &folder.path().join("none.txt"), &[]);
    assert_eq!(missing.status.code(), Some(2));
    let url = format!("http://{address}");
    let arguments = [
        "push",
        "--series",
        "c{d=\"e\"}",
        "--value",
        "2",
        "--url",
        &url,
    ];
    let mut one = driftless(&arguments);
    let one = one.stdin(Stdio::null()).output().expect("runs");
    assert_eq!(one.stdout, b"taken: 1\n", "{}", error_of(&one));
}
