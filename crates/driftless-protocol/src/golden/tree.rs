//! Any message as a tree whose maps keep their order: what the same message looks like from another
//! build or another language.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::codec::Codec;
pub use crate::tree::Tree;
use crate::tree::{json, message_pack};

/// The fields of a map.
pub type Fields<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

pub fn read(codec: Codec, bytes: &[u8]) -> Tree<'_> {
    match codec {
        Codec::MessagePack => message_pack(bytes).expect("is MessagePack"),
        Codec::Json => json(bytes).expect("is JSON"),
    }
}

pub fn write(codec: Codec, tree: &Tree<'_>) -> Vec<u8> {
    match codec {
        Codec::MessagePack => rmp_serde::to_vec_named(tree).expect("can be written"),
        Codec::Json => serde_json::to_vec(tree).expect("can be written"),
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Negative(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::Seq(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                list.iter()
                    .try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                let mut entries = entries.iter();
                entries.try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
        }
    }
}
