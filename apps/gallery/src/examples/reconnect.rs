use driftless_leptos::ReconnectSummary;
use leptos::prelude::*;

/// What coming back cost.
#[component]
pub fn LastConnection() -> impl IntoView {
    view! { <ReconnectSummary /> }
}
