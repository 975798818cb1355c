//! Kinds declared in Rust: leaves as constants that carry the type of their value.

use std::marker::PhantomData;

use crate::ids::{IdError, LeafPath};
use crate::schema::rule::{PathRule, Policy, Shape};
use crate::value::Value;

/// A kind of record, declared in Rust.
///
/// ```
/// use driftless_model::{Kind, Leaf, PathRule, Schema};
///
/// struct Gauge;
///
/// impl Gauge {
///     const TARGET: Leaf<f64> = Leaf::ask("target");
/// }
///
/// impl Kind for Gauge {
///     const NAME: &'static str = "gauge";
///
///     fn rules() -> Vec<PathRule> {
///         vec![Self::TARGET.rule()]
///     }
/// }
///
/// let schema = Schema::builtin().register::<Gauge>()?;
/// assert!(schema.kinds().any(|kind| kind.name.as_str() == Gauge::NAME));
/// # Ok::<(), driftless_model::RegisterError>(())
/// ```
pub trait Kind {
    /// Its name.
    ///
    /// ```
    /// use driftless_model::{Chart, Kind};
    ///
    /// assert_eq!(Chart::NAME, "chart");
    /// ```
    const NAME: &'static str;

    /// The rules of its leaves, beyond those that every kind has (`title`, `parent`, `order`,
    /// `layout/*`).
    ///
    /// ```
    /// use driftless_model::{Kind, Note};
    ///
    /// assert!(Note::rules().contains(&Note::TEXT.rule()));
    /// ```
    fn rules() -> Vec<PathRule>;

    /// What the application demands of a value beyond its leaf's shape; the error says in words
    /// what is wrong and what would be right. The same code runs where an edit is made and where it
    /// is decided, so it looks at nothing but the value: no clock, no network, no other record.
    /// A value on which it panics is refused.
    /// Like rules, checks only loosen from build to build: what a stricter one refuses is set aside
    /// for its author.
    ///
    /// ```
    /// use driftless_model::{Kind, LeafPath, PathRule, Value};
    ///
    /// struct Shout;
    ///
    /// impl Kind for Shout {
    ///     const NAME: &'static str = "shout";
    ///
    ///     fn rules() -> Vec<PathRule> {
    ///         Vec::new()
    ///     }
    ///
    ///     fn check(leaf: &LeafPath, value: &Value) -> Result<(), String> {
    ///         let is_quiet = value.as_text().is_some_and(|text| !text.ends_with('!'));
    ///         if leaf.as_str() == "title" && is_quiet {
    ///             return Err("end it with an exclamation mark".to_owned());
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// assert!(Shout::check(&LeafPath::new("title")?, &"Lunch".into()).is_err());
    /// assert!(Shout::check(&LeafPath::new("title")?, &"Lunch!".into()).is_ok());
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    fn check(_leaf: &LeafPath, _value: &Value) -> Result<(), String> {
        Ok(())
    }
}

