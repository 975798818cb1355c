//! Samples over HTTP, of every format, by whoever may and however it is packed.

use std::io::Write as _;

use driftless_model::limits::{
    PUSH_BODIES_PER_USER_MAX, PUSH_BYTES_MAX, PUSH_ID_BYTES_MAX, PUSH_SAMPLES_MAX,
};
use driftless_protocol::feed::unpack;
use driftless_protocol::{Aggregate, ClientMessage, Query, ServerMessage};
use driftless_server::{Driftless, MemorySamples, StaticTokens};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::person::{Person, Server};

/// One request; the status and the answer, which is JSON or a text.
async fn post(server: &Server, path: &str, headers: &str, body: &[u8]) -> (u16, Value) {
    let stream = tokio::net::TcpStream::connect(server.address).await;
    let mut stream = stream.expect("connects");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
         {headers}\r\n",
        server.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sends");
    // The answer may come before all of a body that is too large.
    stream.write_all(body).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split(' ').nth(1).expect("a status").parse();
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::from(body));
    (status.expect("a number"), body)
}

async fn prometheus(server: &Server, headers: &str, body: &str) -> (u16, Value) {
    post(server, "/api/push/prometheus", headers, body.as_bytes()).await
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).expect("packs");
    packed.finish().expect("packs")
}

/// The newest value that a feed shows.
async fn shown(person: &mut Person, selector: &str) -> f64 {
    let query = Query {
        selector: selector.to_owned(),
        window_s: 600,
        step_s: 600,
        aggregate: Aggregate::Last,
    };
    person
        .send(ClientMessage::OpenFeed { feed: 1, query })
        .await;
    loop {
        if let ServerMessage::Feed(frame) = person.message().await {
            let runs = unpack(&frame.points).expect("unpacks");
            if let Some(value) = runs.first().and_then(|run| run.values.last()) {
                return *value;
            }
        }
    }
}

#[tokio::test]
async fn every_format_is_taken_plain_and_packed_and_shows_in_feeds() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.person(1, "Ann").await;
    let json = br#"[{"name":"a","labels":{"by":"json"},"value":1}]"#;
    let influx = b"a,by=influx value=2";
    let text = b"a{by=\"prometheus\"} 3\n";
    for (path, body, selector, value) in [
        ("json", json.as_slice(), "a{by=\"json\"}", 1_f64),
        ("influx?precision=s", influx, "a{by=\"influx\"}", 2.0),
        ("prometheus", text, "a{by=\"prometheus\"}", 3.0),
    ] {
        let path = format!("/api/push/{path}");
        let (status, receipt) = post(&server, &path, "", body).await;
        assert_eq!(
            (status, &receipt["accepted"]),
            (200, &Value::from(1)),
            "{path}"
        );
        let headers = "Content-Encoding: gzip\r\n";
        let (status, receipt) = post(&server, &path, headers, &gzip(body)).await;
        assert_eq!(
            (status, &receipt["accepted"]),
            (200, &Value::from(1)),
            "{path}"
        );
        assert_eq!(shown(&mut ann, selector).await.to_bits(), value.to_bits());
    }
}

