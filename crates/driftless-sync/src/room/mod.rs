//! The room: one board on the server. A cache over the store: it validates, orders, commits and
//! publishes.

pub mod types;
mod memory;
mod batch;
mod again;
mod screens;
mod machine;

pub use machine::Room;
pub use types::{
    Append, BoardImage, ConnectionId, Delta, Found, Input, LogRow, Member, Output, Prune,
    Retention, SharedResume, Stored, StreamItem, ends_following,
};
