//! From any type that serde writes to a tree, for JSON; and from a tree to bytes by serde.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{Tree, named};

/// There is no way for it to fail: whatever this workspace writes has text keys, and no `Serialize`
/// of it refuses a value. So no type is compiled with a way out after each of its fields, which was
/// a part of the web app's download.
#[derive(Debug, thiserror::Error)]
pub(super) enum Never {}

impl ser::Error for Never {
    #[cold]
    #[inline(never)]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        panic!("a type that cannot be written: {reason}")
    }
}

/// Makes the tree of a value, for JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grower;

/// A list, or what a variant has in a list, as far as it is made.
pub(super) struct Items {
    made: Vec<Tree<'static>>,
    variant: Option<&'static str>,
}

/// A map or a struct, or the struct of a variant, as far as it is made.
pub(super) struct Fields {
    made: Vec<(Cow<'static, str>, Tree<'static>)>,
    /// Whose value comes next.
    key: Cow<'static, str>,
    variant: Option<&'static str>,
}

/// What a variant has in it, under its name; anything else as it is.
fn under(variant: Option<&'static str>, tree: Tree<'static>) -> Tree<'static> {
    match variant {
        Some(variant) => named(variant, tree),
        None => tree,
    }
}

impl Items {
    fn of(variant: Option<&'static str>) -> Self {
        Self {
            made: Vec::new(),
            variant,
        }
    }

    fn push<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Never> {
        self.made.push(item.serialize(Grower)?);
        Ok(())
    }

    fn tree(self) -> Tree<'static> {
        under(self.variant, Tree::Seq(self.made))
    }
}

impl Fields {
    fn of(variant: Option<&'static str>) -> Self {
        Self {
            made: Vec::new(),
            key: Cow::Borrowed(""),
            variant,
        }
    }

    fn put(&mut self, name: Cow<'static, str>, tree: Tree<'static>) {
        self.made.push((name, tree));
    }

    fn tree(self) -> Tree<'static> {
        under(self.variant, Tree::Map(self.made))
    }
}

/// Methods of one scalar: its part of a tree.
macro_rules! scalars {
    ($($method:ident $type:ty: $value:ident => $tree:expr,)*) => {
        $(fn $method(self, $value: $type) -> Result<Tree<'static>, Never> {
            Ok($tree)
        })*
    };
}

impl Serializer for Grower {
    type Ok = Tree<'static>;
    type Error = Never;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    scalars! {
        serialize_bool bool: value => Tree::Bool(value),
        serialize_u8 u8: value => Tree::Unsigned(value.into()),
        serialize_u16 u16: value => Tree::Unsigned(value.into()),
        serialize_u32 u32: value => Tree::Unsigned(value.into()),
        serialize_u64 u64: value => Tree::Unsigned(value),
        serialize_i8 i8: value => Tree::whole(value.into()),
        serialize_i16 i16: value => Tree::whole(value.into()),
        serialize_i32 i32: value => Tree::whole(value.into()),
        serialize_i64 i64: value => Tree::whole(value),
        serialize_f32 f32: value => Tree::Float(value.into()),
        serialize_f64 f64: value => Tree::Float(value),
        serialize_char char: value => Tree::Text(Cow::Owned(value.into())),
        serialize_str &str: value => Tree::Text(Cow::Owned(value.to_owned())),
        serialize_bytes &[u8]: value => Tree::Bytes(Cow::Owned(value.to_owned())),
    }

    fn serialize_unit(self) -> Result<Tree<'static>, Never> {
        Ok(Tree::Nothing)
    }

    fn serialize_none(self) -> Result<Tree<'static>, Never> {
        Ok(Tree::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree<'static>, Never> {
        value.serialize(self)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Tree<'static>, Never> {
        Ok(Tree::Nothing)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Tree<'static>, Never> {
        Ok(Tree::Text(Cow::Borrowed(variant)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Tree<'static>, Never> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree<'static>, Never> {
        Ok(named(variant, value.serialize(self)?))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items, Never> {
        Ok(Items::of(None))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items, Never> {
        Ok(Items::of(None))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items, Never> {
        Ok(Items::of(None))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items, Never> {
        Ok(Items::of(Some(variant)))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Fields, Never> {
        Ok(Fields::of(None))
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Fields, Never> {
        Ok(Fields::of(None))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields, Never> {
        Ok(Fields::of(Some(variant)))
    }
}

/// What takes the items of a list, under the names that serde has for it.
macro_rules! lists {
    ($($of:ident $method:ident,)*) => {
        $(impl $of for Items {
            type Ok = Tree<'static>;
            type Error = Never;

            fn $method<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Never> {
                self.push(item)
            }

            fn end(self) -> Result<Tree<'static>, Never> {
                Ok(self.tree())
            }
        })*
    };
}

lists! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

/// What takes the fields of a struct.
macro_rules! structs {
    ($($of:ident,)*) => {
        $(impl $of for Fields {
            type Ok = Tree<'static>;
            type Error = Never;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Never> {
                let tree = value.serialize(Grower)?;
                self.put(Cow::Borrowed(name), tree);
                Ok(())
            }

            fn end(self) -> Result<Tree<'static>, Never> {
                Ok(self.tree())
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant, }

impl SerializeMap for Fields {
    type Ok = Tree<'static>;
    type Error = Never;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Never> {
        let Ok(Tree::Text(key)) = key.serialize(Grower) else {
            panic!("the key of a map is not text");
        };
        self.key = key;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Never> {
        let tree = value.serialize(Grower)?;
        let key = std::mem::take(&mut self.key);
        self.put(key, tree);
        Ok(())
    }

    fn end(self) -> Result<Tree<'static>, Never> {
        Ok(self.tree())
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
