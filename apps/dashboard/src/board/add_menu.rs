//! The menu that adds a widget.

use driftless_leptos::erased::handler;
use driftless_leptos::popover::Popover;
use driftless_model::RecordId;
use driftless_model::layout::place_new;
use leptos::prelude::*;

use crate::announcer::Announcer;
use crate::browser;
use crate::editing::Editor;
use crate::grid::layout::layout_leaf;
use crate::grid::metrics::{COLUMNS_WIDE, described};
use crate::grid::state::Grid;
use crate::widgets::kinds::{NEW_WIDGETS, NewWidget};

/// Whether the menu is open; in context, since an empty board opens it too.
#[derive(Clone, Copy)]
pub struct AddMenuOpen(pub RwSignal<bool>);

/// The button and its menu.
#[component]
pub fn AddMenu() -> impl IntoView {
    let open = expect_context::<AddMenuOpen>().0;
    let grid = expect_context::<Grid>();
    let editor = expect_context::<Editor>();
    let announcer = expect_context::<Announcer>();
    let add = move |new: NewWidget| {
        open.set(false);
        add_widget(new, grid, editor, announcer);
    };
    let trigger = || {
        view! {
            <span class="button" data-testid="add-widget">
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 3v10M3 8h10" /></svg>
                <span class="button-word">"Add widget"</span>
            </span>
        }
    };
    let entry = move |new: NewWidget| {
        view! {
            <li>
                <button
                    type="button"
                    class="menu-item"
                    data-testid=format!("add-{}", new.kind)
                    on:click=handler(move |_| add(new))
                >
                    <span class="menu-name">{new.name}</span>
                    <span class="muted">{new.hint}</span>
                </button>
            </li>
        }
    };
    view! {
        <Popover
            open
            trigger
            heading=Signal::stored("Kinds of widgets".to_owned())
        >
            <ul class="menu">{NEW_WIDGETS.map(entry).into_iter().collect_view()}</ul>
        </Popover>
    }
}

fn add_widget(new: NewWidget, grid: Grid, editor: Editor, announcer: Announcer) {
    let name = format!("w-{}", browser::random_hex());
    let id = RecordId::new(name).expect("hex digits are an id");
    let (width, height) = new.size();
    let placed = place_new(&grid.items_now(), COLUMNS_WIDE, &id, width, height);
    let Some((_, place)) = placed.writes.iter().find(|(written, _)| *written == id) else {
        return;
    };
    let place = *place;
    announcer.say(format!("Added {}", described(new.name, place)));
    let focus = format!("[data-record=\"{id}\"] [data-testid=widget-handle]");
    editor.edit(
        format!("Add {}", new.name.to_ascii_lowercase()),
        editor.seen(),
        move |edit| {
            edit.create(&id, new.kind, new.leaves(place));
            for (other, place) in placed.writes.iter().filter(|(written, _)| *written != id) {
                edit.set(other, layout_leaf(), place.to_value());
            }
        },
    );
    // It may be below the screen: the focus brings it into view.
    browser::focus_soon(focus);
}
