//! The content of an edit as it is sealed: the second step of decoding. It is text of its own
//! inside the envelope, the same in both encodings, so that it is resent letter by letter whatever
//! the connection speaks, and so that one which cannot be read still has a place in the sequence.

use driftless_model::{Edit, limits};
use serde::{Deserialize, Serialize};

use crate::tree::{Document, document_newtypes};

/// A sealed edit: JSON text, final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payload(String);

/// Why a payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Too many bytes.
    #[error("an edit has at most {limit} bytes; this one has {bytes}; split it")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Not an edit.
    #[error("not an edit: {0}")]
    Undecodable(String),
}

impl Payload {
    /// Seals an edit.
    pub fn seal(edit: &Edit) -> Result<Self, PayloadError> {
        let text = Document::for_json(edit).to_json();
        Self::check_size(&text)?;
        Ok(Self(text))
    }

    /// Reads the edit.
    pub fn open(&self) -> Result<Edit, PayloadError> {
        Self::check_size(&self.0)?;
        serde_json::from_str(&self.0).map_err(|error| PayloadError::Undecodable(error.to_string()))
    }

    /// A payload as it came in, not checked.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check_size(text: &str) -> Result<(), PayloadError> {
        let limit = limits::PAYLOAD_BYTES_MAX;
        if text.len() > limit {
            return Err(PayloadError::TooLarge {
                bytes: text.len(),
                limit,
            });
        }
        Ok(())
    }
}

document_newtypes!(Payload);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_opened_up_to_its_limit() {
        let edit = r#"{"id":"00000000000000000000000000000001","label":"","changes":[]}"#;
        let padded =
            |bytes: usize| Payload::from_text(edit.to_owned() + &" ".repeat(bytes - edit.len()));
        assert!(padded(limits::PAYLOAD_BYTES_MAX).open().is_ok());
        let bytes = limits::PAYLOAD_BYTES_MAX + 1;
        let limit = limits::PAYLOAD_BYTES_MAX;
        assert_eq!(
            padded(bytes).open(),
            Err(PayloadError::TooLarge { bytes, limit })
        );
    }
}
