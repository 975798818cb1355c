//! Ids that tie elements together for assistive technology.

use std::sync::atomic::{AtomicUsize, Ordering};

static NEXT: AtomicUsize = AtomicUsize::new(1);

/// An id that no other element of the page has.
pub fn element_id(what: &str) -> String {
    format!("driftless-{what}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
