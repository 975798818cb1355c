use driftless_client::Ledger;
use driftless_leptos::SyncLedger;
use leptos::prelude::*;

/// Every change, accounted for.
#[component]
pub fn Account(on_trouble: Callback<Ledger>) -> impl IntoView {
    view! { <SyncLedger on_trouble /> }
}
