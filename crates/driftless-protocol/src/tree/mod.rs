//! Documents in two steps: bytes to a tree, a tree to a type; and back.
//!
//! What a browser decodes (messages of the server, stored rows) and encodes is read and written
//! this way, in a fraction of the code that serde's decoders and encoders are there: both were
//! among the largest parts of the web app's download. Servers, which do little else, go by serde
//! alone.

mod declare;
mod decode;
mod give;
mod encode;
mod json;
mod model;
mod message_pack;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

pub(crate) use self::declare::{
    document_enum, document_newtypes, document_struct, give_field, give_variant, take_field,
    take_variant, variant_pattern,
};
pub use self::decode::{Faults, Fields, Take, TreeError, unit, variant};
use self::encode::Grower;
pub use self::give::{Give, Made, named};

/// Deepest nesting that the decoder follows: the deepest value inside the deepest message.
const DEPTH_MAX: usize = driftless_model::limits::VALUE_DEPTH_MAX + 32;

/// Anything that either encoding can say. Text and bytes are borrowed from the document where it
/// has them as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree<'de> {
    /// `null`, `nil`.
    Nothing,
    /// A switch.
    Bool(bool),
    /// A whole number from 0.
    Unsigned(u64),
    /// A whole number below 0.
    Negative(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(Cow<'de, str>),
    /// Bytes; in `MessagePack` only.
    Bytes(Cow<'de, [u8]>),
    /// Values in order.
    Seq(Vec<Tree<'de>>),
    /// Values by name, as often and in the order in which they came.
    Map(Vec<(Cow<'de, str>, Tree<'de>)>),
}

impl Tree<'_> {
    fn whole(number: i64) -> Self {
        u64::try_from(number).map_or(Self::Negative(number), Self::Unsigned)
    }
}

/// A document that is read and not yet understood. Ids and bytes are text in it where `IS_TEXT`, as
/// in JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<'de, const IS_TEXT: bool> {
    root: Tree<'de>,
}

/// One value as `MessagePack`, and nothing behind it.
pub fn message_pack<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, TreeError> {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(bytes);
    decoder.set_max_depth(DEPTH_MAX);
    let value = T::deserialize(&mut decoder).map_err(|error| TreeError::new(&error))?;
    // One message a frame: what follows it would be lost unsaid.
    match bool::deserialize(&mut decoder) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
        _ => Err(TreeError::new(&"bytes follow the message")),
    }
}

/// One value as JSON, and nothing behind it.
pub fn json<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, TreeError> {
    serde_json::from_slice(bytes).map_err(|error| TreeError::new(&error))
}

impl<'de> Document<'de, false> {
    /// Reads `MessagePack`: one value and nothing behind it.
    pub fn from_message_pack(bytes: &'de [u8]) -> Result<Self, TreeError> {
        let root = message_pack::read(bytes)?;
        Ok(Self { root })
    }

    /// A value as a document of `MessagePack`.
    pub fn for_message_pack(value: &impl Give) -> Self {
        Self::of(value)
    }

    /// Writes `MessagePack`, maps by the names of their fields.
    pub fn to_message_pack(&self) -> Vec<u8> {
        message_pack::write(&self.root)
    }
}

impl<'de> Document<'de, true> {
    /// Reads JSON: one value and nothing behind it.
    pub fn from_json(bytes: &'de [u8]) -> Result<Self, TreeError> {
        let root = json(bytes)?;
        Ok(Self { root })
    }

    /// A value as a document of JSON.
    pub fn for_json(value: &impl Give) -> Self {
        Self::of(value)
    }

    /// The same of any type that serde writes. Panics where a map has other keys than text.
    pub fn for_json_of(value: &(impl Serialize + ?Sized)) -> Self {
        let Ok(root) = value.serialize(Grower);
        Self { root }
    }

    /// Writes JSON, in one line.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        json::write(&self.root, &mut text);
        text
    }

    /// Writes JSON, in lines for people.
    pub fn to_json_pretty(&self) -> String {
        // A tree has text keys, and memory takes whatever is written: nothing is left that could
        // fail. Not `expect`, which would bring a browser all that can be wrong with JSON.
        let text = serde_json::to_string_pretty(&self.root);
        text.unwrap_or_else(|_| unreachable!("any tree can be written as JSON"))
    }
}

impl<const IS_TEXT: bool> Document<'_, IS_TEXT> {
    fn of(value: &impl Give) -> Self {
        // Compiled once for both, as a browser writes both.
        let root = value.give(IS_TEXT);
        Self { root }
    }

    /// A whole number of the outermost map, without a look at anything else.
    pub fn number(&self, name: &str) -> Option<u64> {
        let Tree::Map(entries) = &self.root else {
            return None;
        };
        match entries.iter().find(|(own, _)| own == name)? {
            (_, Tree::Unsigned(number)) => Some(*number),
            _ => None,
        }
    }

    /// What it means as a type.
    pub fn decode<T: Take>(mut self) -> Result<T, TreeError> {
        Faults::read::<T, IS_TEXT>(&mut self.root)
    }
}

impl<'de> Deserialize<'de> for Tree<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value with text keys")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Nothing)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::whole(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Tree<'de>, E> {
        Ok(Tree::Bytes(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Tree<'de>, E> {
        Ok(Tree::Bytes(Cow::Owned(bytes.to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree<'de>, A::Error> {
        // Not with the length that the document claims: it may claim anything.
        let mut values = Vec::new();
        while let Some(value) = access.next_element()? {
            values.push(value);
        }
        Ok(Tree::Seq(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(Name(name)) = access.next_key()? {
            entries.push((name, access.next_value()?));
        }
        Ok(Tree::Map(entries))
    }
}

/// A key.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }
}
