//! How far an edit came, step by step, and the latest edits that went all the way.

use std::sync::Arc;

use driftless_client::{OtherScreens, Receipt};
use driftless_model::EditId;
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::announcement::read_out_only;
use crate::clock::Moment;
use crate::context::RealtimeContext;
use crate::erased::{When, changing, effect, keyed, memo};
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

/// The receipts of the board's latest edits, newest first.
pub(super) fn receipts(context: RealtimeContext) -> Memo<Vec<Receipt>> {
    memo(move || {
        context.outbox.track();
        context.version.track();
        context.track_screens();
        context.board().receipts()
    })
}

/// What tells one state of a receipt from another.
pub(super) fn key(receipt: &Receipt) -> String {
    let steps = [receipt.stored_ms, receipt.sent_ms, receipt.committed_ms];
    let screens = receipt.screens.map(|it| (it.asked, it.shown));
    format!(
        "{} {} {screens:?}",
        receipt.id,
        steps.iter().flatten().count()
    )
}

/// Asks who sees the edits that are shown here, each once a connection until all others do.
pub(super) fn ask_screens(context: RealtimeContext, shown: Memo<Vec<Receipt>>) {
    let is_online = memo(move || {
        let status = context.status;
        status.with(|status| matches!(status.connection, Connection::Online { .. }))
    });
    let mut asked: Vec<EditId> = Vec::new();
    effect(move || {
        if !is_online.get() {
            asked.clear();
            return;
        }
        let open = shown.with(|all| {
            let open = all.iter().filter(|receipt| is_open(receipt));
            open.map(|receipt| receipt.id).collect::<Vec<_>>()
        });
        asked.retain(|id| open.contains(id));
        for id in open {
            if !asked.contains(&id) {
                asked.push(id);
                context.board().ask_screens(id);
            }
        }
    });
}

/// Whether there is more to find out about the screens of others.
fn is_open(receipt: &Receipt) -> bool {
    let is_everywhere = |screens: OtherScreens| screens.shown == screens.asked;
    receipt.version.is_some() && !receipt.screens.is_some_and(is_everywhere)
}

/// The steps of an edit. What comes later says of what comes before that it happened: nothing is
/// sent that is not stored, and nothing committed that was not sent. What others see is told once
/// it is known.
fn steps(receipt: &Receipt, texts: &Texts) -> Vec<Step> {
    let is_committed = receipt.version.is_some();
    let version = receipt.version.map(|version| version.to_string());
    let committed = fill(
        &texts.receipt_committed,
        &[("version", version.as_deref().unwrap_or_default())],
    );
    let is_sent = is_committed || receipt.sent_ms.is_some();
    let is_stored = is_sent || receipt.stored_ms.is_some();
    let step = |what: String, is_done, after_ms: Option<u64>| Step {
        what: what.trim_end().to_owned(),
        is_done,
        after: after_ms.map(|ms| span_text(ms, texts)),
    };
    let stored = texts.receipt_stored.to_string();
    let sent = texts.receipt_sent.to_string();
    let mut steps = vec![
        step(stored, is_stored, receipt.stored_ms),
        step(sent, is_sent, receipt.sent_ms),
        step(committed, is_committed, receipt.committed_ms),
    ];
    if let Some(screens) = receipt.screens {
        let seen = seen(screens, texts);
        steps.push(step(seen, screens.shown > 0, screens.first_ms));
    }
    steps
}

