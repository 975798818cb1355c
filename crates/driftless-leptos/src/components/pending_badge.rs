//! What is not on the server yet: how much, and each edit with what can be done about it.

use driftless_client::ClientEvent;
use driftless_model::{EditId, Version};
use driftless_sync::replica::view::{EntryProgress, EntryView};
use futures::StreamExt;
use futures::future::abortable;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::clock::{Moment, use_now};
use crate::context::{RealtimeContext, try_use_realtime};
use crate::hooks::{UseBackgroundSync, use_background_sync};
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::popover::Popover;
use crate::relative_time::age;
use crate::status_text::Tone;
use crate::texts::{Texts, count, fill, use_texts};

/// An edit that was not applied: it conflicts, was refused, or was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Which.
    pub id: EditId,
    /// What the person did, in words.
    pub label: String,
    /// Why, in words.
    pub detail: String,
}

/// The number of unsettled edits; on a press, each with label, age, attempts, state and reason, to
/// retry, roll back or resolve; and the queue as a file.
///
/// Part: `pending-badge`; `data-count` is the number, `data-state` is `empty`, `pending` or
/// `attention` (something waits for a person).
#[component]
pub fn PendingOperationsBadge(
    /// Whether the list can be opened; otherwise it only shows the number.
    #[prop(default = true)]
    show_details: bool,
    /// The most edits that the list shows; it says how many more there are.
    #[prop(default = 8)]
    max_display: usize,
    /// Told of each edit that was applied, with the version that it made.
    #[prop(into, optional)]
    on_operation_complete: Option<Callback<(EditId, Version)>>,
    /// Told of each edit that was not.
    #[prop(into, optional)]
    on_operation_fail: Option<Callback<OperationFailure>>,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="PendingOperationsBadge" /> }.into_any();
    };
    tell(context, on_operation_complete, on_operation_fail);
    let sync = use_background_sync();
    let total = Memo::new(move |_| sync.outbox.with(|outbox| outbox.len()));
    let attention = Memo::new(move |_| sync.conflicts.get() + sync.quarantined.get());
    let state = move || match (total.get(), attention.get()) {
        (0, _) => "empty",
        (_, 0) => "pending",
        _ => "attention",
    };
    let shown = if show_details {
        detailed(context, sync, total, attention, max_display).into_any()
    } else {
        glance(total, attention).into_any()
    };
    view! {
        <div
            class=class
            data-part="pending-badge"
            data-testid="pending-badge"
            data-count=move || total.get()
            data-state=state
        >
            {shown}
        </div>
    }
    .into_any()
}

fn tell(
    context: RealtimeContext,
    on_complete: Option<Callback<(EditId, Version)>>,
    on_fail: Option<Callback<OperationFailure>>,
) {
    if on_complete.is_none() && on_fail.is_none() {
        return;
    }
    let (board, mut events) = (context.board().id().clone(), context.client().events());
    let (listening, stop) = abortable(async move {
        while let Some(event) = events.next().await {
            match (event, on_complete, on_fail) {
                (
                    ClientEvent::EditApplied {
                        board: at,
                        id,
                        version,
                        ..
                    },
                    Some(tell),
                    _,
                ) if at == board => {
                    tell.run((id, version));
                }
                (
                    ClientEvent::EditFailed {
                        board: at,
                        id,
                        label,
                        detail,
                    },
                    _,
                    Some(tell),
                ) if at == board => {
                    tell.run(OperationFailure { id, label, detail });
                }
                _ => {}
            }
        }
    });
    spawn_local(async move {
        // Aborted on unmount, or ended with the client.
        let _ = listening.await;
    });
    on_cleanup(move || stop.abort());
}

/// Icon, number, and how many wait for a person.
fn glance(total: Memo<usize>, attention: Memo<usize>) -> impl IntoView {
    let texts = use_texts();
    let tone = Signal::derive(move || match (total.get(), attention.get()) {
        (0, _) => Tone::Live,
        (_, 0) => Tone::Pending,
        _ => Tone::Conflict,
    });
    let more = move || {
        let number = attention.get();
        (number > 0).then(|| {
            let text = count(&texts.attention_one, &texts.attention_many, number);
            view! { <span data-part="pending-attention">{text}</span> }
        })
    };
    view! {
        <ToneIcon tone=tone />
        <span data-part="pending-count" data-testid="pending-count">{move || total.get()}</span>
        {more}
    }
}

