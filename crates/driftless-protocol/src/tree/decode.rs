//! From a tree to a type.
//!
//! [`Take`] answers a value whatever the tree says: what does not belong there is noted once, in
//! [`Faults`], and something stands in its place until the document is refused as a whole. So no
//! type is compiled with a way out after each of its fields, and with what would give back those
//! that it had read, which was a tenth of a browser's client.

use std::borrow::Cow;
use std::fmt;

use driftless_model::{Number, SortedMap, Value};

use super::Tree;

/// Why a document is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TreeError(String);

impl TreeError {
    pub(super) fn new(reason: &dyn fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// A type that documents have.
pub trait Take: Sized {
    /// What a part of a document says, which is empty afterwards. Ids and bytes are text in it
    /// where `IS_TEXT`; a browser, which reads no such document, is not compiled with that.
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self;
}

/// What is wrong with a document: the first thing, and where.
#[derive(Debug, Default)]
pub struct Faults {
    /// The names of fields and variants on the way to what is read.
    path: Vec<&'static str>,
    first: Option<String>,
}

impl Faults {
    /// Reads a whole document.
    pub(super) fn read<T: Take, const IS_TEXT: bool>(root: &mut Tree<'_>) -> Result<T, TreeError> {
        let mut faults = Self::default();
        let value = T::take::<IS_TEXT>(root, &mut faults);
        match faults.first {
            None => Ok(value),
            Some(first) => Err(TreeError(first)),
        }
    }

    /// What is read is no part any more of what was entered last.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// Something is wrong here.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&mut self, what: &dyn fmt::Display) {
        if self.first.is_none() {
            let colon = if self.path.is_empty() { "" } else { ": " };
            self.first = Some(format!("{}{colon}{what}", self.path.join(".")));
        }
    }

    /// What is here is something else than what belongs here.
    #[cold]
    #[inline(never)]
    pub(crate) fn unfit(&mut self, found: &Tree<'_>) {
        self.note(&format_args!("{} cannot be there", in_words(found)));
    }
}

/// As serde says it, without the digits of a fraction: those would bring a browser another way to
/// write numbers. Nor is text quoted as Rust does it, which brings the tables of Unicode.
fn in_words(found: &Tree<'_>) -> Cow<'static, str> {
    match found {
        Tree::Nothing => "nothing".into(),
        Tree::Bool(value) => format!("boolean `{value}`").into(),
        Tree::Unsigned(value) => format!("integer `{value}`").into(),
        Tree::Negative(value) => format!("integer `{value}`").into(),
        Tree::Float(_) => "a fraction".into(),
        Tree::Text(text) => format!("string `{text}`").into(),
        Tree::Bytes(_) => "byte array".into(),
        Tree::Seq(_) => "sequence".into(),
        Tree::Map(_) => "map".into(),
    }
}

/// The fields of a struct, in the order of its type. What a later version has added is passed over.
pub struct Fields<'a, 'de> {
    entries: &'a mut [(Cow<'de, str>, Tree<'de>)],
    names: std::slice::Iter<'static, &'static str>,
    faults: &'a mut Faults,
    /// What stands where a field is missing.
    nothing: Tree<'de>,
}

impl<'a, 'de> Fields<'a, 'de> {
    #[inline(never)]
    pub fn of(
        tree: &'a mut Tree<'de>,
        names: &'static [&'static str],
        faults: &'a mut Faults,
    ) -> Self {
        let entries = entries(tree, faults);
        for name in names {
            if entries.iter().filter(|(own, _)| own == name).count() > 1 {
                faults.note(&format_args!("`{name}` is there twice"));
            }
        }
        Self {
            entries,
            names: names.iter(),
            faults,
            nothing: Tree::Nothing,
        }
    }

    /// The next field, where it is there, and where to note what is wrong with it.
    #[inline(never)]
    fn next(&mut self, is_needed: bool) -> (Option<&mut Tree<'de>>, &mut Faults) {
        let name = self.names.next().expect("as many as the type has");
        let entry = self.entries.iter_mut().find(|(own, _)| own == name);
        let found = match entry {
            Some((_, tree)) => Some(tree),
            None if is_needed => {
                self.faults.note(&format_args!("`{name}` is missing"));
                self.nothing = Tree::Nothing;
                Some(&mut self.nothing)
            }
            None => None,
        };
        if found.is_some() {
            self.faults.path.push(name);
        }
        (found, self.faults)
    }

    /// A field that has to be there.
    #[inline(never)]
    pub fn needed<T: Take, const IS_TEXT: bool>(&mut self) -> T {
        let (found, faults) = self.next(true);
        let tree = found.expect("what is missing has a place too");
        let value = T::take::<IS_TEXT>(tree, faults);
        faults.leave();
        value
    }

    /// A field that may be absent.
    #[inline(never)]
    pub fn optional<T: Take + Default, const IS_TEXT: bool>(&mut self) -> T {
        let (Some(tree), faults) = self.next(false) else {
            return T::default();
        };
        let value = T::take::<IS_TEXT>(tree, faults);
        faults.leave();
        value
    }

    /// A value that may be absent, which is something else than a value that is nothing.
    #[inline(never)]
    pub fn present<const IS_TEXT: bool>(&mut self) -> Option<Value> {
        let (found, faults) = self.next(false);
        let value = Value::take::<IS_TEXT>(found?, faults);
        faults.leave();
        Some(value)
    }
}

/// Which variant it is by its place among the names, and what is in it; entered by its name. A
/// variant is its name alone, or a map of its name with what is in it.
#[inline(never)]
pub fn variant<'a, 'de>(
    tree: &'a mut Tree<'de>,
    names: &'static [&'static str],
    faults: &mut Faults,
) -> (usize, &'a mut Tree<'de>) {
    let place = match &*tree {
        Tree::Text(name) => place(name, names, faults),
        Tree::Map(entries) if entries.len() == 1 => place(&entries[0].0, names, faults),
        other => {
            faults.unfit(other);
            0
        }
    };
    faults.path.push(names[place]);
    let is_named = matches!(tree, Tree::Map(entries) if entries.len() == 1);
    if !is_named {
        *tree = Tree::Nothing;
    }
    match tree {
        Tree::Map(entries) => (place, &mut entries[0].1),
        nothing => (place, nothing),
    }
}

