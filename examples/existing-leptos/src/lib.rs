//! What the application before and after it went live have in common: its widget, as it was, and
//! the kind of record that the widget's value is kept in.
#![forbid(unsafe_code)]
// A component's properties are owned: the builder that `view!` calls moves them in.
#![allow(clippy::needless_pass_by_value)]

pub mod dial;
pub mod thermostat;
