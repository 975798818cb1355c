//! Several tabs of a person over one replica: one leads, all store their own edits.

pub mod edits;
mod leading;
mod deciding;
mod feeds;