fn detailed(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    total: Memo<usize>,
    attention: Memo<usize>,
    max_display: usize,
) -> impl IntoView {
    let texts = use_texts();
    let open = RwSignal::new(false);
    let heading = texts.pending_heading.to_string();
    let label = Signal::derive(move || summary(&texts, total.get(), attention.get()));
    view! {
        <Popover open=open label=label heading=heading trigger=move || glance(total, attention)>
            {move || list(context, sync, open, max_display)}
        </Popover>
    }
}

/// The badge in words.
fn summary(texts: &Texts, total: usize, attention: usize) -> String {
    if total == 0 {
        return texts.pending_none.to_string();
    }
    let pending = count(&texts.pending_one, &texts.pending_many, total);
    if attention == 0 {
        return pending;
    }
    format!(
        "{pending}, {}",
        count(&texts.attention_one, &texts.attention_many, attention)
    )
}

fn list(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    open: RwSignal<bool>,
    max_display: usize,
) -> impl IntoView {
    let texts = use_texts();
    let now = use_now();
    let heading = texts.pending_heading.clone();
    let shown = Memo::new(move |_| {
        sync.outbox
            .with(|outbox| outbox.iter().take(max_display).cloned().collect::<Vec<_>>())
    });
    let more = {
        let texts = texts.clone();
        move || {
            let more = sync
                .outbox
                .with(|outbox| outbox.len())
                .saturating_sub(max_display);
            let text = fill(&texts.pending_more, &[("n", &more.to_string())]);
            (more > 0).then(|| view! { <p data-part="pending-more">{text}</p> })
        }
    };
    let is_empty = move || sync.outbox.with(|outbox| outbox.is_empty());
    let none = texts.pending_none.clone();
    view! {
        <h2 data-part="panel-heading">{heading}</h2>
        <Show when=is_empty>
            <p data-part="pending-none">{none.clone()}</p>
        </Show>
        <ul data-part="pending-list" data-testid="pending-list">
            <For each=move || shown.get() key=|entry| entry.number let:entry>
                {item(context, sync, open, now, shown, entry.number)}
            </For>
        </ul>
        {more}
        {actions_for_all(sync)}
    }
}

/// One edit. It is looked up by its number, so that a new attempt renews its texts and not its
/// buttons: the focus stays.
fn item(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    open: RwSignal<bool>,
    now: Signal<Moment>,
    shown: Memo<Vec<EntryView>>,
    number: u64,
) -> impl IntoView {
    let texts = use_texts();
    let entry = Memo::new(move |_| {
        shown.with(|shown| shown.iter().find(|entry| entry.number == number).cloned())
    });
    let read = move |read: fn(&EntryView) -> String| {
        move || entry.with(|entry| entry.as_ref().map(read).unwrap_or_default())
    };
    let state = Memo::new(move |_| {
        entry.with(|entry| {
            entry
                .as_ref()
                .map_or("queued", |entry| state_name(&entry.state))
        })
    });
    let tone = Signal::derive(move || tone_of(state.get()));
    let facts = {
        let texts = texts.clone();
        move || {
            entry.with(|entry| {
                entry
                    .as_ref()
                    .map(|entry| facts(entry, &texts, now.get().epoch_ms))
            })
        }
    };
    let reason = move || {
        let reason = entry.with(|entry| entry.as_ref().and_then(|entry| reason(&entry.state)));
        reason.map(|reason| view! { <p data-part="pending-reason">{reason}</p> })
    };
    view! {
        <li data-part="pending-item" data-testid="pending-item" data-state=move || state.get()>
            <ToneIcon tone=tone />
            <div data-part="pending-text">
                <span data-part="pending-label">{read(|entry| entry.label.clone())}</span>
                <span data-part="pending-facts">{facts}</span>
                {reason}
            </div>
            <div data-part="pending-actions">{buttons(context, sync, open, state, number)}</div>
        </li>
    }
}

