//! What it refuses, how it ends, and what survives its death.

use std::net::TcpListener;

use driftless_model::Version;
use driftless_protocol::ServerMessage;
use driftless_protocol::message::Outcome;

use crate::person::{Person, push};
use crate::process::{PATIENCE, Running, error_of, refused};

#[test]
fn an_address_that_others_reach_is_refused_with_both_remedies() {
    let output = refused(&["--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    let error = error_of(&output);
    assert!(
        error.contains("driftless token create") && error.contains("--insecure"),
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

/// Whether an answer lets a browser run nothing but the app.
fn is_secured(head: &str) {
    let policy = head.lines().find_map(|line| {
        let line = line.trim();
        line.strip_prefix("content-security-policy: ")
    });
    let policy = policy.unwrap_or_else(|| panic!("no policy: {head}"));
    let unsafe_words = policy
        .split([' ', ';'])
        .filter(|word| word.contains("unsafe"));
    assert_eq!(unsafe_words.collect::<Vec<_>>(), ["'wasm-unsafe-eval'"]);
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for wide in ["*", " ws: ", " wss: ", " http: ", " https: "] {
        assert!(!policy.contains(wide), "{wide} in {policy}");
    }
    assert!(
        policy.contains("connect-src 'self' ws://127.0.0.1:"),
        "{policy}"
    );
    for header in [
        "x-content-type-options: nosniff",
        "x-frame-options: sameorigin",
        "referrer-policy: no-referrer",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "permissions-policy: camera=()",
    ] {
        assert!(head.contains(header), "no {header} in {head}");
    }
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
        is_secured(&head);
        assert!(head.contains("cache-control: no-cache"), "{head}");
    }
    for path in ["/api/boards", "/metrics", "/healthz", "/no-such-file"] {
        let (head, _) = server.get(path);
        is_secured(&head);
        if path != "/no-such-file" {
            assert!(head.contains("cache-control: no-store"), "{path}: {head}");
        }
    }
    let (head, body) = server.get("/app.wasm");
    assert!(head.contains("content-type: application/wasm"), "{head}");
    assert_eq!(body, b"\0asm");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    assert!(server.get("/no-such-file").0.starts_with("http/1.1 404"));
    assert!(server.get("/../serve.rs").0.starts_with("http/1.1 404"));
    assert_eq!(server.get("/api/boards").1, b"[]");
}

#[test]
fn a_builds_files_may_be_kept_for_good_and_nothing_else_may() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = folder.path().join("web");
    let assets = web.join("assets/0123456789abcdef");
    std::fs::create_dir_all(&assets).expect("makes a folder");
    std::fs::write(web.join("index.html"), "the page").expect("writes");
    std::fs::write(web.join("worker.js"), "the worker").expect("writes");
    std::fs::write(assets.join("boot.js"), "boot").expect("writes");
    let web = web.to_str().expect("text");
    for base in ["", "/boards"] {
        let arguments = ["--no-host-metrics", "--web", web, "--base-path", base];
        let count = if base.is_empty() { 3 } else { 5 };
        let server = Running::start(folder.path(), &arguments[..count]);
        let cached = |path: &str| {
            let (head, _) = server.get(&format!("{base}{path}"));
            let line = head.lines().find(|line| line.starts_with("cache-control"));
            (head[9..12].to_owned(), line.map(str::to_owned))
        };
        let said = |status: &str, line: &str| (status.to_owned(), Some(line.to_owned()));
        let immutable = "cache-control: public, max-age=31536000, immutable";
        let kept = cached("/assets/0123456789abcdef/boot.js");
        assert_eq!(kept, said("200", immutable));
        assert_eq!(cached("/worker.js"), said("200", "cache-control: no-cache"));
        // A file of a build that is not there yet may be there soon.
        let absent = cached("/assets/fedcba9876543210/boot.js");
        assert_eq!(absent, said("404", "cache-control: no-cache"));
    }
}

#[test]
fn everything_lies_below_the_base_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = folder.path().join("web");
    std::fs::create_dir(&web).expect("makes a folder");
    let page = r#"<script src="/boot.js"></script><link href="/app.css">"#;
    std::fs::write(web.join("index.html"), page).expect("writes");
    std::fs::write(web.join("boot.js"), "boot").expect("writes");
    let web = web.to_str().expect("text");
    let arguments = [
        "--no-host-metrics",
        "--web",
        web,
        "--base-path",
        "/my/boards/",
    ];
    let server = Running::start(folder.path(), &arguments);
    let moved = r#"<script src="/my/boards/boot.js"></script><link href="/my/boards/app.css">"#;
    for path in [
        "/my/boards",
        "/my/boards/",
        "/my/boards/b/home",
        "/my/boards/demo",
    ] {
        let (head, body) = server.get(path);
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert!(head.contains("content-security-policy"), "{head}");
        assert_eq!(body, moved.as_bytes(), "{path}");
    }
    assert_eq!(server.get("/my/boards/boot.js").1, b"boot");
    assert_eq!(server.get("/my/boards/healthz").1, b"ok");
    assert!(server.get("/healthz").0.starts_with("http/1.1 404"));
    // The socket is there as well: without an upgrade it says what it wants.
    let (head, _) = server.get("/my/boards/rt");
    assert!(!head.starts_with("http/1.1 404"), "{head}");
    let output = refused(&["--base-path", "boards"]);
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[tokio::test]
async fn it_says_goodbye_and_ends_cleanly_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in ["-INT", "-TERM"] {
        let mut server = Running::start(folder.path(), &[]);
        let mut person = Person::connect(server.address, 1).await;
        server.signal(signal);
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
