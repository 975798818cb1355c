//! The smallest live page: a text that everybody who has it open edits, offline too.
#![forbid(unsafe_code)]

use driftless_client::SeenMark;
use driftless_leptos::{
    ConflictResolutionUi, DashboardRealtimeProvider, DashboardSyncIndicator,
    PendingOperationsBadge, StorageNotice, Toaster, WidgetRealtime, use_realtime_updates,
};
use driftless_model::{Kind as _, Note, RecordId};
use leptos::prelude::*;

fn main() {
    driftless_leptos::executor::start();
    leptos::mount::mount_to_body(Page);
}

#[component]
fn Page() -> impl IntoView {
    view! {
        <DashboardRealtimeProvider ws_url="/rt" board="home">
            <DashboardSyncIndicator />
            <PendingOperationsBadge />
            <StorageNotice />
            <ConflictResolutionUi />
            <WidgetRealtime widget_id="lunch" label="Lunch">
                <Lunch />
            </WidgetRealtime>
            <Toaster />
        </DashboardRealtimeProvider>
    }
}

/// The widget: what there is for lunch.
#[component]
fn Lunch() -> impl IntoView {
    let note = use_realtime_updates::<Note>(RecordId::new("lunch").expect("an id"));
    let text = note.get(Note::TEXT);
    // What the person is typing, with what was on screen when they began: that is what their edit
    // is judged by, and what others write meanwhile does not move the text under their hands.
    let draft = RwSignal::new(None::<(SeenMark, String)>);
    let type_on = move |event| {
        draft.update(|draft| {
            let seen = draft.take().map_or_else(|| note.seen(), |(seen, _)| seen);
            *draft = Some((seen, event_target_value(&event)));
        });
    };
    let write = move |_| {
        let Some((seen, text)) = draft.get_untracked() else {
            return;
        };
        let edit = note.edit("Write the menu", |edit, id| {
            edit.seen(seen);
            // Where it is there already, this changes nothing.
            edit.create(id, Note::NAME, []);
            edit.set(id, Note::TEXT, text);
        });
        if let Err(error) = edit {
            leptos::logging::warn!("{error}");
        }
        draft.set(None);
    };
    let shown = move || match draft.get() {
        Some((_, text)) => text,
        None => text.get().unwrap_or_default(),
    };
    view! {
        <label>
            "For lunch there is "
            <input
                prop:value=shown
                on:input=type_on
                on:change=write
                on:blur=move |_| draft.set(None)
            />
        </label>
    }
}
