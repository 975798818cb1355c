//! The account of this page's edits under the bar, with its cable: what each side of the page
//! `/demo` has in sight.

use driftless_leptos::erased::changing;
use driftless_leptos::part;
use driftless_leptos::{EditReceipts, ReconnectSummary, SyncLedger};
use leptos::prelude::*;

use crate::board::cable::CableSwitch;
use crate::visitor::Visitor;

part! {
    /// The strip.
    pub fn account_strip() {
        strip_view().into_any()
    }
}

fn strip_view() -> impl IntoView {
    let visitor = expect_context::<Visitor>();
    view! {
        <section class="account" aria-label="What became of each change" data-testid="account">
            <CableSwitch />
            <div class="account-figures">
                <strong>{changing(move || visitor.name.get())}</strong>
                <SyncLedger />
                <ReconnectSummary />
            </div>
            <EditReceipts max_display=2 />
        </section>
    }
}
