use driftless_leptos::clock::use_now;
use driftless_leptos::dialog::Dialog;
use driftless_leptos::json_compare::JsonCompare;
use driftless_leptos::leaf_editor::{LeafEditor, LeafField};
use driftless_leptos::popover::Popover;
use driftless_leptos::relative_time::age;
use driftless_leptos::{StorageNotice, Toast, Tone, try_use_toasts};
use driftless_model::Value;
use leptos::prelude::*;

/// A bar for as long as this device does not keep what is made.
#[component]
pub fn Storage() -> impl IntoView {
    view! { <StorageNotice /> }
}

/// A message, with something to do about it.
#[component]
pub fn Message(tone: Tone, text: &'static str) -> impl IntoView {
    let toasts = try_use_toasts();
    let tell = move |_| {
        if let Some(toasts) = toasts {
            let undo = Callback::new(|()| leptos::logging::log!("undone"));
            toasts.push(Toast::new(tone, text).with_action("Undo", undo));
        }
    };
    view! { <button class="button" on:click=tell>{text}</button> }
}

/// A disclosure.
#[component]
pub fn Disclosure(heading: &'static str) -> impl IntoView {
    let is_open = RwSignal::new(false);
    view! {
        <Popover open=is_open heading=heading trigger=move || heading>
            <p>"What stands inside is made when it opens."</p>
        </Popover>
    }
}

/// A modal dialog.
#[component]
pub fn Question() -> impl IntoView {
    let is_open = RwSignal::new(false);
    view! {
        <button class="button" on:click=move |_| is_open.set(true)>"Ask"</button>
        <Dialog
            open=is_open
            on_close=Callback::new(move |()| is_open.set(false))
            labelled_by="question"
            class="name-dialog"
        >
            <div class="name-form">
                <h2 id="question">"Shall it be?"</h2>
                <button class="button" on:click=move |_| is_open.set(false)>"Yes"</button>
            </div>
        </Dialog>
    }
}

/// A value, with what differs from another one marked.
#[component]
pub fn Compared(value: Option<Value>, reference: Value) -> impl IntoView {
    view! { <JsonCompare value reference /> }
}

/// A field for one leaf.
#[component]
pub fn Field(name: &'static str, field: LeafField, value: Value) -> impl IntoView {
    let text = RwSignal::new(field.draft(Some(&value)));
    let (parsed, words) = (field.clone(), format!("{name}-words"));
    let is_invalid = Memo::new(move |_| text.with(|text| parsed.parse(text).is_err()));
    let told = move || {
        if is_invalid.get() {
            "That is no value for it."
        } else {
            ""
        }
    };
    view! {
        <label for=name>{name}</label>
        <LeafEditor field text is_invalid id=name described_by=words.clone() part="merge-input" />
        <p id=words>{told}</p>
    }
}

/// How long this has been here.
#[component]
pub fn Since() -> impl IntoView {
    let now = use_now();
    let began_ms = now.get_untracked().epoch_ms;
    view! { <p>"Opened: " {move || age(now.get().epoch_ms, began_ms)}</p> }
}
