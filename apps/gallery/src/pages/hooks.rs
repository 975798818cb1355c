//! The hooks.

use driftless_leptos::{
    OperationFailure, UseBackgroundSyncOptions, UseRealtimeUpdatesOptions, UseWebsocketOptions,
    WaitingEdit,
};
use driftless_model::{EditId, Version};
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::control::{Told, title_of};
use crate::examples::hooks::Title;
use crate::scene::{Cast, Scene, note};
use crate::stage::{Playground, Stage};

pub fn page() -> AnyView {
    let told = Told::new();
    let states = STATES.map(|(name, then)| {
        let scene = Scene::open(|_| {}, then);
        view! { <Stage name scene><Title id=note() /></Stage> }
    });
    view! {
        <Playground properties=told.view()>{listening(told)}</Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
}

/// The hooks, each with all that it tells.
fn listening(told: Told) -> AnyView {
    let mut of_socket = UseWebsocketOptions::default();
    let state = |state: &Connection| state.name().to_owned();
    of_socket.on_status_change = Some(told.callback("on_status_change", state));
    let mut of_outbox = UseBackgroundSyncOptions::default();
    let version = |(_, version): &(EditId, Version)| version.to_string();
    of_outbox.on_operation_complete = Some(told.callback("on_operation_complete", version));
    let failed = |failure: &OperationFailure| failure.label.clone();
    of_outbox.on_operation_fail = Some(told.callback("on_operation_fail", failed));
    let mut of_note = UseRealtimeUpdatesOptions::default();
    of_note.on_update = Some(told.callback("on_update", title_of));
    of_note.on_sync = Some(told.callback("on_sync", |version: &Version| version.to_string()));
    let waiting = |edit: &WaitingEdit| edit.label.clone();
    of_note.on_waiting = Some(told.callback("on_waiting", waiting));
    view! { <Title id=note() of_socket of_outbox of_note /> }.into_any()
}

type State = (&'static str, fn(&Cast));

const STATES: [State; 3] = [
    ("live", |_| {}),
    ("pending", |cast| {
        cast.ann.go_offline();
        cast.rename_anew(&cast.ann);
    }),
    ("in conflict", Cast::conflict),
];
