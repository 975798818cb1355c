//! One checker a property. Some look all the time, the others when everything is at rest.

mod always;
mod rest;

pub use always::{
    Values, believe_disk, bounded, folded, forgive, honest, identity, is_final, is_stored, meant,
    view,
};
pub use rest::{at_rest, restless};
