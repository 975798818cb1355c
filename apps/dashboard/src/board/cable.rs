//! The menu of what is needed now and then: sharing, and the cable, which cuts this page off on
//! purpose, to see what happens.

use driftless_leptos::RealtimeContext;
use driftless_leptos::erased::{changing, handler, memo, reactive};
use driftless_leptos::popover::{Popover, PopoverHandle};
use leptos::prelude::*;

use crate::sharing::dialog::SharingOpen;

/// A small menu.
#[component]
pub fn CableMenu() -> impl IntoView {
    let open = RwSignal::new(false);
    let trigger = || {
        view! {
            <span class="icon-button" data-testid="more-menu">
                <svg
                    viewBox="0 0 16 16"
                    aria-hidden="true"
                    class="grip-dots"
                >
                    <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" />
                </svg>
            </span>
        }
    };
    view! {
        <Popover
            open
            trigger
            label=Signal::stored("More".to_owned())
            heading=Signal::stored("More".to_owned())
        >
            <div class="menu"><ShareItem /><CableSwitch /></div>
        </Popover>
    }
}

/// The cable.
#[component]
pub fn CableSwitch() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let is_cut = memo(move || realtime.status.with(|status| status.network_held));
    let toggle = move |_| realtime.client().hold_network(!is_cut.get_untracked());
    view! {
        <button type="button" role="switch" class="menu-item" data-testid="cable-toggle"
            aria-checked=reactive(move || (!is_cut.get()).to_string())
            data-state=reactive(move || if is_cut.get() { "cut" } else { "connected" })
            on:click=handler(toggle)>
            <span
                class="menu-name"
            >
                "Network cable"<span class="switch" aria-hidden="true"></span>
            </span>
            <span class="muted">{changing(move || if is_cut.get() {
                "Cut for this page. Edits wait on this device."
            } else {
                "Plugged in. Cut it to see the board work offline."
            })}</span>
        </button>
    }
}

/// Opens the dialog of sharing. The menu closes first, so that the focus comes back to its button.
#[component]
fn ShareItem() -> impl IntoView {
    let SharingOpen(open) = expect_context();
    let menu = expect_context::<PopoverHandle>();
    let press = move |_| {
        menu.close();
        open.set(true);
    };
    view! {
        <button
            type="button"
            class="menu-item"
            data-testid="share-open"
            on:click=handler(press)
        >
            <span class="menu-name">"Share…"</span>
            <span class="muted">"Make links to this board, see who has one, revoke."</span>
        </button>
    }
}
