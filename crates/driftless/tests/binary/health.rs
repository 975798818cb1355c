//! Whether all is well, and what the boards have, asked beside a server.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::person::{Person, push};
use crate::process::{Running, driftless, error_of};

fn run(data: &Path, arguments: &[&str]) -> Output {
    let data = data.to_str().expect("text");
    let mut command = driftless(arguments);
    command.args(["--data", data]).output().expect("runs")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines.collect()
}

#[test]
fn a_server_that_can_serve_is_healthy_and_one_that_is_gone_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let url = format!("http://{}", server.address);
    let healthcheck = || {
        driftless(&["healthcheck", "--url", &url])
            .output()
            .expect("runs")
    };
    assert!(healthcheck().status.success());
    let doctor = || run(folder.path(), &["doctor", "--json", "--url", &url]);
    let well = doctor();
    assert!(well.status.success(), "{}", error_of(&well));
    let checks = lines(&well);
    let state = |what: &str| {
        let found = checks.iter().find(|check| check["check"] == what);
        found.expect("is checked")["state"].clone()
    };
    assert_eq!(state("server"), "ok");
    assert_eq!(state("boards"), "ok");
    assert_eq!(state("sign-in"), "warning");
    server.kill();
    let gone = healthcheck();
    assert_eq!(gone.status.code(), Some(1));
    assert!(error_of(&gone).contains("say with --url where it is"));
    let ill = doctor();
    assert_eq!(ill.status.code(), Some(1));
    assert!(
        error_of(&ill).contains("1 of the checks failed"),
        "{}",
        error_of(&ill)
    );
    let no_certificate = ["healthcheck", "--url", &url, "--ca-file", "none.pem"];
    let bad = driftless(&no_certificate).output();
    assert_eq!(bad.expect("runs").status.code(), Some(2));
    let bad = driftless(&["healthcheck", "--url", "localhost"]).output();
    assert_eq!(bad.expect("runs").status.code(), Some(1));
}

#[tokio::test]
async fn boards_are_listed_exported_and_watched_while_they_are_edited() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Running::start(folder.path(), &["--no-host-metrics"]);
    let mut ann = Person::connect(server.address, 1).await;
    ann.subscribe().await;
    for seq in 1..=3 {
        ann.push(push(seq)).await;
        ann.outcome().await;
    }
    let listed: Value =
        serde_json::from_slice(&run(folder.path(), &["boards", "--json"]).stdout).expect("JSON");
    let (board, version) = (&listed[0]["board"], &listed[0]["version"]);
    assert_eq!((board, version), (&"home".into(), &3.into()));
    let exported = run(folder.path(), &["export", "home"]);
    let exported: Value = serde_json::from_slice(&exported.stdout).expect("JSON");
    assert_eq!(exported["version"], 3);
    let records = exported["records"].as_array().expect("a list");
    assert!(
        !records.is_empty() && records[0]["kind"].is_string(),
        "{exported}"
    );
    let tail = run(folder.path(), &["tail", "home", "--last", "2", "--json"]);
    let versions: Vec<_> = lines(&tail)
        .iter()
        .map(|line| line["version"].clone())
        .collect();
    assert_eq!(versions, [2, 3]);
    let file = folder.path().join("home.json");
    std::fs::write(&file, exported.to_string()).expect("writes");
    let file = file.to_str().expect("text");
    let url = format!("http://{}", server.address);
    let import = ["import", file, "--board", "copy", "--url", &url];
    let imported = driftless(&import).output().expect("runs");
    assert!(imported.status.success(), "{}", error_of(&imported));
    let copy = run(folder.path(), &["export", "copy"]);
    let copy: Value = serde_json::from_slice(&copy.stdout).expect("JSON");
    assert_eq!(copy["records"], exported["records"]);
    let bad = driftless(&["import", file, "--url", "ftp://x"]).output();
    assert_eq!(bad.expect("runs").status.code(), Some(2));
    let none = run(folder.path(), &["export", "plant"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        error_of(&none).contains("driftless boards"),
        "{}",
        error_of(&none)
    );
}

/// What a shell or a service is given at first is less than what the system allows.
#[cfg(target_os = "linux")]
#[test]
fn a_server_may_open_as_many_files_as_the_system_allows() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = crate::process::serve(folder.path(), &[]);
    let mut few = std::process::Command::new("sh");
    few.args(["-c", "ulimit -S -n 256 && exec \"$0\" \"$@\""]);
    few.arg(server.get_program()).args(server.get_args());
    let server = Running::launch(&mut few);
    let limits = format!("/proc/{}/limits", server.process.id());
    let limits = std::fs::read_to_string(limits).expect("is known");
    let files = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut files = files.expect("is there").split_whitespace();
    let (soft, hard) = (files.next(), files.next());
    assert_eq!(soft, hard);
    assert_ne!(soft, Some("256"));
}
