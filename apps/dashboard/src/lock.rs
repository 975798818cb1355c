//! Whether the board can be changed by a slip of the hand. Boards open locked.

use driftless_leptos::erased::handler;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::browser;

/// Whether the board is locked; in context. Per page, never an edit.
#[derive(Clone, Copy)]
pub struct BoardLock(pub RwSignal<bool>);

impl BoardLock {
    /// Locked.
    pub fn new() -> Self {
        Self(RwSignal::new(true))
    }

    /// The key `e` locks and unlocks, except while somebody writes or a dialog is open.
    pub fn listen(self) {
        let listener = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
            let has_modifier = event.ctrl_key() || event.meta_key() || event.alt_key();
            if event.key() == "e" && !has_modifier && !browser::is_writing() && !is_in_dialog() {
                self.0.update(|is_locked| *is_locked = !*is_locked);
            }
        });
        on_cleanup(move || listener.remove());
    }
}

/// Whether a dialog has the keyboard.
pub fn is_in_dialog() -> bool {
    let document = browser::window().document();
    document
        .and_then(|document| document.query_selector("dialog[open]").ok().flatten())
        .is_some()
}

/// The button that locks and unlocks.
#[component]
pub fn LockToggle() -> impl IntoView {
    let is_locked = expect_context::<BoardLock>().0;
    let state = move || {
        if is_locked.get() {
            "locked"
        } else {
            "unlocked"
        }
    };
    let word = move || if is_locked.get() { "Edit" } else { "Done" };
    let label = move || {
        if is_locked.get() {
            "Locked. Unlock to edit (e)"
        } else {
            "Unlocked. Lock when done (e)"
        }
    };
    let shackle = move || {
        if is_locked.get() {
            "M5 7V5a3 3 0 0 1 6 0v2"
        } else {
            "M5 7V5a3 3 0 0 1 5.8-1"
        }
    };
    view! {
        <button type="button" class="button" data-testid="lock-toggle" data-state=state
            aria-label=label title=label
            on:click=handler(move |_| is_locked.update(|is_locked| *is_locked = !*is_locked))>
            <svg viewBox="0 0 16 16" aria-hidden="true">
                <rect x="3" y="7" width="10" height="7" rx="1.5" />
                <path d=shackle />
            </svg>
            <span class="button-word">{word}</span>
        </button>
    }
}
