//! What an operator reads at `/metrics`, of real connections.

use driftless_model::{Check, Cursor, limits};
use driftless_protocol::message::{Outcome, Push};
use driftless_protocol::{ClientMessage, Codec, SeriesName, ServerMessage};
use driftless_server::Driftless;
use futures::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::http::get;
use crate::person::{PATIENCE, Person, Server, titled, written};

/// Of texts of so many bytes, few fill a ring.
const TEXT_BYTES: usize = 60_000;

/// An edit that writes a text of so many bytes.
fn text(seq: u64, bytes: usize) -> Push {
    let text = format!("{seq:0bytes$}");
    written(seq, seq.into(), seq, ("cpu", "options/text"), &text)
}

async fn applied(person: &mut Person, push: Push) {
    let outcome = person.settle(push).await.outcome;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
}

async fn metrics(server: &Server) -> String {
    let (status, text) = get(server, "/metrics", "").await;
    assert_eq!(status, 200);
    text
}

/// Asks until a metric is this: a connection is counted as ended a little after its peer knows.
async fn becomes(server: &Server, metric: &str, wanted: u64) {
    let asking = async {
        loop {
            let text = metrics(server).await;
            let line = format!("\n{metric} {wanted}\n");
            if text.contains(&line) {
                return;
            }
        }
    };
    let became = tokio::time::timeout(PATIENCE, asking).await;
    became.unwrap_or_else(|_| panic!("{metric} is never {wanted}"));
}

/// The value of a metric, which has to be there.
fn value(text: &str, metric: &str) -> u64 {
    let own = |line: &&str| {
        line.strip_prefix(metric)
            .is_some_and(|rest| rest.starts_with(' '))
    };
    let line = text.lines().find(own);
    let line = line.unwrap_or_else(|| panic!("no {metric} in\n{text}"));
    let value = line.rsplit(' ').next().expect("a value");
    value.parse().expect("a number")
}

