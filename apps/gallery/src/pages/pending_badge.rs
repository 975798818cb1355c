//! What is not on the server yet.

use driftless_client::NetworkConditions;
use driftless_leptos::OperationFailure;
use driftless_leptos::erased::changing;
use driftless_model::{EditId, Role, Version};
use driftless_testkit::TestKit;
use leptos::prelude::*;

use crate::control::{Told, number, switch};
use crate::examples::pending_badge::Pending;
use crate::scene::{Cast, Scene, board, rename};
use crate::stage::{Playground, Stage};

pub fn page() -> AnyView {
    let told = Told::new();
    let (show_details, max_display) = (RwSignal::new(true), RwSignal::new(3));
    let complete = told.callback(
        "on_operation_complete",
        |(_, version): &(EditId, Version)| version.to_string(),
    );
    let fail = told.callback("on_operation_fail", |failure: &OperationFailure| {
        format!("{}: {}", failure.label, failure.detail)
    });
    let properties = view! {
        {switch("show_details", show_details)}
        {number("max_display", max_display, 8, |count| count.to_string())}
        {told.view()}
    };
    let badge = move |show_details, max_display: u32| {
        view! {
            <Pending show_details max_display=max_display as usize
                on_operation_complete=complete on_operation_fail=fail />
        }
    };
    let playing = move || badge(show_details.get(), max_display.get());
    let states = STATES.map(|(name, before, then)| {
        let scene = Scene::frozen(before, then);
        view! { <Stage name scene>{badge(true, 3)}</Stage> }
    });
    view! {
        <Playground properties=properties.into_any()>{changing(playing)}</Playground>
        <div class="stages">{states.into_iter().collect_view()}</div>
    }
    .into_any()
}

type State = (&'static str, fn(&TestKit), fn(&Cast));

const STATES: [State; 6] = [
    ("empty", |_| {}, |_| {}),
    (
        "pending",
        |_| {},
        |cast| {
            cast.ann.go_offline();
            (0..5).for_each(|_| cast.rename_anew(&cast.ann));
            cast.kit.advance_ms(100);
        },
    ),
    ("sent, without an answer", |_| {}, under_way),
    (
        "being taken back",
        |_| {},
        |cast| {
            under_way(cast);
            for entry in cast.ann.client().board(board()).pending() {
                entry.roll_back().expect("it waits");
            }
            cast.kit.advance_ms(100);
        },
    ),
    ("in conflict", |_| {}, Cast::conflict),
    (
        "refused",
        |kit| kit.server().set_role("Ann", Role::Viewer),
        |cast| {
            rename(&cast.ann, "By a viewer");
            cast.kit.advance_ms(4_000);
        },
    ),
];

/// On its way to a server that does not get it.
fn under_way(cast: &Cast) {
    let mut conditions = NetworkConditions::none();
    conditions.is_cut = true;
    cast.ann.network().set(conditions);
    cast.rename_anew(&cast.ann);
    cast.kit.advance_ms(100);
}
