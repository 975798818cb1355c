//! The providers.

use driftless_leptos::erased::changing;
use driftless_leptos::{RealtimeContext, SyncLedger};
use driftless_testkit::Disk;
use leptos::prelude::*;

use crate::control::{Told, button, switch};
use crate::examples::client_provider::SharedClient;
use crate::examples::provider::Dashboard;
use crate::scene::Scene;
use crate::stage::Plain;

/// The provider that makes its client.
pub fn page() -> AnyView {
    let (auto_connect, told) = (RwSignal::new(false), Told::new());
    let on_initialized = told.callback("on_initialized", records);
    let on_error = told.callback("on_error", ToString::to_string);
    let dashboard = move |board: &'static str, auto_connect| {
        view! {
            <Dashboard board auto_connect on_initialized on_error />
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
    let (scene, told) = (Scene::well(), Told::new());
    let on_initialized = told.callback("on_initialized", records);
    let on_error = told.callback("on_error", ToString::to_string);
    let shared = move |board: &'static str| {
        let client = scene.with(|cast| cast.ann.client());
        view! { <SharedClient client board on_initialized on_error /> }
    };
    let fill_disk = move || {
        scene.with(|cast| {
            cast.ann.set_disk(Disk::Full);
            cast.rename_anew(&cast.ann);
        });
    };
    view! {
        <div class="stages">
            <Plain name="a client of the test kit">{shared("home")}</Plain>
            <Plain name="another board of the same client">{shared("cellar")}</Plain>
            <Plain name="a board id that is none">{shared("no such id")}</Plain>
        </div>
        <fieldset class="panel">
            <legend>"What happens"</legend>
            {button("Ann’s disk is full, and she renames the note", fill_disk)}
            {told.view()}
        </fieldset>
    }
    .into_any()
}

fn records(realtime: &RealtimeContext) -> String {
    format!("{} records", realtime.record_ids.read_untracked().len())
}
