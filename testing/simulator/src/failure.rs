//! What a checker found.

use std::fmt;

/// A broken promise.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Which checker.
    pub checker: &'static str,
    /// What it saw.
    pub detail: String,
}

impl Failure {
    /// A failure of a checker.
    pub fn new(checker: &'static str, detail: impl Into<String>) -> Self {
        Self {
            checker,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.checker, self.detail)
    }
}
