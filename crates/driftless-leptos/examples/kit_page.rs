//! A page with every component in one provider, which a button puts up and takes down again. The
//! browser tests count what is left of it (`e2e/tests/provider.test.mjs`), and which leaf runs
//! again when one changes (`e2e/tests/leaves.test.mjs`). Another one puts up every component with
//! every property (`e2e/tests/kit_properties.test.mjs`). Another button puts up a wall of widgets,
//! whose frames are counted while others write to all of them (`cargo xtask frames`).
#![forbid(unsafe_code)]

#[path = "kit_page/properties.rs"]
mod properties;

use std::time::Duration;

use driftless_client::EditBuilder;
use driftless_client::view::Connection;
use driftless_leptos::{
    ConflictResolutionUi, DashboardRealtimeProvider, DashboardSyncIndicator,
    PendingOperationsBadge, StorageNotice, Toast, Toaster, Tone, WidgetId, WidgetRealtime,
    try_use_toasts, try_use_widget, use_realtime_updates, use_websocket,
};
use driftless_model::{Kind, Leaf, LeafPath, Note, RecordId, builtin};
use leptos::prelude::*;

use crate::properties::Properties;

fn main() {
    driftless_leptos::executor::start();
    mount_to_body(Page);
}

#[component]
fn Page() -> impl IntoView {
    let is_up = RwSignal::new(false);
    let has_wall = RwSignal::new(false);
    let has_properties = RwSignal::new(false);
    view! {
        <button
            type="button"
            data-testid="properties"
            on:click=move |_| has_properties.update(|up| *up = !*up)
        >
            "Put up with properties"
        </button>
        <Show when=move || has_properties.get()>
            <Properties />
        </Show>
        <button type="button" data-testid="wall" on:click=move |_| has_wall.set(true)>
            "Put up a wall"
        </button>
        <Show when=move || has_wall.get()>
            <Wall />
        </Show>
        <button type="button" data-testid="toggle" on:click=move |_| is_up.update(|up| *up = !*up)>
            {move || if is_up.get() { "Take down" } else { "Put up" }}
        </button>
        <Show when=move || is_up.get()>
            <Kit />
        </Show>
    }
}

#[component]
fn Kit() -> impl IntoView {
    view! {
        <DashboardRealtimeProvider ws_url="/rt" board="kit" token="Ann".to_owned()>
            <Connection />
            <DashboardSyncIndicator />
            <PendingOperationsBadge />
            <StorageNotice />
            <ConflictResolutionUi />
            <Toaster />
            <Say />
            <WidgetRealtime widget_id=WidgetId::from("one")>
                <NoteLeaves id="one" />
            </WidgetRealtime>
            <WidgetRealtime widget_id=WidgetId::from("two")>
                <NoteLeaves id="two" />
            </WidgetRealtime>
        </DashboardRealtimeProvider>
    }
}

/// Shows a message that nobody sees go.
#[component]
fn Say() -> impl IntoView {
    let toasts = try_use_toasts().expect("a provider is around it");
    let say = move |_| {
        let mut toast = Toast::new(Tone::Live, "Still here");
        toast.lasts = Duration::from_hours(1);
        toasts.push(toast);
    };
    view! { <button type="button" data-testid="say" on:click=say>"Say"</button> }
}

/// As many widgets as nobody has on one screen.
const WALL: usize = 200;

#[component]
fn Wall() -> impl IntoView {
    let widget = |number: usize| {
        view! {
            <WidgetRealtime widget_id=WidgetId::from(format!("w{number}"))>
                <Place />
            </WidgetRealtime>
        }
    };
    view! {
        <DashboardRealtimeProvider ws_url="/rt" board="wall" token="Ann".to_owned()>
            <Connection />
            <DashboardSyncIndicator />
            <PendingOperationsBadge />
            <div data-testid="wall-widgets">{(0..WALL).map(widget).collect_view()}</div>
        </DashboardRealtimeProvider>
    }
}

/// Where its record is on the board, as text: of all leaves the one that others write most.
#[component]
fn Place() -> impl IntoView {
    let widget = try_use_widget().expect("a WidgetRealtime is around it");
    let path = LeafPath::new("layout/lg").expect("a path");
    let place = move || {
        let record = widget.record.get()?;
        Some(format!("{:?}", record.value(&path)?))
    };
    view! { <p>{place}</p> }
}

/// Its state by name, for the test to wait for.
#[component]
fn Connection() -> impl IntoView {
    let socket = use_websocket();
    view! { <p data-testid="connection">{move || socket.state.with(Connection::name)}</p> }
}

/// A note, leaf by leaf: each tells how often it ran.
#[component]
fn NoteLeaves(id: &'static str) -> impl IntoView {
    let note = use_realtime_updates::<Note>(RecordId::new(id).expect("an id"));
    let write = move |text: &'static str, build: fn(&mut EditBuilder, &RecordId)| {
        let press = move |_| {
            note.edit(text, build).expect("the edit is a valid one");
        };
        view! {
            <button type="button" data-testid=format!("{id} {text}") on:click=press>
                {text}
            </button>
        }
    };
    let leaf = move |name: &'static str, leaf: Leaf<String>| {
        let value = note.get(leaf);
        let runs = StoredValue::new(0_u32);
        let told = move || {
            runs.update_value(|runs| *runs += 1);
            let value = value.get().unwrap_or_default();
            format!("{value} ({})", runs.get_value())
        };
        view! { <p data-testid=format!("{id}/{name}")>{told}</p> }
    };
    view! {
        {leaf("title", builtin::TITLE)}
        {leaf("text", Note::TEXT)}
        {write("create", |edit, id| {
            edit.create(id, Note::NAME, []);
            edit.set(id, builtin::TITLE, "Title");
            edit.set(id, Note::TEXT, "Text");
        })}
        {write("retitle", |edit, id| edit.set(id, builtin::TITLE, "Another title"))}
        {write("rename", |edit, id| {
            let title = window().location().search().unwrap_or_default();
            edit.set(id, builtin::TITLE, title);
        })}
    }
}
