//! Asks for a name at the first edit, so that others see whose it is.

use driftless_leptos::dialog::Dialog;
use driftless_leptos::erased::{changing, effect, handler, reactive};
use driftless_model::UserId;
use leptos::html;
use leptos::prelude::*;
use web_sys::SubmitEvent;

use crate::editing::Editor;
use crate::field::problem_view;

/// The dialog. Closing it without a name drops the edit that waits.
#[component]
pub fn NameDialog() -> impl IntoView {
    let editor = expect_context::<Editor>();
    let on_close = move |()| editor.give_up();
    view! {
        <Dialog
            open=editor.is_asking
            on_close=Callback::new(on_close)
            labelled_by="name-heading"
            test_id="name-dialog"
            class="name-dialog"
        >
            <NameForm editor />
        </Dialog>
    }
}

#[component]
fn NameForm(editor: Editor) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    effect(move || {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = input.get_untracked() else {
            return;
        };
        let name = input.value().trim().to_owned();
        match UserId::new(&name) {
            Ok(_) => editor.go_on_as(&name),
            Err(error) => problem.set(Some(error.to_string())),
        }
    };
    view! {
        <form class="name-form" on:submit=handler(save)>
            <h2 id="name-heading">"Who is editing?"</h2>
            <p
                class="muted"
            >
                "Others on this board see your name beside what you change. "
                "It is kept in this browser."
            </p>
            <label class="field">
                <span class="field-label">"Your name"</span>
                <input
                    node_ref=input
                    class="input"
                    type="text"
                    autocomplete="nickname"
                    maxlength="64"
                    data-testid="name-input"
                    aria-invalid=reactive(move || problem.with(Option::is_some).then_some("true"))
                />
                {changing(move || problem.get().map(problem_view))}
            </label>
            <div class="form-actions">
                <button
                    type="button"
                    class="button"
                    on:click=handler(move |_| editor.is_asking.set(false))
                >
                    "Cancel"
                </button>
                <button
                    type="submit"
                    class="button"
                    data-kind="primary"
                    data-testid="name-save"
                >
                    "Save and go on"
                </button>
            </div>
        </form>
    }
}
