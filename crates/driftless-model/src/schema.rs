//! What may be changed: the kinds of records, their leaves, and each leaf's policy and shape.
//!
//! A schema is data, so that a browser's preview and the server's decision use the same one. Kinds
//! are declared in Rust through [`Kind`], with [`Leaf`] constants that carry the type of the value.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::edit::{Change, Edit, Op};
use crate::ids::{KindName, LeafPath, RecordId};
use crate::limits;
use crate::value::Value;

/// Who wins when a leaf changed unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The later write: positions and sizes.
    LastWriter,
    /// A person decides: everything that a person wrote.
    Ask,
}

/// What a leaf's value has to look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shape {
    /// Any value within the limits.
    Any,
    /// Text of at most so many bytes.
    Text {
        /// The most bytes.
        bytes_max: usize,
    },
    /// A number within bounds, both included.
    Number {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// True or false.
    Bool,
    /// One of these texts.
    Choice(Vec<String>),
    /// A place on the grid: `[x, y, w, h]`, whole numbers, `w` and `h` at least 1.
    Place,
}

impl Shape {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text { bytes_max } => {
                value.as_text().is_some_and(|text| text.len() <= *bytes_max)
            }
            Self::Number { min, max } => value
                .as_f64()
                .is_some_and(|number| (*min..=*max).contains(&number)),
            Self::Bool => value.as_bool().is_some(),
            Self::Choice(choices) => value
                .as_text()
                .is_some_and(|text| choices.iter().any(|choice| choice == text)),
            Self::Place => crate::layout::Place::from_value(value).is_some(),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::Text { bytes_max } => format!("text of at most {bytes_max} bytes"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Bool => "true or false".into(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Place => "[x, y, w, h] in whole grid cells".into(),
        }
    }
}

/// The rule for one leaf, or for all leaves of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathRule {
    /// A leaf (`title`), or a map of leaves (`options/*`).
    pub path: String,
    /// Who wins.
    pub policy: Policy,
    /// What it has to look like.
    pub shape: Shape,
}

impl PathRule {
    fn covers(&self, leaf: &LeafPath) -> bool {
        match self.path.strip_suffix("/*") {
            None => self.path == leaf.as_str(),
            Some(map) => {
                let key = leaf
                    .as_str()
                    .strip_prefix(map)
                    .and_then(|rest| rest.strip_prefix('/'));
                key.is_some_and(|key| !key.contains('/'))
            }
        }
    }
}

/// The leaves of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSchema {
    /// Its name.
    pub name: KindName,
    /// Its rules. No leaf lies under another.
    pub rules: Vec<PathRule>,
}

/// A kind of record, declared in Rust.
pub trait Kind {
    /// Its name.
    const NAME: &'static str;

    /// The rules of its leaves, beyond those that every kind has (`title`, `parent`, `order`,
    /// `layout/*`).
    fn rules() -> Vec<PathRule>;
}

/// A leaf with the type of its value.
#[derive(Debug)]
pub struct Leaf<T> {
    path: &'static str,
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
            policy: Policy::Ask,
            value: PhantomData,
        }
    }

    /// A leaf whose later write wins.
    pub const fn last_writer(path: &'static str) -> Self {
        Self {
            path,
            policy: Policy::LastWriter,
            value: PhantomData,
        }
    }

    /// Its path.
    pub fn path(&self) -> LeafPath {
        LeafPath::new(self.path).expect("a leaf constant is a valid path")
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

/// Why an edit can never be applied as it is, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Not known *yet*: a newer build may know it. Transient.
    #[error("this build does not know the kind {kind:?} yet; update it")]
    UnknownKind {
        /// The kind.
        kind: KindName,
    },
    /// Not known *yet*: a newer build may know it. Transient.
    #[error("this build does not know the leaf {leaf:?} of {kind:?} yet; update it")]
    UnknownLeaf {
        /// The kind.
        kind: KindName,
        /// The leaf.
        leaf: LeafPath,
    },
    /// The value has the wrong shape.
    #[error("{leaf} of {record} must be {expected}")]
    Shape {
        /// The record.
        record: RecordId,
        /// The leaf.
        leaf: LeafPath,
        /// What it has to be.
        expected: String,
    },
    /// A live record cannot change its kind.
    #[error("{record} is a {kind}; make a new record for another kind")]
    KindChanged {
        /// The record.
        record: RecordId,
        /// What it is.
        kind: KindName,
    },
    /// Past one of [`crate::limits`].
    #[error("{what} is over its limit of {limit}; make it smaller")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// An edit without a change.
    #[error("an edit needs at least one change")]
    Empty,
}

impl Invalid {
    /// Whether a newer build could accept it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::UnknownKind { .. } | Self::UnknownLeaf { .. })
    }
}

/// All kinds that this build knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    kinds: BTreeMap<KindName, KindSchema>,
}

/// Why a kind cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its name is taken.
    #[error("the kind {0:?} is registered already; choose another name")]
    Taken(String),
    /// Its name is no id.
    #[error(transparent)]
    Name(#[from] crate::ids::IdError),
    /// Two rules for one leaf, or a leaf under another.
    #[error("{0:?} and {1:?} overlap; no leaf may lie under another")]
    Overlap(String, String),
}

