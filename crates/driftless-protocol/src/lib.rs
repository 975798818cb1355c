//! What travels and what is stored: messages, durable records, their codecs, and close codes.
//!
//! The only crate that knows bytes. docs/protocol.md is the normative text; this crate is its
//! implementation, and a difference is a bug in one of the two.
#![forbid(unsafe_code)]

mod tree;
pub mod packed;
pub mod codes;
pub mod feed;
pub mod samples;
pub mod push;
pub mod payload;
pub mod message;
pub mod codec;
pub mod access;
pub mod shared_resume;
pub mod durable;
pub mod tab;
#[cfg(test)]
mod golden;

pub use codec::{Codec, DecodeError, to_json, to_json_pretty};
pub use codes::{Blame, CloseCode, Code, Next};
pub use feed::{Aggregate, FeedFrame, Query, SeriesName};
pub use message::{ClientMessage, ServerMessage};
pub use packed::Packed;
pub use payload::Payload;
pub use samples::Sample;
pub use tab::{TabId, TabMessage, Wish};

/// The protocol version that this build speaks.
///
/// 1: the first one.
pub const PROTOCOL: u32 = 1;
/// The oldest protocol version that this build still understands.
pub const PROTOCOL_MIN: u32 = 1;
