//! The outbox as a list, and what can be done about all of it.

use driftless_sync::replica::view::EntryProgress;
use leptos::html;
use leptos::prelude::*;

use super::item::item;
use super::kept_focus::KeptFocus;
use super::receipt::{receipts, recent};
use crate::clock::use_now;
use crate::context::RealtimeContext;
use crate::erased::{When, changing, handler, keyed, memo, reactive};
use crate::hooks::UseBackgroundSync;
use crate::part;
use crate::texts::{fill, use_texts};

part! {
    /// The list, with what can be done about all of it.
    pub(super) fn list(
        context: RealtimeContext,
        sync: UseBackgroundSync,
        max_display: usize,
    ) {
        list_view(context, sync, max_display).into_any()
    }
}

/// The list: the oldest `max_display` edits, and how many more there are.
fn list_view(
    context: RealtimeContext,
    sync: UseBackgroundSync,
    max_display: usize,
) -> impl IntoView {
    let texts = use_texts();
    let now = use_now();
    let heading = texts.pending_heading.clone();
    let shown = memo(move || {
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
    let receipts = receipts(context);
    let items = keyed(
        move || shown.with(|shown| shown.iter().map(|entry| entry.number).collect()),
        u64::to_string,
        move |number| item(context, sync, now, shown, receipts, number).into_any(),
    );
    let list = NodeRef::<html::Ul>::new();
    let focus = KeptFocus::of(list, memo(move || sync.outbox.with(|outbox| outbox.len())));
    view! {
        <h2 data-part="panel-heading">{heading}</h2>
        <When is=is_empty>
            <p data-part="pending-none">{none.clone()}</p>
        </When>
        <ul
            node_ref=list
            data-part="pending-list"
            data-testid="pending-list"
            on:click=handler(move |_| focus.pressed())
        >
            {items}
        </ul>
        {changing(more)}
        {actions_for_all(sync, focus)}
        {recent(context, receipts, now)}
    }
}

fn actions_for_all(sync: UseBackgroundSync, focus: KeptFocus) -> impl IntoView {
    let texts = use_texts();
    let is_empty = memo(move || sync.outbox.with(|outbox| outbox.is_empty()));
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
        <div
            data-part="panel-actions"
            on:focusout=handler(move |_| is_asking.set(false))
            on:click=handler(move |_| focus.pressed())
        >
            <button
                type="button"
                data-part="button"
                data-testid="pending-retry-all"
                disabled=reactive(move || sync.quarantined.get() == 0)
                on:click=handler(retry_all)
            >
                {texts.retry_all.clone()}
            </button>
            <button
                type="button"
                data-part="button"
                data-testid="pending-roll-back-all"
                disabled=reactive(move || is_empty.get())
                on:click=handler(roll_back_all)
            >
                {changing(roll_back_text)}
            </button>
            <button
                type="button"
                data-part="button"
                data-testid="pending-export"
                disabled=reactive(move || is_empty.get())
                on:click=handler(move |_| sync.export())
            >
                {texts.export.clone()}
            </button>
        </div>
    }
}
