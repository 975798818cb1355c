//! The board itself: its widgets on the grid, or why there are none.

use driftless_leptos::RealtimeContext;
use driftless_sync::replica::view::Connection;
use leptos::html;
use leptos::prelude::*;

use crate::board::add_menu::AddMenuOpen;
use crate::board::refusal::RefusedBoard;
use crate::grid::metrics::{GAP_PX, Metrics, ROW_PX};
use crate::grid::pointer::GridPointer;
use crate::grid::state::Grid;
use crate::lock::BoardLock;
use crate::observe;
use crate::widgets::frame::Widget;
use driftless_leptos::erased::{When, changing, effect, handler, keyed, memo, reactive};

/// What the board shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Loading,
    Unreachable,
    Refused,
    Empty,
    Widgets,
}

/// The board.
#[component]
pub fn BoardCanvas() -> impl IntoView {
    let realtime = expect_context::<RealtimeContext>();
    let grid = expect_context::<Grid>();
    let shown = memo(move || {
        if !realtime.loaded.get() {
            if realtime.refusal.with(Option::is_some) {
                return Shown::Refused;
            }
            let is_away = realtime.status.with(|status| is_away(&status.connection));
            return if is_away {
                Shown::Unreachable
            } else {
                Shown::Loading
            };
        }
        if grid.order.with(Vec::is_empty) {
            Shown::Empty
        } else {
            Shown::Widgets
        }
    });
    view! {
        <main id="board" class="board" tabindex="-1" data-testid="board"
            data-version=reactive(move || realtime.version.get().0.to_string())
            data-loaded=reactive(move || realtime.loaded.get().to_string())>
            {changing(move || match shown.get() {
                Shown::Loading => view! { <LoadingBoard /> }.into_any(),
                Shown::Unreachable => view! { <UnreachableBoard /> }.into_any(),
                Shown::Refused => view! { <RefusedBoard /> }.into_any(),
                Shown::Empty => view! { <EmptyBoard /> }.into_any(),
                Shown::Widgets => view! { <Widgets /> }.into_any(),
            })}
        </main>
    }
}

fn is_away(connection: &Connection) -> bool {
    matches!(
        connection,
        Connection::Waiting { .. }
            | Connection::Offline
            | Connection::Unauthorised { .. }
            | Connection::Closed { .. }
    )
}

#[component]
fn Widgets() -> impl IntoView {
    let grid = expect_context::<Grid>();
    let container = NodeRef::<html::Div>::new();
    effect(move || {
        let Some(container) = container.get() else {
            return;
        };
        observe::on_resize(&container, move |element| {
            let width = element.get_bounding_client_rect().width();
            let metrics = Metrics::of(width);
            if width > 0.0 && grid.metrics.get_untracked() != metrics {
                grid.metrics.set(metrics);
            }
        });
    });
    let height = move || {
        let rows = f64::from(grid.layout.with(crate::grid::layout::Layout::rows));
        format!("{:.0}px", (rows * (ROW_PX + GAP_PX) - GAP_PX).max(0.0))
    };
    let widgets = keyed(
        move || grid.order.get(),
        ToString::to_string,
        |record| view! { <Widget record /> }.into_any(),
    );
    view! {
        <NarrowHint />
        <div
            node_ref=container
            class="grid"
            style:height=reactive(height)
            data-holding=reactive(move || grid.held.with(Option::is_some))
        >
            <Placeholder />
            {widgets}
        </div>
    }
}

/// Where the held widget would go.
#[component]
fn Placeholder() -> impl IntoView {
    let grid = expect_context::<Grid>();
    let rect = move || {
        let metrics = grid.metrics.get();
        grid.held
            .with(|held| held.as_ref().map(|held| metrics.rect(held.place())))
    };
    changing(move || {
        rect().map(|rect| {
            // Property by property: the page's policy lets no markup have a style of its own.
            view! {
                <div
                    class="placeholder"
                    data-testid="placeholder"
                    aria-hidden="true"
                    style:transform=format!("translate({:.2}px, {:.2}px)", rect.left, rect.top)
                    style:width=format!("{:.2}px", rect.width)
                    style:height=format!("{:.2}px", rect.height)
                ></div>
            }
        })
    })
}

/// Why nothing can be moved here.
#[component]
fn NarrowHint() -> impl IntoView {
    let grid = expect_context::<Grid>();
    let is_locked = expect_context::<BoardLock>().0;
    view! {
        <When is=move || !is_locked.get() && !grid.is_wide()>
            <p
                class="hint"
            >
                "Widgets are arranged on a wider window. Everything else can be edited here."
            </p>
        </When>
    }
}

#[component]
fn LoadingBoard() -> impl IntoView {
    // Shown by the stylesheet only after 300 ms.
    view! {
        <div class="board-skeleton" role="status" data-state="loading">
            <span class="visually-hidden">"Loading the board"</span>
            <div></div><div></div><div></div><div></div>
        </div>
    }
}

#[component]
fn UnreachableBoard() -> impl IntoView {
    view! {
        <div class="board-message" data-state="unreachable">
            <h2>"The server cannot be reached"</h2>
            <p
                class="muted"
            >
                "This device has no copy of the board yet. It appears as soon as the server "
                "answers; nothing else is to do."
            </p>
        </div>
    }
}

#[component]
fn EmptyBoard() -> impl IntoView {
    let is_locked = expect_context::<BoardLock>().0;
    let menu = expect_context::<AddMenuOpen>().0;
    let begin = move |_| {
        is_locked.set(false);
        // The menu appears with the unlocked bar, and this press must not close it again.
        request_animation_frame(move || menu.set(true));
    };
    view! {
        <div class="board-message" data-state="empty" data-testid="board-empty">
            <h2>"Nothing on this board yet"</h2>
            <p
                class="muted"
            >
                "Add a chart, a number, a list or a note. Everybody who has the board open sees it."
            </p>
            <button
                type="button"
                class="button"
                data-kind="primary"
                on:click=handler(begin)
            >
                "Add the first widget"
            </button>
        </div>
    }
}

/// Escape ends a gesture of the pointer without effect.
pub fn cancel_on_escape(pointer: GridPointer) {
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" {
            pointer.cancel();
        }
    });
    on_cleanup(move || listener.remove());
}
