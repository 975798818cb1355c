//! Rights that change while somebody is connected: what the room does, and what the replica.

#[path = "../pair/mod.rs"]
mod pair;
mod replica;
mod room;
