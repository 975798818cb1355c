//! What a viewer has of a feed.

use std::sync::Arc;

use driftless_model::limits::SERIES_PER_QUERY_MAX;
use driftless_protocol::feed::{Run, UnpackError, unpack};
use driftless_protocol::{FeedFrame, Query, SeriesName};

use crate::query::Window;
use crate::selector::Selector;
use crate::series_data::SeriesData;

/// A feed without news for this many steps is late.
pub const LATE_STEPS: u64 = 3;

/// Why a frame is not applied; what was there before stays. The remedy is to open the feed again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// Not readable.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// It answers another query.
    #[error(
        "the frame has a step of {frame_s} s, and the query one of {query_s} s; open the feed again"
    )]
    Step {
        /// The frame's, in seconds.
        frame_s: u32,
        /// The query's, in seconds.
        query_s: u32,
    },
    /// Changes to something that never came.
    #[error("changes came before the first full frame; open the feed again")]
    NotLoaded,
    /// More series than a query may have.
    #[error(
        "the frame makes it {series} series of at most {SERIES_PER_QUERY_MAX}; open the feed again"
    )]
    TooManySeries {
        /// How many there would be.
        series: usize,
    },
    /// Values of a series that was not named.
    #[error("the frame has values of series {number}, and {series} are named; open the feed again")]
    UnknownSeries {
        /// The number.
        number: u32,
        /// How many are named.
        series: usize,
    },
}

/// The series of a feed in the window that ends at the newest frame's time. What it has stays while
/// no frames come, so that a late or offline widget still shows its last data.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedData {
    /// The width of a bucket, in seconds.
    pub step_s: u32,
    /// The server's time at the newest frame, in milliseconds since 1970; 0 before the first.
    pub now_ms: u64,
    /// The series, in the server's order.
    pub series: Vec<SeriesData>,
    /// Whether a full frame has come, if only an empty one.
    pub is_loaded: bool,
    /// Why there is no more data, as told by the query itself or by the server.
    pub error: Option<String>,
    window: Window,
}

impl FeedData {
    /// Nothing yet. For a query that the server would refuse, `error` says why.
    pub fn new(query: &Query) -> Self {
        let window = Window::new(query);
        let selector = Selector::parse(&query.selector).map_err(Into::into);
        let error = window.clone().and(selector).err();
        Self {
            step_s: query.step_s,
            now_ms: 0,
            series: Vec::new(),
            is_loaded: false,
            error: error.map(|error| error.to_string()),
            window: window.unwrap_or_else(|_| Window::least(query)),
        }
    }

    /// Takes a frame whole, or not at all. A frame that is taken clears the error.
    pub fn apply(&mut self, frame: &FeedFrame) -> Result<(), FeedError> {
        let runs = self.check(frame)?;
        if frame.full {
            self.series.clear();
            self.is_loaded = true;
        }
        self.now_ms = frame.now_ms;
        self.error = None;
        let names = frame.series.iter().cloned().map(Arc::new);
        self.series.extend(names.map(SeriesData::new));
        let window = self.window.at(frame.now_ms);
        for data in &mut self.series {
            data.keep(&window);
        }
        for run in runs {
            let data = usize::try_from(run.series).ok();
            let data = data.and_then(|number| self.series.get_mut(number));
            let data = data.expect("the frame was checked");
            let buckets = (run.first_bucket..=*window.end()).zip(run.values);
            let seen = buckets.filter(|(bucket, _)| window.contains(bucket));
            seen.for_each(|(bucket, value)| data.set(bucket, value));
        }
        Ok(())
    }

    /// When a bucket begins, in milliseconds since 1970.
    pub fn start_ms(&self, bucket: u64) -> u64 {
        self.window.start_ms(bucket)
    }

    /// When the window begins and ends, in milliseconds since 1970: the edges of its buckets.
    pub fn span_ms(&self) -> std::ops::Range<u64> {
        let buckets = self.window.at(self.now_ms);
        self.start_ms(*buckets.start())..self.start_ms(buckets.end().saturating_add(1))
    }

    /// The bucket that was still filling at the newest frame.
    pub fn partial_bucket(&self) -> u64 {
        self.window.bucket(self.now_ms)
    }

    /// A series by its name.
    pub fn find(&self, name: &SeriesName) -> Option<&SeriesData> {
        self.series.iter().find(|data| *data.name == *name)
    }

