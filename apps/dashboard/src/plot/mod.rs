//! What a chart needs to know before it draws: units, ticks, times, colours, lines. Pure: no
//! browser in here, so that all of it is tested natively.

pub mod units;
pub mod times;
pub mod ticks;
pub mod names;
pub mod slots;
pub mod lines;
pub mod samples;
pub mod summary;
