//! The latest values of a feed as rows: of bars, and of a table.

use std::sync::Arc;

use driftless_feeds::FeedData;
use driftless_protocol::feed::SeriesName;

use crate::plot::names;
use crate::plot::samples::GAP_STEPS;
use crate::plot::units::Unit;
use driftless_model::sorted::{sort_by, sort_by_key};
use driftless_model::{SortedMap, SortedSet};

/// A series with its latest value.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// Its full name.
    pub key: String,
    /// Its name beside the others.
    pub label: String,
    /// The value.
    pub value: f64,
}

/// Series with their latest values, without those that stopped being reported: a process that is
/// gone is no row.
fn reported(data: &FeedData) -> impl Iterator<Item = (&Arc<SeriesName>, f64)> {
    let newest_ms = data.latest().map(|(_, at_ms, _)| at_ms).max().unwrap_or(0);
    let patience_ms = GAP_STEPS * u64::from(data.step_s) * 1000;
    let fresh = data
        .latest()
        .filter(move |(_, at_ms, _)| newest_ms - at_ms <= patience_ms);
    fresh.map(|(name, _, value)| (name, value))
}

/// Every series that has a value, greatest first.
pub fn latest(data: &FeedData) -> Vec<Latest> {
    let found: Vec<_> = reported(data).collect();
    let series: Vec<&SeriesName> = found.iter().map(|(name, _)| &***name).collect();
    let labels = names::short(&series);
    let mut rows: Vec<_> = found
        .iter()
        .zip(labels)
        .map(|((name, value), label)| Latest {
            key: names::full(name),
            label,
            value: *value,
        })
        .collect();
    sort_by(&mut rows, |a, b| {
        b.value
            .total_cmp(&a.value)
            .then_with(|| a.label.cmp(&b.label))
    });
    rows
}

/// A table: a column for each metric, a row for each set of labels.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The metrics.
    pub columns: Vec<Column>,
    /// The rows, greatest value of the first column first.
    pub rows: Vec<Row>,
    /// Rows that were left out.
    pub hidden: usize,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What it is called.
    pub title: String,
    /// How its values are written.
    pub unit: Unit,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The labels, which are its identity.
    pub key: String,
    /// As written.
    pub label: String,
    /// A value for each column.
    pub values: Vec<Option<f64>>,
}

/// The table of a feed with at most `rows_max` rows. Metrics whose names tell their unit are
/// written in it; the others in `unit`.
pub fn table(data: &FeedData, unit: &Unit, rows_max: usize) -> Table {
    let metrics: SortedSet<&str> = data
        .series
        .iter()
        .map(|series| series.name.name.as_str())
        .collect();
    let metrics = ordered(metrics);
    let mut cells: SortedMap<Vec<(&String, &String)>, SortedMap<&str, f64>> = SortedMap::new();
    for (name, value) in reported(data) {
        let row = cells.entry(name.labels.iter().collect()).or_default();
        row.insert(name.name.as_str(), value);
    }
    let mut rows: Vec<Row> = cells
        .iter()
        .map(|(labels, cells)| Row {
            key: format!("{labels:?}"),
            label: row_label(labels, data),
            values: metrics
                .iter()
                .map(|metric| cells.get(metric).copied())
                .collect(),
        })
        .collect();
    sort_by(&mut rows, |a, b| {
        greater(a, b).then_with(|| a.label.cmp(&b.label))
    });
    let hidden = rows.len().saturating_sub(rows_max);
    rows.truncate(rows_max);
    let column = |metric: &&str| Column {
        title: column_title(metric),
        unit: metric_unit(metric, unit),
    };
    Table {
        columns: metrics.iter().map(column).collect(),
        rows,
        hidden,
    }
}

/// Shares come before sizes: what is busy matters before what is big.
fn ordered(metrics: SortedSet<&str>) -> Vec<&str> {
    let mut metrics: Vec<&str> = metrics.into_iter().collect();
    sort_by_key(&mut metrics, |metric| !metric.ends_with("_percent"));
    metrics
}

fn greater(a: &Row, b: &Row) -> std::cmp::Ordering {
    let values = |row: &Row| {
        row.values
            .iter()
            .map(|value| value.unwrap_or(f64::NEG_INFINITY))
            .collect()
    };
    let (a, b): (Vec<f64>, Vec<f64>) = (values(a), values(b));
    let pairs = a.iter().zip(&b).map(|(a, b)| b.total_cmp(a));
    pairs
        .reduce(std::cmp::Ordering::then)
        .unwrap_or(std::cmp::Ordering::Equal)
}

/// The values of the labels that not all rows share; a table of one metric without labels is called
/// by the metric.
fn row_label(labels: &[(&String, &String)], data: &FeedData) -> String {
    let is_shared = |(key, value): &(&String, &String)| {
        let mut others = data.series.iter();
        others.all(|other| other.name.labels.get(*key) == Some(*value))
    };
    let told = |label: &(&String, &String)| names::told(label.0, label.1);
    let telling: Vec<_> = labels
        .iter()
        .filter(|label| !is_shared(label))
        .map(told)
        .collect();
    match (telling.is_empty(), labels.is_empty(), data.series.first()) {
        (false, _, _) => telling.join(" · "),
        (true, true, Some(series)) => series.name.name.clone(),
        _ => labels.iter().map(told).collect::<Vec<_>>().join(" · "),
    }
}