    /// The values of a series with the times at which their buckets begin, in milliseconds since
    /// 1970; NaN is a gap.
    pub fn points<'a>(
        &'a self,
        data: &'a SeriesData,
    ) -> impl DoubleEndedIterator<Item = (u64, f64)> + 'a {
        data.buckets()
            .map(|(bucket, value)| (self.start_ms(bucket), value))
    }

    /// Each series with its newest value and the time at which its bucket begins, in milliseconds
    /// since 1970.
    pub fn latest(&self) -> impl Iterator<Item = (&Arc<SeriesName>, u64, f64)> {
        self.series.iter().filter_map(|data| {
            let (bucket, value) = data.latest()?;
            Some((&data.name, self.start_ms(bucket), value))
        })
    }

    /// When the newest value's bucket ends, in milliseconds since 1970; `None` without any value.
    pub fn newest_ms(&self) -> Option<u64> {
        let buckets = self.series.iter().filter_map(SeriesData::latest);
        let newest = buckets.map(|(bucket, _)| bucket).max()?;
        Some(self.start_ms(newest.saturating_add(1)))
    }

    /// Whether the newest value ended more than [`LATE_STEPS`] steps before a time on the server's
    /// clock. Without any value, the feed is empty, not late.
    pub fn is_late(&self, now_ms: u64) -> bool {
        let patience_ms = LATE_STEPS * self.window.step_ms();
        self.newest_ms()
            .is_some_and(|newest_ms| now_ms.saturating_sub(newest_ms) > patience_ms)
    }

    fn check(&self, frame: &FeedFrame) -> Result<Vec<Run>, FeedError> {
        if frame.step_s != self.step_s {
            return Err(FeedError::Step {
                frame_s: frame.step_s,
                query_s: self.step_s,
            });
        }
        if !frame.full && !self.is_loaded {
            return Err(FeedError::NotLoaded);
        }
        let before = if frame.full { 0 } else { self.series.len() };
        let series = before + frame.series.len();
        if series > SERIES_PER_QUERY_MAX {
            return Err(FeedError::TooManySeries { series });
        }
        let runs = unpack(&frame.points)?;
        let numbers = runs.iter().map(|run| run.series);
        match numbers.max() {
            Some(number) if number as usize >= series => {
                Err(FeedError::UnknownSeries { number, series })
            }
            _ => Ok(runs),
        }
    }
}

#[cfg(test)]
mod tests {
    use driftless_protocol::feed::pack;
    use driftless_protocol::{Aggregate, Packed};
    use proptest::prelude::*;

    use super::*;

    fn query() -> Query {
        Query {
            selector: "a".into(),
            window_s: 100,
            step_s: 10,
            aggregate: Aggregate::Avg,
        }
    }

    fn names(count: usize) -> Vec<SeriesName> {
        let name = |number| SeriesName {
            name: format!("s{number}"),
            labels: driftless_model::SortedMap::new(),
        };
        (0..count).map(name).collect()
    }

    fn frame(full: bool, series: usize, runs: &[(u32, u64, &[f64])]) -> FeedFrame {
        let run = |(series, first_bucket, values): &(u32, u64, &[f64])| Run {
            series: *series,
            first_bucket: *first_bucket,
            values: values.to_vec(),
        };
        FeedFrame {
            feed: 1,
            full,
            now_ms: 1_005_000,
            step_s: 10,
            series: names(series),
            points: pack(&runs.iter().map(run).collect::<Vec<_>>()),
        }
    }

    #[test]
    fn a_full_frame_replaces_and_an_increment_changes_its_buckets() {
        let mut data = FeedData::new(&query());
        assert!(!data.is_loaded);
        let full = frame(true, 2, &[(0, 95, &[1.0, 2.0, 3.0]), (1, 100, &[9.0])]);
        assert_eq!(data.apply(&full), Ok(()));
        let increment = frame(false, 1, &[(0, 96, &[f64::NAN, 4.0]), (2, 99, &[7.0])]);
        assert_eq!(data.apply(&increment), Ok(()));
        let points: Vec<_> = data.points(&data.series[0]).collect();
        assert_eq!(points[0], (950_000, 1.0));
        assert!(points[1].1.is_nan());
        assert_eq!(points[2], (970_000, 4.0));
        let latest: Vec<_> = data
            .latest()
            .map(|(_, time, value)| (time, value))
            .collect();
        assert_eq!(latest, [(970_000, 4.0), (1_000_000, 9.0), (990_000, 7.0)]);
        assert_eq!(data.apply(&frame(true, 0, &[])), Ok(()));
        assert!(data.is_loaded && data.series.is_empty());
    }

