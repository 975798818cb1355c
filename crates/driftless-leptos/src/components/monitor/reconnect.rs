//! What coming back cost.

use driftless_client::ReconnectBill;
use leptos::prelude::*;

use crate::clock::use_now;
use crate::context::try_use_realtime;
use crate::erased::memo;
use crate::figures::{bytes, grouped};
use crate::missing_provider::MissingProvider;
use crate::status_text::ago;
use crate::texts::{Texts, fill, use_texts};

/// What the last connection brought, and what it took: "missed edits: 10,000 · values
/// received: 50 · 3.1 KB". See [`driftless_client::ReconnectBill`].
///
/// Part: `reconnect-bill`; `data-state` is `none` before the server was reached, then `delta` (only
/// what changed came) or `whole`.
#[component]
pub fn ReconnectSummary(
    /// Classes of the outermost element.
    #[prop(into, optional)]
    class: String,
) -> impl IntoView {
    let Some(context) = try_use_realtime() else {
        return view! { <MissingProvider component="ReconnectSummary" /> }.into_any();
    };
    let bill = memo(move || {
        // A resume moves the board, the connection, or both.
        context.status.track();
        context.version.track();
        context.board().reconnect_bill()
    });
    let state = move || match bill.get() {
        None => "none",
        Some(bill) if bill.missed.is_some() => "delta",
        Some(_) => "whole",
    };
    let texts = use_texts();
    let now = use_now();
    let told = move || told(bill.get(), &texts, now.get().epoch_ms);
    view! {
        <p class=class data-part="reconnect-bill" data-testid="reconnect-bill" data-state=state>
            {told}
        </p>
    }
    .into_any()
}

fn told(bill: Option<ReconnectBill>, texts: &Texts, now_ms: u64) -> String {
    let Some(bill) = bill else {
        return texts.bill_none.to_string();
    };
    let missed = bill.missed.map(grouped).unwrap_or_default();
    let text = if bill.missed.is_some() {
        &texts.bill_delta
    } else {
        &texts.bill_whole
    };
    let leaves = u64::try_from(bill.leaves).unwrap_or(u64::MAX);
    let size = u64::try_from(bill.bytes).unwrap_or(u64::MAX);
    let said = fill(
        text,
        &[
            ("missed", &missed),
            ("leaves", &grouped(leaves)),
            ("bytes", &bytes(size)),
        ],
    );
    format!("{said} · {}", ago(bill.at_ms, now_ms, texts))
}
