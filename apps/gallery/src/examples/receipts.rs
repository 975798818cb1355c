use driftless_leptos::EditReceipts;
use leptos::prelude::*;

/// How far the latest edits came.
#[component]
pub fn Latest(max_display: usize) -> impl IntoView {
    view! { <EditReceipts max_display /> }
}
