//! A server's storage: boards, each with its log, its records and its ledger.
//!
//! [`BoardStore`] is the trait. [`MemoryBoards`] keeps boards in memory; `SqliteBoards` (feature
//! `sqlite`) keeps them in one file. [`SampleStore`] is the history of feeds, [`MemorySamples`] and
//! `SqliteSamples` keep it. Every backend runs [`conformance`].
//!
//! No node owns a board: an append states where it expects the head, and whoever loses reads on and
//! decides again.

mod error;
mod board_store;
mod account;
mod sample_store;
mod memory;
mod memory_samples;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod conformance;

pub use account::{AccountError, AuditRow, Grant, Holder, NewToken, TokenHash, TokenRow, UserRow};
pub use board_store::{BoardStore, BoardSummary};
pub use error::StoreError;
pub use memory::MemoryBoards;
pub use memory_samples::MemorySamples;
pub use sample_store::{Chunk, Forget, Kept, KeptPush, KeptSeries, SampleBatch, SampleStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{
    Accounts, Backup, Restored, SqliteBoards, SqliteOptions, SqliteSamples, are_in_use, backup,
    look_over, restore, samples_beside,
};
