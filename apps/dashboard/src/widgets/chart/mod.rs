//! Lines over time.

pub mod drawing;
pub mod readout;
pub mod painter;
pub mod canvas;

use std::rc::Rc;
use std::sync::Arc;

use driftless_feeds::FeedData;
use driftless_leptos::erased::{changing, effect, handler, memo, reactive};
use leptos::html;
use leptos::prelude::*;
use web_sys::PointerEvent;

use crate::browser;
use crate::observe;
use crate::plot::lines::Frame;
use crate::plot::summary::{Named, summary};
use crate::plot::times;
use crate::theme::ShownTheme;
use crate::widgets::chart::canvas::{Palette, Surface};
use crate::widgets::chart::drawing::{Request, compose, labels, samples, slots};
use crate::widgets::chart::readout::{Readout, read};
use crate::widgets::feed::LiveFeed;

/// The time that every chart marks, in milliseconds since 1970; in context.
#[derive(Clone, Copy)]
pub struct Crosshair(pub RwSignal<Option<f64>>);

/// Where the pointer is on this chart.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hover {
    x: f64,
    at_ms: f64,
    value: f64,
    is_right_half: bool,
}

/// The parts of a chart that its handlers share.
#[derive(Clone, Copy)]
struct Chart {
    feed: StoredValue<LiveFeed>,
    crosshair: Crosshair,
    canvas: NodeRef<html::Canvas>,
    /// As last drawn.
    frame: StoredValue<Option<Frame>>,
    hover: RwSignal<Option<Hover>>,
}

/// A chart of a feed.
#[component]
pub fn ChartBody(
    /// What it shows.
    feed: LiveFeed,
) -> impl IntoView {
    let chart = Chart {
        feed: StoredValue::new(feed.clone()),
        crosshair: expect_context(),
        canvas: NodeRef::new(),
        frame: StoredValue::new(None),
        hover: RwSignal::new(None),
    };
    chart.start_painting();
    let told = memo(move || chart.told());
    view! {
        <div class="chart">
            <div class="chart-plot">
                <canvas node_ref=chart.canvas data-testid="chart-canvas" role="img"
                    aria-label=reactive(move || told.get())
                    on:pointermove=move |event| chart.point_at(&event)
                    on:pointerleave=handler(move |_| chart.leave())
                ></canvas>
                {changing(move || chart.hover.get().map(|hover| chart.tooltip(hover)))}
            </div>
            <Legend feed />
        </div>
    }
}

impl Chart {
    fn feed(self) -> LiveFeed {
        self.feed.get_value()
    }

    fn told(self) -> String {
        let feed = self.feed();
        let title = feed.title.get();
        let unit = feed.unit.get();
        feed.data.with(|data| {
            let labels = labels(data);
            let named = labels.iter().zip(&data.series);
            let named: Vec<_> = named
                .map(|(name, series)| Named {
                    name,
                    samples: samples(series),
                })
                .collect();
            summary(&title, feed.query.window_s, &unit, &named)
        })
    }

    /// Draws when the canvas is there, and again whenever something that it shows has changed.
    fn start_painting(self) {
        let theme = expect_context::<ShownTheme>();
        let id = StoredValue::new(None);
        effect(move || {
            let Some(canvas) = self.canvas.get() else {
                return;
            };
            let chart = painter::add(Rc::new(move || self.draw()));
            id.set_value(Some(chart));
            observe::on_resize(&canvas, move |_| painter::mark(chart));
            observe::on_visibility(&canvas, move |is_on| painter::set_visible(chart, is_on));
            on_cleanup(move || painter::remove(chart));
        });
        let feed = self.feed();
        effect(move || {
            feed.data.track();
            feed.unit.track();
            theme.0.track();
            self.crosshair.0.track();
            if let Some(chart) = id.get_value() {
                painter::mark(chart);
            }
        });
    }

