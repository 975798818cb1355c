//! One measurement.

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// What; finite.
    pub value: f64,
}
