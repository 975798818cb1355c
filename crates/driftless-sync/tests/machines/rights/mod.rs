//! Rights that change while somebody is connected: what the room does, and what the replica.

mod replica;
mod room;
