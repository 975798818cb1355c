//! Where something is shown: in one state, or to be played with.

use driftless_leptos::{DashboardClientProvider, Toaster};
use driftless_model::Role;
use leptos::prelude::*;

use crate::control::button;
use crate::network_panel::NetworkPanel;
use crate::scene::{BOARD, Scene};

/// Something in one state.
#[component]
pub fn Stage(
    /// The state.
    name: &'static str,
    /// The world in which it is in that state.
    scene: Scene,
    /// What is shown.
    children: Children,
) -> impl IntoView {
    let client = scene.with(|cast| cast.ann.client());
    view! {
        <section class="stage" aria-label=name data-testid="stage" data-stage=name>
            <h3>{name}</h3>
            <div class="screen">
                <DashboardClientProvider client board=BOARD>{children()}</DashboardClientProvider>
            </div>
        </section>
    }
}

/// Something that knows no board, in one state.
#[component]
pub fn Plain(
    /// The state.
    name: &'static str,
    /// What is shown.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="stage" aria-label=name data-testid="stage" data-stage=name>
            <h3>{name}</h3>
            <div class="screen">{children()}</div>
        </section>
    }
}

/// Something to be played with: its properties, what happens around it, and the network.
#[component]
pub fn Playground(
    /// Controls of its properties, and what its callbacks were told.
    properties: AnyView,
    /// What is shown.
    children: Children,
) -> impl IntoView {
    let scene = Scene::well();
    let client = scene.with(|cast| cast.ann.client());
    view! {
        <section class="playground" aria-label="To be played with" data-testid="playground">
            <div class="screen">
                <DashboardClientProvider client board=BOARD>
                    {children()}
                    <Toaster />
                </DashboardClientProvider>
            </div>
            <div class="panels">
                <fieldset class="panel">
                    <legend>"Properties"</legend>
                    {properties}
                </fieldset>
                <fieldset class="panel">
                    <legend>"What happens"</legend>
                    {happenings(scene)}
                </fieldset>
                <NetworkPanel scene />
            </div>
        </section>
    }
}

fn happenings(scene: Scene) -> AnyView {
    let act = move |name, act: fn(&crate::scene::Cast)| button(name, move || scene.with(act));
    view! {
        <div class="acts">
            {act("Ann renames the note", |cast| cast.rename_anew(&cast.ann))}
            {act("Bob renames it", |cast| cast.rename_anew(&cast.bob))}
            {act("Ann goes offline", |cast| cast.ann.go_offline())}
            {act("Ann goes online", |cast| cast.ann.go_online())}
            {act("Ann may only look", |cast| cast.kit.server().set_role("Ann", Role::Viewer))}
            {act("Ann may edit", |cast| cast.kit.server().set_role("Ann", Role::Editor))}
            {act("The server is killed", |cast| cast.kit.server().kill())}
            {act("The server starts", |cast| cast.kit.server().start())}
            {act("Both write the same", crate::scene::Cast::conflict)}
        </div>
    }
    .into_any()
}
