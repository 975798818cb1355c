//! What the crosshair says: the values of all series at a time.

use driftless_feeds::FeedData;

use crate::plot::units::Unit;
use crate::widgets::chart::drawing::{labels, samples, slots};
use driftless_model::sorted::sort_by;

/// Rows that a tooltip shows.
const ROWS_MAX: usize = 10;

/// The values at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Readout {
    /// The time that was read, in milliseconds since 1970.
    pub at_ms: f64,
    /// Greatest value first.
    pub rows: Vec<ReadRow>,
    /// Series that were left out.
    pub hidden: usize,
}

/// A series at that time.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRow {
    /// Its name.
    pub label: String,
    /// Its value, written.
    pub text: String,
    /// Its colour.
    pub color: usize,
    /// Whether it is the one nearest to the pointer.
    pub is_nearest: bool,
}

/// Reads all series at a time; `value` is where the pointer is on the value axis.
pub fn read(data: &FeedData, unit: &Unit, at_ms: f64, value: f64) -> Readout {
    let step_ms = f64::from(data.step_s) * 1000.0;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time after 1970"
    )]
    let bucket = (at_ms / step_ms).floor().max(0.0) as u64;
    let names = labels(data).into_iter().zip(slots(data));
    let found = data
        .series
        .iter()
        .zip(names)
        .filter_map(|(series, (label, slot))| {
            let (_, value) = samples(series).near(bucket)?;
            Some((label, slot, value))
        });
    let mut found: Vec<_> = found.collect();
    sort_by(&mut found, |a, b| b.2.total_cmp(&a.2));
    let distance = |row: &(String, _, f64)| (row.2 - value).abs();
    let closest = found.iter().enumerate();
    let closest = closest.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
    let nearest = closest.map(|(index, _)| index).filter(|_| found.len() > 1);
    let hidden = found.len().saturating_sub(ROWS_MAX);
    let rows = found.iter().enumerate().take(ROWS_MAX);
    let rows = rows.map(|(index, (label, slot, value))| ReadRow {
        label: label.clone(),
        text: unit.format(*value),
        color: slot.color,
        is_nearest: nearest == Some(index),
    });
    Readout {
        at_ms: step_floor(at_ms, step_ms),
        rows: rows.collect(),
        hidden,
    }
}

fn step_floor(at_ms: f64, step_ms: f64) -> f64 {
    (at_ms / step_ms).floor() * step_ms
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::{Aggregate, FeedFrame, Query, Run, SeriesName, pack};

    use super::*;

    fn data(values: &[f64]) -> FeedData {
        let query = Query {
            selector: "a*".to_owned(),
            window_s: 60,
            step_s: 1,
            aggregate: Aggregate::Avg,
        };
        let mut data = FeedData::new(&query);
        let name = |number| SeriesName {
            name: format!("a{number}"),
            labels: driftless_model::SortedMap::new(),
        };
        let runs = values.iter().zip(0..).map(|(value, series)| Run {
            series,
            first_bucket: 990,
            values: vec![*value],
        });
        let frame = FeedFrame {
            feed: 1,
            full: true,
            now_ms: 1_000_000,
            step_s: 1,
            series: (0..values.len()).map(name).collect(),
            points: pack(&runs.collect::<Vec<_>>()),
        };
        data.apply(&frame).expect("a good frame");
        data
    }

    #[test]
    fn rows_are_sorted_and_the_nearest_is_marked() {
        let read = read(&data(&[5.0, 50.0, 20.0]), &Unit::Percent, 990_400.0, 18.0);
        let rows: Vec<_> = read
            .rows
            .iter()
            .map(|row| (row.label.as_str(), row.is_nearest))
            .collect();
        assert_eq!(rows, [("a1", false), ("a2", true), ("a0", false)]);
        assert!((read.at_ms - 990_000.0).abs() < f64::EPSILON);
    }

    #[test]
    fn one_row_is_nearest_also_where_several_are_as_near() {
        let read = read(&data(&[0.0; 3]), &Unit::Percent, 990_400.0, 18.0);
        assert_eq!(read.rows.iter().filter(|row| row.is_nearest).count(), 1);
    }

    #[test]
    fn at_most_ten_rows_are_shown() {
        let read = read(&data(&[1.0; 12]), &Unit::Percent, 990_000.0, 0.0);
        assert_eq!((read.rows.len(), read.hidden), (10, 2));
    }

    #[test]
    fn a_time_without_data_reads_nothing() {
        assert!(
            read(&data(&[1.0]), &Unit::Percent, 970_000.0, 0.0)
                .rows
                .is_empty()
        );
    }
}
