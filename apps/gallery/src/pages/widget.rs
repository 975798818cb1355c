//! A widget.

use driftless_client::NetworkConditions;
use driftless_leptos::WidgetError;
use driftless_leptos::erased::changing;
use driftless_model::{Role, Version};
use driftless_testkit::TestKit;
use leptos::prelude::*;

use crate::control::{Told, switch, title_of};
use crate::examples::widget::Thermometer;
use crate::scene::{Cast, NOTE, Scene, rename};
use crate::stage::{Playground, Stage};

pub fn page() -> AnyView {
    let told = Told::new();
    let (optimistic, paused) = (RwSignal::new(true), RwSignal::new(false));
    let broken = RwSignal::new(false);
    let on_update = told.callback("on_update", title_of);
    let on_sync = told.callback("on_sync", |version: &Version| version.to_string());
    let on_error = told.callback("on_error", |error: &WidgetError| format!("{error:?}"));
    let properties = view! {
        {switch("enable_optimistic", optimistic)}
        {switch("paused", paused)}
        {switch("an error inside", broken)}
        {told.view()}
    };
    let widget = move |widget_id: &'static str, enable_optimistic, paused, is_broken| {
        view! {
            <Thermometer widget_id enable_optimistic paused is_broken
                on_update on_sync on_error />
        }
    };
    let playing = move || widget(NOTE, optimistic.get(), paused.get(), broken.get());
    let states = STATES.map(|(name, before, then)| {
        let scene = Scene::open(before, then);
        let record = if name == "missing" { "nothing" } else { NOTE };
        view! { <Stage name scene>{widget(record, true, name == "paused", name == "error")}</Stage> }
    });
    view! {
        <Playground properties=properties.into_any()>{changing(playing)}</Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
}

type State = (&'static str, fn(&TestKit), fn(&Cast));

const STATES: [State; 10] = [
    ("live", |_| {}, |_| {}),
    ("paused", |_| {}, |_| {}),
    (
        "forbidden",
        |_| {},
        |cast| {
            cast.kit.server().set_role("Ann", Role::None);
            cast.kit.advance_ms(200);
        },
    ),
    (
        "late",
        |_| {},
        |cast| {
            cast.push_sample();
            cast.has_samples.set(false);
        },
    ),
    (
        "pending",
        |_| {},
        |cast| {
            let mut conditions = NetworkConditions::none();
            conditions.latency_ms = 600_000;
            cast.ann.network().set(conditions);
            rename(&cast.ann, "Dinner");
        },
    ),
    ("conflict", |_| {}, Cast::conflict),
    ("offline", |_| {}, |cast| cast.ann.go_offline()),
    ("error", |_| {}, |_| {}),
    ("loading", |kit| kit.server().kill(), |_| {}),
    ("missing", |_| {}, |_| {}),
];
