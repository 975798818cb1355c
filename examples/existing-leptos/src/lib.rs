//! What the page and the server of the application have in common: the kind of record that the
//! widget's value is kept in.
#![forbid(unsafe_code)]

pub mod thermostat;
