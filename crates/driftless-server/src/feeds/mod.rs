//! Feeds: samples in, one evaluation of each distinct query, whatever the number of its viewers.

mod sample_store;
mod waiting;
mod bodies;
mod archive;
mod pushes;
mod plane;
mod keeper;

pub use archive::Archive;
pub use keeper::keep;
pub use plane::{FeedPlane, OpenFeed};
pub use pushes::Batch;
pub use sample_store::SharedSampleStore;

#[cfg(test)]
mod tests;
