//! One edit of the outbox, with what can be done about it.

use driftless_client::Receipt;
use driftless_sync::replica::view::EntryView;
use leptos::prelude::*;

use super::entry_text::{facts, reason, state_name, tone_of};
use super::receipt::steps_view;
use crate::clock::Moment;
use crate::context::RealtimeContext;
use crate::erased::{When, changing, handler, memo, reactive};
use crate::hooks::UseBackgroundSync;
use crate::icons::ToneIcon;
use crate::popover::PopoverHandle;
use crate::texts::use_texts;

/// One edit. It is looked up by its number, so that a new attempt renews its texts and not its
/// buttons: the focus stays.
pub(super) fn item(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    now: Signal<Moment>,
    shown: Memo<Vec<EntryView>>,
    receipts: Memo<Vec<Receipt>>,
    number: u64,
) -> impl IntoView {
    let texts = use_texts();
    let entry = memo(move || {
        shown.with(|shown| shown.iter().find(|entry| entry.number == number).cloned())
    });
    let read = move |read: fn(&EntryView) -> String| {
        move || entry.with(|entry| entry.as_ref().map(read).unwrap_or_default())
    };
    let state = memo(move || {
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
    // An edit that waits for a person went its way already.
    let receipt = memo(move || {
        let id = entry.with(|entry| entry.as_ref().map(|entry| entry.id))?;
        receipts.with(|all| all.iter().find(|receipt| receipt.id == id).cloned())
    });
    let steps = move || receipt.with(|receipt| receipt.as_ref().map(steps_view));
    view! {
        <li
            data-part="pending-item"
            data-testid="pending-item"
            data-state=reactive(move || state.get())
        >
            <ToneIcon tone=tone />
            <div data-part="pending-text">
                <span data-part="pending-label">{changing(read(|entry| entry.label.clone()))}</span>
                <span data-part="pending-facts">{changing(facts)}</span>
                {changing(steps)}
                {changing(reason)}
            </div>
            <div data-part="pending-actions">{buttons(context, sync, state, number)}</div>
        </li>
    }
}

fn buttons(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    state: Memo<&'static str>,
    number: u64,
) -> impl IntoView {
    let texts = use_texts();
    let (retry, resolve) = (texts.retry.clone(), texts.resolve.clone());
    let popover = use_context::<PopoverHandle>();
    let review = move |_| {
        if let Some(popover) = popover {
            popover.close();
        }
        context.open_conflict.set(Some(number));
    };
    view! {
        <When is=move || state.get() == "conflicted">
            <button
                type="button"
                data-part="button"
                data-testid="pending-resolve"
                on:click=handler(review)
            >
                {resolve.clone()}
            </button>
        </When>
        <When is=move || state.get() == "quarantined">
            <button
                type="button"
                data-part="button"
                data-testid="pending-retry"
                on:click=handler(move |_| sync.retry(number))
            >
                {retry.clone()}
            </button>
        </When>
        <button
            type="button"
            data-part="button"
            data-testid="pending-roll-back"
            disabled=reactive(move || state.get() == "taking_back")
            on:click=handler(move |_| sync.roll_back(number))
        >
            {texts.roll_back.clone()}
        </button>
    }
}
