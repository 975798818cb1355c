//! Boards that are in use: one actor around each room, what it publishes, and who follows.
//!
//! A room's actor owns the sans-IO machine and carries out what it asks for. What it publishes goes
//! to a [`Ring`], encoded once; each connection is a position in the rings of its boards and reads
//! at its own pace, woken by the bell of its [`Mailbox`]. Nothing is queued for a connection but
//! answers to what it sent. What a resume says of a board is encoded once, for all who lack it.

mod underway;
mod outbound;
mod runs;
mod news;
mod item;
mod ring;
mod mailbox;
mod committer;
mod actor;
mod boards;
mod connections;
mod follower;

pub use boards::Boards;
pub use connections::Connections;
pub use follower::{Delivery, Follower, board_error};
pub use item::Watch;
pub use mailbox::{Closing, Doubts, Mailbox};
pub use outbound::{Outbound, SharedFrame};

#[cfg(test)]
mod tests;
