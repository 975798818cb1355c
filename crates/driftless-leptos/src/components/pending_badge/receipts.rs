//! How far the latest edits came.

use leptos::prelude::*;

use super::receipt::{ask_screens, key, receipts, steps_view};
use crate::context::try_use_realtime;
use crate::erased::{When, keyed, memo};
use crate::missing_provider::MissingProvider;
use crate::texts::use_texts;

/// The latest edits of this device, newest first, each with the steps that it took and how many
/// milliseconds after it was made: stored here, sent, committed, seen by others. See
/// [`driftless_client::Receipt`]. While it is shown it asks who sees them.
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
    let all = receipts(context);
    let latest = memo(move || {
        let mut latest = all.get();
        latest.truncate(max_display);
        latest
    });
    ask_screens(context, latest);
    let items = keyed(
        move || latest.get(),
        key,
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
    let is_empty = move || latest.with(Vec::is_empty);
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
