use driftless_leptos::{use_background_sync, use_realtime_updates, use_websocket};
use driftless_model::builtin::TITLE;
use driftless_model::{Note, RecordId};
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

/// A title that is edited as it is typed, and what the hooks tell.
#[component]
pub fn Title(id: RecordId) -> impl IntoView {
    let socket = use_websocket();
    let sync = use_background_sync();
    let note = use_realtime_updates::<Note>(id);
    let title = note.get(TITLE);
    let seen = StoredValue::new(note.seen());
    let rename = move |event| {
        let edit = note.set_from(seen.get_value(), TITLE, event_target_value(&event));
        if let Err(error) = edit {
            leptos::logging::warn!("{error}");
        }
    };
    view! {
        <label class="field">
            <span class="field-label">"Title"</span>
            <input
                class="input"
                prop:value=move || title.get().unwrap_or_default()
                on:focus=move |_| seen.set_value(note.seen())
                on:change=rename
            />
        </label>
        <p>
            {move || socket.state.with(Connection::name)} ": " {sync.pending} " pending, "
            {sync.conflicts} " in conflict, " {sync.quarantined} " refused"
        </p>
        <p>
            <button class="button" disabled=move || sync.can_undo.get().is_none()
                on:click=move |_| sync.undo()>"Undo"</button>
        </p>
    }
}