/// A leaf with the type of its value.
///
/// ```
/// use driftless_model::{Leaf, Shape};
///
/// const TARGET: Leaf<f64> = Leaf::ask("target");
///
/// assert_eq!(TARGET.path().as_str(), "target");
/// assert!(matches!(TARGET.rule().shape, Shape::Number { .. }));
/// ```
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
    ///
    /// ```
    /// use driftless_model::{Leaf, Policy};
    ///
    /// assert_eq!(Leaf::<f64>::ask("target").rule().policy, Policy::Ask);
    /// ```
    pub const fn ask(path: &'static str) -> Self {
        Self {
            path,
            formerly: &[],
            policy: Policy::Ask,
            value: PhantomData,
        }
    }

    /// A leaf whose later write wins.
    ///
    /// ```
    /// use driftless_model::{Leaf, Policy};
    ///
    /// assert_eq!(Leaf::<f64>::last_writer("zoom").rule().policy, Policy::LastWriter);
    /// ```
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
    ///
    /// ```
    /// use driftless_model::Leaf;
    ///
    /// const TARGET: Leaf<f64> = Leaf::ask("target").formerly(&["goal", "aim"]);
    ///
    /// assert_eq!(TARGET.path().as_str(), "target");
    /// assert_eq!(TARGET.rule().formerly, ["goal", "aim"]);
    /// ```
    #[must_use]
    pub const fn formerly(mut self, names: &'static [&'static str]) -> Self {
        self.formerly = names;
        self
    }

    /// Its path. Of a constant that is none (`options/*` names many), a panic.
    ///
    /// ```
    /// use driftless_model::{Leaf, LeafPath};
    ///
    /// assert_eq!(Leaf::<f64>::ask("target").path(), LeafPath::new("target")?);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn path(&self) -> LeafPath {
        self.try_path().expect("a leaf constant is a valid path")
    }

    /// Its path, or why it is none.
    ///
    /// ```
    /// use driftless_model::{Leaf, Value};
    ///
    /// assert_eq!(Leaf::<f64>::ask("target").try_path()?.as_str(), "target");
    /// assert!(Leaf::<Value>::ask("options/*").try_path().is_err()); // it names many
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn try_path(&self) -> Result<LeafPath, IdError> {
        LeafPath::new(self.path)
    }

    /// Its rule, with the shape that its type has.
    ///
    /// ```
    /// use driftless_model::{Leaf, Shape};
    ///
    /// let rule = Leaf::<bool>::ask("is_loud").rule();
    /// assert_eq!((rule.path.as_str(), rule.shape), ("is_loud", Shape::Bool));
    /// ```
    pub fn rule(&self) -> PathRule {
        self.shaped(T::shape())
    }

    /// Its rule with a narrower shape.
    ///
    /// ```
    /// use driftless_model::{Leaf, Shape};
    ///
    /// let rule = Leaf::<f64>::ask("share").shaped(Shape::Number { min: 0.0, max: 1.0 });
    /// assert!(rule.shape.fits(&1.into()));
    /// assert!(!rule.shape.fits(&2.into()));
    /// ```
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
///
/// ```
/// use driftless_model::{Leaf, LeafValue, Shape, Value};
///
/// #[derive(Debug, PartialEq)]
/// enum Side {
///     Left,
///     Right,
/// }
///
/// impl LeafValue for Side {
///     fn shape() -> Shape {
///         Shape::Choice(vec!["left".to_owned(), "right".to_owned()])
///     }
///
///     fn to_value(self) -> Option<Value> {
///         Some(if self == Self::Left { "left" } else { "right" }.into())
///     }
///
///     fn from_value(value: &Value) -> Option<Self> {
///         match value.as_text()? {
///             "left" => Some(Self::Left),
///             "right" => Some(Self::Right),
///             _ => None,
///         }
///     }
/// }
///
/// const LEGEND: Leaf<Side> = Leaf::ask("legend");
/// assert!(!LEGEND.rule().shape.fits(&"above".into()));
/// assert_eq!(Side::from_value(&"right".into()), Some(Side::Right));
/// ```
pub trait LeafValue: Sized {
    /// What the value has to look like.
    ///
    /// ```
    /// use driftless_model::{LeafValue, Shape};
    ///
    /// assert_eq!(bool::shape(), Shape::Bool);
    /// ```
    fn shape() -> Shape;
    /// To the value; `None` where there is none for it (a number that is not finite).
    ///
    /// ```
    /// use driftless_model::{LeafValue, Value};
    ///
    /// assert_eq!(2.0.to_value(), Some(Value::from(2)));
    /// assert_eq!(f64::NAN.to_value(), None);
    /// ```
    fn to_value(self) -> Option<Value>;
    /// From the value; `None` where it is something else.
    ///
    /// ```
    /// use driftless_model::LeafValue;
    ///
    /// assert_eq!(f64::from_value(&2.into()), Some(2.0));
    /// assert_eq!(f64::from_value(&"2".into()), None);
    /// ```
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