fn seen(screens: OtherScreens, texts: &Texts) -> String {
    if screens.asked == 0 {
        return texts.receipt_alone.to_string();
    }
    let (shown, asked) = (screens.shown.to_string(), screens.asked.to_string());
    fill(&texts.receipt_seen, &[("shown", &shown), ("asked", &asked)])
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
    let shown = steps(receipt, &texts).into_iter().map(|step| {
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
            {shown.collect_view()}
        </ol>
    }
}

fn unseen(text: &Text) -> impl IntoView + use<> {
    view! { <span data-part="unseen" use:read_out_only>": " {text.clone()}</span> }
}

/// The latest edits that are on the server, newest first.
pub(super) fn recent(
    context: RealtimeContext,
    receipts: Memo<Vec<Receipt>>,
    now: Signal<Moment>,
) -> impl IntoView {
    let texts = use_texts();
    let committed = memo(move || {
        receipts.with(|all| {
            let committed = all.iter().filter(|receipt| receipt.version.is_some());
            committed.take(RECENT_MAX).cloned().collect::<Vec<_>>()
        })
    });
    ask_screens(context, committed);
    let items = StoredValue::new(Arc::new(move || {
        keyed(
            move || committed.get(),
            key,
            move |receipt| recent_item(&receipt, now).into_any(),
        )
    }));
    let heading = texts.recent_heading.clone();
    view! {
        <When is=move || committed.with(|all| !all.is_empty())>
            <h3 data-part="panel-heading">{heading.clone()}</h3>
            <ul data-part="pending-list" data-testid="recent-list">
                {items.get_value()()}
            </ul>
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
    use driftless_client::{EditError, EditHandle};
    use driftless_model::Version;
    use driftless_testkit::TestKit;

    use super::*;

    /// What the steps of a receipt say. Receipts come from a board only: the test kit makes one.
    fn told(receipt: &Receipt) -> Vec<String> {
        let told = steps(receipt, &Texts::default()).into_iter().map(|step| {
            let mark = if step.is_done { "+" } else { "-" };
            format!("{mark} {} {}", step.what, step.after.unwrap_or_default())
        });
        told.map(|text| text.trim_end().to_owned()).collect()
    }

    fn receipt() -> Receipt {
        let kit = TestKit::new();
        let ann = kit.person("Ann");
        ann.go_offline();
        let board = ann.client().board("home");
        let made = board.edit("Add a note", |e| e.create("note", "note", []));
        made.expect("an edit");
        kit.settle();
        board.receipts().remove(0)
    }

    #[test]
    fn steps_are_told_with_how_long_they_took() {
        let mut receipt = receipt();
        (receipt.stored_ms, receipt.sent_ms) = (Some(3), None);
        assert_eq!(
            told(&receipt),
            ["+ stored here 3 ms", "- sent", "- committed"]
        );
        (receipt.sent_ms, receipt.committed_ms) = (Some(9_999), Some(75_000));
        receipt.version = Some(Version(412));
        assert_eq!(
            told(&receipt),
            [
                "+ stored here 3 ms",
                "+ sent 9999 ms",
                "+ committed v412 1 min"
            ]
        );
    }

    #[test]
    fn what_another_tab_did_happened_all_the_same() {
        let mut receipt = receipt();
        (receipt.stored_ms, receipt.committed_ms) = (None, Some(5));
        receipt.version = Some(Version(1));
        assert_eq!(
            told(&receipt),
            ["+ stored here", "+ sent", "+ committed v1 5 ms"]
        );
    }

    #[test]
    fn who_else_sees_it_is_told_once_it_is_known() {
        let kit = TestKit::new();
        let board = kit.person("Ann").client().board("home");
        let seen = |edit| {
            board.ask_screens(edit);
            kit.advance_ms(1_000);
            told(&board.receipts()[0]).last().cloned()
        };
        let applied = |made: Result<EditHandle, EditError>| {
            let made = made.expect("an edit");
            kit.until(made.applied()).expect("it is applied");
            made.id()
        };
        let edit = applied(board.edit("Add", |e| e.create("note", "note", [])));
        assert_eq!(seen(edit).as_deref(), Some("- nobody else is here"));
        let bob = kit.person("Bob");
        let others = bob.client().board("home");
        kit.until(others.loaded()).expect("it loads");
        bob.set_visible(false);
        let edit = applied(board.edit("Remove", |e| e.remove("note")));
        assert_eq!(seen(edit).as_deref(), Some("- seen by others (0 of 1)"));
        bob.set_visible(true);
        kit.advance_ms(100);
        let now = told(&board.receipts()[0]).last().cloned();
        assert!(now.is_some_and(|it| it.starts_with("+ seen by others (1 of 1)")));
    }
}
