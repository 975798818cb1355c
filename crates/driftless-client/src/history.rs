//! What happened lately, for whoever looks into a problem: counted, and the last of it kept; and
//! said to `tracing` as it happens. It tells nothing of what boards hold.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use driftless_model::SortedMap;
use driftless_sync::replica::RealtimeConfig;
use driftless_sync::replica::realtime_config::Setting;
use driftless_sync::replica::view::Connection;
use serde::Serialize;

use crate::event::ClientEvent;
use crate::redacted::{Redacted, Secrets};
use crate::status::Status;

/// Most things that are kept; the oldest go first.
const KEPT_MAX: usize = 200;

/// Something that happened, as it may be shown.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// for note in ["one", "two", "three"] {
///     let edit = client.board("home").edit("Add a note", |e| e.create(note, "note", []))?;
///     kit.until(edit.applied())?;
/// }
/// // What repeats is counted; what it was about is not told.
/// let last = client.diagnostics().history.pop().expect("something happened");
/// assert_eq!((last.what.as_str(), last.times), ("edit applied", 3));
/// # Ok::<(), driftless_client::EditError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Happening {
    /// When first, in milliseconds since 1970 by the device's clock.
    pub at_ms: u64,
    /// What.
    pub what: Redacted,
    /// How often in a row.
    pub times: u64,
}

/// How much of something happened since the client was started.
///
/// ```
/// use driftless_testkit::TestKit;
///
/// let kit = TestKit::new();
/// let client = kit.person("Ann").client();
/// client.disconnect();
/// kit.advance_ms(1_000);
/// client.connect();
/// kit.advance_ms(1_000);
/// let counters = client.diagnostics().counters;
/// assert_eq!((counters.connections, counters.errors), (2, 0));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Times that the server was reached.
    pub connections: u64,
    /// Own edits that were applied.
    pub edits_applied: u64,
    /// Own edits that were not: conflicted, refused, rolled back.
    pub edits_failed: u64,
    /// Times that a board changed on screen.
    pub board_changes: u64,
    /// Times that a feed changed on screen.
    pub feed_changes: u64,
    /// Own or others' values that a later writer replaced.
    pub values_replaced: u64,
    /// Errors outside of single edits.
    pub errors: u64,
}

/// Keeps it.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Kept>);

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) secrets: Secrets,
    /// As it was given.
    pub(crate) endpoint: String,
    pub(crate) counters: Counters,
    config: RealtimeConfig,
    last: VecDeque<Noted>,
    connection: Option<&'static str>,
    storage: Option<&'static str>,
}

/// Something that happened, with its detail as it came: that is looked through once somebody asks.
struct Noted {
    at_ms: u64,
    what: &'static str,
    name: &'static str,
    detail: String,
    times: u64,
}

impl fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Kept");
        shown
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl History {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what a client was started with.
    pub(crate) fn begin(&self, endpoint: &str, token: Option<&str>, config: &RealtimeConfig) {
        let mut kept = self.kept();
        endpoint.clone_into(&mut kept.endpoint);
        kept.secrets.add_token(token.unwrap_or_default());
        kept.config = config.clone();
    }

    /// A token that was in use is never shown.
    pub(crate) fn hide(&self, token: &str) {
        self.kept().secrets.add_token(token);
    }

    /// Takes note of an event, then says it: whoever is told may read what is kept.
    pub(crate) fn note(&self, event: &ClientEvent, at_ms: u64) {
        let changed = self.kept().note(event, at_ms);
        self.say(event, changed);
    }

    fn say(&self, event: &ClientEvent, changed: Changed) {
        // Asked for only where somebody listens; without the lock again by then.
        let shown = |text: &str| self.kept().secrets.redact(text);
        match event {
            ClientEvent::Status(status) => {
                if let Some(state) = changed.connection {
                    let reason = status.connection.reason().unwrap_or_default();
                    tracing::info!(state, reason = %shown(reason), "connection");
                }
                if let Some(state) = changed.storage {
                    let reason = status.storage.reason().unwrap_or_default();
                    tracing::info!(state, reason = %shown(reason), "storage");
                }
            }
            ClientEvent::Board { board, .. } => tracing::trace!(%board, "board changed"),
            ClientEvent::Outbox { board } => tracing::trace!(%board, "outbox changed"),
            ClientEvent::Feed { feed } => tracing::trace!(feed, "feed changed"),
            ClientEvent::EditApplied { board, version, .. } => {
                tracing::debug!(%board, version = version.0, "edit applied");
            }
            ClientEvent::EditFailed { board, detail, .. } => {
                tracing::warn!(%board, detail = %shown(detail), "edit not applied");
            }
            ClientEvent::Error(error) => {
                let shown = || shown(&error.to_string());
                tracing::error!(error = %shown(), "the client goes on after an error");
            }
            _ => {}
        }
    }
}

