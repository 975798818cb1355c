//! docs/protocol.md against the server: what the page shows is what happens.

use std::collections::BTreeMap;

use driftless_model::{Schema, limits};
use driftless_protocol::Codec;
use driftless_server::Driftless;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message as Frame;

use crate::person::{PATIENCE, Person, Server};

const PAGE: &str = include_str!("../../../../docs/protocol.md");

/// What differs from run to run.
const CHANGING: [&str; 3] = ["session", "now_ms", "time_ms"];

/// The lines of the worked session.
fn session() -> impl Iterator<Item = &'static str> {
    let (_, rest) = PAGE
        .split_once("## 9. A session")
        .expect("the page has one");
    let (_, rest) = rest.split_once("```text\n").expect("it is set as text");
    let (session, _) = rest.split_once("```").expect("it ends");
    session.lines().filter(|line| !line.starts_with('#'))
}

/// JSON without what differs from run to run.
fn settled(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"));
    let fields = value.as_object_mut().expect("a message");
    for fields in fields.values_mut().filter_map(Value::as_object_mut) {
        fields.retain(|name, _| !CHANGING.contains(&name.as_str()));
    }
    value
}

async fn next(person: &mut Person) -> String {
    let next = tokio::time::timeout(PATIENCE, person.socket.next()).await;
    let frame = next.expect("something comes").expect("a frame");
    let text = frame.expect("a frame").into_text().expect("text");
    text.as_str().to_owned()
}

#[tokio::test]
async fn the_worked_session_is_what_the_server_says() {
    let server = Server::start(Driftless::builder()).await;
    let mut people: BTreeMap<&str, Person> = BTreeMap::new();
    let mut lines = 0;
    for line in session() {
        let (name, line) = line.split_at_checked(3).expect("a name");
        let (direction, text) = line.split_at_checked(2).expect("a direction");
        if text.starts_with(r#"{"hello""#) {
            // Whoever was connected before is gone by then.
            people.remove(name);
            people.insert(name, server.socket(Codec::Json).await);
        }
        let person = people.get_mut(name).expect("said hello");
        if direction == "> " {
            person
                .socket
                .send(Frame::text(text))
                .await
                .expect("is sent");
        } else {
            assert_eq!(settled(&next(person).await), settled(text));
        }
        lines += 1;
    }
    assert!(lines > 30, "only {lines} lines were found");
}

/// A number as the page writes it.
fn grouped(number: usize) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

/// The rows of the table of limits: what, and how much.
fn table_of_limits() -> Vec<(&'static str, &'static str)> {
    let (_, rest) = PAGE.split_once("## 8. Limits").expect("the page has them");
    let (_, rest) = rest.split_once("\n|---|---|\n").expect("as a table");
    let (rows, _) = rest.split_once("\n\n").expect("it ends");
    let row = |line: &'static str| {
        let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
        row.split_once(" | ")
    };
    let rows = rows.lines().map(|line| row(line).expect("two cells"));
    rows.collect()
}

fn kibibytes(bytes: usize) -> String {
    format!("{} KiB", bytes / 1024)
}

fn rate(per_s: u32, at_once: u32) -> String {
    let (per_s, at_once) = (grouped(per_s as usize), grouped(at_once as usize));
    format!("{per_s} a second, {at_once} at once")
}

