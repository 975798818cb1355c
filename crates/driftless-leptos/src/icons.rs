//! The icons: one shape for each tone, drawn in the text's colour.

use crate::erased::{changing, reactive};
use leptos::prelude::*;

use crate::status_text::Tone;

/// The shape of a tone, 16 by 16. Hidden from screen readers: a word always stands beside it.
#[component]
pub fn ToneIcon(
    /// Which.
    #[prop(into)]
    tone: Signal<Tone>,
) -> impl IntoView {
    view! {
        <svg
            data-part="icon"
            data-tone=reactive(move || tone.get().name())
            viewBox="0 0 16 16"
            width="16"
            height="16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            aria-hidden="true"
            focusable="false"
        >
            {changing(move || shape(tone.get()))}
        </svg>
    }
}

fn shape(tone: Tone) -> AnyView {
    match tone {
        Tone::Live => {
            view! { <circle cx="8" cy="8" r="5" fill="currentColor" stroke="none" /> }.into_any()
        }
        Tone::Pending => {
            view! { <circle cx="8" cy="8" r="5.25" stroke-dasharray="2.4 1.72" /> }.into_any()
        }
        Tone::Waiting => view! {
            <circle cx="8" cy="8" r="5.25" />
            <path d="M8 2.75a5.25 5.25 0 0 1 0 10.5z" fill="currentColor" stroke="none" />
        }
        .into_any(),
        Tone::Error => view! {
            <path d="M8 2.25 14.5 13.5H1.5z" stroke-linejoin="round" />
            <path d="M8 6.5v3.25M8 11.1v.9" />
        }
        .into_any(),
        Tone::Conflict => view! {
            <path d="M2.5 3.5v9L8 8zM13.5 3.5v9L8 8z" fill="currentColor" stroke-linejoin="round" />
        }
        .into_any(),
        Tone::Offline => view! {
            <circle cx="8" cy="8" r="5.25" />
            <path d="M4.3 11.7 11.7 4.3" />
        }
        .into_any(),
    }
}

/// A cross, for buttons that close.
#[component]
pub fn CloseIcon() -> impl IntoView {
    view! {
        <svg
            data-part="icon"
            viewBox="0 0 16 16"
            width="16"
            height="16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            aria-hidden="true"
            focusable="false"
        >
            <path d="M4 4l8 8M12 4l-8 8" />
        </svg>
    }
}