    fn draw(self) {
        let (Some(canvas), Some(feed)) = (self.canvas.get_untracked(), self.feed.try_get_value())
        else {
            return;
        };
        let (Some(palette), Some(surface)) = (Palette::of(&canvas), Surface::prepare(&canvas))
        else {
            return;
        };
        let data = feed.data.get_untracked();
        let unit = feed.unit.get_untracked();
        // The end of the window as of the newest frame: what is late or offline stays in sight.
        #[allow(
            clippy::cast_precision_loss,
            reason = "times in milliseconds fit an f64"
        )]
        let to_ms = data.span_ms().end as f64;
        let drawing = compose(&Request {
            data: &data,
            window_s: feed.query.window_s,
            to_ms,
            unit: &unit,
            size: surface.size(),
            offset_ms: browser::local_offset_ms(to_ms),
            text_width: &|text| surface.text_width(text, &palette),
        });
        let marked = self
            .crosshair
            .0
            .get_untracked()
            .map(|at_ms| drawing.frame.x(at_ms));
        let (left, right) = (drawing.frame.left, drawing.frame.left + drawing.frame.width);
        let marked = marked.filter(|x| (left..=right).contains(x));
        surface.draw(&drawing, &palette, marked);
        self.frame.set_value(Some(drawing.frame));
        let _ = canvas.set_attribute("data-points", &drawing.points().to_string());
    }

    fn point_at(self, event: &PointerEvent) {
        let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
        let Some(frame) = self.frame.get_value().filter(|frame| frame.contains(x, y)) else {
            return self.leave();
        };
        let at_ms = frame.time_at(x);
        let value =
            frame.low + (frame.top + frame.height - y) / frame.height * (frame.high - frame.low);
        let is_right_half = x > frame.left + frame.width / 2.0;
        self.hover.set(Some(Hover {
            x,
            at_ms,
            value,
            is_right_half,
        }));
        self.crosshair.0.set(Some(at_ms));
    }

    fn leave(self) {
        if self.hover.get_untracked().is_some() {
            self.hover.set(None);
            self.crosshair.0.set(None);
        }
    }

    fn tooltip(self, hover: Hover) -> impl IntoView {
        let feed = self.feed();
        let unit = feed.unit.get();
        let readout = feed
            .data
            .with(|data| read(data, &unit, hover.at_ms, hover.value));
        let side = if hover.is_right_half { "left" } else { "right" };
        view! {
            <div
                class="chart-tooltip"
                aria-hidden="true"
                data-side=side
                style:left=format!("{}px", hover.x)
            >
                <Reading readout />
            </div>
        }
    }
}

#[component]
fn Reading(readout: Readout) -> impl IntoView {
    let local_ms = readout.at_ms + browser::local_offset_ms(readout.at_ms);
    let is_empty = readout.rows.is_empty();
    let rows = readout.rows.into_iter().map(|row| {
        view! {
            <tr data-nearest=row.is_nearest>
                <td><span class="swatch" data-slot=row.color + 1></span>{row.label}</td>
                <td class="number">{row.text}</td>
            </tr>
        }
    });
    let hidden = (readout.hidden > 0).then(|| format!("and {} more", readout.hidden));
    view! {
        <p class="chart-tooltip-time">{times::clock(local_ms, true)}</p>
        <table><tbody>{rows.collect_view()}</tbody></table>
        {is_empty.then(|| view! { <p>"No data"</p> })}
        {hidden.map(|hidden| view! { <p class="muted">{hidden}</p> })}
    }
}

/// Which line is which; one line alone is what the title says. Renewed only when the set of series
/// changes.
#[component]
fn Legend(feed: LiveFeed) -> impl IntoView {
    let data: Signal<Arc<FeedData>> = feed.data;
    let entries = memo(move || {
        data.with(|data| {
            let slots = slots(data)
                .into_iter()
                .map(|slot| (slot.color, slot.is_dashed));
            labels(data).into_iter().zip(slots).collect::<Vec<_>>()
        })
    });
    let entry = |(label, (color, is_dashed)): (String, (usize, bool))| {
        view! {
            <li>
                <span class="swatch" data-slot=color + 1 data-dashed=is_dashed></span>
                {label}
            </li>
        }
    };
    changing(move || {
        let entries = entries.get();
        (entries.len() > 1).then(|| {
            view! {
                <ul class="chart-legend" aria-label="Series">
                    {entries.into_iter().map(entry).collect_view()}
                </ul>
            }
        })
    })
}
