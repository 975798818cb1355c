//! Feeds on the wire: queries, and frames of packed samples.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::packed::Packed;
use crate::tree::{Faults, Give, Take, Tree, document_struct};
use driftless_model::SortedMap;

/// The name of a series and its labels: `disk_used_ratio{mount="/"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesName {
    /// What is measured.
    pub name: String,
    /// Of what, by label.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub labels: SortedMap<String, String>,
}

/// Whether a series's name may contain it.
pub fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | ':' | '.' | '-' | '/')
}

/// Whether a label's name may contain it.
pub fn is_label_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// How the samples of one bucket become one value.
///
/// ```
/// use driftless_protocol::Aggregate;
///
/// let named = |name| Aggregate::NAMED.into_iter().find(|(of, _)| *of == name);
/// let (_, p95) = named("p95").expect("it is one");
/// assert_eq!(p95.quantile(), Some(0.95));
/// assert_eq!(Aggregate::default().quantile(), None); // the mean
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Their mean.
    #[default]
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Their sum.
    Sum,
    /// How many.
    Count,
    /// The latest.
    Last,
    /// By how much a counter grew a second, over the time since the sample before each. A value
    /// below the one before is a counter that began anew at 0.
    Rate,
    /// The median, within 1 % of it, as are the others.
    P50,
    /// The 75th percentile.
    P75,
    /// The 90th percentile.
    P90,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
}

impl Aggregate {
    /// Every one, by its name on the wire and in the leaf of a widget.
    pub const NAMED: [(&str, Self); 13] = [
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("last", Self::Last),
        ("rate", Self::Rate),
        ("p50", Self::P50),
        ("p75", Self::P75),
        ("p90", Self::P90),
        ("p95", Self::P95),
        ("p99", Self::P99),
        ("p999", Self::P999),
    ];

    /// The share of the samples that lie at or below a percentile; `None` for what is none.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Self::P50 => Some(0.5),
            Self::P75 => Some(0.75),
            Self::P90 => Some(0.9),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
            Self::P999 => Some(0.999),
            _ => None,
        }
    }
}

/// What a widget wants to see. Equal queries are evaluated once, however many ask.
///
/// ```
/// use driftless_protocol::{Aggregate, Query};
///
/// // The fullest of every machine's disks, each second of the last minute.
/// let query = Query {
///     selector: "disk_used_ratio by (host)".to_owned(),
///     window_s: 60,
///     step_s: 1,
///     aggregate: Aggregate::Max,
/// };
/// assert_eq!(query.window_s / query.step_s, 60); // buckets
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Query {
    /// Which series: a name, with label matchers in braces: `disk_used_ratio{mount="/"}`.
    /// A name may end in `*`; `by (label)` at the end takes series together. At most
    /// [`driftless_model::limits::SELECTOR_BYTES_MAX`] bytes.
    pub selector: String,
    /// How far back from now, in seconds.
    pub window_s: u32,
    /// The width of a bucket, in seconds. Buckets begin at multiples of it since 1970.
    pub step_s: u32,
    /// How the samples of a bucket become one value.
    #[serde(default)]
    pub aggregate: Aggregate,
}

/// The answer to a query, or what changed since the last frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeedFrame {
    /// The client's number for the feed.
    pub feed: u32,
    /// Whether it replaces everything; otherwise its buckets replace theirs.
    pub full: bool,
    /// The server's time when the frame was made, in milliseconds since 1970.
    pub now_ms: u64,
    /// The query's step, in seconds.
    pub step_s: u32,
    /// New series; the first frame's are numbered from 0, later ones go on from there. A full
    /// frame starts over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<SeriesName>,
    /// The buckets, as [`Run`]s.
    pub points: Packed,
}

/// Consecutive buckets of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Which series, by number.
    pub series: u32,
    /// The first bucket: its start in milliseconds since 1970, divided by the step in milliseconds.
    pub first_bucket: u64,
    /// A value for each bucket from there; NaN where there is none.
    pub values: Vec<f64>,
}

/// Why packed samples cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed samples end in the middle of a run at byte {at}; ask for the feed again")]
pub struct UnpackError {
    /// Where.
    pub at: usize,
}

/// Packs runs: for each, little-endian, the series (u32), how many values (u32), the first bucket
/// (u64) and the values (f64).
pub fn pack(runs: &[Run]) -> Packed {
    let mut bytes = Vec::with_capacity(runs.iter().map(|run| 16 + 8 * run.values.len()).sum());
    for run in runs {
        bytes.extend(run.series.to_le_bytes());
        let count = u32::try_from(run.values.len()).expect("a run is bounded by its query");
        bytes.extend(count.to_le_bytes());
        bytes.extend(run.first_bucket.to_le_bytes());
        run.values
            .iter()
            .for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    Packed(bytes)
}

/// Unpacks what [`pack`] packed.
pub fn unpack(packed: &Packed) -> Result<Vec<Run>, UnpackError> {
    let mut rest = packed.0.as_slice();
    let error = |rest: &[u8]| UnpackError {
        at: packed.0.len() - rest.len(),
    };
    let mut runs = Vec::new();
    while !rest.is_empty() {
        let at = error(rest);
        let (run, after) = unpack_run(rest).ok_or(at)?;
        runs.push(run);
        rest = after;
    }
    Ok(runs)
}

fn unpack_run(bytes: &[u8]) -> Option<(Run, &[u8])> {
    let (series, bytes) = bytes.split_first_chunk::<4>()?;
    let (count, bytes) = bytes.split_first_chunk::<4>()?;
    let (first_bucket, bytes) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*count))
        .ok()?
        .checked_mul(8)?;
    let (values, rest) = bytes.split_at_checked(length)?;
    let (values, _) = values.as_chunks::<8>();
    let run = Run {
        series: u32::from_le_bytes(*series),
        first_bucket: u64::from_le_bytes(*first_bucket),
        values: values
            .iter()
            .map(|value| f64::from_le_bytes(*value))
            .collect(),
    };
    Some((run, rest))
}

document_struct!(SeriesName {
    name,
    labels: optional
});
document_struct!(Query {
    selector,
    window_s,
    step_s,
    aggregate: defaulted
});
document_struct!(FeedFrame {
    feed,
    full,
    now_ms,
    step_s,
    series: optional,
    points
});

impl Take for Aggregate {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let name = String::take::<IS_TEXT>(tree, faults);
        let named = Self::NAMED.iter().find(|(own, _)| *own == name);
        named.map_or_else(
            || {
                faults.note(&format_args!("unknown variant `{name}`"));
                Self::default()
            },
            |(_, aggregate)| *aggregate,
        )
    }
}

impl Give for Aggregate {
    fn give(&self, _is_text: bool) -> Tree<'static> {
        let named = Self::NAMED.iter().find(|(_, own)| own == self);
        let (name, _) = named.expect("every one has a name");
        Tree::Text(Cow::Borrowed(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregate_is_called_on_the_wire_as_the_table_says() {
        for (name, aggregate) in Aggregate::NAMED {
            let text = serde_json::to_string(&aggregate).expect("a text");
            assert_eq!(text, format!("\"{name}\""));
        }
    }

    #[test]
    fn runs_survive_packing() {
        let runs = vec![
            Run {
                series: 0,
                first_bucket: 7,
                values: vec![1.5, -2.0],
            },
            Run {
                series: 3,
                first_bucket: 9,
                values: vec![],
            },
        ];
        assert_eq!(unpack(&pack(&runs)), Ok(runs));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(runs) = unpack(&Packed(bytes.clone())) {
                proptest::prop_assert_eq!(pack(&runs).0, bytes);
            }
        }
    }
}