#[tokio::test]
async fn a_batch_with_an_id_is_taken_once_also_after_a_restart() {
    let store = MemorySamples::new();
    let key = "Idempotency-Key: batch-1\r\n";
    for is_again in [false, true] {
        let builder = Driftless::builder().samples(store.clone());
        let server = Server::start(builder).await;
        for is_second in [is_again, true] {
            let (status, receipt) = prometheus(&server, key, "a 1\nb 2\na{c=\"NaN\"} NaN\n").await;
            assert_eq!((status, &receipt["accepted"]), (200, &Value::from(2)));
            assert_eq!(receipt["duplicate"], Value::from(is_second), "{receipt}");
        }
        let (_, other) = prometheus(&server, "Idempotency-Key: batch-2\r\n", "a 1\n").await;
        assert_eq!(other["duplicate"], Value::from(is_again));
        server.driftless.shutdown().await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_whole_with_its_line_and_what_cannot_be_taken_by_itself() {
    let server = Server::start(Driftless::builder()).await;
    let (status, refused) = prometheus(&server, "", "a 1\nb{ 2\n").await;
    assert_eq!((status, &refused["line"]), (400, &Value::from(2)));
    assert_eq!(refused["code"], "malformed");
    let (status, receipt) = prometheus(&server, "", "a 1 5\nb 2\n").await;
    assert_eq!((status, &receipt["accepted"]), (200, &Value::from(1)));
    assert_eq!(receipt["refusals"][0]["line"], Value::from(1));
    assert_eq!(receipt["refusals"][0]["reason"], "too_old");
    let (status, receipt) = prometheus(&server, "", "a NaN\n").await;
    assert_eq!(
        (status, &receipt["refusals"][0]["reason"]),
        (422, &Value::from("not_finite"))
    );
    let (status, refused) = post(&server, "/api/push/influx?precision=h", "", b"a value=1").await;
    assert_eq!((status, &refused["code"]), (400, &Value::from("malformed")));
    for (headers, body) in [
        ("Content-Encoding: br\r\n", "a 1"),
        ("Content-Encoding: gzip\r\n", "a 1"),
        ("Idempotency-Key: \r\n", "a 1"),
    ] {
        let (status, refused) = prometheus(&server, headers, body).await;
        assert_eq!(
            (status, &refused["code"]),
            (400, &Value::from("malformed")),
            "{headers}"
        );
    }
}

#[tokio::test]
async fn a_push_is_bounded_in_bytes_in_what_it_unpacks_to_in_samples_and_in_its_id() {
    let server = Server::start(Driftless::builder()).await;
    let path = "/api/push/prometheus";
    let comment = |bytes: usize| format!("#{}", " ".repeat(bytes - 1));
    let full = comment(PUSH_BYTES_MAX);
    assert_eq!(prometheus(&server, "", &full).await.0, 200);
    let over = comment(PUSH_BYTES_MAX + 1);
    assert_eq!(prometheus(&server, "", &over).await.0, 413);
    let packed = "Content-Encoding: gzip\r\n";
    assert_eq!(
        post(&server, path, packed, &gzip(full.as_bytes())).await.0,
        200
    );
    let bomb = gzip(&vec![b' '; 64 * PUSH_BYTES_MAX]);
    assert!(bomb.len() < PUSH_BYTES_MAX);
    let (status, refused) = post(&server, path, packed, &bomb).await;
    assert_eq!((status, &refused["code"]), (413, &Value::from("too_large")));
    let full = "a 1\n".repeat(PUSH_SAMPLES_MAX);
    assert_eq!(prometheus(&server, "", &full).await.0, 200);
    let (status, refused) = prometheus(&server, "", &format!("{full}a 1\n")).await;
    assert_eq!((status, &refused["code"]), (413, &Value::from("too_large")));
    let id = |bytes: usize| format!("Idempotency-Key: {}\r\n", "k".repeat(bytes));
    assert_eq!(
        prometheus(&server, &id(PUSH_ID_BYTES_MAX), "a 1").await.0,
        200
    );
    assert_eq!(
        prometheus(&server, &id(PUSH_ID_BYTES_MAX + 1), "a 1")
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn only_who_may_edit_may_push() {
    let file = "0123456789abcdef Ann editor\nfedcba9876543210 Bo viewer\n";
    let tokens = StaticTokens::parse(file).expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    assert_eq!(prometheus(&server, "", "a 1").await.0, 401);
    let (status, refused) = prometheus(&server, &bearer("fedcba9876543210"), "a 1").await;
    assert_eq!((status, &refused["code"]), (403, &Value::from("forbidden")));
    let ann = bearer("0123456789abcdef");
    assert_eq!(prometheus(&server, &ann, "a 1").await.0, 200);
    let foreign = format!("{ann}Origin: http://evil.test\r\n");
    assert_eq!(prometheus(&server, &foreign, "a 1").await.0, 403);
}

#[tokio::test]
async fn bodies_of_one_user_that_do_not_come_keep_nobody_else_from_pushing() {
    let file = "0123456789abcdef Ann editor\nfedcba9876543210 Bo editor\n";
    let tokens = StaticTokens::parse(file).expect("parses");
    let server = Server::start(Driftless::builder().auth(tokens)).await;
    let ann = "Authorization: Bearer 0123456789abcdef\r\n";
    let bo = "Authorization: Bearer fedcba9876543210\r\n";
    let mut slow = Vec::new();
    for _ in 0..PUSH_BODIES_PER_USER_MAX {
        let stream = tokio::net::TcpStream::connect(server.address).await;
        let mut stream = stream.expect("connects");
        let head = format!(
            "POST /api/push/prometheus HTTP/1.1\r\nHost: {}\r\nContent-Length: 9\r\n{ann}\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).await.expect("sends");
        slow.push(stream);
    }
    // Until the server has seen all of them.
    while prometheus(&server, ann, "a 1").await.0 != 429 {
        tokio::task::yield_now().await;
    }
    assert_eq!(prometheus(&server, bo, "a 1").await.0, 200);
    drop(slow);
    while prometheus(&server, ann, "a 1").await.0 != 200 {
        tokio::task::yield_now().await;
    }
}