/// What a status says that the one before did not: the names of the new states.
#[derive(Clone, Copy, Default)]
struct Changed {
    connection: Option<&'static str>,
    storage: Option<&'static str>,
}

impl Kept {
    /// What happened lately, the oldest first.
    pub(crate) fn happenings(&self) -> Vec<Happening> {
        let happening = |noted: &Noted| Happening {
            at_ms: noted.at_ms,
            what: Redacted::known(noted.what, noted.name, &self.secrets.redact(&noted.detail)),
            times: noted.times,
        };
        self.last.iter().map(happening).collect()
    }

    /// The settings that are not at their defaults.
    pub(crate) fn changed_settings(&self) -> SortedMap<String, String> {
        let value = |setting: &Setting| self.config.value(*setting);
        let settings = Setting::ALL.iter();
        let changed = settings.filter(|it| value(it) != it.default_value());
        let texts = changed.map(|it| (it.name().to_owned(), value(it).to_string()));
        texts.collect()
    }

    fn note(&mut self, event: &ClientEvent, at_ms: u64) -> Changed {
        match event {
            ClientEvent::Status(status) => return self.note_status(status, at_ms),
            ClientEvent::Board { .. } => self.counters.board_changes += 1,
            ClientEvent::Feed { .. } => self.counters.feed_changes += 1,
            ClientEvent::EditApplied { .. } => {
                self.counters.edits_applied += 1;
                self.keep(at_ms, "edit applied", "", String::new());
            }
            ClientEvent::EditFailed { detail, .. } => {
                self.counters.edits_failed += 1;
                self.keep(at_ms, "edit not applied", "", detail.clone());
            }
            ClientEvent::Replaced { .. } | ClientEvent::Overwritten { .. } => {
                self.counters.values_replaced += 1;
            }
            ClientEvent::Error(error) => {
                self.counters.errors += 1;
                self.keep(at_ms, "error", "", error.to_string());
            }
            _ => {}
        }
        Changed::default()
    }

    fn note_status(&mut self, status: &Status, at_ms: u64) -> Changed {
        let user = status.user.as_ref();
        self.secrets.add_user(user.map_or("", |user| user.as_str()));
        let mut changed = Changed::default();
        let connection = status.connection.name();
        if self.connection.replace(connection) != Some(connection) {
            changed.connection = Some(connection);
            let is_online = matches!(status.connection, Connection::Online { .. });
            self.counters.connections += u64::from(is_online);
            let reason = status.connection.reason().unwrap_or_default();
            self.keep(at_ms, "connection", connection, reason.to_owned());
        }
        let storage = status.storage.name();
        if self.storage.replace(storage) != Some(storage) {
            changed.storage = Some(storage);
            let reason = status.storage.reason().unwrap_or_default();
            self.keep(at_ms, "storage", storage, reason.to_owned());
        }
        changed
    }

