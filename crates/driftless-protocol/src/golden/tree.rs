//! Any message as a tree whose maps keep their order: what the same message looks like from another
//! build or another language.

use std::borrow::Cow;

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
