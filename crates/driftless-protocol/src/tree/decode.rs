//! From a tree to a type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::Tree;

/// Why a document is not what it should be. One word long, as every type's way out carries it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TreeError(Box<Fault>);

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    what: String,
    /// The names of fields and variants on the way there, the outermost first.
    path: Vec<String>,
    /// The place of the field that its struct lacks, while only that is known.
    missing: Option<usize>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return formatter.write_str(&self.what);
        }
        write!(formatter, "{}: {}", self.path.join("."), self.what)
    }
}

impl TreeError {
    pub(super) fn new(reason: &dyn fmt::Display) -> Self {
        Self::told(reason.to_string())
    }

    fn told(what: String) -> Self {
        Self(Box::new(Fault {
            what,
            path: Vec::new(),
            missing: None,
        }))
    }

    fn unfit(found: Unexpected<'_>) -> Self {
        Self::told(format!("{} cannot be there", in_words(found)))
    }

    /// The same, in the field or the variant of a name; where there is none, as it is.
    #[cold]
    #[inline(never)]
    fn within(mut self, name: &str) -> Self {
        self.0.missing = None;
        if !name.is_empty() {
            self.0.path.insert(0, name.to_owned());
        }
        self
    }

    /// The same, of a struct with these fields.
    #[cold]
    #[inline(never)]
    fn of(mut self, fields: &[&str]) -> Self {
        if let Some(name) = self.0.missing.take().and_then(|place| fields.get(place)) {
            self.0.what = format!("`{name}` is missing");
        }
        self
    }
}

/// Every reason is put into words here, once, and not wherever a type is read. What a type expected
/// is not told, but where it was: that costs no text for each type.
impl de::Error for TreeError {
    #[cold]
    #[inline(never)]
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(&reason)
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(found: Unexpected<'_>, _expected: &dyn de::Expected) -> Self {
        Self::unfit(found)
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(found: Unexpected<'_>, _expected: &dyn de::Expected) -> Self {
        Self::unfit(found)
    }

    #[cold]
    #[inline(never)]
    fn unknown_variant(variant: &str, _expected: &'static [&'static str]) -> Self {
        Self::told(format!("unknown variant `{variant}`"))
    }

    /// Fields are read in the order of their type: this one is missing.
    #[cold]
    #[inline(never)]
    fn invalid_length(place: usize, _expected: &dyn de::Expected) -> Self {
        let mut error = Self::told(format!("it ends after {place}"));
        error.0.missing = Some(place);
        error
    }

    #[cold]
    #[inline(never)]
    fn duplicate_field(field: &'static str) -> Self {
        Self::told(format!("`{field}` is there twice"))
    }
}

