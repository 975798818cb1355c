//! Dark, light, or as the system has it. Per device, never an edit.

use driftless_leptos::erased::{handler, reactive};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

use crate::browser;

/// Also read by boot.js, before the first paint.
const KEY: &str = "driftless/theme";

/// The icon of the light theme.
const SUN: &str = "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v2M8 13v2M1 8h2M13 8h2\
    M3 3l1.4 1.4M11.6 11.6 13 13M3 13l1.4-1.4M11.6 4.4 13 3";

/// Which colours are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system has it.
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

impl Theme {
    fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::System => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::System,
        }
    }

    fn stored() -> Self {
        match browser::stored(browser::local_storage(), KEY).as_deref() {
            Some("dark") => Self::Dark,
            Some("light") => Self::Light,
            _ => Self::System,
        }
    }

    fn apply(self) {
        let root = browser::window()
            .document()
            .and_then(|document| document.document_element());
        let Some(root) = root else { return };
        let _ = match self {
            Self::System => root.remove_attribute("data-theme"),
            chosen => root.set_attribute("data-theme", chosen.word()),
        };
    }
}

/// The theme that is shown; in context, since charts read their colours anew when it changes.
#[derive(Clone, Copy)]
pub struct ShownTheme(pub RwSignal<Theme>);

impl ShownTheme {
    /// As chosen on an earlier visit.
    pub fn load() -> Self {
        let theme = Theme::stored();
        theme.apply();
        let shown = RwSignal::new(theme);
        on_system_change(move || shown.notify());
        // Chosen in another tab, or on the other side of the page `/demo`.
        let listener = window_event_listener_untyped("storage", move |_| {
            let stored = Theme::stored();
            if stored != shown.get_untracked() {
                stored.apply();
                shown.set(stored);
            }
        });
        on_cleanup(move || listener.remove());
        Self(shown)
    }

    fn choose(self, theme: Theme) {
        browser::store(browser::local_storage(), KEY, theme.word());
        theme.apply();
        self.0.set(theme);
    }
}

/// Calls back when the system changes between dark and light, for as long as the page lives.
fn on_system_change(changed: impl Fn() + 'static) {
    let query = browser::window().match_media("(prefers-color-scheme: dark)");
    let Some(query) = query.ok().flatten() else {
        return;
    };
    let closure = Closure::<dyn Fn()>::new(changed);
    // Refused by no browser that has the query.
    let _ = query.add_event_listener_with_callback("change", closure.as_ref().unchecked_ref());
    closure.forget();
}

/// A button that goes through system, dark and light.
#[component]
pub fn ThemeSwitch() -> impl IntoView {
    let shown = expect_context::<ShownTheme>();
    let label = move || {
        format!(
            "Theme: {}. Change to {}",
            shown.0.get().word(),
            shown.0.get().next().word()
        )
    };
    let icon = move || match shown.0.get() {
        Theme::System => "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
        Theme::Dark => "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
        Theme::Light => SUN,
    };
    let half = move || shown.0.get() == Theme::System;
    view! {
        <button type="button" class="icon-button" data-testid="theme-toggle"
            data-state=reactive(move || shown.0.get().word()) aria-label=label title=label
            on:click=handler(move |_| shown.choose(shown.0.get_untracked().next()))>
            <svg viewBox="0 0 16 16" aria-hidden="true" data-half=half><path d=icon /></svg>
        </button>
    }
}
