//! What is logged about an edit is logged in its span.

use std::io::Write;
use std::sync::{Arc, Mutex};

use driftless_model::EditId;
use driftless_server::Driftless;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::person::{Server, titled};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("text");
        let line = |line| serde_json::from_str(line).expect("a line of JSON");
        text.lines().map(line).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What was logged in the span of an edit, in order.
fn of_edit(log: &Log, id: u128) -> Vec<(String, Value)> {
    let id = EditId(id).to_string();
    let lines = log.lines().into_iter();
    lines
        .filter(|line| line["span"]["name"] == "edit" && line["span"]["id"] == id.as_str())
        .map(|line| {
            let message = line["fields"]["message"].as_str().expect("a message");
            (message.to_owned(), line["span"].clone())
        })
        .collect()
}

#[tokio::test]
async fn an_edit_has_one_span_with_its_id_from_the_socket_to_its_publication() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter("driftless_server=debug")
        .with_writer(log.clone())
        .finish();
    // While there is one subscriber, whoever comes by a line of code first decides for good whether
    // it is logged, and that may be another test. A second one makes each be asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // One thread: everything of this server is logged here, and nothing of other tests.
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::start(Driftless::builder()).await;
    let mut ann = server.follower(1, "Ann").await;
    ann.settle(titled(1, 7, 0, "cpu", "CPU")).await;
    ann.push(titled(5, 8, 0, "cpu", "Load")).await;
    ann.message().await;
    let applied = of_edit(&log, 7);
    let messages: Vec<_> = applied.iter().map(|(message, _)| message).collect();
    assert_eq!(messages, ["received", "reached its room", "published"]);
    let span = &applied.last().expect("three").1;
    assert_eq!(span["board"], "home");
    assert_eq!((&span["seq"], &span["version"]), (&1.into(), &1.into()));
    assert_eq!(span["outcome"], "applied");
    let refused = of_edit(&log, 8);
    let (message, span) = refused.last().expect("is logged");
    assert_eq!(message, "not taken");
    assert_eq!(span["outcome"], "out_of_order");
}