fn place(name: &str, names: &[&str], faults: &mut Faults) -> usize {
    let place = names.iter().position(|own| *own == name);
    place.unwrap_or_else(|| {
        faults.note(&format_args!("unknown variant `{name}`"));
        0
    })
}

/// That there is nothing in a variant.
pub fn unit(tree: &Tree<'_>, faults: &mut Faults) {
    if *tree != Tree::Nothing {
        faults.unfit(tree);
    }
}

fn entries<'a, 'de>(
    tree: &'a mut Tree<'de>,
    faults: &mut Faults,
) -> &'a mut [(Cow<'de, str>, Tree<'de>)] {
    match tree {
        Tree::Map(entries) => entries,
        other => {
            faults.unfit(other);
            &mut []
        }
    }
}

fn items<'a, 'de>(tree: &'a mut Tree<'de>, faults: &mut Faults) -> &'a mut [Tree<'de>] {
    match tree {
        Tree::Seq(items) => items,
        other => {
            faults.unfit(other);
            &mut []
        }
    }
}

impl Take for bool {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        match tree {
            Tree::Bool(value) => *value,
            other => {
                faults.unfit(other);
                false
            }
        }
    }
}

impl Take for u64 {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        match tree {
            Tree::Unsigned(value) => *value,
            other => {
                faults.unfit(other);
                0
            }
        }
    }
}

macro_rules! take_narrow {
    ($($type:ident)*) => {
        $(impl Take for $type {
            fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
                let wide = u64::take::<IS_TEXT>(tree, faults);
                Self::try_from(wide).unwrap_or_else(|_| {
                    faults.unfit(tree);
                    0
                })
            }
        })*
    };
}

take_narrow! { u16 u32 }

impl Take for String {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        match tree {
            Tree::Text(text) => std::mem::take(text).into_owned(),
            other => {
                faults.unfit(other);
                Self::new()
            }
        }
    }
}

impl<T: Take> Take for Box<T> {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        Self::new(T::take::<IS_TEXT>(tree, faults))
    }
}

impl<T: Take> Take for Option<T> {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        match tree {
            Tree::Nothing => None,
            some => Some(T::take::<IS_TEXT>(some, faults)),
        }
    }
}

impl<T: Take> Take for Vec<T> {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let mut values = Self::new();
        for item in items(tree, faults) {
            // What is wrong is not made larger than it came.
            if faults.first.is_some() {
                break;
            }
            values.push(T::take::<IS_TEXT>(item, faults));
        }
        values
    }
}

impl<A: Take, B: Take> Take for (A, B) {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let mut nothing = (Tree::Nothing, Tree::Nothing);
        let (first, second) = match items(tree, faults) {
            [first, second] => (first, second),
            others => {
                faults.note(&format_args!("{} in place of two", others.len()));
                (&mut nothing.0, &mut nothing.1)
            }
        };
        let first = A::take::<IS_TEXT>(first, faults);
        (first, B::take::<IS_TEXT>(second, faults))
    }
}

impl<K: Take + Ord, V: Take> Take for SortedMap<K, V> {
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let mut values = Vec::new();
        for (name, tree) in entries(tree, faults) {
            if faults.first.is_some() {
                break;
            }
            let mut name = Tree::Text(std::mem::take(name));
            let key = K::take::<IS_TEXT>(&mut name, faults);
            values.push((key, V::take::<IS_TEXT>(tree, faults)));
        }
        values.into_iter().collect()
    }
}

impl Take for Value {
    #[allow(clippy::cast_precision_loss, reason = "numbers are f64 by design")]
    fn take<const IS_TEXT: bool>(tree: &mut Tree<'_>, faults: &mut Faults) -> Self {
        let number = match tree {
            Tree::Nothing => return Self::Null,
            Tree::Bool(truth) => return Self::Bool(*truth),
            Tree::Text(_) => return Self::Text(String::take::<IS_TEXT>(tree, faults)),
            Tree::Seq(_) => return Self::List(Vec::take::<IS_TEXT>(tree, faults)),
            Tree::Map(_) => return Self::Map(SortedMap::take::<IS_TEXT>(tree, faults)),
            Tree::Unsigned(number) => *number as f64,
            Tree::Negative(number) => *number as f64,
            Tree::Float(number) => *number,
            Tree::Bytes(_) => f64::NAN,
        };
        Number::new(number).map_or_else(
            || {
                faults.unfit(tree);
                Self::Null
            },
            Self::Number,
        )
    }
}
