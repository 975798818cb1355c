//! The providers.

use driftless_leptos::erased::changing;
use driftless_leptos::{RealtimeContext, SyncLedger};
use leptos::prelude::*;

use crate::control::{Told, switch};
use crate::examples::client_provider::SharedClient;
use crate::examples::provider::Dashboard;
use crate::scene::Scene;
use crate::stage::Plain;

/// The provider that makes its client.
pub fn page() -> AnyView {
    let (auto_connect, told) = (RwSignal::new(false), Told::new());
    let initialized = told.callback("on_initialized", |realtime: &RealtimeContext| {
        format!("{} records", realtime.record_ids.read_untracked().len())
    });
    let dashboard = move |board: &'static str, auto_connect| {
        view! {
            <Dashboard board auto_connect on_initialized=initialized />
        }
    };
    let playing = move || dashboard("gallery", auto_connect.get());
    view! {
        <section class="playground" aria-label="To be played with" data-testid="playground">
            <div class="screen">{changing(playing)}</div>
            <div class="panels">
                <fieldset class="panel">
                    <legend>"Properties"</legend>
                    {switch("auto_connect", auto_connect)}
                    {told.view()}
                </fieldset>
            </div>
        </section>
        <div class="stages">
            <Plain name="a board id that is none">{dashboard("no such id", false)}</Plain>
            <Plain name="no provider around a component"><SyncLedger /></Plain>
        </div>
    }
    .into_any()
}

/// The provider that is given a client.
pub fn client() -> AnyView {
    let scene = Scene::well();
    let shared = move || scene.with(|cast| cast.ann.client());
    view! {
        <div class="stages">
            <Plain name="a client of the test kit">
                <SharedClient client=shared() board="home" />
            </Plain>
            <Plain name="another board of the same client">
                <SharedClient client=shared() board="cellar" />
            </Plain>
            <Plain name="a board id that is none">
                <SharedClient client=shared() board="no such id" />
            </Plain>
        </div>
    }
    .into_any()
}
