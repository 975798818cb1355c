//! Live samples: series, queries over aligned windows, and what changed since a viewer last looked.
//!
//! Pure, and used on both sides: no clock, no I/O; time is an argument, in milliseconds since 1970.
//! The server pushes samples into one `SeriesStore`, keeps one `Evaluator` per distinct query,
//! advances each once per tick, and asks it for what each viewer has not seen. The client applies
//! the frames to a [`FeedData`]. All but the client's part is behind the feature `evaluate`.
//!
#![cfg_attr(feature = "evaluate", doc = "```")]
#![cfg_attr(not(feature = "evaluate"), doc = "```ignore")]
//! use driftless_feeds::{Bounds, Evaluator, FeedData, Mark, Sample, SeriesStore, selector};
//! use driftless_protocol::{Aggregate, Query};
//!
//! let query = Query {
//!     selector: "cpu_*{host!=\"old\"}".into(),
//!     window_s: 60,
//!     step_s: 5,
//!     aggregate: Aggregate::Avg,
//! };
//! let mut store = SeriesStore::new(Bounds::default());
//! let name = selector::series_name("cpu_ratio{host=\"a\"}")?;
//! let now_ms = 1_700_000_000_000;
//! store.push(&name, Sample { time_ms: now_ms, value: 0.5 }, now_ms)?;
//!
//! let mut evaluator = Evaluator::new(query.clone())?;
//! evaluator.advance(&store, now_ms);
//! let answer = evaluator.since(Mark::default()).expect("a new viewer gets everything");
//!
//! let mut data = FeedData::new(&query);
//! data.apply(&answer.frame(7))?;
//! assert_eq!(data.series[0].latest().map(|(_, value)| value), Some(0.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod name;
pub mod selector;
#[cfg(feature = "evaluate")]
pub mod matching;
pub mod query;
#[cfg(feature = "evaluate")]
pub mod sketch;
#[cfg(feature = "evaluate")]
pub mod partial;
#[cfg(feature = "evaluate")]
mod changes;
#[cfg(feature = "evaluate")]
pub mod series;
#[cfg(feature = "evaluate")]
pub mod rollup;
#[cfg(feature = "evaluate")]
pub mod store;
pub mod series_data;
#[cfg(feature = "evaluate")]
pub mod history;
#[cfg(feature = "evaluate")]
pub mod evaluator;
pub mod data;

pub use data::{FeedData, FeedError};
pub use driftless_protocol::Sample;
#[cfg(feature = "evaluate")]
pub use evaluator::{Answer, Evaluator, Mark};
#[cfg(feature = "evaluate")]
pub use history::{History, Retention, Wanted};
#[cfg(feature = "evaluate")]
pub use matching::Matching;
pub use name::NameError;
#[cfg(feature = "evaluate")]
pub use partial::Partial;
pub use query::{QueryError, Window};
#[cfg(feature = "evaluate")]
pub use rollup::{Settled, SettledSeries};
pub use selector::{Selector, SelectorError};
#[cfg(feature = "evaluate")]
pub use series::Series;
pub use series_data::SeriesData;
#[cfg(feature = "evaluate")]
pub use sketch::Sketch;
#[cfg(feature = "evaluate")]
pub use store::{Bounds, DirtyMinute, PushError, SeriesId, SeriesStore};