#[tokio::test]
async fn the_metrics_tell_of_edits_from_socket_to_followers() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.follower(1, "Ann").await;
    let mut bo = server.follower(2, "Bo").await;
    for seq in 1..=3 {
        ann.settle(titled(seq, seq.into(), seq, "cpu", "CPU")).await;
        bo.event().await;
    }
    bo.push(titled(1, 9, 0, "cpu", "Load")).await;
    bo.outcome().await;
    bo.push(titled(7, 10, 0, "cpu", "Load")).await;
    bo.message().await;
    let (status, text) = get(&server, "/metrics", "").await;
    assert_eq!(status, 200);
    let is = |metric: &str| value(&text, metric);
    assert_eq!(is("driftless_connections"), 2);
    assert_eq!(is("driftless_connections_opened_total"), 2);
    assert_eq!(is("driftless_boards_in_use"), 1);
    assert_eq!(is(r#"driftless_edits_total{outcome="applied"}"#), 3);
    assert_eq!(is(r#"driftless_edits_total{outcome="conflict"}"#), 1);
    assert_eq!(is(r#"driftless_edits_total{outcome="out_of_order"}"#), 1);
    assert_eq!(is("driftless_edit_seconds_count"), 4);
    assert_eq!(is("driftless_commit_edits_sum"), 3);
    assert_eq!(is(r#"driftless_commits_total{result="committed"}"#), 4);
    // The first edit went to both; later ones are measured now and then.
    let measured = is("driftless_fanout_seconds_count");
    assert!((2..=7).contains(&measured), "{measured}");
    assert_eq!(is("driftless_end_to_end_seconds_count"), measured);
    assert_eq!(is(r#"driftless_resumes_total{kind="snapshot"}"#), 2);
    assert!(is(r#"driftless_resume_bytes_total{kind="snapshot"}"#) > 100);
    let goodbye = r#"driftless_connections_closed_total{code="gone"}"#;
    assert!(!text.contains(goodbye), "nobody left yet");
}

#[tokio::test]
async fn samples_that_cannot_be_taken_are_counted() {
    let server = Server::start(Driftless::builder()).await;
    let name = SeriesName {
        name: "cpu".to_owned(),
        labels: [].into(),
    };
    server
        .driftless
        .push_samples([(&name, 1.0), (&name, f64::NAN)]);
    let text = server.driftless.metrics_text();
    assert_eq!(value(&text, "driftless_samples_total"), 2);
    assert_eq!(value(&text, "driftless_samples_dropped_total"), 1);
}

#[tokio::test]
async fn each_metric_is_on_the_page_of_operations_and_the_other_way_round() {
    const PAGE: &str = include_str!("../../../../docs/operations.md");
    let server = Server::start(Driftless::builder()).await;
    // Those with labels are there once something was counted.
    let mut ann = server.follower(1, "Ann").await;
    ann.settle(titled(1, 1, 0, "cpu", "CPU")).await;
    drop(ann);
    becomes(
        &server,
        r#"driftless_connections_closed_total{code="gone"}"#,
        1,
    )
    .await;
    let text = metrics(&server).await;
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE driftless_"));
    let mut counted: Vec<_> = types
        .map(|line| line.split(' ').next().expect("a name"))
        .collect();
    let (_, table) = PAGE.split_once("## Metrics").expect("the page has them");
    let rows = table.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let cells = rows.flat_map(|row| row.split('|').nth(1).expect("a cell").split(','));
    let mut told: Vec<_> = cells
        .map(|name| {
            name.trim()
                .trim_matches('`')
                .split('{')
                .next()
                .expect("a name")
        })
        .collect();
    counted.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, counted);
}

#[tokio::test]
async fn every_transaction_is_timed() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.follower(1, "Ann").await;
    for seq in 1..=3 {
        ann.settle(titled(seq, seq.into(), seq, "cpu", "CPU")).await;
    }
    let text = metrics(&server).await;
    assert_eq!(value(&text, "driftless_commit_seconds_count"), 3);
    assert_eq!(value(&text, "driftless_commit_edits_count"), 3);
    let sum = text
        .lines()
        .find_map(|line| line.strip_prefix("driftless_commit_seconds_sum "));
    let sum: f64 = sum.expect("is there").parse().expect("a number");
    assert!(sum > 0.0);
}

#[tokio::test]
async fn resumes_are_counted_by_what_they_were_with_their_bytes() {
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.follower(1, "Ann").await;
    ann.settle(titled(1, 1, 0, "cpu", "CPU")).await;
    let stood = ann.subscribe(None).await.cursor;
    applied(&mut ann, text(2, 500)).await;
    let mut bo = server.person(2, "Bo").await;
    assert!(!bo.subscribe(Some(stood)).await.full);
    let elsewhere = Cursor {
        check: Check(stood.check.0 ^ 1),
        ..stood
    };
    assert!(bo.subscribe(Some(elsewhere)).await.diverged);
    let text = metrics(&server).await;
    for (kind, resumes, bytes) in [
        ("snapshot", 2, 200),
        ("delta", 1, 500),
        ("diverged", 1, 500),
    ] {
        let labelled = |name: &str| format!("driftless_{name}{{kind=\"{kind}\"}}");
        assert_eq!(value(&text, &labelled("resumes_total")), resumes, "{kind}");
        let counted = value(&text, &labelled("resume_bytes_total"));
        assert!(
            (bytes..bytes + 1_000).contains(&counted),
            "{kind}: {counted}"
        );
    }
    assert!(value(&text, "driftless_resume_encoded_bytes_total") > 1_000);
}

#[tokio::test]
async fn ends_are_counted_by_their_close_code() {
    let closed = |code: &str| format!("driftless_connections_closed_total{{code=\"{code}\"}}");
    let server = Server::start(Driftless::builder()).await;
    let mut old = server.follower(1, "Ann").await;
    let new = server.follower(1, "Ann").await;
    assert_eq!(old.goodbye().await.0, 4300);
    drop(old);
    becomes(&server, &closed("4300"), 1).await;
    drop(new);
    becomes(&server, &closed("gone"), 1).await;
    let mut rude = server.person(2, "Bo").await;
    rude.socket.send(Frame::text("{")).await.expect("sends");
    assert_eq!(rude.last_words().await.0, 4301);
    drop(rude);
    becomes(&server, &closed("4301"), 1).await;
    let text = metrics(&server).await;
    assert_eq!(value(&text, "driftless_connections"), 0);
    assert_eq!(value(&text, "driftless_connections_opened_total"), 3);
}

/// The payload of the next frame, in bytes, and what it says.
async fn frame(person: &mut Person) -> (u64, ServerMessage) {
    let next = tokio::time::timeout(PATIENCE, person.socket.next()).await;
    let frame = next
        .expect("something comes")
        .expect("a frame")
        .expect("a frame");
    let text = frame.into_text().expect("text");
    let message = Codec::Json
        .decode_server(text.as_bytes())
        .expect("a message");
    (text.len() as u64, message)
}

#[tokio::test]
async fn what_is_written_is_counted_whole_and_what_waits_goes_in_one_write() {
    let counted = async |server: &Server| {
        let text = metrics(server).await;
        let names = ["writes", "written_frames", "written_bytes"];
        names.map(|name| value(&text, &format!("driftless_{name}_total")))
    };
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.follower(1, "Ann").await;
    let before = counted(&server).await;
    for nonce in 1..=10 {
        let ping = Codec::Json.encode_client(&ClientMessage::Ping { nonce });
        let ping = Frame::text(String::from_utf8(ping).expect("text"));
        ann.socket.feed(ping).await.expect("is buffered");
    }
    ann.socket.flush().await.expect("sends");
    let mut bytes = 0;
    for nonce in 1..=10 {
        let (of_frame, message) = frame(&mut ann).await;
        assert_eq!(message, ServerMessage::Pong { nonce });
        bytes += of_frame;
    }
    let after = counted(&server).await;
    let [writes, frames, written] = [0, 1, 2].map(|place| after[place] - before[place]);
    assert_eq!((frames, written), (10, bytes));
    assert!((1..10).contains(&writes), "{writes} writes");
}

#[tokio::test]
async fn who_falls_behind_a_ring_is_counted_and_resumes() {
    let server = Server::start(Driftless::builder()).await;
    let mut slow = server.small_socket(2, "Bo").await;
    slow.subscribe(None).await;
    let mut ann = server.follower(1, "Ann").await;
    let edits = 2 * (limits::RING_BYTES_MAX / TEXT_BYTES) as u64;
    for seq in 1..=edits {
        applied(&mut ann, text(seq, TEXT_BYTES)).await;
    }
    let text = metrics(&server).await;
    assert_eq!(
        value(&text, "driftless_lagged_total"),
        0,
        "it reads nothing yet"
    );
    loop {
        match slow.message().await {
            ServerMessage::Event(event) => assert!(event.version.0 < edits),
            ServerMessage::Resume(resume) => {
                assert_eq!((resume.cursor.version.0, resume.full), (edits, false));
                break;
            }
            other => panic!("neither event nor resume: {other:?}"),
        }
    }
    let text = metrics(&server).await;
    assert_eq!(value(&text, "driftless_lagged_total"), 1);
    assert_eq!(value(&text, r#"driftless_resumes_total{kind="delta"}"#), 1);
}
