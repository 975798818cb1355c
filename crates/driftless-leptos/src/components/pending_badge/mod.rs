//! What is not on the server yet: how much, and each edit with what can be done about it.

mod entry_text;
mod receipt;
mod receipts;
mod item;
mod kept_focus;
mod list;

use driftless_model::{EditId, Version};
use leptos::prelude::*;

use self::list::list;
pub use self::receipts::EditReceipts;
use crate::announcement::read_out_only;
use crate::context::{RealtimeContext, try_use_realtime};
use crate::erased::{changing, memo, reactive};
use crate::hooks::{
    OperationFailure, UseBackgroundSync, UseBackgroundSyncOptions, use_background_sync_with_options,
};
use crate::icons::ToneIcon;
use crate::missing_provider::MissingProvider;
use crate::popover::Popover;
use crate::status_text::Tone;
use crate::texts::{Texts, count, use_texts};

/// The number of unsettled edits; on a press, each with label, age, attempts, state and reason, to
/// retry, roll back or resolve; and the queue as a file. Each tells how far it is, in milliseconds
/// (part `receipt`), and so do the latest edits that are on the server, below them.
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
    let options = UseBackgroundSyncOptions {
        on_operation_complete,
        on_operation_fail,
    };
    let sync = use_background_sync_with_options(options);
    let total = memo(move || sync.outbox.with(|outbox| outbox.len()));
    let attention = memo(move || sync.conflicts.get() + sync.quarantined.get());
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
            data-count=reactive(move || total.get())
            data-state=reactive(state)
        >
            {shown}
        </div>
    }
    .into_any()
}

/// Icon, number, and how many wait for a person.
fn glance(total: Memo<usize>, attention: Memo<usize>) -> impl IntoView {
    let texts = use_texts();
    let tone = Signal::derive(move || match (total.get(), attention.get()) {
        (0, _) => Tone::Live,
        (_, 0) => Tone::Pending,
        _ => Tone::Conflict,
    });
    let said = {
        let texts = texts.clone();
        move || pending_text(&texts, total.get())
    };
    let more = move || {
        let (total, attention) = (total.get(), attention.get());
        (attention > 0).then(|| {
            let text = attention_text(&texts, total, attention);
            view! { <span data-part="pending-attention">{text}</span> }
        })
    };
    view! {
        <ToneIcon tone=tone />
        <span data-part="pending-count" data-testid="pending-count" aria-hidden="true">
            {changing(move || total.get())}
        </span>
        <span data-part="unseen" use:read_out_only>{changing(said)}</span>
        {changing(more)}
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
    view! {
        <Popover open=open heading=heading trigger=move || glance(total, attention)>
            {list(context, sync, max_display)}
        </Popover>
    }
}

/// The total in words, for those who cannot see the icon beside it.
fn pending_text(texts: &Texts, total: usize) -> String {
    match total {
        0 => texts.pending_none.to_string(),
        total => count(&texts.pending_one, &texts.pending_many, total),
    }
}

/// What stands after the total: the number is not said twice.
fn attention_text(texts: &Texts, total: usize, attention: usize) -> String {
    if attention == total {
        count(&texts.attention_only_one, &texts.attention_only_many, total)
    } else {
        let text = count(&texts.attention_one, &texts.attention_many, attention);
        format!("· {text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_badge_in_words_tells_what_needs_the_person() {
        let texts = Texts::default();
        assert_eq!(pending_text(&texts, 0), "All changes synced");
        assert_eq!(pending_text(&texts, 3), "3 pending changes");
        assert_eq!(attention_text(&texts, 1, 1), "needs you");
        assert_eq!(attention_text(&texts, 3, 1), "· 1 needs you");
    }
}
