//! What a connection's state is called: its name for styles and tests, its look, and its word.

use driftless_client::Status;
use driftless_sync::replica::view::{Connection, StorageVerdict};

use crate::relative_time::{age, until};
use crate::texts::{Texts, fill};

/// How long ago something was, in words, both in milliseconds since 1970.
pub(crate) fn ago(then_ms: u64, now_ms: u64, texts: &Texts) -> String {
    if now_ms < then_ms.saturating_add(1_000) {
        return texts.just_now.to_string();
    }
    fill(&texts.ago, &[("span", &age(now_ms, then_ms))])
}

/// The looks that a status can have, each with a shape of its own: nothing is told by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tone {
    /// A full disc.
    Live,
    /// A dashed ring.
    Pending,
    /// A half disc.
    Waiting,
    /// A triangle.
    Error,
    /// A bow tie.
    Conflict,
    /// A crossed ring.
    Offline,
}

impl Tone {
    /// Its name, as `data-tone` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Error => "error",
            Self::Conflict => "conflict",
            Self::Offline => "offline",
        }
    }
}

/// The name of a connection's state, as `data-state` has it. Opening a socket and shaking hands
/// are one to a person.
pub fn state_name(connection: &Connection) -> &'static str {
    match connection {
        Connection::Handshaking { .. } => "connecting",
        other => other.name(),
    }
}

/// How a connection's state looks.
pub fn tone(connection: &Connection) -> Tone {
    match connection {
        Connection::Online { .. } => Tone::Live,
        Connection::Connecting { .. } | Connection::Handshaking { .. } => Tone::Pending,
        Connection::Waiting { .. } => Tone::Waiting,
        Connection::Unauthorised { .. } | Connection::Closed { .. } => Tone::Error,
        _ => Tone::Offline,
    }
}

/// The word for a connection's state. `now_ms` is by the clock that never jumps, as `retry_at_ms`.
pub fn word(connection: &Connection, texts: &Texts, now_ms: u64) -> String {
    match connection {
        Connection::Waiting { retry_at_ms, .. } if *retry_at_ms > now_ms => {
            fill(&texts.waiting, &[("span", &until(now_ms, *retry_at_ms))])
        }
        _ => quiet_word(connection, texts).to_owned(),
    }
}

/// What follows the word while live: the round trip, once it is measured.
pub fn latency(connection: &Connection, texts: &Texts) -> Option<String> {
    match connection {
        Connection::Online {
            latency_ms: Some(ms),
            ..
        } => Some(fill(&texts.live_latency, &[("ms", &ms.to_string())])),
        _ => None,
    }
}

/// The word without what changes by the second: for screen readers, which would read every tick.
pub fn quiet_word<'a>(connection: &Connection, texts: &'a Texts) -> &'a str {
    match connection {
        Connection::Connecting { .. } | Connection::Handshaking { .. } => &texts.connecting,
        Connection::Online { .. } => &texts.live,
        Connection::Waiting { .. } => &texts.waiting_due,
        Connection::Offline => &texts.offline,
        Connection::Unauthorised { .. } => &texts.unauthorised,
        Connection::Closed { .. } => &texts.closed,
        _ => &texts.idle,
    }
}

/// What is said about storage, in the indicator's details.
pub fn storage_word(status: &Status, texts: &Texts) -> String {
    match &status.storage {
        StorageVerdict::Durable if status.is_persistent == Some(false) => {
            texts.storage_evictable.clone().into_owned()
        }
        StorageVerdict::Durable => texts.storage_durable.clone().into_owned(),
        StorageVerdict::MemoryOnly { reason } | StorageVerdict::NotSaved { reason } => {
            fill(&texts.storage_memory, &[("reason", reason)])
        }
        StorageVerdict::Unusable { reason } => fill(&texts.storage_unusable, &[("reason", reason)]),
        _ => texts.storage_loading.clone().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_second_ago_is_just_now() {
        let texts = Texts::default();
        let told = [1_000, 1_999, 2_000, 62_000, 500].map(|now_ms| ago(1_000, now_ms, &texts));
        assert_eq!(
            told,
            ["just now", "just now", "1 s ago", "1 min ago", "just now"]
        );
    }

    fn every_state() -> Vec<Connection> {
        vec![
            Connection::Idle,
            Connection::Connecting { attempt: 2 },
            Connection::Handshaking { attempt: 2 },
            Connection::Online {
                session: "s".into(),
                latency_ms: Some(12),
            },
            Connection::Waiting {
                attempt: 3,
                retry_at_ms: 5_000,
                reason: "refused".into(),
            },
            Connection::Offline,
            Connection::Unauthorised {
                reason: "expired".into(),
            },
            Connection::Closed {
                reason: "replaced".into(),
            },
        ]
    }

    #[test]
    fn every_state_has_the_name_that_tests_and_styles_use() {
        let names: Vec<_> = every_state().iter().map(state_name).collect();
        assert_eq!(
            names,
            [
                "idle",
                "connecting",
                "connecting",
                "online",
                "waiting",
                "offline",
                "unauthorised",
                "closed"
            ]
        );
    }

    #[test]
    fn the_word_tells_latency_and_the_time_to_the_next_attempt() {
        let texts = Texts::default();
        let words: Vec<_> = every_state()
            .iter()
            .map(|state| word(state, &texts, 1_500))
            .collect();
        assert_eq!(words[3], "Live");
        let latencies = every_state();
        let mut latencies = latencies.iter().map(|state| latency(state, &texts));
        assert_eq!(latencies.nth(3), Some(Some(" · 12 ms".into())));
        assert!(latencies.all(|latency| latency.is_none()));
        assert_eq!(words[4], "Reconnecting in 4 s");
        assert_eq!(words[5], "Offline");
    }

    #[test]
    fn an_attempt_that_is_due_counts_down_no_further() {
        let waiting = &every_state()[4];
        assert_eq!(word(waiting, &Texts::default(), 5_000), "Reconnecting");
    }

    #[test]
    fn what_is_announced_does_not_change_by_the_second() {
        let texts = Texts::default();
        let waiting = &every_state()[4];
        assert_eq!(quiet_word(waiting, &texts), "Reconnecting");
        assert_eq!(quiet_word(&every_state()[3], &texts), "Live");
    }

    #[test]
    fn attempts_and_reasons_are_told_where_there_are_any() {
        let states = every_state();
        assert_eq!(states[4].attempt(), Some(3));
        assert_eq!(states[3].attempt(), None);
        assert_eq!(states[7].reason(), Some("replaced"));
        assert_eq!(states[0].reason(), None);
    }
}
