//! A value as JSON, with the parts marked that differ from another value.

mod lines;
mod view;

pub use lines::{Line, Mark, Part, compare};
pub use view::JsonCompare;
