//! Feeds: samples in, one evaluation of each distinct query, whatever the number of its viewers.

mod plane;

pub use plane::{FeedPlane, OpenFeed};

#[cfg(test)]
mod tests;
