//! Controls for the properties of what is shown.

use std::sync::Arc;

use driftless_leptos::element_id::element_id;
use driftless_leptos::erased::{handler, reactive};
use driftless_model::Value;
use driftless_model::builtin::TITLE;
use driftless_sync::replica::view::RecordView;
use leptos::prelude::*;

/// Yes or no.
pub fn switch(name: &'static str, value: RwSignal<bool>) -> AnyView {
    view! {
        <label class="control">
            <input type="checkbox" prop:checked=reactive(move || value.get())
                on:change=handler(move |event| value.set(event_target_checked(&event))) />
            <span>{name}</span>
        </label>
    }
    .into_any()
}

/// A number from a range.
pub fn number(
    name: &'static str,
    value: RwSignal<u32>,
    max: u32,
    told: fn(u32) -> String,
) -> AnyView {
    let id = element_id("control");
    let set = move |event| value.set(event_target_value(&event).parse().unwrap_or_default());
    view! {
        <div class="control">
            <label for=id.clone()>{name}</label>
            <input id=id type="range" min="0" max=max.to_string()
                prop:value=reactive(move || value.get().to_string())
                aria-valuetext=reactive(move || told(value.get()))
                on:input=handler(set) />
            <output>{move || told(value.get())}</output>
        </div>
    }
    .into_any()
}

/// One of several.
pub fn choice(
    name: &'static str,
    value: RwSignal<usize>,
    choices: &'static [&'static str],
) -> AnyView {
    let options = choices.iter().enumerate().map(|(index, choice)| {
        let is_chosen = reactive(move || value.get() == index);
        view! { <option value=index.to_string() prop:selected=is_chosen>{*choice}</option> }
    });
    let set = move |event| value.set(event_target_value(&event).parse().unwrap_or_default());
    view! {
        <label class="control">
            <span>{name}</span>
            <select on:change=handler(set)>{options.collect_view()}</select>
        </label>
    }
    .into_any()
}

/// A button.
pub fn button(name: &'static str, pressed: impl FnMut() + 'static) -> AnyView {
    let mut pressed = pressed;
    view! {
        <button type="button" class="button" on:click=handler(move |_| pressed())>{name}</button>
    }
    .into_any()
}

/// What a record is called.
pub fn title_of(record: &Arc<RecordView>) -> String {
    let title = record.value(&TITLE.path()).and_then(Value::as_text);
    title.unwrap_or_default().to_owned()
}

/// What callbacks were told, the newest first.
#[derive(Clone, Copy)]
pub struct Told(RwSignal<Vec<String>>);

impl Told {
    /// Nothing yet.
    pub fn new() -> Self {
        Self(RwSignal::new(Vec::new()))
    }

    /// A callback that notes what it is told.
    pub fn callback<T: 'static>(self, name: &'static str, told: fn(&T) -> String) -> Callback<T> {
        const LINES_MAX: usize = 12;
        Callback::new(move |value: T| {
            self.0.update(|lines| {
                lines.insert(0, format!("{name}: {}", told(&value)));
                lines.truncate(LINES_MAX);
            });
        })
    }

    /// The list.
    pub fn view(self) -> AnyView {
        let lines = move || {
            let lines = self.0.get().into_iter();
            lines.map(|line| view! { <li>{line}</li> }).collect_view()
        };
        view! { <ul class="told" data-testid="told">{lines}</ul> }.into_any()
    }
}
