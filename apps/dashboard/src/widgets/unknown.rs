//! A widget of a kind that this build does not know.

use leptos::prelude::*;

/// Says so. The record is kept as it is.
#[component]
pub fn UnknownBody(
    /// The kind.
    kind: String,
) -> impl IntoView {
    view! {
        <div class="widget-message" data-state="unknown">
            <p>"This page does not know the kind “"{kind}"”."</p>
            <p class="muted">"It is kept untouched. A newer version of the page may show it."</p>
        </div>
    }
}
