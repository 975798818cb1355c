//! From a type to a tree, for types that are declared for documents.

use std::borrow::Cow;

use driftless_model::{SortedMap, Value};

use super::Tree;

/// A type that is written to documents.
pub trait Give {
    /// As a tree; ids and bytes are text in it where `is_text`.
    fn give(&self, is_text: bool) -> Tree<'static>;

    /// Whether an optional field is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

/// The fields of a struct as far as they are written, in the order of its type.
pub struct Made {
    names: std::slice::Iter<'static, &'static str>,
    entries: Vec<(Cow<'static, str>, Tree<'static>)>,
    is_text: bool,
}

impl Made {
    pub fn of(names: &'static [&'static str], is_text: bool) -> Self {
        Self {
            names: names.iter(),
            entries: Vec::new(),
            is_text,
        }
    }

    #[inline(never)]
    fn put(&mut self, tree: Option<Tree<'static>>) {
        let name = *self.names.next().expect("as many as the type has");
        if let Some(tree) = tree {
            self.entries.push((Cow::Borrowed(name), tree));
        }
    }

    #[inline(never)]
    pub fn always<T: Give>(&mut self, value: &T) {
        self.put(Some(value.give(self.is_text)));
    }

    #[inline(never)]
    pub fn optional<T: Give>(&mut self, value: &T) {
        self.put((!value.is_absent()).then(|| value.give(self.is_text)));
    }

    pub fn tree(self) -> Tree<'static> {
        Tree::Map(self.entries)
    }
}

/// A variant is a map of one entry, under its name.
pub fn named(variant: &'static str, content: Tree<'static>) -> Tree<'static> {
    Tree::Map(vec![(Cow::Borrowed(variant), content)])
}

/// Text of whoever calls.
pub fn text(text: &str) -> Tree<'static> {
    Tree::Text(Cow::Owned(text.to_owned()))
}

impl Give for bool {
    fn give(&self, _is_text: bool) -> Tree<'static> {
        Tree::Bool(*self)
    }

    fn is_absent(&self) -> bool {
        !self
    }
}

macro_rules! give_unsigned {
    ($($type:ident)*) => {
        $(impl Give for $type {
            fn give(&self, _is_text: bool) -> Tree<'static> {
                Tree::Unsigned((*self).into())
            }

            fn is_absent(&self) -> bool {
                *self == 0
            }
        })*
    };
}

give_unsigned! { u16 u32 u64 }

impl Give for String {
    fn give(&self, _is_text: bool) -> Tree<'static> {
        text(self)
    }
}

impl<T: Give> Give for Box<T> {
    fn give(&self, is_text: bool) -> Tree<'static> {
        (**self).give(is_text)
    }
}

impl<T: Give> Give for Option<T> {
    fn give(&self, is_text: bool) -> Tree<'static> {
        self.as_ref()
            .map_or(Tree::Nothing, |some| some.give(is_text))
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Give> Give for Vec<T> {
    fn give(&self, is_text: bool) -> Tree<'static> {
        Tree::Seq(self.iter().map(|item| item.give(is_text)).collect())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<A: Give, B: Give> Give for (A, B) {
    fn give(&self, is_text: bool) -> Tree<'static> {
        Tree::Seq(vec![self.0.give(is_text), self.1.give(is_text)])
    }
}

impl<K: Give, V: Give> Give for SortedMap<K, V> {
    fn give(&self, is_text: bool) -> Tree<'static> {
        let entry = |(key, value): (&K, &V)| match key.give(is_text) {
            Tree::Text(key) => (key, value.give(is_text)),
            _ => panic!("the key of a map is not text"),
        };
        Tree::Map(self.iter().map(entry).collect())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Give for Value {
    fn give(&self, is_text: bool) -> Tree<'static> {
        match self {
            Self::Null => Tree::Nothing,
            Self::Bool(truth) => Tree::Bool(*truth),
            Self::Number(number) => match number.as_whole() {
                Some(whole) => Tree::whole(whole),
                None => Tree::Float(number.as_f64()),
            },
            Self::Text(own) => text(own),
            Self::List(list) => list.give(is_text),
            Self::Map(map) => map.give(is_text),
        }
    }
}
