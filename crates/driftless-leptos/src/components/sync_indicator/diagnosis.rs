//! "Copy diagnostics": what a maintainer needs to see, put where the person can hand it on.

use crate::erased::{changing, handler};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::clipboard;
use crate::context::RealtimeContext;
use crate::download::download_json;
use crate::facts::Fact;
use crate::texts::use_texts;

/// What came of a press.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Handed {
    /// None yet.
    Not,
    /// The bundle is in the clipboard.
    Copied,
    /// There is no clipboard here (plain http), or it is refused: the person takes it from here.
    Shown(String),
}

/// The button, and what it comes to.
pub(super) fn diagnosis(context: RealtimeContext, more: Signal<Vec<Fact>>) -> impl IntoView {
    let texts = use_texts();
    let handed = RwSignal::new(Handed::Not);
    let press = move |_| {
        let bundle = context.client().diagnostics();
        let facts = more.get_untracked().into_iter();
        let bundle = facts.fold(bundle, |bundle, (name, value)| bundle.with(&name, &value));
        let json = bundle.to_json();
        spawn_local(async move {
            let handed_on = match clipboard::copy(&json).await {
                Ok(()) => Handed::Copied,
                Err(_) => Handed::Shown(json),
            };
            // The panel may be closed by now.
            let _ = handed.try_set(handed_on);
        });
    };
    view! {
        <div data-part="diagnostics">
            <button
                type="button"
                data-part="button"
                data-testid="copy-diagnostics"
                on:click=handler(press)
            >
                {texts.copy_diagnostics.clone()}
            </button>
            {changing(move || handed_view(handed.get()))}
        </div>
    }
}

fn handed_view(handed: Handed) -> Option<AnyView> {
    let texts = use_texts();
    match handed {
        Handed::Not => None,
        Handed::Copied => {
            let copied = texts.diagnostics_copied.clone();
            let said =
                view! { <span role="status" data-testid="diagnostics-copied">{copied}</span> };
            Some(said.into_any())
        }
        Handed::Shown(json) => {
            let name = texts.copy_diagnostics.to_string();
            let file = json.clone();
            let save = move |_| download_json("driftless-diagnostics.json", &file);
            let shown = view! {
                <p role="status">{texts.diagnostics_shown.clone()}</p>
                <textarea
                    readonly
                    rows="6"
                    data-part="diagnostics-text"
                    data-testid="diagnostics-text"
                    aria-label=name
                    prop:value=json
                ></textarea>
                <button type="button" data-part="button" on:click=handler(save)>
                    {texts.diagnostics_save.clone()}
                </button>
            };
            Some(shown.into_any())
        }
    }
}
