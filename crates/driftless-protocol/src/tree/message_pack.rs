//! Trees as `MessagePack`, and back: the least code for what a browser writes and reads. What a
//! server does without a tree goes through `rmp_serde`; both say the same.

use std::borrow::Cow;
use std::str;

use rmp::Marker;
use rmp::encode::{self, ByteBuf};

use super::{DEPTH_MAX, Tree, TreeError};

/// Writes a tree, each number in as few bytes as it needs.
pub(super) fn write(tree: &Tree<'_>) -> Vec<u8> {
    let mut bytes = ByteBuf::new();
    put(&mut bytes, tree);
    bytes.into_vec()
}

fn put(to: &mut ByteBuf, tree: &Tree<'_>) {
    match tree {
        Tree::Nothing => {
            let Ok(()) = encode::write_nil(to);
        }
        Tree::Bool(value) => {
            let Ok(()) = encode::write_bool(to, *value);
        }
        Tree::Unsigned(value) => {
            let Ok(_) = encode::write_uint(to, *value);
        }
        Tree::Negative(value) => {
            let Ok(_) = encode::write_sint(to, *value);
        }
        Tree::Float(value) => {
            let Ok(()) = encode::write_f64(to, *value);
        }
        Tree::Text(text) => put_text(to, text),
        Tree::Bytes(bytes) => {
            let Ok(()) = encode::write_bin(to, bytes);
        }
        Tree::Seq(values) => {
            let Ok(_) = encode::write_array_len(to, length(values.len()));
            for value in values {
                put(to, value);
            }
        }
        Tree::Map(entries) => {
            let Ok(_) = encode::write_map_len(to, length(entries.len()));
            for (name, value) in entries {
                put_text(to, name);
                put(to, value);
            }
        }
    }
}

fn put_text(to: &mut ByteBuf, text: &str) {
    let Ok(()) = encode::write_str(to, text);
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("nothing in a message has 2^32 parts")
}

/// Reads one value, and nothing behind it. Text and bytes are the document's own.
pub(super) fn read(bytes: &[u8]) -> Result<Tree<'_>, TreeError> {
    let mut reader = Reader { rest: bytes };
    let tree = reader.tree(DEPTH_MAX)?;
    if !reader.rest.is_empty() {
        // One message a frame: what follows it would be lost unsaid.
        return Err(TreeError::new(&"bytes follow the message"));
    }
    Ok(tree)
}

/// What the first bytes of a value say of it.
enum Head<'de> {
    /// It is whole.
    Scalar(Tree<'de>),
    /// So many bytes of text follow.
    Text(u64),
    /// So many bytes follow.
    Bytes(u64),
    /// So many values follow.
    Seq(u64),
    /// So many entries follow.
    Map(u64),
}

