//! What is said to screen readers and not shown.

use driftless_leptos::erased::changing;
use leptos::prelude::*;

/// Says things; in context.
#[derive(Clone, Copy)]
pub struct Announcer(RwSignal<String>);

impl Announcer {
    /// Silent.
    pub fn new() -> Self {
        Self(RwSignal::new(String::new()))
    }

    /// Says it.
    pub fn say(self, text: impl Into<String>) {
        self.0.set(text.into());
    }
}

/// The region that is read out.
#[component]
pub fn LiveRegion() -> impl IntoView {
    let announcer = expect_context::<Announcer>();
    view! {
        <p class="visually-hidden" aria-live="polite" data-testid="live-region">
            {changing(move || announcer.0.get())}
        </p>
    }
}
