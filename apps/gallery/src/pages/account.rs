//! What became of each change, what coming back cost, and how fast it all is.

use driftless_client::{Ledger, NetworkConditions};
use driftless_leptos::PerformanceSample;
use driftless_leptos::erased::changing;
use driftless_model::EditId;
use driftless_testkit::TestKit;
use leptos::prelude::*;

use crate::control::{Told, number};
use crate::examples::ledger::Account;
use crate::examples::performance::Speed;
use crate::examples::receipts::Latest;
use crate::examples::reconnect::LastConnection;
use crate::examples::widget::Thermometer;
use crate::scene::{BOARD, Cast, NOTE, Scene};
use crate::stage::{Playground, Stage};

type State = (&'static str, fn(&TestKit), fn(&Cast));

fn shown_in(states: &[State], shown: impl Fn() -> AnyView + Copy + Send + 'static) -> AnyView {
    let all = states.iter().map(|(name, before, then)| {
        let scene = Scene::frozen(*before, *then);
        view! { <Stage name=*name scene>{shown()}</Stage> }
    });
    view! { <div class="stages">{all.collect_view()}</div> }.into_any()
}

/// The receipts.
pub fn receipts() -> AnyView {
    let max_display = RwSignal::new(3);
    let properties = number("max_display", max_display, 8, |count| count.to_string());
    let playing = move || view! { <Latest max_display=max_display.get() as usize /> };
    view! {
        <Playground properties>{changing(playing)}</Playground>
        {shown_in(&[
            ("empty", |_| {}, |_| {}),
            ("stored here", |_| {}, |cast| {
                cast.ann.go_offline();
                cast.rename_anew(&cast.ann);
                cast.kit.advance_ms(100);
            }),
            ("sent, without an answer", |_| {}, |cast| {
                let mut conditions = NetworkConditions::none();
                conditions.is_cut = true;
                cast.ann.network().set(conditions);
                cast.rename_anew(&cast.ann);
                cast.kit.advance_ms(100);
            }),
            ("committed", |_| {}, |cast| {
                let mut conditions = NetworkConditions::none();
                conditions.latency_ms = 20;
                cast.ann.network().set(conditions);
                cast.rename_anew(&cast.ann);
                cast.kit.advance_ms(1_000);
            }),
            ("seen by another", |_| {}, |cast| {
                cast.rename_anew(&cast.ann);
                cast.kit.advance_ms(1_000);
                let board = cast.ann.client().board(BOARD);
                for receipt in board.receipts() {
                    board.ask_screens(receipt.id);
                }
                cast.kit.advance_ms(1_000);
            }),
        ], || view! { <Latest max_display=3 /> }.into_any())}
    }
    .into_any()
}

/// The ledger.
pub fn ledger() -> AnyView {
    let told = Told::new();
    let on_trouble = told.callback("on_trouble", |ledger: &Ledger| {
        format!("{} lost, {} doubled", ledger.lost, ledger.doubled)
    });
    view! {
        <Playground properties=told.view()><Account on_trouble /></Playground>
        {shown_in(&[
            ("nothing was made", |_| {}, |_| {}),
            ("applied, pending and in conflict", |_| {}, |cast| {
                (0..4).for_each(|_| cast.rename_anew(&cast.ann));
                cast.kit.advance_ms(1_000);
                cast.conflict();
                cast.ann.go_offline();
                (0..2).for_each(|_| cast.rename_anew(&cast.ann));
                cast.kit.advance_ms(100);
            }),
            ("an edit is lost", |_| {}, |cast| {
                cast.misreport(|_| vec![(0, EditId(1)), (1, EditId(2))]);
            }),
            ("an edit is there twice", |_| {}, |cast| cast.misreport(|hers| vec![(1, hers)])),
        ], move || view! { <Account on_trouble /> }.into_any())}
    }
    .into_any()
}

/// What the last connection brought.
pub fn reconnect() -> AnyView {
    let none = view! { <p class="muted">"It has none."</p> }.into_any();
    view! {
        <Playground properties=none><LastConnection /></Playground>
        {shown_in(&[
            ("none", |kit| kit.server().kill(), |_| {}),
            ("whole", |_| {}, |_| {}),
            ("delta", |_| {}, |cast| {
                cast.ann.go_offline();
                (0..50).for_each(|_| cast.rename_anew(&cast.bob));
                cast.kit.advance_ms(500);
                cast.ann.go_online();
                cast.kit.advance_ms(4_000);
            }),
        ], || view! { <LastConnection /> }.into_any())}
    }
    .into_any()
}

/// How fast everything is.
pub fn performance() -> AnyView {
    let told = Told::new();
    let on_sample = told.callback("on_sample", |sample: &PerformanceSample| {
        format!("{} queued, {} sealed", sample.queued, sample.sealed)
    });
    view! {
        <Playground properties=told.view()>
            <Account on_trouble=Callback::new(|_| {}) />
            <Thermometer widget_id=NOTE enable_optimistic=true paused=false is_broken=false
                on_update=Callback::new(|_| {}) on_sync=Callback::new(|_| {})
                on_error=Callback::new(|_| {}) />
            <Speed on_sample />
        </Playground>
    }
    .into_any()
}
