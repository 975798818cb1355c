//! The server's own TLS.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::Stdio;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use driftless_client::{Client, Trust, TrustError};

use crate::live::Live;
use crate::process::{PATIENCE, Running, driftless, error_of, refused, serve};
use crate::trusting::{connector, connector_to, key_file};
use serde_json::Value;

/// One request over TLS; the whole answer.
async fn get(server: &Running, path: &str) -> String {
    let socket = tokio::net::TcpStream::connect(server.address).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let connected = connector().connect(name, socket.expect("connects"));
    let mut stream = connected.await.expect("shakes hands");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    answer
}

#[tokio::test]
async fn pages_come_by_https_while_others_never_finish_their_handshake() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (key_file("cert.pem"), key_file("key.pem"));
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    let server = Running::start(folder.path(), &arguments);
    let silent: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(server.address).expect("connects"))
        .collect();
    assert!(get(&server, "/healthz").await.starts_with("HTTP/1.1 200"));
    let mut plain = TcpStream::connect(server.address).expect("connects");
    std::io::Write::write_all(&mut plain, b"GET / HTTP/1.1\r\n\r\n").expect("sends");
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP/"), "plain text is not answered");
    drop(silent);
}

#[test]
fn a_certificate_without_its_key_is_refused_and_so_is_what_is_none() {
    let (certificate, key) = (key_file("cert.pem"), key_file("key.pem"));
    let output = refused(&["--tls-cert", &certificate]);
    assert_eq!(output.status.code(), Some(2));
    for (certificate, key, remedy) in [
        (&key, &key, "is no certificate"),
        (&certificate, &certificate, "is no private key"),
    ] {
        let output = refused(&["--tls-cert", certificate, "--tls-key", key]);
        assert_eq!(output.status.code(), Some(2));
        let error = error_of(&output);
        assert!(error.contains(remedy) && error.contains("PEM"), "{error}");
    }
}

#[tokio::test]
async fn a_native_client_comes_by_wss_once_it_trusts_the_servers_own_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (key_file("cert.pem"), key_file("key.pem"));
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    let server = Running::start(folder.path(), &arguments);
    let url = format!("wss://localhost:{}/rt", server.address.port());
    let trust = Trust::pem_file(&certificate).expect("a certificate");
    let ann = Live::starts(Client::builder(&url).trust(trust), "Ann");
    let edit = ann.adds("note");
    edit.applied().await.expect("the server takes it");
    assert_eq!(ann.client.status().user.expect("is known").as_str(), "Ann");
    // So does the command line: what is on the board, and what it becomes.
    let page = format!("https://localhost:{}", server.address.port());
    let tail = ["tail", "home", "--url", &page, "--ca-file", &certificate];
    let mut follow = driftless(&[&tail[..], &["--follow", "--json"]].concat());
    let mut following = follow.stdout(Stdio::piped()).spawn().expect("starts");
    let out = following.stdout.take().expect("is piped");
    let mut lines = BufReader::new(out).lines().map(|line| line.expect("text"));
    let first: Value = serde_json::from_str(&lines.next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["record"], &first["user"]),
        (&"note".into(), &"Ann".into())
    );
    ann.board
        .edit("Remove", |edit| edit.remove("note"))
        .expect("a valid edit");
    let next: Value = serde_json::from_str(&lines.next().expect("a line")).expect("JSON");
    assert_eq!(
        (&next["record"], &next["remove"]),
        (&"note".into(), &true.into())
    );
    following.kill().expect("it runs");
    following.wait().expect("it ended");
    let refused = driftless(&tail[..4]).output().expect("runs");
    assert_eq!(refused.status.code(), Some(1), "{}", error_of(&refused));
    // The public authorities do not vouch for it.
    let bob = Live::starts(Client::builder(&url), "Bob");
    bob.until(|bob| matches!(bob.refusal(), Some(reason) if reason.contains("trust")))
        .await;
    let key = Trust::pem_file(&key).expect_err("a key is no certificate");
    assert!(matches!(key, TrustError::Certificate { .. }), "{key}");
}

/// Whether a handshake ends well with who trusts that certificate and no other.
async fn shows(server: &Running, certificate: &str) -> bool {
    let socket = tokio::net::TcpStream::connect(server.address).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let connecting = connector_to(certificate).connect(name, socket.expect("connects"));
    connecting.await.is_ok()
}

/// Reads the log until a line has this.
fn until_said(log: &mut impl Iterator<Item = String>, what: &str) {
    assert!(log.any(|line| line.contains(what)), "{what}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (certificate, key) = (place("live.pem"), place("live-key.pem"));
    let put = |name: &str, place: &str| std::fs::copy(key_file(name), place).expect("copies");
    put("cert.pem", &certificate);
    put("key.pem", &key);
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    let mut command = serve(folder.path(), &arguments);
    let mut server = Running::launch(command.stderr(Stdio::piped()));
    let log = server.process.stderr.take().expect("is piped");
    let mut log = BufReader::new(log).lines().map_while(Result::ok);
    let url = format!("wss://localhost:{}/rt", server.address.port());
    let trust = Trust::pem_file(&certificate).expect("a certificate");
    let ann = Live::starts(Client::builder(&url).trust(trust), "Ann");
    ann.until(|ann| ann.board.is_loaded()).await;
    assert!(shows(&server, "cert.pem").await && !shows(&server, "renewed.pem").await);

    put("renewed.pem", &certificate);
    put("renewed-key.pem", &key);
    server.signal("-HUP");
    until_said(&mut log, "the certificate was read again");
    assert!(shows(&server, "renewed.pem").await && !shows(&server, "cert.pem").await);

    std::fs::write(&key, "none").expect("writes");
    server.signal("-HUP");
    until_said(&mut log, "the certificate stays the one before");
    assert!(shows(&server, "renewed.pem").await);
    // Whoever was connected has stayed so all the time.
    let edit = ann.adds("note");
    let applied = tokio::time::timeout(PATIENCE, edit.applied()).await;
    applied.expect("in time").expect("the server takes it");
}

#[test]
fn who_does_not_trust_the_certificate_is_told_what_to_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (key_file("cert.pem"), key_file("key.pem"));
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    let server = Running::start(folder.path(), &arguments);
    let url = format!("https://localhost:{}", server.address.port());
    let ask = |more: &[&str]| {
        let arguments = [&["healthcheck", "--url", &url], more].concat();
        driftless(&arguments).output().expect("runs")
    };
    let refused = ask(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let error = error_of(&refused);
    assert!(
        error.contains("not trusted") && error.contains("--ca-file"),
        "{error}"
    );
    assert!(ask(&["--ca-file", &certificate]).status.success());
}
