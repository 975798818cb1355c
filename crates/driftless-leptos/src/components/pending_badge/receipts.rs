//! How far the latest edits came.

use leptos::prelude::*;

use super::receipt::steps_view;
use crate::context::try_use_realtime;
use crate::erased::{When, keyed, memo};
use crate::missing_provider::MissingProvider;
use crate::texts::use_texts;

/// The latest edits of this device, newest first, each with the steps that it took and how many
/// milliseconds after it was made: stored here, sent, committed. See [`driftless_client::Receipt`].
///
/// Part: `receipts`; `data-state` is `empty` or `some`.
#[component]
pub fn EditReceipts(
    /// The most edits that are shown.
    #[prop(default = 3)]
    max_display: usize,
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="EditReceipts" /> }.into_any();
    };
    let receipts = memo(move || {
        // They change with the outbox.
        context.outbox.track();
        context.version.track();
        let mut receipts = context.board().receipts();
        receipts.truncate(max_display);
        receipts
    });
    let items = keyed(
        move || receipts.get(),
        |receipt| {
            let steps = [receipt.stored_ms, receipt.sent_ms, receipt.committed_ms];
            format!("{} {}", receipt.id, steps.iter().flatten().count())
        },
        |receipt| {
            view! {
                <li data-part="recent-item">
                    <span data-part="pending-label">{receipt.label.clone()}</span>
                    {steps_view(&receipt)}
                </li>
            }
            .into_any()
        },
    );
    let is_empty = move || receipts.with(Vec::is_empty);
    let state = move || if is_empty() { "empty" } else { "some" };
    let none = use_texts().receipt_none.clone();
    view! {
        <div class=class data-part="receipts" data-testid="receipts" data-state=state>
            <When is=is_empty>
                <p data-part="pending-none">{none.clone()}</p>
            </When>
            <ul data-part="pending-list">{items}</ul>
        </div>
    }
    .into_any()
}
