//! One number, large, with its recent past.

use leptos::prelude::*;

use crate::plot::lines::{Frame, Pixel, lines};
use crate::widgets::chart::drawing::samples;
use crate::widgets::feed::LiveFeed;
use crate::widgets::rows;
use driftless_leptos::erased::{changing, memo, reactive};

/// The sparkline's own units, scaled to the widget by the stylesheet.
const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 40.0;

/// The latest value of the first series.
#[component]
pub fn StatBody(
    /// What it shows.
    feed: LiveFeed,
) -> impl IntoView {
    let (data, unit) = (feed.data, feed.unit);
    let value = memo(move || data.with(|data| rows::single(data).map(|(_, value)| value)));
    let parts = memo(move || unit.with(|unit| unit.parts(value.get().unwrap_or(f64::NAN))));
    let path = move || spark(&feed);
    view! {
        <div class="stat">
            <p class="stat-value" data-testid="stat-value">
                <span class="stat-number">{changing(move || parts.get().0)}</span>
                <span class="stat-unit">{changing(move || parts.get().1)}</span>
            </p>
            <svg
                class="stat-spark"
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                aria-hidden="true"
            >
                <path d=reactive(path) vector-effect="non-scaling-stroke" />
            </svg>
        </div>
    }
}

/// The first series as a path over the whole area, from its least to its greatest value.
#[allow(
    clippy::cast_precision_loss,
    reason = "times in milliseconds fit an f64"
)]
fn spark(feed: &LiveFeed) -> String {
    feed.data.with(|data| {
        let Some(series) = data.series.first() else {
            return String::new();
        };
        let samples = samples(series);
        let (low, high) = samples.range().unwrap_or((0.0, 1.0));
        let flat = (high - low).abs() < f64::EPSILON * high.abs().max(1.0);
        let (low, high) = if flat {
            (low - 1.0, high + 1.0)
        } else {
            (low, high)
        };
        let span = data.span_ms();
        let frame = Frame {
            left: 0.0,
            top: 2.0,
            width: WIDTH,
            height: HEIGHT - 4.0,
            from_ms: span.start as f64,
            to_ms: span.end as f64,
            low,
            high,
        };
        let drawn = lines(samples, data.step_s, &frame);
        drawn.iter().map(|line| path_of(line)).collect()
    })
}

fn path_of(line: &[Pixel]) -> String {
    let step = |(index, pixel): (usize, &Pixel)| {
        let command = if index == 0 { 'M' } else { 'L' };
        format!("{command}{:.1} {:.1}", pixel.x, pixel.y)
    };
    line.iter().enumerate().map(step).collect()
}
