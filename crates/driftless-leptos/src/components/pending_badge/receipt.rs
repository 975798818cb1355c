//! How far an edit came, step by step, and the latest edits that went all the way.

use std::sync::Arc;

use driftless_client::Receipt;
use driftless_model::Version;
use leptos::prelude::*;

use crate::clock::Moment;
use crate::erased::{When, changing, keyed, memo};
use crate::relative_time::{age, span};
use crate::texts::{Text, Texts, fill, use_texts};

/// The most edits of the list of the latest.
const RECENT_MAX: usize = 5;

/// Spans from here on are told by their largest unit, in milliseconds.
const ROUGH_MS: u64 = 10_000;

/// One step: what it is, whether it happened, and how long after the edit was made, where that was
/// seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    what: String,
    is_done: bool,
    after: Option<String>,
}

/// The steps of an edit. What comes later says of what comes before that it happened: nothing is
/// sent that is not stored, and nothing committed that was not sent.
fn steps(version: Option<Version>, after_ms: [Option<u64>; 3], texts: &Texts) -> [Step; 3] {
    let is_committed = version.is_some();
    let version = version.map(|version| version.to_string());
    let committed = fill(
        &texts.receipt_committed,
        &[("version", version.as_deref().unwrap_or_default())],
    );
    let [stored_ms, sent_ms, committed_ms] = after_ms;
    let is_sent = is_committed || sent_ms.is_some();
    let is_stored = is_sent || stored_ms.is_some();
    let step = |what: String, is_done, after_ms: Option<u64>| Step {
        what: what.trim_end().to_owned(),
        is_done,
        after: after_ms.map(|ms| span_text(ms, texts)),
    };
    [
        step(texts.receipt_stored.to_string(), is_stored, stored_ms),
        step(texts.receipt_sent.to_string(), is_sent, sent_ms),
        step(committed, is_committed, committed_ms),
    ]
}

fn span_text(milliseconds: u64, texts: &Texts) -> String {
    if milliseconds < ROUGH_MS {
        fill(&texts.latency_value, &[("ms", &milliseconds.to_string())])
    } else {
        span(milliseconds)
    }
}

/// The steps as a list.
pub(super) fn steps_view(receipt: &Receipt) -> impl IntoView + use<> {
    let texts = use_texts();
    let after_ms = [receipt.stored_ms, receipt.sent_ms, receipt.committed_ms];
    let shown = steps(receipt.version, after_ms, &texts).map(|step| {
        let state = if step.is_done { "done" } else { "waiting" };
        let not_yet = (!step.is_done).then(|| unseen(&texts.receipt_waiting));
        let after = step.after.map(|after| format!(" {after}"));
        view! {
            <li data-part="receipt-step" data-state=state>
                {step.what}
                {after}
                {not_yet}
            </li>
        }
    });
    view! {
        <ol data-part="receipt" data-testid="receipt">
            {shown.into_iter().collect_view()}
        </ol>
    }
}

fn unseen(text: &Text) -> impl IntoView + use<> {
    view! { <span data-part="unseen">": " {text.clone()}</span> }
}

/// The latest edits that are on the server, newest first.
pub(super) fn recent(receipts: Memo<Vec<Receipt>>, now: Signal<Moment>) -> impl IntoView {
    let texts = use_texts();
    let committed = memo(move || {
        receipts.with(|all| {
            let committed = all.iter().filter(|receipt| receipt.version.is_some());
            committed.take(RECENT_MAX).cloned().collect::<Vec<_>>()
        })
    });
    let items = StoredValue::new(Arc::new(move || {
        keyed(
            move || committed.get(),
            |receipt| receipt.id.to_string(),
            move |receipt| recent_item(&receipt, now).into_any(),
        )
    }));
    let (heading, seen) = (texts.recent_heading.clone(), texts.receipt_seen.clone());
    view! {
        <When is=move || committed.with(|all| !all.is_empty())>
            <h3 data-part="panel-heading">{heading.clone()}</h3>
            <ul data-part="pending-list" data-testid="recent-list">
                {items.get_value()()}
            </ul>
            <p data-part="pending-more">{seen.clone()}</p>
        </When>
    }
}

fn recent_item(receipt: &Receipt, now: Signal<Moment>) -> impl IntoView + use<> {
    let made_at_ms = receipt.made_at_ms;
    view! {
        <li data-part="recent-item" data-testid="recent-item">
            <span data-part="pending-label">{receipt.label.clone()}</span>
            <span data-part="pending-facts">{changing(move || age(now.get().epoch_ms, made_at_ms))}</span>
            {steps_view(receipt)}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(version: Option<u64>, after_ms: [Option<u64>; 3]) -> Vec<String> {
        let steps = steps(version.map(Version), after_ms, &Texts::default());
        let told = steps.into_iter().map(|step| {
            let mark = if step.is_done { "+" } else { "-" };
            format!("{mark} {} {}", step.what, step.after.unwrap_or_default())
        });
        told.map(|text| text.trim_end().to_owned()).collect()
    }

    #[test]
    fn steps_are_told_with_how_long_they_took() {
        assert_eq!(
            told(Some(412), [Some(3), Some(9_999), Some(75_000)]),
            [
                "+ stored here 3 ms",
                "+ sent 9999 ms",
                "+ committed v412 1 min"
            ]
        );
        assert_eq!(
            told(None, [Some(3), None, None]),
            ["+ stored here 3 ms", "- sent", "- committed"]
        );
    }

    #[test]
    fn what_another_tab_did_happened_all_the_same() {
        assert_eq!(
            told(Some(1), [None, None, Some(5)]),
            ["+ stored here", "+ sent", "+ committed v1 5 ms"]
        );
    }
}