/// `process_memory_bytes` is "Memory": the last word without the unit.
fn column_title(metric: &str) -> String {
    let endings = ["_percent", "_bytes", "_ratio", "_per_second"];
    let bare = endings
        .iter()
        .find_map(|ending| metric.strip_suffix(ending))
        .unwrap_or(metric);
    let word = bare
        .rsplit('_')
        .find(|word| !word.is_empty())
        .unwrap_or(metric);
    if word.len() <= 3 {
        // An abbreviation: CPU, GPU, RSS.
        return word.to_ascii_uppercase();
    }
    let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
    format!("{}{rest}", first.to_ascii_uppercase())
}

fn metric_unit(metric: &str, otherwise: &Unit) -> Unit {
    if metric.ends_with("_percent") {
        Unit::Percent
    } else if metric.ends_with("_bytes") {
        Unit::Bytes
    } else if metric.ends_with("_bytes_per_second") {
        Unit::BytesPerSecond
    } else {
        otherwise.clone()
    }
}

/// What fills a bar: for shares the whole, otherwise the greatest value.
pub fn bar_scale(rows: &[Latest], unit: &Unit) -> f64 {
    let greatest = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    match unit {
        Unit::Percent => greatest.max(100.0),
        _ if greatest > 0.0 => greatest,
        _ => 1.0,
    }
}

/// The name of the only series that counts for a single number: the first that has a value.
pub fn single(data: &FeedData) -> Option<(Arc<SeriesName>, f64)> {
    data.latest()
        .next()
        .map(|(name, _, value)| (Arc::clone(name), value))
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::{Aggregate, FeedFrame, Query, Run, pack};

    use super::*;

    /// A metric, its labels, and its value.
    type Sample<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

    fn data(series: &[Sample]) -> FeedData {
        let query = Query {
            selector: "*".to_owned(),
            window_s: 10,
            step_s: 1,
            aggregate: Aggregate::Last,
        };
        let query = Query {
            selector: "a*".to_owned(),
            ..query
        };
        let mut data = FeedData::new(&query);
        let name = |(name, labels, _): &Sample| SeriesName {
            name: (*name).to_owned(),
            labels: labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        };
        let runs = series.iter().zip(0..).map(|((_, _, value), number)| Run {
            series: number,
            first_bucket: 99,
            values: vec![*value],
        });
        let frame = FeedFrame {
            feed: 1,
            full: true,
            now_ms: 100_000,
            step_s: 1,
            series: series.iter().map(name).collect(),
            points: pack(&runs.collect::<Vec<_>>()),
        };
        data.apply(&frame).expect("a good frame");
        data
    }

    #[test]
    fn bars_are_sorted_by_value() {
        let rows = latest(&data(&[
            ("d", &[("m", "/")], 3.0),
            ("d", &[("m", "/home")], 9.0),
        ]));
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.label.as_str(), row.value))
            .collect();
        assert_eq!(told, [("/home", 9.0), ("/", 3.0)]);
    }

    #[test]
    fn metrics_of_the_same_process_share_a_row() {
        let table = table(
            &data(&[
                ("process_memory_bytes", &[("name", "a")], 2048.0),
                ("process_cpu_percent", &[("name", "a")], 1.0),
                ("process_cpu_percent", &[("name", "b")], 7.0),
            ]),
            &Unit::parse(""),
            10,
        );
        let titles: Vec<_> = table
            .columns
            .iter()
            .map(|column| column.title.as_str())
            .collect();
        assert_eq!(titles, ["CPU", "Memory"]);
        assert_eq!(table.columns[1].unit, Unit::Bytes);
        let rows: Vec<_> = table
            .rows
            .iter()
            .map(|row| (row.label.as_str(), row.values.clone()))
            .collect();
        assert_eq!(
            rows,
            [
                ("b", vec![Some(7.0), None]),
                ("a", vec![Some(1.0), Some(2048.0)])
            ]
        );
    }

    #[test]
    fn a_table_says_how_many_rows_it_leaves_out() {
        let table = table(
            &data(&[
                ("a", &[("n", "1")], 1.0),
                ("a", &[("n", "2")], 2.0),
                ("a", &[("n", "3")], 3.0),
            ]),
            &Unit::parse(""),
            2,
        );
        assert_eq!((table.rows.len(), table.hidden), (2, 1));
        assert_eq!(table.rows[0].label, "n 3");
    }

    #[test]
    fn a_share_fills_its_bar_at_a_hundred() {
        let rows = latest(&data(&[("a", &[], 40.0)]));
        assert!((bar_scale(&rows, &Unit::Percent) - 100.0).abs() < f64::EPSILON);
        assert!((bar_scale(&rows, &Unit::Bytes) - 40.0).abs() < f64::EPSILON);
        assert!((bar_scale(&[], &Unit::Bytes) - 1.0).abs() < f64::EPSILON);
    }
}
