//! The limits of both machines, at the bound and one past it.

mod room;
mod outbox;
mod replica;
