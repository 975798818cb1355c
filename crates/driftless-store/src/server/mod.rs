//! A server's storage: boards, each with its log, its records and its ledger.
//!
//! [`BoardStore`] is the trait. [`MemoryBoards`] keeps boards in memory; `SqliteBoards` (feature
//! `sqlite`) keeps them in one file. Every backend runs [`conformance`].
//!
//! No node owns a board: an append states where it expects the head, and whoever loses reads on and
//! decides again.

mod error;
mod board_store;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod conformance;

pub use board_store::{BoardStore, BoardSummary};
pub use error::StoreError;
pub use memory::MemoryBoards;
#[cfg(feature = "sqlite")]
pub use sqlite::{Backup, Restored, SqliteBoards, SqliteOptions, backup, restore};
