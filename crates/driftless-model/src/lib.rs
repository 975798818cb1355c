//! What a board is: records, values, schema, edits, the decision on conflicts, and layout geometry.
//!
//! Everything here is pure data and pure functions, shared by the browser, the native client and
//! the server, so that a preview and the authority decide identically. The crate knows no clock,
//! no randomness, no I/O and no bytes beyond what `serde` derives.
//!
//! Read it in this order: [`ids`], [`value`], [`board`] (state and how changes apply), [`edit`]
//! (what a person changes), [`schema`] (what may be changed), [`staleness`] (what wins).
#![forbid(unsafe_code)]

pub mod limits;
pub mod sorted;
pub mod ids;
pub mod role;
pub mod value;
pub mod layout;
pub mod edit;
pub mod board;
pub mod schema;
pub mod builtin;
pub mod staleness;

pub use board::{BoardState, Cell, RecordState, Slot};
pub use builtin::{Bars, BoardSettings, Chart, Note, Stat, Table};
pub use edit::{Change, Edit, Effect, LeafRef, OnStale, Op, effects};
pub use ids::{
    BoardId, Check, ClientId, Cursor, EditId, IdError, KindName, LeafPath, RecordId, UserId,
    Version,
};
pub use role::Role;
pub use schema::{
    Invalid, Kind, KindSchema, Leaf, LeafValue, PathRule, Policy, RegisterError, Renames, Schema,
    Shape,
};
pub use sorted::{SortedMap, SortedSet};
pub use staleness::{Replaced, StaleLeaf, Verdict};
pub use value::{Number, Value};
