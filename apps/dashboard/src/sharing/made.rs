//! A link that was just made: shown this once, to be copied.

use driftless_leptos::clipboard;
use driftless_leptos::erased::{changing, effect, handler};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The link and how to hand it on. On plain http there is no clipboard: the field is selected, for
/// the keyboard.
pub fn made_view(name: &str, link: String) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    let said = RwSignal::new("");
    let select = move || {
        if let Some(input) = input.get_untracked() {
            let _ = input.focus();
            input.select();
        }
    };
    effect(move || {
        if input.get().is_some() {
            request_animation_frame(select);
        }
    });
    let copied = link.clone();
    let copy = move |_| {
        let link = copied.clone();
        spawn_local(async move {
            let is_copied = clipboard::copy(&link).await.is_ok();
            let words = if is_copied {
                "Copied."
            } else {
                select();
                "This browser does not let the page copy: copy the selected link by hand."
            };
            let _ = said.try_set(words);
        });
    };
    let heading = format!("Link of {name}. It is shown this once: hand it on now.");
    view! {
        <div class="share-made" role="group" aria-labelledby="share-made">
            <p id="share-made">{heading}</p>
            <div class="share-line">
                <input
                    node_ref=input
                    class="input"
                    readonly
                    aria-labelledby="share-made"
                    data-testid="share-link"
                    prop:value=link
                />
                <button
                    type="button"
                    class="button"
                    data-testid="share-copy"
                    on:click=handler(copy)
                >
                    "Copy"
                </button>
            </div>
            <p class="muted" role="status">{changing(move || said.get())}</p>
        </div>
    }
    .into_any()
}