/// As serde says it, without the digits of a fraction: those would bring a browser another way to
/// write numbers. Nor is text quoted as Rust does it, which brings the tables of Unicode.
fn in_words(found: Unexpected<'_>) -> Cow<'static, str> {
    match found {
        Unexpected::Bool(value) => format!("boolean `{value}`").into(),
        Unexpected::Unsigned(value) => format!("integer `{value}`").into(),
        Unexpected::Signed(value) => format!("integer `{value}`").into(),
        Unexpected::Float(_) => "a fraction".into(),
        Unexpected::Str(text) => format!("string `{text}`").into(),
        Unexpected::Bytes(_) => "byte array".into(),
        Unexpected::Seq => "sequence".into(),
        Unexpected::Map => "map".into(),
        _ => "nothing".into(),
    }
}

/// A value of a document, as a decoder. Each method takes what its type can be and refuses the
/// rest in one place that is the same for all types.
///
/// The document goes on owning it, and what was taken out is empty afterwards: a branch is one
/// word, and no type is compiled with what would give a tree back to the memory. Ids and bytes are
/// text in it where `IS_TEXT`; a browser, which reads no such document, is not compiled with that.
pub(super) struct Branch<'a, 'de, const IS_TEXT: bool> {
    tree: &'a mut Tree<'de>,
}

impl<'a, 'de, const IS_TEXT: bool> Branch<'a, 'de, IS_TEXT> {
    pub(super) fn new(tree: &'a mut Tree<'de>) -> Self {
        Self { tree }
    }

    fn unexpected(&self) -> TreeError {
        let found = match &*self.tree {
            Tree::Nothing => Unexpected::Unit,
            Tree::Bool(value) => Unexpected::Bool(*value),
            Tree::Unsigned(value) => Unexpected::Unsigned(*value),
            Tree::Negative(value) => Unexpected::Signed(*value),
            Tree::Float(value) => Unexpected::Float(*value),
            Tree::Text(text) => Unexpected::Str(text),
            Tree::Bytes(bytes) => Unexpected::Bytes(bytes),
            Tree::Seq(_) => Unexpected::Seq,
            Tree::Map(_) => Unexpected::Map,
        };
        TreeError::unfit(found)
    }

    fn unsigned(&self) -> Result<u64, TreeError> {
        match *self.tree {
            Tree::Unsigned(value) => Ok(value),
            _ => Err(self.unexpected()),
        }
    }

    fn signed(&self) -> Result<i64, TreeError> {
        match *self.tree {
            Tree::Unsigned(value) => i64::try_from(value).map_err(|_| self.unexpected()),
            Tree::Negative(value) => Ok(value),
            _ => Err(self.unexpected()),
        }
    }

    // A float type takes whole numbers too, as near as it can be.
    #[allow(clippy::cast_precision_loss)]
    fn float(&self) -> Result<f64, TreeError> {
        match *self.tree {
            Tree::Unsigned(value) => Ok(value as f64),
            Tree::Negative(value) => Ok(value as f64),
            Tree::Float(value) => Ok(value),
            _ => Err(self.unexpected()),
        }
    }

    fn bool(&self) -> Result<bool, TreeError> {
        match *self.tree {
            Tree::Bool(value) => Ok(value),
            _ => Err(self.unexpected()),
        }
    }

    fn seq(self) -> Result<Elements<'a, 'de, IS_TEXT>, TreeError> {
        match self.tree {
            Tree::Seq(values) => Ok(Elements {
                rest: values.iter_mut(),
            }),
            _ => Err(self.unexpected()),
        }
    }

    fn map(self) -> Result<Entries<'a, 'de, IS_TEXT>, TreeError> {
        match self.tree {
            Tree::Map(entries) => Ok(Entries {
                rest: entries.iter_mut(),
                value: None,
            }),
            _ => Err(self.unexpected()),
        }
    }

    /// The fields of a struct in the order of its type. What is derived for a struct can be read
    /// by name or by order; by order it is a third less code.
    fn fields(self, names: &'static [&'static str]) -> Result<Fields<'a, 'de, IS_TEXT>, TreeError> {
        let Tree::Map(entries) = self.tree else {
            return Err(self.unexpected());
        };
        for name in names {
            if entries.iter().filter(|(own, _)| own == name).count() > 1 {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(Fields {
            entries,
            names: names.iter(),
            name: "",
        })
    }

    /// A variant by its name alone, or by its name with what is in it.
    fn variant(
        self,
        names: &'static [&'static str],
    ) -> Result<Variant<'a, 'de, IS_TEXT>, TreeError> {
        let name = match &*self.tree {
            Tree::Text(name) => name,
            Tree::Map(entries) if entries.len() == 1 => &entries[0].0,
            _ => return Err(self.unexpected()),
        };
        Ok(Variant {
            place: names.iter().position(|own| own == name),
            tree: self.tree,
        })
    }
}

/// Methods of whole numbers: the visitor checks the range of its type.
macro_rules! numbers {
    ($($method:ident $read:ident $visit:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
            let value = self.$read()?;
            visitor.$visit(value)
        })*
    };
}

impl<'de, const IS_TEXT: bool> Deserializer<'de> for Branch<'_, 'de, IS_TEXT> {
    type Error = TreeError;

    numbers! {
        deserialize_bool bool visit_bool,
        deserialize_u8 unsigned visit_u64,
        deserialize_u16 unsigned visit_u64,
        deserialize_u32 unsigned visit_u64,
        deserialize_u64 unsigned visit_u64,
        deserialize_i8 signed visit_i64,
        deserialize_i16 signed visit_i64,
        deserialize_i32 signed visit_i64,
        deserialize_i64 signed visit_i64,
        deserialize_f32 float visit_f64,
        deserialize_f64 float visit_f64,
    }