/// How large something may be, and how much a board remembers.
fn sizes() -> Vec<(&'static str, String)> {
    let value_bytes = kibibytes(limits::VALUE_BYTES_MAX);
    let value = format!(
        "{value_bytes}, nested at most {} deep",
        limits::VALUE_DEPTH_MAX
    );
    let pruned = |kept: usize| format!("{}; older ones are pruned", grouped(kept));
    let unsettled = grouped(limits::LEDGER_OUTCOMES_MAX);
    let under_way = limits::IN_FLIGHT_MAX;
    let unanswered = grouped(limits::UNANSWERED_PUSHES_MAX);
    vec![
        ("frame to the server", kibibytes(limits::FRAME_BYTES_MAX)),
        (
            "frame to the client",
            format!("{} MiB", limits::RESUME_BYTES_MAX / 1024 / 1024),
        ),
        (
            "message to the client that nothing announces",
            kibibytes(limits::UNANNOUNCED_BYTES_MAX),
        ),
        ("payload", kibibytes(limits::PAYLOAD_BYTES_MAX)),
        ("label", format!("{} bytes", limits::LABEL_BYTES_MAX)),
        ("value", value),
        ("changes in an edit", grouped(limits::CHANGES_PER_EDIT_MAX)),
        ("leaves of a record", grouped(limits::LEAVES_PER_RECORD_MAX)),
        ("records of a board", grouped(limits::RECORDS_PER_BOARD_MAX)),
        (
            "marks of removed records",
            pruned(limits::REMOVAL_MARKS_MAX),
        ),
        (
            "applied edits in a board's log",
            pruned(limits::LOG_ROWS_MAX),
        ),
        (
            "edits of a client on a board without a settled outcome",
            format!("{unsettled}; a client SHOULD have at most {under_way} under way"),
        ),
        (
            "pushes of a connection on a board without an answer",
            format!("{unanswered}; the next is `refused` with `rate_limited`"),
        ),
        (
            "former client ids in `again`",
            grouped(limits::FORMER_CLIENTS_MAX),
        ),
    ]
}

/// How much one connection, user or address may have.
fn shares() -> Vec<(&'static str, String)> {
    let of_user = grouped(limits::CONNECTIONS_PER_USER_MAX);
    let of_address = grouped(limits::CONNECTIONS_PER_ADDRESS_MAX);
    let (new, at_once) = (limits::CONNECTS_PER_S_MAX, limits::CONNECTS_AT_ONCE_MAX);
    let at_once = grouped(at_once as usize);
    vec![
        (
            "messages of a connection",
            rate(limits::MESSAGES_PER_S_MAX, limits::MESSAGES_AT_ONCE_MAX),
        ),
        (
            "`subscribe`, `open_feed`, `ask_screens` and `token` of a connection",
            rate(limits::REQUESTS_PER_S_MAX, limits::REQUESTS_AT_ONCE_MAX),
        ),
        (
            "connections of a user",
            format!("{of_user}; those from the server's own machine do not count"),
        ),
        (
            "connections from an address",
            format!("{of_address}, and {new} new ones a second ({at_once} at once); the same"),
        ),
        (
            "boards of a connection",
            grouped(limits::BOARDS_PER_CONNECTION_MAX),
        ),
        (
            "feeds of a connection",
            grouped(limits::FEEDS_PER_CONNECTION_MAX),
        ),
        (
            "clients that an `ask_screens` goes to",
            grouped(limits::SCREENS_ASKED_MAX),
        ),
        (
            "questions of a connection on a board that wait for `shown`",
            format!(
                "{}; older ones are forgotten",
                grouped(limits::SCREENS_WAITING_MAX)
            ),
        ),
        ("buckets of a query", grouped(limits::BUCKETS_PER_QUERY_MAX)),
        ("series of an answer", grouped(limits::SERIES_PER_QUERY_MAX)),
        ("selector", format!("{} bytes", limits::SELECTOR_BYTES_MAX)),
        ("token", kibibytes(limits::TOKEN_BYTES_MAX)),
    ]
}

#[test]
fn the_limits_of_the_page_are_those_of_the_code_all_of_them() {
    let own = [sizes(), shares()].concat();
    let own: Vec<_> = own
        .iter()
        .map(|(what, limit)| (*what, limit.as_str()))
        .collect();
    assert_eq!(table_of_limits(), own);
}

#[test]
fn every_built_in_kind_and_leaf_is_on_the_page() {
    let (_, rest) = PAGE
        .split_once("### Built-in kinds")
        .expect("the page has them");
    let (kinds, _) = rest.split_once("\n## ").expect("a chapter follows");
    for kind in Schema::builtin().kinds() {
        let name = &kind.name;
        assert!(kinds.contains(&format!("`{name}`")), "{name}");
        for rule in &kind.rules {
            let path = &rule.path;
            assert!(kinds.contains(&format!("`{path}`")), "{path} of {name}");
        }
    }
}
