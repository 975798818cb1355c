use driftless_leptos::{
    UseBackgroundSyncOptions, UseRealtimeUpdatesOptions, UseWebsocketOptions,
    use_background_sync_with_options, use_realtime_updates_with_options,
    use_websocket_with_options,
};
use driftless_model::builtin::TITLE;
use driftless_model::{Note, RecordId};
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

/// A title that is edited as it is typed, and what the hooks tell.
#[component]
pub fn Title(
    id: RecordId,
    #[prop(optional)] of_socket: UseWebsocketOptions,
    #[prop(optional)] of_outbox: UseBackgroundSyncOptions,
    #[prop(optional)] of_note: UseRealtimeUpdatesOptions,
) -> impl IntoView {
    let socket = use_websocket_with_options(of_socket);
    let sync = use_background_sync_with_options(of_outbox);
    let note = use_realtime_updates_with_options::<Note>(id, of_note);
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
