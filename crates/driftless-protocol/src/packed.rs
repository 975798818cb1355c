//! Bytes inside a message: binary in `MessagePack`, base64 in JSON.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::tree::{Faults, Give, Take, Tree};

/// Bytes inside a message: binary in `MessagePack`, base64 (standard, padded) in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Packed(pub Vec<u8>);

impl Serialize for Packed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(PackedVisitor)
        } else {
            deserializer.deserialize_byte_buf(PackedVisitor)
        }
    }
}

struct PackedVisitor;

impl de::Visitor<'_> for PackedVisitor {
    type Value = Packed;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bytes, or base64 text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Packed, E> {
        STANDARD.decode(text).map(Packed).map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Packed, E> {
        Ok(Packed(bytes.to_vec()))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Packed, E> {
        Ok(Packed(bytes))
    }
}

impl Take for Packed {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        match tree {
            Tree::Bytes(bytes) if !IS_TEXT => Self(std::mem::take(bytes).into_owned()),
            Tree::Text(text) if IS_TEXT => match STANDARD.decode(&**text) {
                Ok(bytes) => Self(bytes),
                Err(error) => {
                    faults.note(&error);
                    Self::default()
                }
            },
            other => {
                faults.unfit(other);
                Self::default()
            }
        }
    }
}

impl Give for Packed {
    fn give(&self, is_text: bool) -> Tree<'static> {
        if is_text {
            return Tree::Text(Cow::Owned(base64(&self.0)));
        }
        Tree::Bytes(Cow::Owned(self.0.clone()))
    }
}

/// As `STANDARD.encode`, whose loop takes many bytes at a time and is more than a page should
/// have to load, which writes no bytes as text.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(1_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize % 64];
            text.push(char::from(if place > three.len() { b'=' } else { digit }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_page_writes_as_text_is_base64(bytes: Vec<u8>) {
            prop_assert_eq!(base64(&bytes), STANDARD.encode(&bytes));
        }
    }
}
