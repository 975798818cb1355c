//! Several tabs of a person over one replica: one leads, all store their own edits.

#[path = "../pair/mod.rs"]
mod pair;

mod edits;
mod leading;
mod deciding;
mod feeds;
