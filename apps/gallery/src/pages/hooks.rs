//! The hooks.

use leptos::prelude::*;

use crate::examples::hooks::Title;
use crate::scene::{Cast, Scene, note};
use crate::stage::{Playground, Stage};

pub fn page() -> AnyView {
    let none = view! { <p class="muted">"Hooks have none."</p> }.into_any();
    let states = STATES.map(|(name, then)| {
        let scene = Scene::open(|_| {}, then);
        view! { <Stage name scene><Title id=note() /></Stage> }
    });
    view! {
        <Playground properties=none><Title id=note() /></Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
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
