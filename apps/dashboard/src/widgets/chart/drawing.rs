//! What a chart shows, laid out in pixels and not drawn yet. Pure.

use driftless_feeds::{FeedData, SeriesData};
use driftless_protocol::feed::SeriesName;

use crate::plot::lines::{self, Frame, Pixel};
use crate::plot::names;
use crate::plot::samples::Samples;
use crate::plot::slots::{self, Slot};
use crate::plot::ticks::{self, ValueAxis};
use crate::plot::times::{self, TimeTick};
use crate::plot::units::Unit;

/// Least distance of two value ticks, in pixels.
const VALUE_TICK_PX: f64 = 44.0;
/// Least distance of two time ticks, in pixels.
const TIME_TICK_PX: f64 = 88.0;
/// Room above the plot for half a label, in pixels.
const TOP_PX: f64 = 8.0;
/// Room below the plot for the times, in pixels.
const BOTTOM_PX: f64 = 20.0;
/// Room right of the plot, in pixels.
const RIGHT_PX: f64 = 8.0;
/// Space between a value label and the plot, in pixels.
const LABEL_GAP_PX: f64 = 8.0;

/// A series as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct DrawnSeries {
    /// Its colour.
    pub slot: Slot,
    /// Its unbroken lines.
    pub lines: Vec<Vec<Pixel>>,
}

/// A chart in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Where the plot lies and what it spans.
    pub frame: Frame,
    /// The value axis.
    pub axis: ValueAxis,
    /// The time axis.
    pub times: Vec<TimeTick>,
    /// The series.
    pub series: Vec<DrawnSeries>,
}

impl Drawing {
    /// How many points are drawn.
    pub fn points(&self) -> usize {
        self.series
            .iter()
            .flat_map(|series| &series.lines)
            .map(Vec::len)
            .sum()
    }
}

/// What a chart is drawn from.
pub struct Request<'a> {
    /// The samples.
    pub data: &'a FeedData,
    /// How far back it shows, in seconds.
    pub window_s: u32,
    /// The right edge, in milliseconds since 1970.
    pub to_ms: f64,
    /// The unit of its values.
    pub unit: &'a Unit,
    /// Width and height of the canvas, in CSS pixels.
    pub size: (f64, f64),
    /// Added to universal times to get local ones, in milliseconds.
    pub offset_ms: f64,
    /// Tells how wide a label is, in CSS pixels.
    pub text_width: &'a dyn Fn(&str) -> f64,
}

/// The samples of a series as a view for drawing.
pub fn samples(series: &SeriesData) -> Samples<'_> {
    Samples {
        first_bucket: series.first_bucket,
        values: &series.values,
    }
}

/// The colours of all series of a feed.
pub fn slots(data: &FeedData) -> Vec<Slot> {
    slots::assign(&series_names(data))
}

/// The short names of all series of a feed.
pub fn labels(data: &FeedData) -> Vec<String> {
    names::short(&series_names(data))
}

fn series_names(data: &FeedData) -> Vec<&SeriesName> {
    data.series.iter().map(|series| &*series.name).collect()
}

/// Lays a chart out.
pub fn compose(request: &Request<'_>) -> Drawing {
    let axis = value_axis(request);
    let frame = frame(request, &axis);
    let step_s = request.data.step_s;
    let series = request.data.series.iter().zip(slots(request.data));
    let series = series.map(|(series, slot)| DrawnSeries {
        slot,
        lines: lines::lines(samples(series), step_s, &frame),
    });
    let times_max = whole(frame.width / TIME_TICK_PX).max(1);
    Drawing {
        times: times::ticks(frame.from_ms, frame.to_ms, times_max, request.offset_ms),
        series: series.collect(),
        axis,
        frame,
    }
}

fn value_axis(request: &Request<'_>) -> ValueAxis {
    let ranges = request
        .data
        .series
        .iter()
        .filter_map(|series| samples(series).range());
    let all = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let (low, high) = all.unwrap_or((0.0, 1.0));
    let height = request.size.1 - TOP_PX - BOTTOM_PX;
    ticks::axis(
        low,
        high,
        whole(height / VALUE_TICK_PX).clamp(1, 8),
        request.unit,
    )
}

fn frame(request: &Request<'_>, axis: &ValueAxis) -> Frame {
    let widths = axis
        .ticks
        .iter()
        .map(|tick| (request.text_width)(&tick.text));
    let left = widths.fold(0.0, f64::max).ceil() + LABEL_GAP_PX;
    Frame {
        left,
        top: TOP_PX,
        width: (request.size.0 - left - RIGHT_PX).max(1.0),
        height: (request.size.1 - TOP_PX - BOTTOM_PX).max(1.0),
        from_ms: request.to_ms - f64::from(request.window_s) * 1000.0,
        to_ms: request.to_ms,
        low: axis.low,
        high: axis.high,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of ticks on a screen"
)]
fn whole(count: f64) -> usize {
    count.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::{Aggregate, FeedFrame, Query, Run, pack};

    use super::*;

    fn data(values: &[f64]) -> FeedData {
        let query = Query {
            selector: "a".to_owned(),
            window_s: 60,
            step_s: 1,
            aggregate: Aggregate::Avg,
        };
        let mut data = FeedData::new(&query);
        let frame = FeedFrame {
            feed: 1,
            full: true,
            now_ms: 1_000_000,
            step_s: 1,
            series: vec![SeriesName {
                name: "a".to_owned(),
                labels: driftless_model::SortedMap::new(),
            }],
            points: pack(&[Run {
                series: 0,
                first_bucket: 950,
                values: values.to_vec(),
            }]),
        };
        data.apply(&frame).expect("a good frame");
        data
    }

    fn drawing(data: &FeedData) -> Drawing {
        compose(&Request {
            data,
            window_s: 60,
            to_ms: 1_001_000.0,
            unit: &Unit::Percent,
            size: (600.0, 240.0),
            offset_ms: 0.0,
            text_width: &|text| 7.0 * f64::from(u32::try_from(text.chars().count()).unwrap()),
        })
    }

    #[test]
    fn the_plot_makes_room_for_its_longest_label() {
        let drawn = drawing(&data(&[10.0, 95.0]));
        let longest = drawn
            .axis
            .ticks
            .iter()
            .map(|tick| tick.text.chars().count())
            .max();
        assert_eq!(longest, Some(5), "100 %");
        assert!((drawn.frame.left - 43.0).abs() < 1e-9);
        assert!((drawn.frame.left + drawn.frame.width + RIGHT_PX - 600.0).abs() < 1e-9);
    }

    #[test]
    fn every_point_of_the_window_is_counted() {
        assert_eq!(drawing(&data(&[1.0, 2.0, f64::NAN, 3.0])).points(), 3);
        assert_eq!(drawing(&data(&[])).points(), 0);
    }
}
