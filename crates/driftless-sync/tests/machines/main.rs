//! The two machines together: a room and replicas on one virtual clock (`pair`), by what they are
//! asked for.

mod alone;
mod builds;
mod conflicts;
mod copies;
mod edits;
mod flushes;
mod identity;
mod ledger;
mod limits;
mod pair;
mod pruning;
mod restore;
mod rights;
mod screens;
mod tabs;
mod undo;
mod unvouched;
