//! When charts are drawn: one animation frame for all of them, for those that changed and are on
//! the screen.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::request_animation_frame;

/// A chart that the painter knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChartId(u64);

struct Known {
    id: ChartId,
    is_dirty: bool,
    is_visible: bool,
    draw: Rc<dyn Fn()>,
}

#[derive(Default)]
struct Painter {
    charts: Vec<Known>,
    last: u64,
    is_due: bool,
}

thread_local! {
    static PAINTER: RefCell<Painter> = RefCell::default();
}

/// Adds a chart: visible, and to be drawn.
pub fn add(draw: Rc<dyn Fn()>) -> ChartId {
    let id = PAINTER.with_borrow_mut(|painter| {
        painter.last += 1;
        let id = ChartId(painter.last);
        painter.charts.push(Known {
            id,
            is_dirty: true,
            is_visible: true,
            draw,
        });
        id
    });
    schedule();
    id
}

/// Forgets a chart.
pub fn remove(id: ChartId) {
    PAINTER.with_borrow_mut(|painter| painter.charts.retain(|chart| chart.id != id));
}

/// What the chart shows has changed.
pub fn mark(id: ChartId) {
    change(id, |chart| chart.is_dirty = true);
}

/// Whether the chart is on the screen.
pub fn set_visible(id: ChartId, is_visible: bool) {
    change(id, |chart| chart.is_visible = is_visible);
}

fn change(id: ChartId, change: impl FnOnce(&mut Known)) {
    PAINTER.with_borrow_mut(|painter| {
        if let Some(chart) = painter.charts.iter_mut().find(|chart| chart.id == id) {
            change(chart);
        }
    });
    schedule();
}

fn schedule() {
    let is_new = PAINTER.with_borrow_mut(|painter| {
        let is_needed = painter
            .charts
            .iter()
            .any(|chart| chart.is_dirty && chart.is_visible);
        let is_new = is_needed && !painter.is_due;
        painter.is_due |= is_new;
        is_new
    });
    if is_new {
        request_animation_frame(paint);
    }
}

fn paint() {
    let due: Vec<Rc<dyn Fn()>> = PAINTER.with_borrow_mut(|painter| {
        painter.is_due = false;
        let due = painter
            .charts
            .iter_mut()
            .filter(|chart| chart.is_dirty && chart.is_visible);
        due.map(|chart| {
            chart.is_dirty = false;
            Rc::clone(&chart.draw)
        })
        .collect()
    });
    // Drawn without the painter borrowed: a drawing may mark others.
    for draw in due {
        draw();
    }
}
