//! The connection.

use driftless_leptos::erased::changing;
use driftless_protocol::CloseCode;
use driftless_sync::replica::view::Connection;
use leptos::prelude::*;

use crate::control::{Told, switch};
use crate::examples::sync_indicator::Status;
use crate::scene::{Cast, Scene};
use crate::stage::{Playground, Stage};

pub fn page() -> AnyView {
    let (show_details, told) = (RwSignal::new(true), Told::new());
    let properties = view! { {switch("show_details", show_details)} {told.view()} }.into_any();
    let changed = told.callback("on_status_change", |state: &Connection| {
        state.name().to_owned()
    });
    let playing = move || {
        view! {
            <Status show_details=show_details.get() on_status_change=changed />
        }
    };
    let states = STATES.map(|(name, then)| {
        let scene = Scene::frozen(|_| {}, then);
        view! { <Stage name scene><Status show_details=true /></Stage> }
    });
    view! {
        <Playground properties>{changing(playing)}</Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
}

type State = (&'static str, fn(&Cast));

const STATES: [State; 7] = [
    ("online", |_| {}),
    ("idle", |cast| {
        cast.ann.client().disconnect();
        cast.kit.settle();
    }),
    ("connecting", |cast| {
        cast.ann.cut_cable();
        cast.ann.client().disconnect();
        cast.ann.client().connect();
        cast.kit.settle();
    }),
    ("waiting", |cast| {
        cast.kit.server().kill();
        cast.kit.settle();
    }),
    ("offline", |cast| cast.ann.go_offline()),
    ("unauthorised", |cast| {
        cast.kit.server().turn_away(Some(CloseCode::Unauthorised));
        cast.kit.settle();
    }),
    ("closed", |cast| {
        cast.kit.server().turn_away(Some(CloseCode::Protocol));
        cast.kit.settle();
    }),
];