    fn keep(&mut self, at_ms: u64, what: &'static str, name: &'static str, detail: String) {
        let is_same = |last: &Noted| (last.what, last.name, &last.detail) == (what, name, &detail);
        match self.last.back_mut() {
            Some(last) if is_same(last) => last.times += 1,
            _ => self.last.push_back(Noted {
                at_ms,
                what,
                name,
                detail,
                times: 1,
            }),
        }
        if self.last.len() > KEPT_MAX {
            self.last.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use driftless_model::{BoardId, EditId, Version};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::error::ClientError;

    fn failed(detail: &str) -> ClientEvent {
        ClientEvent::EditFailed {
            board: BoardId::new("home").expect("an id"),
            id: EditId(1),
            label: "Rename to something private".to_owned(),
            detail: detail.to_owned(),
        }
    }

    fn whats(history: &History) -> Vec<(u64, String, u64)> {
        let happenings = history.kept().happenings().into_iter();
        happenings
            .map(|it| (it.at_ms, it.what.to_string(), it.times))
            .collect()
    }

    #[test]
    fn a_connection_is_told_when_its_state_changes_and_why() {
        let history = History::default();
        let mut status = Status::default();
        for (at_ms, reason) in [(1, "refused"), (2, "refused again")] {
            status.connection = Connection::Waiting {
                attempt: 1,
                retry_at_ms: 5,
                reason: reason.to_owned(),
            };
            history.note(&ClientEvent::Status(status.clone()), at_ms);
        }
        let told = [
            (1, "connection waiting: refused".to_owned(), 1),
            (1, "storage loading".to_owned(), 1),
        ];
        assert_eq!(whats(&history), told);
    }

    #[test]
    fn what_repeats_is_one_line_and_the_oldest_goes_first() {
        let history = History::default();
        for at_ms in 0..3 {
            history.note(&failed("too large"), at_ms);
        }
        let line = "edit not applied: too large".to_owned();
        assert_eq!(whats(&history), [(0, line, 3)]);
        for at_ms in 0..KEPT_MAX as u64 {
            history.note(&failed(&format!("reason {at_ms}")), 10 + at_ms);
        }
        assert_eq!(whats(&history).len(), KEPT_MAX);
        assert_eq!(whats(&history)[0].0, 10);
        assert_eq!(history.kept().counters.edits_failed, 3 + KEPT_MAX as u64);
    }

    #[test]
    fn a_token_is_left_out_also_where_it_was_learnt_of_later() {
        let history = History::default();
        history.note(&failed("the token s3cret has expired"), 1);
        assert!(!format!("{history:?}").contains("s3cret"));
        history.hide("s3cret");
        let line = "edit not applied: the token [redacted] has expired".to_owned();
        assert_eq!(whats(&history), [(1, line, 1)]);
    }

    #[test]
    fn nothing_that_a_person_wrote_is_kept() {
        let history = History::default();
        history.note(&failed("it conflicts"), 1);
        let applied = ClientEvent::EditApplied {
            board: BoardId::new("home").expect("an id"),
            id: EditId(1),
            label: "Rename to something private".to_owned(),
            version: Version(1),
        };
        history.note(&applied, 2);
        history.note(
            &ClientEvent::Error(ClientError::Storage {
                reason: "full".to_owned(),
            }),
            3,
        );
        let whats = whats(&history);
        assert!(!format!("{history:?} {whats:?}").contains("private"));
        assert_eq!(whats.len(), 3);
    }

    /// What reads the history with every line that it is told, as an application may.
    #[derive(Clone, Default)]
    struct Reader(Arc<(History, AtomicUsize)>);

    impl Subscriber for Reader {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            let (history, lines) = &*self.0;
            assert!(history.0.try_lock().is_ok(), "it would wait for itself");
            lines.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn whoever_is_told_of_something_may_read_the_history() {
        let reader = Reader::default();
        let (history, lines) = &*reader.0;
        let error = ClientError::Storage {
            reason: "full".to_owned(),
        };
        let events = [
            failed("it conflicts"),
            ClientEvent::Error(error),
            ClientEvent::Status(Status::default()),
            ClientEvent::Feed { feed: 1 },
        ];
        tracing::subscriber::with_default(reader.clone(), || {
            // Tests beside this one have no reader: what they came past first is asked for again.
            for event in &events {
                history.note(event, 1);
            }
            tracing::callsite::rebuild_interest_cache();
            for event in &events {
                history.note(event, 2);
            }
        });
        assert!(lines.load(Ordering::Relaxed) >= events.len() - 1);
    }
}
