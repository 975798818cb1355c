//! Kinds declared in Rust: leaves as constants that carry the type of their value.

use std::marker::PhantomData;

use crate::ids::{IdError, LeafPath};
use crate::schema::rule::{PathRule, Policy, Shape};
use crate::value::Value;

/// A kind of record, declared in Rust.
pub trait Kind {
    /// Its name.
    const NAME: &'static str;

    /// The rules of its leaves, beyond those that every kind has (`title`, `parent`, `order`,
    /// `layout/*`).
    fn rules() -> Vec<PathRule>;

    /// What the application demands of a value beyond its leaf's shape; the error says in words
    /// what is wrong and what would be right. The same code runs where an edit is made and where it
    /// is decided, so it looks at nothing but the value: no clock, no network, no other record.
    /// A value on which it panics is refused.
    /// Like rules, checks only loosen from build to build: what a stricter one refuses is set aside
    /// for its author.
    fn check(_leaf: &LeafPath, _value: &Value) -> Result<(), String> {
        Ok(())
    }
}

/// A leaf with the type of its value.
#[derive(Debug)]
pub struct Leaf<T> {
    path: &'static str,
    formerly: &'static [&'static str],
    policy: Policy,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Leaf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Leaf<T> {}

impl<T: LeafValue> Leaf<T> {
    /// A leaf that a person decides on when it changed unseen.
    pub const fn ask(path: &'static str) -> Self {
        Self {
            path,
            formerly: &[],
            policy: Policy::Ask,
            value: PhantomData,
        }
    }

    /// A leaf whose later write wins.
    pub const fn last_writer(path: &'static str) -> Self {
        Self {
            path,
            formerly: &[],
            policy: Policy::LastWriter,
            value: PhantomData,
        }
    }

    /// What it was called before, newest first. A rename is a new leaf with the old name here: what
    /// older builds write under it lands in the new one, and is read as its value until that is
    /// written.
    #[must_use]
    pub const fn formerly(mut self, names: &'static [&'static str]) -> Self {
        self.formerly = names;
        self
    }

    /// Its path. Of a constant that is none (`options/*` names many), a panic.
    pub fn path(&self) -> LeafPath {
        self.try_path().expect("a leaf constant is a valid path")
    }

    /// Its path, or why it is none.
    pub fn try_path(&self) -> Result<LeafPath, IdError> {
        LeafPath::new(self.path)
    }

    /// Its rule, with the shape that its type has.
    pub fn rule(&self) -> PathRule {
        self.shaped(T::shape())
    }

    /// Its rule with a narrower shape.
    pub fn shaped(&self, shape: Shape) -> PathRule {
        PathRule {
            path: self.path.to_owned(),
            policy: self.policy,
            shape,
            formerly: self
                .formerly
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        }
    }
}

/// A Rust type that a leaf's value can have.
pub trait LeafValue: Sized {
    /// What the value has to look like.
    fn shape() -> Shape;
    /// To the value; `None` where there is none for it (a number that is not finite).
    fn to_value(self) -> Option<Value>;
    /// From the value; `None` where it is something else.
    fn from_value(value: &Value) -> Option<Self>;
}

impl LeafValue for String {
    fn shape() -> Shape {
        Shape::Text {
            bytes_max: 16 * 1024,
        }
    }

    fn to_value(self) -> Option<Value> {
        Some(Value::Text(self))
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_text().map(str::to_owned)
    }
}

impl LeafValue for f64 {
    fn shape() -> Shape {
        Shape::Number {
            min: Self::MIN,
            max: Self::MAX,
        }
    }

    fn to_value(self) -> Option<Value> {
        Value::number(self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_f64()
    }
}

impl LeafValue for bool {
    fn shape() -> Shape {
        Shape::Bool
    }

    fn to_value(self) -> Option<Value> {
        Some(Value::Bool(self))
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl LeafValue for Value {
    fn shape() -> Shape {
        Shape::Any
    }

    fn to_value(self) -> Option<Value> {
        Some(self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}
