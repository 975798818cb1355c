//! What is said about one edit of the outbox: pure.

use driftless_protocol::Code;
use driftless_sync::replica::view::{EntryProgress, EntryView};

use crate::relative_time::age;
use crate::status_text::Tone;
use crate::texts::{Texts, count};

/// The name of an edit's state, as `data-state` has it.
pub(super) fn state_name(state: &EntryProgress) -> &'static str {
    match state {
        EntryProgress::Sealed {
            take_back: true, ..
        } => "taking_back",
        EntryProgress::Sealed { .. } => "sealed",
        EntryProgress::Conflicted(_) => "conflicted",
        EntryProgress::Quarantined { .. } => "quarantined",
        _ => "queued",
    }
}

/// How a state of that name looks.
pub(super) fn tone_of(state: &str) -> Tone {
    match state {
        "conflicted" => Tone::Conflict,
        "quarantined" => Tone::Error,
        "sealed" | "taking_back" => Tone::Waiting,
        _ => Tone::Pending,
    }
}

/// State, age and attempts, in one line.
pub(super) fn facts(entry: &EntryView, texts: &Texts, now_ms: u64) -> String {
    let state = match &entry.state {
        EntryProgress::Conflicted(_) => &texts.entry_conflicted,
        EntryProgress::Quarantined { code, .. } if *code == Code::Restored => &texts.entry_restored,
        EntryProgress::Quarantined { .. } => &texts.entry_quarantined,
        EntryProgress::Sealed {
            take_back: true, ..
        } => &texts.entry_take_back,
        _ if !entry.is_stored => &texts.entry_not_stored,
        EntryProgress::Sealed { .. } => &texts.entry_sealed,
        EntryProgress::Queued { after } if !after.is_empty() => &texts.entry_after,
        _ => &texts.entry_queued,
    };
    let age = age(now_ms, entry.made_at_ms);
    if entry.attempts == 0 {
        return format!("{state} · {age}");
    }
    let attempts = usize::try_from(entry.attempts).unwrap_or(usize::MAX);
    let attempts = count(&texts.attempt_one, &texts.attempt_many, attempts);
    format!("{state} · {age} · {attempts}")
}

/// Why an edit waits for a person, with what to do.
pub(super) fn reason(state: &EntryProgress) -> Option<String> {
    match state {
        EntryProgress::Quarantined { detail, hint, .. } => {
            Some(format!("{} {hint}", sentence(detail)))
        }
        _ => None,
    }
}

/// What a server says, which begins small and has no full stop, as something stands behind it.
fn sentence(said: &str) -> String {
    let mut letters = said.trim_end_matches('.').chars();
    let first = letters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(letters).collect();
    sentence.push('.');
    sentence
}

#[cfg(test)]
mod tests {
    use driftless_model::{BoardId, EditId};
    use driftless_sync::replica::view::ConflictView;

    use super::*;

    fn entry(state: EntryProgress) -> EntryView {
        EntryView {
            board: BoardId::new("home").expect("an id"),
            number: 1,
            id: EditId(1),
            label: "Rename".into(),
            made_at_ms: 1_000,
            is_stored: true,
            attempts: 0,
            state,
            records: Vec::new(),
            edits: 1,
        }
    }

    fn say(entry: &EntryView) -> String {
        facts(entry, &Texts::default(), 13_000)
    }

    #[test]
    fn an_edit_tells_its_state_age_and_attempts() {
        let mut sealed = entry(EntryProgress::Sealed {
            seq: 1,
            take_back: false,
        });
        sealed.attempts = 2;
        assert_eq!(say(&sealed), "being sent · 12 s · 2 attempts");
        let queued = entry(EntryProgress::Queued { after: vec![] });
        assert_eq!(say(&queued), "waiting to be sent · 12 s");
        let after = entry(EntryProgress::Queued {
            after: vec![EditId(2)],
        });
        assert_eq!(say(&after), "waits for an earlier change · 12 s");
    }

    #[test]
    fn an_edit_on_its_way_that_is_not_stored_says_that_first() {
        let mut queued = entry(EntryProgress::Queued { after: vec![] });
        queued.is_stored = false;
        assert_eq!(say(&queued), "not saved on this device yet · 12 s");
        let conflict = ConflictView {
            leaves: Vec::new(),
            removed: Vec::new(),
        };
        queued.state = EntryProgress::Conflicted(conflict);
        assert_eq!(say(&queued), "somebody changed the same · 12 s");
    }

    #[test]
    fn a_refused_edit_tells_why_and_what_to_do() {
        let refused = EntryProgress::Quarantined {
            code: Code::TooLarge,
            detail: "A value is over its limit.".into(),
            hint: "Make the edit smaller, or split it.".into(),
        };
        let why = reason(&refused).expect("a reason");
        assert_eq!(
            why,
            "A value is over its limit. Make the edit smaller, or split it."
        );
        assert_eq!(tone_of(state_name(&refused)), Tone::Error);
        let restored = EntryProgress::Quarantined {
            code: Code::Restored,
            detail: "the server was restored; it is missing there".into(),
            hint: "Send it again.".into(),
        };
        assert_eq!(
            reason(&restored).expect("a reason"),
            "The server was restored; it is missing there. Send it again."
        );
    }
}
