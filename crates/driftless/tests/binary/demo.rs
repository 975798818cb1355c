//! The server that its own page may kill, and nobody else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::process::{Running, error_of, refused};

/// The status of a POST, by a page of that origin where there is one.
fn kill(server: &Running, host: &str, origin: Option<&str>) -> String {
    let mut stream = TcpStream::connect(server.address).expect("connects");
    let origin = origin.map(|origin| format!("Origin: {origin}\r\n"));
    let request = format!(
        "POST /api/demo/kill HTTP/1.1\r\nHost: {host}\r\n{}Content-Length: 0\r\n\
         Connection: close\r\n\r\n",
        origin.unwrap_or_default()
    );
    stream.write_all(request.as_bytes()).expect("sends");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("reads");
    let answer = String::from_utf8(answer).expect("text");
    answer.split(' ').nth(1).expect("a status").to_owned()
}

#[test]
fn only_a_page_of_the_server_itself_kills_it_and_then_it_is_dead() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Running::start(folder.path(), &["--demo"]);
    let host = server.address.to_string();
    assert_eq!(server.get("/api/demo").1, br#"{"kill":true}"#);
    assert!(
        server.get("/api/demo/kill").0.contains(" 405 "),
        "a link kills nothing"
    );
    let own = format!("http://{host}");
    for (host, origin) in [
        (&*host, None),
        (&*host, Some("http://evil.test")),
        (&*host, Some("null")),
        ("evil.test", Some("http://evil.test")),
    ] {
        assert_eq!(kill(&server, host, origin), "403", "{host} {origin:?}");
    }
    assert!(server.process.try_wait().expect("is watched").is_none());

    assert_eq!(kill(&server, &host, Some(&own)), "202");
    let status = server.process.wait().expect("ends");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
    assert!(!status.success());
}

#[test]
fn without_the_option_nothing_kills_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Running::start(folder.path(), &[]);
    let host = server.address.to_string();
    assert_eq!(server.get("/api/demo").1, br#"{"kill":false}"#);
    let status = kill(&server, &host, Some(&format!("http://{host}")));
    assert!(["404", "405"].contains(&&*status), "{status}");
    assert!(server.process.try_wait().expect("is watched").is_none());
}

#[test]
fn where_others_reach_it_it_does_not_start() {
    let refusals: [&[&str]; 2] = [
        &["--listen", "0.0.0.0:0", "--insecure", "--demo"],
        &[
            "--listen",
            "127.0.0.1:0",
            "--trusted-proxy",
            "127.0.0.1",
            "--insecure",
            "--demo",
        ],
    ];
    for arguments in refusals {
        let output = refused(arguments);
        assert_eq!(output.status.code(), Some(2));
        let error = error_of(&output);
        assert!(
            error.contains("--demo") && error.lines().count() == 1,
            "{error}"
        );
    }
}
