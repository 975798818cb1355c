//! What the details of the indicator say: pure.

use driftless_client::Status;
use driftless_sync::replica::view::Connection;

use crate::clock::Moment;
use crate::facts::Fact;
use crate::relative_time::until;
use crate::status_text::{ago, storage_word};
use crate::texts::{Texts, fill};

/// About the connection.
pub(super) fn connection_facts(status: &Status, texts: &Texts, now: Moment) -> Vec<Fact> {
    let connection = &status.connection;
    let mut facts = Vec::new();
    if let Connection::Online { latency_ms, .. } = connection {
        let value = latency_ms.map(|ms| fill(&texts.latency_value, &[("ms", &ms.to_string())]));
        let value = value.unwrap_or_else(|| texts.not_measured.to_string());
        facts.push((texts.latency.to_string(), value));
    }
    facts.push((
        texts.last_sync.to_string(),
        last_sync(status, texts, now.epoch_ms),
    ));
    if let Some(attempt) = connection.attempt() {
        facts.push((texts.attempts.to_string(), attempt.to_string()));
    }
    if let Connection::Waiting { retry_at_ms, .. } = connection {
        let span = until(now.mono_ms, *retry_at_ms);
        facts.push((
            texts.next_retry.to_string(),
            fill(&texts.in_span, &[("span", &span)]),
        ));
    }
    if let Some(reason) = connection.reason().filter(|reason| !reason.is_empty()) {
        facts.push((texts.reason.to_string(), reason.to_owned()));
    }
    facts
}

fn last_sync(status: &Status, texts: &Texts, now_ms: u64) -> String {
    match status.last_sync_ms {
        None => texts.never.to_string(),
        Some(then) => ago(then, now_ms, texts),
    }
}

/// About person, device and server.
pub(super) fn server_facts(status: &Status, texts: &Texts) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(user) = &status.user {
        facts.push((texts.user.to_string(), user.to_string()));
    }
    facts.push((texts.storage.to_string(), storage_word(status, texts)));
    if let Some(build) = &status.server_build {
        facts.push((texts.server.to_string(), build.clone()));
    }
    facts.push((texts.protocol.to_string(), status.protocol.to_string()));
    facts
}

#[cfg(test)]
mod tests {
    use driftless_sync::replica::view::StorageVerdict;

    use super::*;

    fn status(connection: Connection) -> Status {
        let mut status = Status::default();
        status.connection = connection;
        status
    }

    fn lines(facts: &[Fact]) -> Vec<String> {
        facts
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }

    const NOW: Moment = Moment {
        epoch_ms: 1_000_000,
        mono_ms: 10_000,
    };

    #[test]
    fn details_while_waiting_say_what_failed_and_when_it_goes_on() {
        let mut waiting = status(Connection::Waiting {
            attempt: 3,
            retry_at_ms: 14_000,
            reason: "refused".into(),
        });
        waiting.last_sync_ms = Some(991_000);
        assert_eq!(
            lines(&connection_facts(&waiting, &Texts::default(), NOW)),
            [
                "Last sync: 9 s ago",
                "Attempts: 3",
                "Next attempt: in 4 s",
                "Reason: refused"
            ]
        );
    }

    #[test]
    fn details_while_live_tell_latency_and_no_attempts() {
        let mut live = status(Connection::Online {
            session: "s".into(),
            latency_ms: None,
        });
        live.last_sync_ms = Some(1_000_000);
        assert_eq!(
            lines(&connection_facts(&live, &Texts::default(), NOW)),
            ["Latency: not measured yet", "Last sync: just now"]
        );
    }

    #[test]
    fn storage_that_keeps_nothing_is_said_with_its_reason() {
        let mut private = status(Connection::Idle);
        private.storage = StorageVerdict::MemoryOnly {
            reason: "private mode".into(),
        };
        let facts = lines(&server_facts(&private, &Texts::default()));
        assert_eq!(
            facts[0],
            "This device: not saved on this device: private mode"
        );
    }
}
