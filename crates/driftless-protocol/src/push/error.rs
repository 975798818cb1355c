//! Why a body is not read.

/// Why a body of samples is not read. Nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushFormatError {
    /// A line that is not written as its format demands.
    #[error("line {line}: {reason}; correct it and send all of it again")]
    Line {
        /// Which, from 1.
        line: u32,
        /// What is wrong with it.
        reason: String,
    },
    /// More samples than are taken at once.
    #[error("there are more than {samples_max} samples in it; send it in parts")]
    TooMany {
        /// How many may be in it.
        samples_max: usize,
    },
}

impl PushFormatError {
    /// About a line.
    pub(super) fn new(line: u32, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Line { line, reason }
    }

    /// The line, if it is about one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Line { line, .. } => Some(*line),
            Self::TooMany { .. } => None,
        }
    }
}