    #[test]
    fn values_outside_the_window_are_left_out_and_old_ones_drop_out() {
        let mut data = FeedData::new(&query());
        let full = frame(true, 1, &[(0, 90, &[1.0, 2.0]), (0, 100, &[3.0, 4.0])]);
        assert_eq!(data.apply(&full), Ok(()));
        assert_eq!(data.span_ms(), 910_000..1_010_000);
        let kept: Vec<_> = data.series[0]
            .buckets()
            .filter(|(_, it)| !it.is_nan())
            .collect();
        assert_eq!(kept, [(91, 2.0), (100, 3.0)]);
        let mut later = frame(false, 0, &[]);
        later.now_ms += 10_000;
        assert_eq!(data.apply(&later), Ok(()));
        assert_eq!(
            (data.series[0].first_bucket, data.partial_bucket()),
            (100, 101)
        );
    }

    #[test]
    fn a_frame_that_cannot_be_applied_changes_nothing() {
        let mut data = FeedData::new(&query());
        assert_eq!(data.apply(&frame(false, 0, &[])), Err(FeedError::NotLoaded));
        assert_eq!(data.apply(&frame(true, 1, &[(0, 95, &[1.0])])), Ok(()));
        let before = data.clone();
        let mut other_step = frame(true, 0, &[]);
        other_step.step_s = 5;
        let mut cut = frame(true, 0, &[]);
        cut.points = Packed(vec![0; 15]);
        let limit = SERIES_PER_QUERY_MAX;
        for (bad, error) in [
            (
                other_step,
                FeedError::Step {
                    frame_s: 5,
                    query_s: 10,
                },
            ),
            (cut, FeedError::Unpack(UnpackError { at: 0 })),
            (
                frame(false, limit, &[]),
                FeedError::TooManySeries { series: limit + 1 },
            ),
            (
                frame(true, 2, &[(2, 0, &[])]),
                FeedError::UnknownSeries {
                    number: 2,
                    series: 2,
                },
            ),
        ] {
            assert_eq!(data.apply(&bad), Err(error));
            assert_eq!(data, before);
        }
        assert_eq!(data.apply(&frame(false, limit - 1, &[])), Ok(()));
    }

    #[test]
    fn a_feed_is_late_past_three_steps_after_its_newest_bucket() {
        let mut data = FeedData::new(&query());
        assert!(!data.is_late(u64::MAX), "it is empty");
        assert_eq!(
            data.apply(&frame(true, 2, &[(0, 95, &[1.0]), (1, 99, &[1.0])])),
            Ok(())
        );
        assert_eq!(data.newest_ms(), Some(1_000_000));
        assert!(!data.is_late(1_030_000));
        assert!(data.is_late(1_030_001));
    }

    #[test]
    fn a_query_that_the_server_would_refuse_says_why() {
        for (selector, step_s) in [("a", 0), ("a", 101), ("a{", 10)] {
            let selector = selector.into();
            let data = FeedData::new(&Query {
                selector,
                step_s,
                ..query()
            });
            assert!(data.error.is_some());
        }
        assert_eq!(FeedData::new(&query()).error, None);
    }

    proptest! {
        #[test]
        fn no_frame_makes_it_panic_or_grow(
            frames in prop::collection::vec(any_frame(), 0..8),
            window_s: u32,
            step_s in prop_oneof![Just(10_u32), any::<u32>()],
        ) {
            let mut data = FeedData::new(&Query { window_s, step_s, ..query() });
            for frame in frames {
                let is_applied = data.apply(&frame).is_ok();
                prop_assert!(!is_applied || data.now_ms == frame.now_ms);
                prop_assert!(data.series.len() <= SERIES_PER_QUERY_MAX);
                for series in &data.series {
                    let span = data.span_ms();
                    prop_assert!(series.values.len() <= 3_600);
                    prop_assert!(data.points(series).all(|(time, _)| span.contains(&time)));
                }
                prop_assert!(!data.is_late(0));
            }
        }
    }

    fn any_frame() -> impl Strategy<Value = FeedFrame> {
        let bucket = || prop_oneof![0..200_u64, any::<u64>()];
        let run = (
            0..4_u32,
            bucket(),
            prop::collection::vec(any::<f64>(), 0..20),
        );
        let runs = prop::collection::vec(run, 0..4).prop_map(|runs| {
            let runs = runs.into_iter().map(|(series, first_bucket, values)| Run {
                series,
                first_bucket,
                values,
            });
            pack(&runs.collect::<Vec<_>>())
        });
        let points = prop_oneof![runs, any::<Vec<u8>>().prop_map(Packed)];
        let now_ms = prop_oneof![0..3_000_000_u64, any::<u64>()];
        let step_s = prop_oneof![9 => Just(10_u32), 1 => any::<u32>()];
        let series = prop_oneof![0..4_usize, Just(SERIES_PER_QUERY_MAX)];
        (any::<bool>(), now_ms, step_s, series, points).prop_map(
            |(full, now_ms, step_s, series, points)| FeedFrame {
                feed: 0,
                full,
                now_ms,
                step_s,
                series: names(series),
                points,
            },
        )
    }
}
