//! The two machines that decide everything about edits: the [`room`] (one board, on the server) and
//! the [`replica`] (one user's durable copy).
//!
//! Both are sans-IO. Their calling contract: `handle(input, now)` takes a decoded message, a
//! command, or the result of something that was asked for; then `poll_output()` is called until it
//! answers `None`. Nothing else moves them: they know no clock, no randomness of the system, no
//! storage and no socket. They ask for a write and go on when told that it happened.
#![forbid(unsafe_code)]

pub mod planted;
pub mod room;
pub mod replica;
