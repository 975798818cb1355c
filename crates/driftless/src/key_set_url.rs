//! A JSON Web Key Set at the address where its issuer publishes it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use driftless_server::auth::{JwtKeyError, JwtKeys, JwtRules};

use crate::http_get::{CaError, trusting};

/// How long a fetch may take in all: whoever signs in waits for it.
const FETCH: Duration = Duration::from_secs(5);
/// What is read of a key set, in bytes: a few dozen keys with their certificates.
const KEY_SET_BYTES_MAX: u64 = 256 * 1024;

/// The keys at an address, with the certificates to trust instead of the public authorities.
/// Nothing is fetched yet.
///
/// Only `https`, or `http` on this machine: whoever could change the answer on its way would make
/// the keys. Nor is another address followed that the answer names.
pub fn keys(url: &str, ca: Option<&Path>, rules: JwtRules) -> Result<JwtKeys, JwtKeyError> {
    let bad = |reason: &str| JwtKeyError::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    let address: Uri = url
        .parse()
        .map_err(|_| bad("it is no address; give https://…"))?;
    let is_near = match (address.scheme_str(), address.host()) {
        (Some("https"), Some(_)) => false,
        (Some("http"), Some(host)) if is_this_machine(host) => true,
        _ => return Err(bad("give https://…, or http:// on this machine")),
    };
    if address
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(bad("leave the password out, it would be in logs"));
    }
    let agent = agent(is_near, ca).map_err(|error| bad(&error.to_string()))?;
    let agent = Arc::new(agent);
    let address = url.to_owned();
    let fetch = move || fetch(&agent, &address).map_err(|reason| format!("{address}: {reason}"));
    Ok(JwtKeys::published(fetch, rules))
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn agent(is_near: bool, ca: Option<&Path>) -> Result<ureq::Agent, CaError> {
    let config = ureq::Agent::config_builder()
        .https_only(!is_near)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(FETCH));
    let config = match ca {
        Some(file) => config.tls_config(trusting(file)?),
        None => config,
    };
    // What is on this machine no proxy knows.
    let config = if is_near { config.proxy(None) } else { config };
    Ok(config.build().new_agent())
}

fn fetch(agent: &ureq::Agent, address: &str) -> Result<Vec<u8>, String> {
    let answer = agent
        .get(address)
        .header("accept", "application/json")
        .call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    if answer.status() != 200 {
        return Err(format!("the answer is {}", answer.status()));
    }
    let body = answer.body_mut().with_config().limit(KEY_SET_BYTES_MAX);
    body.read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => {
            format!("the answer has more than {KEY_SET_BYTES_MAX} bytes")
        }
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread::{JoinHandle, spawn};

    use super::*;

    const SET: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one",
        "x":"Tz76vms7GPdH-ZqGag2ShuovnthOdxlU3AnQkMkMkfo"}]}"#;

    /// An issuer that gives one answer after the other, and is gone once its thread has ended.
    fn issuer(answers: Vec<String>) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/keys", listener.local_addr().expect("is there"));
        let thread = spawn(move || {
            for answer in answers {
                let (mut socket, _) = listener.accept().expect("connects");
                let head = BufReader::new(socket.try_clone().expect("a socket")).lines();
                let is_more = |line: &std::io::Result<String>| {
                    line.as_ref().is_ok_and(|line| !line.is_empty())
                };
                assert!(head.take_while(is_more).count() > 0);
                // Who has read enough closes it.
                socket.write_all(answer.as_bytes()).ok();
            }
        });
        (url, thread)
    }

    fn answer(status: &str, more: &str, body: &str) -> String {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
    }

    fn of_length(bytes: u64) -> String {
        let padding = usize::try_from(bytes).expect("fits") - SET.len();
        answer("200 OK", "", &format!("{SET}{}", " ".repeat(padding)))
    }

    #[tokio::test]
    async fn whatever_an_issuer_answers_that_is_no_set_of_keys_is_told_as_what_it_is() {
        let elsewhere = "location: http://127.0.0.1:1/keys\r\n";
        let (url, thread) = issuer(vec![
            of_length(KEY_SET_BYTES_MAX),
            of_length(KEY_SET_BYTES_MAX + 1),
            answer("503 Service Unavailable", "", SET),
            answer("302 Found", elsewhere, SET),
            answer("200 OK", "", "<html>"),
            answer("200 OK", "", r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#),
            "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_owned(),
            "nonsense\r\n\r\n".to_owned(),
        ]);
        let keys = keys(&url, None, JwtRules::default()).expect("an address");
        keys.fetch().await.expect("as much as may be");
        for what in [
            "has more than 262144 bytes",
            "the answer is 503",
            "the answer is 302",
            "expected value",
            "no key for RS256",
            "",
            "",
        ] {
            let error = keys.fetch().await.expect_err("no keys");
            assert!(error.contains(what), "{what}: {error}");
        }
        // Who connects while the port is being closed is not refused but cut off.
        thread.join().expect("has answered");
        let error = keys.fetch().await.expect_err("nobody is there");
        assert!(error.contains("refused"), "{error}");
    }

    #[test]
    fn an_address_is_https_or_on_this_machine_and_has_no_password() {
        let is_taken = |url: &str| keys(url, None, JwtRules::default()).is_ok();
        for good in [
            "https://id.example.org/keys",
            "http://127.0.0.1:8080/keys",
            "http://[::1]/keys",
            "http://localhost/keys",
        ] {
            assert!(is_taken(good), "{good}");
        }
        for bad in [
            "http://id.example.org/keys",
            "http://192.0.2.1/keys",
            "http://localhost.example.org/keys",
            "https://ann:secret@id.example.org/keys",
            "ftp://127.0.0.1/keys",
            "/keys",
            "keys.json",
            "",
        ] {
            assert!(!is_taken(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_certificate_to_trust_is_refused() {
        let missing = Path::new("no/such/file.pem");
        let error = keys(
            "https://id.example.org/",
            Some(missing),
            JwtRules::default(),
        );
        let error = error.expect_err("is refused").to_string();
        assert!(error.contains("cannot be read"), "{error}");
    }
}
