//! Rules for leaves: who wins, and what a value has to look like.

use serde::{Deserialize, Serialize};

use crate::ids::{KindName, LeafPath};
use crate::value::{Value, decimal};

/// Who wins when a leaf changed unseen.
///
/// ```
/// use driftless_model::{KindName, LeafPath, Policy, Schema};
///
/// let (schema, note) = (Schema::builtin(), KindName::new("note")?);
/// assert_eq!(schema.policy(&note, &LeafPath::new("layout/lg")?), Policy::LastWriter);
/// assert_eq!(schema.policy(&note, &LeafPath::new("text")?), Policy::Ask);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The later write: positions and sizes.
    LastWriter,
    /// A person decides: everything that a person wrote.
    Ask,
}

/// What a leaf's value has to look like.
///
/// ```
/// use driftless_model::{Shape, Value};
///
/// let side = Shape::Choice(vec!["left".to_owned(), "right".to_owned()]);
/// assert!(side.fits(&"left".into()) && !side.fits(&"above".into()));
/// assert!(!Shape::Bool.fits(&Value::Null));
/// ```
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
    /// Whether a value looks like that.
    ///
    /// ```
    /// use driftless_model::Shape;
    ///
    /// let percent = Shape::Number { min: 0.0, max: 100.0 };
    /// assert!(percent.fits(&100.into()));
    /// assert!(!percent.fits(&101.into()));
    /// assert!(!percent.fits(&"7".into()));
    /// ```
    pub fn fits(&self, value: &Value) -> bool {
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

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::Text { bytes_max } => format!("text of at most {bytes_max} bytes"),
            Self::Number { min, max } => {
                let [min, max] = [min, max].map(|bound| decimal(*bound));
                format!("a number from {min} to {max}")
            }
            Self::Bool => "true or false".into(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Place => "[x, y, w, h] in whole grid cells".into(),
        }
    }
}

/// The rule for one leaf, or for all leaves of a map.
///
/// ```
/// use driftless_model::{Kind, PathRule, Policy, Schema, Shape};
///
/// struct Gauge;
///
/// impl Kind for Gauge {
///     const NAME: &'static str = "gauge";
///
///     fn rules() -> Vec<PathRule> {
///         let (path, policy, shape) = ("marks/*".to_owned(), Policy::Ask, Shape::Any);
///         vec![PathRule { path, policy, shape, formerly: Vec::new() }]
///     }
/// }
///
/// let schema = Schema::empty().register::<Gauge>()?;
/// assert!(schema.rule(&"gauge".parse()?, &"marks/high".parse()?).is_some());
/// # Ok::<(), driftless_model::RegisterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PathRule {
    /// A leaf (`title`), or a map of leaves (`options/*`).
    pub path: String,
    /// Who wins.
    pub policy: Policy,
    /// What it has to look like.
    pub shape: Shape,
    /// What it was called before, newest first: leaves for a leaf, maps for a map. What an older
    /// build writes under such a name lands here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
}

impl PathRule {
    /// Whether this is the rule for a leaf, by today's name.
    pub(super) fn covers(&self, leaf: &LeafPath) -> bool {
        key_in(&self.path, leaf).is_some()
    }

    /// What a leaf with one of the former names is called today.
    pub(super) fn renamed(&self, leaf: &LeafPath) -> Option<LeafPath> {
        let key = self.formerly.iter().find_map(|old| key_in(old, leaf))?;
        named(&self.path, key)
    }

    /// What a leaf was called before, newest first.
    pub(super) fn former_names(&self, leaf: &LeafPath) -> impl Iterator<Item = LeafPath> {
        let key = key_in(&self.path, leaf);
        let named = move |old| key.and_then(|key| named(old, key));
        self.formerly.iter().map(String::as_str).filter_map(named)
    }

    /// Every path that the rule takes up, former ones included.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.path).chain(&self.formerly)
    }
}

/// The key under which a leaf lies in a map of leaves (`options/*`); empty where the path is that
/// of the leaf itself.
fn key_in<'a>(path: &str, leaf: &'a LeafPath) -> Option<&'a str> {
    let leaf = leaf.as_str();
    match path.strip_suffix("/*") {
        None => (path == leaf).then_some(""),
        Some(map) => {
            let key = leaf.strip_prefix(map)?.strip_prefix('/')?;
            (!key.contains('/')).then_some(key)
        }
    }
}

/// The leaf with this key; `None` where that is too long for a path.
fn named(path: &str, key: &str) -> Option<LeafPath> {
    let path = match path.strip_suffix("/*") {
        None => path.to_owned(),
        Some(map) => format!("{map}/{key}"),
    };
    LeafPath::new(path).ok()
}

/// The leaves of one kind.
///
/// ```
/// use driftless_model::{KindSchema, Note, Schema};
///
/// let schema = Schema::empty().register::<Note>()?;
/// let note: &KindSchema = schema.kinds().next().expect("was registered");
/// assert_eq!(note.name.as_str(), "note");
/// // What every kind has is among them.
/// assert!(note.rules.iter().any(|rule| rule.path == "title"));
/// # Ok::<(), driftless_model::RegisterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSchema {
    /// Its name.
    pub name: KindName,
    /// Its rules. No leaf lies under another.
    pub rules: Vec<PathRule>,
}
