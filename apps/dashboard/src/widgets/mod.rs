//! The widgets: what each kind shows, its settings, and the frame around it.

pub mod query;
pub mod rows;
pub mod paragraphs;
pub mod kinds;
pub mod feed;
pub mod chart;
pub mod stat;
pub mod bars;
pub mod table;
pub mod note;
pub mod unknown;
pub mod settings;
pub mod frame;