impl Schema {
    /// A schema without kinds.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a kind.
    pub fn register<K: Kind>(mut self) -> Result<Self, RegisterError> {
        let name = KindName::new(K::NAME)?;
        let mut rules = common_rules();
        for rule in K::rules() {
            rules.retain(|common| common.path != rule.path);
            if let Some(other) = rules.iter().find(|other| overlap(&other.path, &rule.path)) {
                return Err(RegisterError::Overlap(other.path.clone(), rule.path));
            }
            rules.push(rule);
        }
        if self.kinds.contains_key(&name) {
            return Err(RegisterError::Taken(K::NAME.to_owned()));
        }
        self.kinds.insert(name.clone(), KindSchema { name, rules });
        Ok(self)
    }

    /// The kinds, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &KindSchema> {
        self.kinds.values()
    }

    /// The rule for a leaf; `None` where this build does not know it.
    pub fn rule(&self, kind: &KindName, leaf: &LeafPath) -> Option<&PathRule> {
        self.kinds
            .get(kind)?
            .rules
            .iter()
            .find(|rule| rule.covers(leaf))
    }

    /// The policy of a leaf. One that this build does not know is asked about: nothing is
    /// overwritten unseen because of a missing rule.
    pub fn policy(&self, kind: &KindName, leaf: &LeafPath) -> Policy {
        self.rule(kind, leaf)
            .map_or(Policy::Ask, |rule| rule.policy)
    }

    /// Whether a leaf is a place on the grid, which every kind has.
    pub fn is_layout(leaf: &LeafPath) -> bool {
        leaf.as_str().starts_with("layout/")
    }

    /// Checks an edit on its own and against the kinds of the records that it changes.
    /// `kind_of` tells the kind of a live record.
    pub fn validate<'a>(
        &self,
        edit: &'a Edit,
        kind_of: impl Fn(&RecordId) -> Option<&'a KindName>,
    ) -> Result<(), Invalid> {
        within("the label", edit.label.len(), limits::LABEL_BYTES_MAX)?;
        within(
            "the number of changes",
            edit.changes.len(),
            limits::CHANGES_PER_EDIT_MAX,
        )?;
        if edit.changes.is_empty() {
            return Err(Invalid::Empty);
        }
        let mut created = BTreeMap::new();
        for change in &edit.changes {
            let known = kind_of(&change.record).or(created.get(&change.record).copied());
            if let Op::Create { kind, .. } = &change.op {
                self.validate_create(change, kind, known)?;
                created.insert(&change.record, kind);
            }
            let known = known.or(created.get(&change.record).copied());
            for (leaf, value) in change.op.writes() {
                self.validate_write(change, known, leaf, value)?;
            }
        }
        Ok(())
    }

    fn validate_create(
        &self,
        change: &Change,
        kind: &KindName,
        known: Option<&KindName>,
    ) -> Result<(), Invalid> {
        if !self.kinds.contains_key(kind) {
            return Err(Invalid::UnknownKind { kind: kind.clone() });
        }
        within(
            "a record",
            change.op.writes().len(),
            limits::LEAVES_PER_RECORD_MAX,
        )?;
        match known {
            Some(known) if known != kind => Err(Invalid::KindChanged {
                record: change.record.clone(),
                kind: known.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn validate_write(
        &self,
        change: &Change,
        kind: Option<&KindName>,
        leaf: &LeafPath,
        value: Option<&Value>,
    ) -> Result<(), Invalid> {
        if let Some(value) = value {
            within("a value", value.weight_bytes(), limits::VALUE_BYTES_MAX)?;
            within(
                "the depth of a value",
                value.depth(),
                limits::VALUE_DEPTH_MAX,
            )?;
        }
        // A record that is not there has no kind: staleness decides about it.
        let Some(kind) = kind else { return Ok(()) };
        let Some(rule) = self.rule(kind, leaf) else {
            return Err(Invalid::UnknownLeaf {
                kind: kind.clone(),
                leaf: leaf.clone(),
            });
        };
        match value {
            Some(value) if !rule.shape.fits(value) => Err(Invalid::Shape {
                record: change.record.clone(),
                leaf: leaf.clone(),
                expected: rule.shape.describe(),
            }),
            _ => Ok(()),
        }
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Invalid> {
    if size > limit {
        Err(Invalid::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

fn overlap(a: &str, b: &str) -> bool {
    let stem = |path: &str| format!("{}/", path.strip_suffix("/*").unwrap_or(path));
    let (a, b) = (stem(a), stem(b));
    a.starts_with(&b) || b.starts_with(&a)
}

fn common_rules() -> Vec<PathRule> {
    let text = |path: &str, bytes_max| PathRule {
        path: path.to_owned(),
        policy: Policy::Ask,
        shape: Shape::Text { bytes_max },
    };
    let layout = PathRule {
        path: "layout/*".to_owned(),
        policy: Policy::LastWriter,
        shape: Shape::Place,
    };
    vec![
        text("title", 200),
        text("parent", 64),
        text("order", 64),
        layout,
    ]
}