struct Reader<'de> {
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    /// A value that may hold others `depth` deep.
    fn tree(&mut self, depth: usize) -> Result<Tree<'de>, TreeError> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| TreeError::new(&"values nest too deeply"))?;
        Ok(match self.head()? {
            Head::Scalar(tree) => tree,
            Head::Text(length) => Tree::Text(Cow::Borrowed(self.text(length)?)),
            Head::Bytes(length) => Tree::Bytes(Cow::Borrowed(self.bytes(length)?)),
            Head::Seq(length) => {
                // Not with room for the length that the document claims: it may claim anything.
                let mut values = Vec::new();
                for _ in 0..length {
                    values.push(self.tree(depth)?);
                }
                Tree::Seq(values)
            }
            Head::Map(length) => {
                let mut entries = Vec::new();
                for _ in 0..length {
                    entries.push((Cow::Borrowed(self.name()?), self.tree(depth)?));
                }
                Tree::Map(entries)
            }
        })
    }

    fn name(&mut self) -> Result<&'de str, TreeError> {
        match self.head()? {
            Head::Text(length) => self.text(length),
            _ => Err(TreeError::new(&"a key of a map is not text")),
        }
    }

    fn head(&mut self) -> Result<Head<'de>, TreeError> {
        let marker = self.bytes(1)?;
        Ok(match Marker::from_u8(marker[0]) {
            Marker::Null => Head::Scalar(Tree::Nothing),
            Marker::False => Head::Scalar(Tree::Bool(false)),
            Marker::True => Head::Scalar(Tree::Bool(true)),
            Marker::FixPos(number) => Head::Scalar(Tree::Unsigned(number.into())),
            Marker::FixNeg(number) => Head::Scalar(Tree::Negative(number.into())),
            Marker::U8 => self.unsigned(1)?,
            Marker::U16 => self.unsigned(2)?,
            Marker::U32 => self.unsigned(4)?,
            Marker::U64 => self.unsigned(8)?,
            Marker::I8 => self.signed(1)?,
            Marker::I16 => self.signed(2)?,
            Marker::I32 => self.signed(4)?,
            Marker::I64 => self.signed(8)?,
            Marker::F32 => {
                let bits = self.number(4)?;
                let bits = u32::try_from(bits).expect("four bytes");
                Head::Scalar(Tree::Float(f32::from_bits(bits).into()))
            }
            Marker::F64 => Head::Scalar(Tree::Float(f64::from_bits(self.number(8)?))),
            Marker::FixStr(length) => Head::Text(length.into()),
            Marker::Str8 => Head::Text(self.number(1)?),
            Marker::Str16 => Head::Text(self.number(2)?),
            Marker::Str32 => Head::Text(self.number(4)?),
            Marker::Bin8 => Head::Bytes(self.number(1)?),
            Marker::Bin16 => Head::Bytes(self.number(2)?),
            Marker::Bin32 => Head::Bytes(self.number(4)?),
            Marker::FixArray(length) => Head::Seq(length.into()),
            Marker::Array16 => Head::Seq(self.number(2)?),
            Marker::Array32 => Head::Seq(self.number(4)?),
            Marker::FixMap(length) => Head::Map(length.into()),
            Marker::Map16 => Head::Map(self.number(2)?),
            Marker::Map32 => Head::Map(self.number(4)?),
            _ => return Err(TreeError::new(&"an extension is no part of any message")),
        })
    }

    fn unsigned(&mut self, bytes: u64) -> Result<Head<'de>, TreeError> {
        Ok(Head::Scalar(Tree::Unsigned(self.number(bytes)?)))
    }

    fn signed(&mut self, bytes: u64) -> Result<Head<'de>, TreeError> {
        let unused = 64 - 8 * bytes;
        let number = (self.number(bytes)? << unused).cast_signed() >> unused;
        Ok(Head::Scalar(Tree::whole(number)))
    }

    /// A number in so many bytes, the highest first.
    fn number(&mut self, bytes: u64) -> Result<u64, TreeError> {
        let bytes = self.bytes(bytes)?.iter();
        Ok(bytes.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(&mut self, length: u64) -> Result<&'de str, TreeError> {
        str::from_utf8(self.bytes(length)?).map_err(|error| TreeError::new(&error))
    }

    fn bytes(&mut self, length: u64) -> Result<&'de [u8], TreeError> {
        let length = usize::try_from(length).ok();
        let parts = length.and_then(|length| self.rest.split_at_checked(length));
        let (bytes, rest) = parts.ok_or_else(|| TreeError::new(&"the message is cut off"))?;
        self.rest = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::message_pack;

    /// Any tree as both say it: numbers from zero up are unsigned, and those of floats finite.
    fn trees() -> impl Strategy<Value = Tree<'static>> {
        let text = || any::<String>().prop_map(Cow::Owned);
        let scalars = prop_oneof![
            Just(Tree::Nothing),
            any::<bool>().prop_map(Tree::Bool),
            any::<u64>().prop_map(Tree::Unsigned),
            (0..70_000_u64).prop_map(Tree::Unsigned),
            (i64::MIN..0).prop_map(Tree::Negative),
            (-70_000..0_i64).prop_map(Tree::Negative),
            (-1e300..1e300).prop_map(Tree::Float),
            text().prop_map(Tree::Text),
            "a{0,300}".prop_map(|text| Tree::Text(Cow::Owned(text))),
            proptest::collection::vec(any::<u8>(), 0..300)
                .prop_map(|bytes| Tree::Bytes(Cow::Owned(bytes))),
        ];
        scalars.prop_recursive(3, 24, 8, move |inner| {
            let entry = (any::<String>().prop_map(Cow::Owned), inner.clone());
            prop_oneof![
                proptest::collection::vec(inner, 0..8).prop_map(Tree::Seq),
                proptest::collection::vec(entry, 0..8).prop_map(Tree::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_is_written_as_rmp_serde_does_and_read_again(tree in trees()) {
            let bytes = write(&tree);
            prop_assert_eq!(&bytes, &rmp_serde::to_vec_named(&tree).expect("is written"));
            prop_assert_eq!(read(&bytes), Ok(tree));
        }

        #[test]
        fn what_is_cut_off_is_refused(tree in trees(), cut in any::<prop::sample::Index>()) {
            let bytes = write(&tree);
            let cut = cut.index(bytes.len());
            prop_assert!(read(&bytes[..cut]).is_err());
        }

        #[test]
        fn any_bytes_are_read_as_rmp_serde_does_or_refused(bytes: Vec<u8>) {
            if let Ok(tree) = read(&bytes) {
                let other = message_pack::<Tree<'_>>(&bytes);
                prop_assert_eq!(format!("{:?}", other), format!("{:?}", Ok::<_, TreeError>(tree)));
            }
        }
    }

    #[test]
    fn lengths_are_written_in_every_width() {
        for length in [0, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
            let entry = (Cow::Borrowed("a"), Tree::Nothing);
            for tree in [
                Tree::Text(Cow::Owned("a".repeat(length))),
                Tree::Bytes(Cow::Owned(vec![7; length])),
                Tree::Seq(vec![Tree::Nothing; length]),
                Tree::Map(vec![entry.clone(); length]),
            ] {
                let bytes = write(&tree);
                assert_eq!(bytes, rmp_serde::to_vec_named(&tree).expect("is written"));
                assert_eq!(read(&bytes), Ok(tree));
            }
        }
    }

    #[test]
    fn numbers_are_read_in_every_width() {
        fn read(bytes: &[u8]) -> Tree<'_> {
            super::read(bytes).expect("a number")
        }
        assert_eq!(read(&[0xcd, 0, 7]), Tree::Unsigned(7));
        assert_eq!(read(&[0xd0, 0x80]), Tree::Negative(-128));
        assert_eq!(read(&[0xd1, 0xff, 0xfe]), Tree::Negative(-2));
        assert_eq!(read(&[0xd2, 0, 0, 0, 9]), Tree::Unsigned(9));
        let lowest = [&[0xd3, 0x80][..], &[0; 7]].concat();
        assert_eq!(read(&lowest), Tree::Negative(i64::MIN));
        assert_eq!(read(&[0xca, 0x3f, 0x80, 0, 0]), Tree::Float(1.0));
        assert_eq!(read(&[0xe0]), Tree::Negative(-32));
    }

    #[test]
    fn what_is_no_document_is_refused_in_words() {
        let refused = |bytes: &[u8]| read(bytes).expect_err("no document").to_string();
        assert_eq!(refused(&[]), "the message is cut off");
        assert_eq!(refused(&[0xc0, 0xc0]), "bytes follow the message");
        assert_eq!(refused(&[0xc1]), "an extension is no part of any message");
        assert_eq!(
            refused(&[0xd4, 1, 1]),
            "an extension is no part of any message"
        );
        assert_eq!(refused(&[0x81, 1, 1]), "a key of a map is not text");
        assert!(refused(&[0xa1, 0xff]).contains("utf-8"));
        // A length alone takes no memory.
        assert_eq!(
            refused(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
            "the message is cut off"
        );
    }

    #[test]
    fn values_nest_as_deep_as_the_limit() {
        let nested = |depth: usize| [vec![0x91; depth], vec![0xc0]].concat();
        assert!(read(&nested(DEPTH_MAX - 1)).is_ok());
        let refused = read(&nested(DEPTH_MAX)).expect_err("too deep");
        assert_eq!(refused.to_string(), "values nest too deeply");
        assert!(message_pack::<Tree<'_>>(&nested(DEPTH_MAX - 1)).is_ok());
        assert!(message_pack::<Tree<'_>>(&nested(DEPTH_MAX)).is_err());
    }
}
