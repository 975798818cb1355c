//! What is shown where live updates cannot be: never a panic.

use leptos::prelude::*;

use crate::icons::ToneIcon;
use crate::status_text::Tone;
use crate::texts::{fill, use_texts};

/// Says that a component stands outside a provider. Every component of this crate shows it there.
///
/// Part: `failure`.
#[component]
pub fn MissingProvider(
    /// The component's name.
    component: &'static str,
) -> impl IntoView {
    let text = fill(&use_texts().missing_provider, &[("component", component)]);
    failure(text)
}

/// A failure in words, with its icon.
pub(crate) fn failure(text: String) -> impl IntoView {
    view! {
        <div role="alert" data-part="failure" data-testid="realtime-failure">
            <ToneIcon tone=Tone::Error />
            <span>{text}</span>
        </div>
    }
}