fn buttons(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    open: RwSignal<bool>,
    state: Memo<&'static str>,
    number: u64,
) -> impl IntoView {
    let texts = use_texts();
    let (retry, resolve) = (texts.retry.clone(), texts.resolve.clone());
    let review = move |_| {
        open.set(false);
        context.open_conflict.set(Some(number));
    };
    view! {
        <Show when=move || state.get() == "conflicted">
            <button type="button" data-part="button" data-testid="pending-resolve" on:click=review>
                {resolve.clone()}
            </button>
        </Show>
        <Show when=move || state.get() == "quarantined">
            <button
                type="button"
                data-part="button"
                data-testid="pending-retry"
                on:click=move |_| sync.retry(number)
            >
                {retry.clone()}
            </button>
        </Show>
        <button
            type="button"
            data-part="button"
            data-testid="pending-roll-back"
            disabled=move || state.get() == "taking_back"
            on:click=move |_| sync.roll_back(number)
        >
            {texts.roll_back.clone()}
        </button>
    }
}

fn actions_for_all(sync: UseBackgroundSync) -> impl IntoView {
    let texts = use_texts();
    let is_empty = Memo::new(move |_| sync.outbox.with(|outbox| outbox.is_empty()));
    let is_asking = RwSignal::new(false);
    let numbers = move |wanted: fn(&EntryProgress) -> bool| {
        let outbox = sync.outbox.get_untracked();
        let wanted = outbox.iter().filter(move |entry| wanted(&entry.state));
        wanted.map(|entry| entry.number).collect::<Vec<_>>()
    };
    let retry_all = move |_| {
        let refused = numbers(|state| matches!(state, EntryProgress::Quarantined { .. }));
        for number in refused {
            sync.retry(number);
        }
    };
    let roll_back_all = move |_| {
        if !is_asking.get_untracked() {
            is_asking.set(true);
            return;
        }
        is_asking.set(false);
        // Newest first: what waits for an earlier edit goes before it.
        for number in numbers(|_| true).into_iter().rev() {
            sync.roll_back(number);
        }
    };
    let roll_back_text = {
        let texts = texts.clone();
        move || {
            if is_asking.get() {
                texts.roll_back_all_sure.clone()
            } else {
                texts.roll_back_all.clone()
            }
        }
    };
    view! {
        <div data-part="panel-actions" on:focusout=move |_| is_asking.set(false)>
            <button
                type="button"
                data-part="button"
                data-testid="pending-retry-all"
                disabled=move || sync.quarantined.get() == 0
                on:click=retry_all
            >
                {texts.retry_all.clone()}
            </button>
            <button
                type="button"
                data-part="button"
                data-testid="pending-roll-back-all"
                disabled=move || is_empty.get()
                on:click=roll_back_all
            >
                {roll_back_text}
            </button>
            <button
                type="button"
                data-part="button"
                data-testid="pending-export"
                disabled=move || is_empty.get()
                on:click=move |_| sync.export()
            >
                {texts.export.clone()}
            </button>
        </div>
    }
}

fn state_name(state: &EntryProgress) -> &'static str {
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

fn tone_of(state: &str) -> Tone {
    match state {
        "conflicted" => Tone::Conflict,
        "quarantined" => Tone::Error,
        "sealed" | "taking_back" => Tone::Waiting,
        _ => Tone::Pending,
    }
}

/// State, age and attempts, in one line.
fn facts(entry: &EntryView, texts: &Texts, now_ms: u64) -> String {
    let state = match &entry.state {
        _ if !entry.is_stored => &texts.entry_not_stored,
        EntryProgress::Queued { after } if !after.is_empty() => &texts.entry_after,
        EntryProgress::Sealed {
            take_back: true, ..
        } => &texts.entry_take_back,
        EntryProgress::Sealed { .. } => &texts.entry_sealed,
        EntryProgress::Conflicted(_) => &texts.entry_conflicted,
        EntryProgress::Quarantined { .. } => &texts.entry_quarantined,
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
fn reason(state: &EntryProgress) -> Option<String> {
    match state {
        EntryProgress::Quarantined { detail, hint, .. } => Some(format!("{detail} {hint}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::BoardId;
    use driftless_protocol::Code;

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
    fn an_edit_that_is_not_stored_says_nothing_else_before_that() {
        let mut queued = entry(EntryProgress::Queued { after: vec![] });
        queued.is_stored = false;
        assert_eq!(say(&queued), "not saved on this device yet · 12 s");
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
    }

    #[test]
    fn the_badge_in_words_tells_what_needs_the_person() {
        let texts = Texts::default();
        assert_eq!(summary(&texts, 0, 0), "All changes synced");
        assert_eq!(summary(&texts, 3, 0), "3 pending changes");
        assert_eq!(summary(&texts, 3, 1), "3 pending changes, 1 needs you");
    }
}
