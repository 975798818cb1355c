//! Storage: the traits, their conformance suites, and the backends.
//!
//! [`server`] keeps boards (memory, `SQLite`), [`replica`] keeps one user's durable copy (memory,
//! `redb`, `IndexedDB`). Backends decide nothing: what may be written is stated by the machines of
//! `driftless-sync`, a backend compares and writes, all or nothing.
#![forbid(unsafe_code)]

pub mod replica;
pub mod server;
