//! The grid: where widgets are shown, and what moves them.

pub mod metrics;
pub mod layout;
pub mod held;
pub mod state;
pub mod pointer;
pub mod keyboard;
