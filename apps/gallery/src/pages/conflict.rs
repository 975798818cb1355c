//! Conflicts.

use driftless_leptos::erased::changing;
use driftless_leptos::{AutoResolve, ConflictDecision};
use leptos::prelude::*;

use crate::control::{Told, choice};
use crate::examples::conflict::Conflicts;
use crate::scene::{Cast, Scene, board, note, rename};
use crate::stage::{Playground, Stage};

const WAYS: [AutoResolve; 3] = [AutoResolve::Never, AutoResolve::Mine, AutoResolve::Theirs];

pub fn page() -> AnyView {
    let (way, told) = (RwSignal::new(0_usize), Told::new());
    let resolved = told.callback("on_conflict_resolved", |decision: &ConflictDecision| {
        format!("{}: {:?}", decision.label, decision.settlement)
    });
    let dismissed = told.callback("on_conflict_dismissed", ToString::to_string);
    let properties = view! {
        {choice("auto_resolve", way, &["Never", "Mine", "Theirs"])}
        {told.view()}
    };
    let conflicts = move |auto_resolve| {
        view! {
            <Conflicts auto_resolve on_conflict_resolved=resolved on_conflict_dismissed=dismissed />
        }
    };
    let states = STATES.map(|(name, then)| {
        let scene = Scene::open(|_| {}, then);
        view! { <Stage name scene>{conflicts(AutoResolve::Never)}</Stage> }
    });
    view! {
        <Playground properties=properties.into_any()>
            {changing(move || conflicts(WAYS[way.get()]))}
            <p class="muted">"Press “Both write the same”."</p>
        </Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
}

type State = (&'static str, fn(&Cast));

const STATES: [State; 3] = [
    ("no conflict", |_| {}),
    ("both wrote the same", Cast::conflict),
    ("the other removed it", |cast| {
        cast.ann.go_offline();
        rename(&cast.ann, "Dinner");
        cast.bob
            .edit(&board(), "Remove the note", |edit| edit.remove(note()));
        cast.kit.advance_ms(500);
        cast.ann.go_online();
        cast.kit.advance_ms(4_000);
    }),
];
