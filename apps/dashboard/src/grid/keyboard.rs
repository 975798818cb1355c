//! Moving and resizing by keyboard: Enter takes the widget, arrows move it, Shift and arrows resize
//! it, Enter drops it, Escape puts it back.

use driftless_model::RecordId;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::browser;
use crate::grid::metrics::Grip;
use crate::grid::state::Grid;

/// A key on a widget's handle.
pub fn on_handle_key(grid: Grid, event: &KeyboardEvent, record: &RecordId) {
    let is_holding = holds(grid, record);
    let key = event.key();
    match (key.as_str(), is_holding) {
        ("Enter" | " ", false) => {
            grid.take(record, Grip::Header, grid.seen(), None);
            grid.say_place();
        }
        ("Enter" | " ", true) => {
            grid.drop_held();
            focus_handle(record);
        }
        ("Escape", true) => grid.cancel(),
        (_, true) => match arrow(&key) {
            Some(by) if event.shift_key() => {
                grid.change(|held, items| held.stretch(items, by));
                grid.say_place();
            }
            Some(by) => {
                grid.change(|held, items| held.step(items, by));
                grid.say_place();
            }
            None => return,
        },
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

/// The handle lost the focus: what it held under the keyboard is dropped where it is.
pub fn on_handle_blur(grid: Grid, record: &RecordId) {
    if holds(grid, record) {
        grid.drop_held();
    }
}

/// Whether this widget is held under the keyboard.
fn holds(grid: Grid, record: &RecordId) -> bool {
    grid.held.with_untracked(|held| {
        held.as_ref()
            .is_some_and(|held| held.record == *record && held.by_px.is_none())
    })
}

fn arrow(key: &str) -> Option<(i64, i64)> {
    match key {
        "ArrowLeft" => Some((-1, 0)),
        "ArrowRight" => Some((1, 0)),
        "ArrowUp" => Some((0, -1)),
        "ArrowDown" => Some((0, 1)),
        _ => None,
    }
}

/// The drop may have moved the widget in the document, and the focus with it to nowhere.
fn focus_handle(record: &RecordId) {
    browser::focus_soon(format!(
        "[data-record=\"{record}\"] [data-testid=\"widget-handle\"]"
    ));
}
