//! The laws of the model, on any boards and edits.

mod boards;
mod applying;
mod staleness;
mod values;
mod grid;
