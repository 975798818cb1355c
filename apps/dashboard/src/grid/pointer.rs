//! Moving and resizing by pointer: pressed, moved by more than a tremble, released.

use driftless_client::SeenMark;
use driftless_model::RecordId;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, PointerEvent};

use crate::browser;
use crate::grid::metrics::Grip;
use crate::grid::state::Grid;

/// A press that moves less is a click, in pixels.
const TREMBLE_PX: f64 = 4.0;

/// Near the edge of the screen the page scrolls, in pixels.
const SCROLL_EDGE_PX: f64 = 48.0;

/// How fast it scrolls at the very edge, in pixels a frame.
const SCROLL_PX_MAX: f64 = 18.0;

/// A pressed pointer.
#[derive(Clone)]
struct Press {
    pointer: i32,
    record: RecordId,
    grip: Grip,
    seen: SeenMark,
    /// In the document, so that scrolling counts as movement.
    from: (f64, f64),
    /// On the screen, as of the last event.
    last: (f64, f64),
}

/// The pointer on the grid; in context.
#[derive(Clone, Copy)]
pub struct GridPointer {
    grid: Grid,
    press: StoredValue<Option<Press>>,
}

impl GridPointer {
    /// For a grid.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            press: StoredValue::new(None),
        }
    }

    /// The grid that it is on.
    pub fn grid(self) -> Grid {
        self.grid
    }

    /// The pointer is pressed on a header or handle. Buttons in a header stay buttons.
    pub fn down(self, event: &PointerEvent, record: &RecordId, grip: Grip) {
        if event.button() != 0 || !self.grid.is_wide() || is_on_button(event) {
            return;
        }
        let taken = event
            .current_target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let Some(element) = taken else { return };
        // Refused only for a pointer that is gone already.
        let _ = element.set_pointer_capture(event.pointer_id());
        let at = screen(event);
        self.press.set_value(Some(Press {
            pointer: event.pointer_id(),
            record: record.clone(),
            grip,
            seen: self.grid.seen(),
            from: in_document(at),
            last: at,
        }));
    }

    /// The pointer moves.
    pub fn moved(self, event: &PointerEvent) {
        let Some(mut press) = self.press.get_value() else {
            return;
        };
        if press.pointer != event.pointer_id() {
            return;
        }
        press.last = screen(event);
        self.press.set_value(Some(press.clone()));
        if self.is_holding() {
            self.follow();
        } else if distance(moved_by(&press)) >= TREMBLE_PX {
            self.grid
                .take(&press.record, press.grip, press.seen, Some((0.0, 0.0)));
            self.follow();
            self.scroll_at_the_edge();
        }
    }

    /// The pointer is released.
    pub fn up(self, event: &PointerEvent) {
        let press = self
            .press
            .get_value()
            .filter(|press| press.pointer == event.pointer_id());
        if press.is_some() {
            self.press.set_value(None);
            self.grid.drop_held();
        }
    }

    /// The gesture ends without effect.
    pub fn cancel(self) {
        if self.press.get_value().is_some() {
            self.press.set_value(None);
            self.grid.cancel();
        }
    }

    fn is_holding(self) -> bool {
        self.grid.held.with_untracked(Option::is_some)
    }

    fn follow(self) {
        let Some(press) = self.press.get_value() else {
            return;
        };
        let metrics = self.grid.metrics.get_untracked();
        let by_px = moved_by(&press);
        self.grid
            .change(move |held, items| held.drag(items, by_px, &metrics));
    }

    /// Scrolls, frame by frame, for as long as something is held near an edge.
    fn scroll_at_the_edge(self) {
        let Some(press) = self.press.try_get_value().flatten() else {
            return;
        };
        if !self.is_holding() {
            return;
        }
        let speed = scroll_speed(press.last.1);
        if speed != 0.0 {
            browser::window().scroll_by_with_x_and_y(0.0, speed);
            self.follow();
        }
        request_animation_frame(move || self.scroll_at_the_edge());
    }
}

fn is_on_button(event: &PointerEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    let inside = |element: Element| {
        element
            .closest("button, input, textarea, [data-part=popover-panel]")
            .ok()
            .flatten()
    };
    target.and_then(inside).is_some()
}

fn screen(event: &PointerEvent) -> (f64, f64) {
    (f64::from(event.client_x()), f64::from(event.client_y()))
}

fn in_document(at: (f64, f64)) -> (f64, f64) {
    let window = browser::window();
    (
        at.0 + window.scroll_x().unwrap_or(0.0),
        at.1 + window.scroll_y().unwrap_or(0.0),
    )
}

fn moved_by(press: &Press) -> (f64, f64) {
    let now = in_document(press.last);
    (now.0 - press.from.0, now.1 - press.from.1)
}

fn distance(by: (f64, f64)) -> f64 {
    by.0.hypot(by.1)
}

/// Up is negative; zero away from the edges. The bar at the top covers part of the board.
fn scroll_speed(y: f64) -> f64 {
    let window = browser::window();
    let height = window
        .inner_height()
        .ok()
        .and_then(|height| height.as_f64())
        .unwrap_or(0.0);
    let document = window.document();
    let bar = document.and_then(|document| document.query_selector(".top-bar").ok().flatten());
    let top = bar.map_or(0.0, |bar| bar.get_bounding_client_rect().bottom().max(0.0));
    let above = (top + SCROLL_EDGE_PX - y) / SCROLL_EDGE_PX;
    let below = (y - (height - SCROLL_EDGE_PX)) / SCROLL_EDGE_PX;
    let speed = (below.clamp(0.0, 1.0) - above.clamp(0.0, 1.0)) * SCROLL_PX_MAX;
    speed.min(room_below(height))
}

/// How far the board goes on below the screen. What is held reaches over the board's end, and would
/// make the page longer without end.
fn room_below(height: f64) -> f64 {
    let window = browser::window();
    let body = window.document().and_then(|document| document.body());
    let end = body.map_or(0.0, |body| f64::from(body.offset_height()));
    (end - height - window.scroll_y().unwrap_or(0.0)).max(0.0)
}
