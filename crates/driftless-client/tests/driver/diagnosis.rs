//! What a maintainer gets to see: how the client is and was, and no secret, in the bundle as in the
//! log.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use driftless_client::platform::SocketEvent;
use driftless_client::realtime_config::Setting;
use driftless_client::{Client, RealtimeConfig};
use driftless_protocol::PROTOCOL;
use driftless_store::replica::MemoryRows;
use serde_json::{Value as Json, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::stage::{Stage, builder, home, make_note};

const TOKEN: &str = "dl-Zm9vYmFyYmF6";
const LATER_TOKEN: &str = "hunter2";
/// Whom the server of the tests takes everybody for.
const USER: &str = "Ada";

fn bundle(client: &Client) -> Json {
    let json = client.diagnostics().to_json();
    serde_json::from_str(&json).expect("JSON")
}

fn client_in_trouble(stage: &mut Stage) -> Client {
    let mut config = RealtimeConfig::default();
    config.set(Setting::AutoConnect, false).expect("a switch");
    config
        .set(Setting::FlushIntervalMs, 40_u64)
        .expect("in range");
    let url = format!("wss://ann:{TOKEN}@boards.test/rt?token={TOKEN}#token={TOKEN}");
    let described = Client::builder(url)
        .config(config)
        .storage(MemoryRows::new());
    let client = stage.start(described.token(Some(TOKEN.to_owned())));
    client.set_token(Some(LATER_TOKEN.to_owned()));
    client.board(home());
    client.connect();
    let peer = stage.accept();
    make_note(&client, "Nobody else is to read this");
    stage.pass_ms(100);
    let reason = format!("the token {TOKEN} of {USER} gave way to {LATER_TOKEN}");
    peer.event(SocketEvent::Closed { code: None, reason });
    stage.settle();
    client
}

/// The bundle without what differs from run to run.
fn lasting(client: &Client) -> Json {
    let added = client.diagnostics().with("page", "build 7");
    let mut json: Json = serde_json::from_str(&added.to_json()).expect("JSON");
    assert!(json["made_at_ms"].is_u64() && json["runs_in"].is_string());
    json["made_at_ms"] = "…".into();
    json["runs_in"] = "…".into();
    json["build"]["client"] = "…".into();
    json["boards"][0]["oldest_ms"] = "…".into();
    assert!(json["flushes"]["count"].as_u64() > Some(0));
    json["flushes"] = "…".into();
    for happening in json["history"].as_array_mut().expect("a list") {
        happening["at_ms"] = "…".into();
    }
    json
}

#[test]
fn a_bundle_has_this_shape() {
    let mut stage = Stage::new();
    let client = client_in_trouble(&mut stage);
    let happened = [
        "connection idle",
        "storage memory_only: it is kept in memory",
        "connection connecting",
        "connection handshaking",
        "connection online",
        "connection waiting: the token [redacted] of [redacted] gave way to [redacted]",
    ];
    let happened = happened.map(|what| json!({"at_ms": "…", "what": what, "times": 1}));
    let expected = json!({
        "format": 1,
        "made_at_ms": "…",
        "build": {"client": "…", "protocol": PROTOCOL, "server": "test"},
        "runs_in": "…",
        "endpoint": "wss://boards.test/rt",
        "connection": {
            "state": "waiting",
            "reason": "the token [redacted] of [redacted] gave way to [redacted]",
            "attempt": 1,
            "latency_ms": null,
            "network_held": false,
        },
        "storage": {"verdict": "memory_only", "reason": "it is kept in memory", "is_persistent": null},
        "last_sync_ms": 1_700_000_000_000_u64,
        "counters": {
            "connections": 1,
            "edits_applied": 0,
            "edits_failed": 0,
            "board_changes": 2,
            "feed_changes": 0,
            "values_replaced": 0,
            "errors": 0,
        },
        "boards": [{
            "board": "home",
            "is_loaded": true,
            "is_refused": false,
            "version": 0,
            "records": 1,
            "queued": 0,
            "sealed": 1,
            "conflicted": 0,
            "quarantined": 0,
            "unsaved": 0,
            "oldest_ms": "…",
            "attempts_max": 1,
            "ledger": {
                "made": 1,
                "applied": 0,
                "pending": 1,
                "conflicted": 0,
                "quarantined": 0,
                "taken_back": 0,
                "lost": 0,
                "doubled": 0,
            },
        }],
        "feeds": 0,
        "dropped_samples": 0,
        "flushes": "…",
        "settings": {"auto_connect": "false", "flush_interval_ms": "40"},
        "application": {"page": "build 7"},
        "history": happened,
    });
    assert_eq!(lasting(&client), expected);
}

#[test]
fn nothing_that_people_wrote_and_no_token_is_in_it() {
    let mut stage = Stage::new();
    let client = client_in_trouble(&mut stage);
    let json = client.diagnostics().with("page", TOKEN).to_json();
    for secret in [TOKEN, LATER_TOKEN, "Nobody", "Add a note", "ann", USER] {
        assert!(!json.contains(secret), "{secret} is in {json}");
    }
    assert!(!format!("{:?}", client.diagnostics()).contains(LATER_TOKEN));
}

#[test]
fn a_long_history_is_cut_and_the_counters_go_on() {
    let mut stage = Stage::new();
    let client = stage.start(builder());
    for _ in 0..100 {
        stage.accept();
        client.disconnect();
        stage.settle();
        client.connect();
    }
    let json = bundle(&client);
    assert_eq!(json["counters"]["connections"], 100);
    assert_eq!(json["history"].as_array().expect("a list").len(), 200);
}

/// Every line of a log, at the finest level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = self.0.lock().expect("nobody panicked");
        write!(text, " {}={value:?}", field.name()).expect("text takes all");
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
        self.0.lock().expect("nobody panicked").push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn no_line_of_the_log_has_a_token_at_the_finest_level() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        // Tests beside this one have no log: what they came past first is asked for again.
        client_in_trouble(&mut Stage::new());
        tracing::callsite::rebuild_interest_cache();
        client_in_trouble(&mut Stage::new());
    });
    let lines = log.0.lock().expect("nobody panicked").clone();
    for line in [
        "kind=\"hello\"",
        "kind=\"push\"",
        "state=\"waiting\"",
        "rows=",
    ] {
        assert!(lines.contains(line), "no {line} in:\n{lines}");
    }
    for secret in [TOKEN, LATER_TOKEN, "Nobody", "Add a note"] {
        assert!(!lines.contains(secret), "{secret} is in:\n{lines}");
    }
}
