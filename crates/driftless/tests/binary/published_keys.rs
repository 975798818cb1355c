//! Sign-in by keys that an issuer publishes at an address.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

use crate::person::Person;
use crate::process::{Running, driftless, error_of, refused};

const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","use":"sig",
    "x":"Tz76vms7GPdH-ZqGag2ShuovnthOdxlU3AnQkMkMkfo"}]}"#;

/// An issuer that answers whoever asks, as long as the tests run.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("is there"));
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("connects");
            let head = BufReader::new(socket.try_clone().expect("a socket")).lines();
            head.map_while(Result::ok).find(String::is_empty);
            let length = SET.len();
            let head = format!("content-length: {length}\r\nconnection: close");
            write!(socket, "HTTP/1.1 200 OK\r\n{head}\r\n\r\n{SET}").expect("sends");
        }
    });
    url
}

fn token() -> String {
    let key = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../driftless-server/tests/server/keys/ed25519.pem"
    );
    let key = EncodingKey::from_ed_pem(&std::fs::read(key).expect("reads")).expect("a key");
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some("one".to_owned());
    let claims = json!({ "sub": "Ann", "exp": 4_000_000_000_u64 });
    encode(&header, &claims, &key).expect("signs")
}

#[tokio::test]
async fn whoever_the_issuer_vouches_for_signs_in_also_where_it_was_down_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("text");
    let role = ["role", "set", "editor", "--everybody", "--data", data];
    assert!(driftless(&role).status().expect("runs").success());
    let url = issuer();
    let server = Running::start(folder.path(), &["--jwt-jwks", &url]);
    let mut ann = Person::connect_with(server.address, 1, &token()).await;
    ann.subscribe().await;
    server.kill();
    // Boards are served all the same.
    let down = ["--jwt-jwks", "http://127.0.0.1:1/keys"];
    let server = Running::start(folder.path(), &down);
    assert!(server.get("/readyz").0.starts_with("http/1.1 200"));
}

#[test]
fn the_settings_are_tried_before_there_is_a_server() {
    let check = |more: &[&str]| {
        let output = refused(&[more, &["--check-config"]].concat());
        (output.status.code(), error_of(&output))
    };
    assert_eq!(check(&["--jwt-jwks", &issuer()]).0, Some(0));
    let (code, error) = check(&["--jwt-jwks", "http://127.0.0.1:1/keys"]);
    assert!(error.contains("127.0.0.1:1/keys"), "{error}");
    assert!(error.contains("is the issuer running there?"), "{error}");
    assert_eq!(code, Some(1));
    let (code, error) = check(&["--jwt-jwks", "http://id.example.org/keys"]);
    assert!(error.contains("give https://"), "{error}");
    assert_eq!(code, Some(2));
    let both = [
        "--jwt-jwks",
        "https://id.example.org/",
        "--jwt-key",
        "key.pem",
    ];
    assert_eq!(check(&both).0, Some(2));
    assert_eq!(check(&["--jwt-ca-file", "ca.pem"]).0, Some(2));
}