    fn is_human_readable(&self) -> bool {
        IS_TEXT
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match *self.tree {
            Tree::Nothing => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Unsigned(value) => visitor.visit_u64(value),
            Tree::Negative(value) => visitor.visit_i64(value),
            Tree::Float(value) => visitor.visit_f64(value),
            Tree::Text(_) => self.deserialize_str(visitor),
            Tree::Bytes(_) => self.deserialize_bytes(visitor),
            Tree::Seq(_) => self.deserialize_seq(visitor),
            Tree::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.tree {
            Tree::Text(text) => visitor.visit_str(text),
            _ => Err(self.unexpected()),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.tree {
            Tree::Text(text) => visitor.visit_string(std::mem::take(text).into_owned()),
            _ => Err(self.unexpected()),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.tree {
            Tree::Bytes(bytes) => visitor.visit_bytes(bytes),
            _ => Err(self.unexpected()),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.tree {
            Tree::Nothing => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        let elements = self.seq()?;
        visitor.visit_seq(elements)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        let entries = self.map()?;
        visitor.visit_map(entries)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        let values = self.fields(fields)?;
        visitor.visit_seq(values).map_err(|error| error.of(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        let variant = self.variant(variants)?;
        let name = variant.place.map_or("", |place| variants[place]);
        visitor
            .visit_enum(variant)
            .map_err(|error| error.within(name))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char i128 u128 unit unit_struct tuple_struct }
}

struct Elements<'a, 'de, const IS_TEXT: bool> {
    rest: std::slice::IterMut<'a, Tree<'de>>,
}

impl<'de, const IS_TEXT: bool> SeqAccess<'de> for Elements<'_, 'de, IS_TEXT> {
    type Error = TreeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TreeError> {
        let next = self.rest.next();
        next.map(|tree| seed.deserialize(Branch::<IS_TEXT>::new(tree)))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The fields of a struct, `None` where the document has none: a default, or an error. What a later
/// version has added is passed over.
struct Fields<'a, 'de, const IS_TEXT: bool> {
    entries: &'a mut Vec<(Cow<'de, str>, Tree<'de>)>,
    names: std::slice::Iter<'static, &'static str>,
    /// Of the one that was read last.
    name: &'static str,
}

impl<'de, const IS_TEXT: bool> Fields<'_, 'de, IS_TEXT> {
    /// Shared by all types.
    #[inline(never)]
    fn next(&mut self) -> Option<Branch<'_, 'de, IS_TEXT>> {
        self.name = self.names.next()?;
        let name = self.name;
        let (_, tree) = self.entries.iter_mut().find(|(own, _)| own == name)?;
        Some(Branch::new(tree))
    }
}

impl<'de, const IS_TEXT: bool> SeqAccess<'de> for Fields<'_, 'de, IS_TEXT> {
    type Error = TreeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TreeError> {
        let next = self.next().map(|branch| seed.deserialize(branch));
        next.transpose().map_err(|error| error.within(self.name))
    }
}

struct Entries<'a, 'de, const IS_TEXT: bool> {
    rest: std::slice::IterMut<'a, (Cow<'de, str>, Tree<'de>)>,
    /// Of the entry whose name was read last.
    value: Option<&'a mut Tree<'de>>,
}

impl<'de, const IS_TEXT: bool> MapAccess<'de> for Entries<'_, 'de, IS_TEXT> {
    type Error = TreeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TreeError> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        let mut name = Tree::Text(std::mem::take(name));
        seed.deserialize(Branch::<IS_TEXT>::new(&mut name))
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, TreeError> {
        let value = self.value.take().expect("a key comes before its value");
        seed.deserialize(Branch::<IS_TEXT>::new(value))
    }
}

/// A variant, found by its place in its type. What is derived for an enum can be read by place or
/// by name; by name it is a comparison of texts for each.
struct Variant<'a, 'de, const IS_TEXT: bool> {
    /// Its name, or a map with its name and what is in it.
    tree: &'a mut Tree<'de>,
    /// `None` where the type has no such name.
    place: Option<usize>,
}

impl<'a, 'de, const IS_TEXT: bool> Variant<'a, 'de, IS_TEXT> {
    #[cold]
    fn unknown(&self) -> TreeError {
        let name = match &*self.tree {
            Tree::Text(name) => name,
            Tree::Map(entries) => &entries[0].0,
            _ => "",
        };
        de::Error::unknown_variant(name, &[])
    }

    fn content(self) -> Branch<'a, 'de, IS_TEXT> {
        let tree = match self.tree {
            Tree::Map(entries) => &mut entries[0].1,
            name => {
                *name = Tree::Nothing;
                name
            }
        };
        Branch::new(tree)
    }
}

impl<'a, 'de, const IS_TEXT: bool> EnumAccess<'de> for Variant<'a, 'de, IS_TEXT> {
    type Error = TreeError;
    type Variant = Branch<'a, 'de, IS_TEXT>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Branch<'a, 'de, IS_TEXT>), TreeError> {
        // Where there is no place for it, a type may have a variant for whatever else there is.
        let place = self.place.map_or(u64::MAX, |place| place as u64);
        let variant = seed.deserialize(place.into_deserializer());
        match variant {
            Err(_) if self.place.is_none() => Err(self.unknown()),
            variant => Ok((variant?, self.content())),
        }
    }
}

impl<'de, const IS_TEXT: bool> VariantAccess<'de> for Branch<'_, 'de, IS_TEXT> {
    type Error = TreeError;

    fn unit_variant(self) -> Result<(), TreeError> {
        match self.tree {
            Tree::Nothing => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, TreeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        let values = self.fields(fields)?;
        visitor.visit_seq(values).map_err(|error| error.of(fields))
    }
}
