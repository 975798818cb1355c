//! What may be changed: the kinds of records, their leaves, and each leaf's policy and shape.
//!
//! A schema is data, so that a browser's preview and the server's decision use the same one. Kinds
//! are declared in Rust through [`Kind`], with [`Leaf`] constants that carry the type of the value.
//!
//! Schemas only grow. A rename is a new leaf that says what it was called before
//! ([`Leaf::formerly`]). What a build does not know is carried along: board, storage and messages
//! keep kinds and leaves of any name, and only a *write* to one waits until the server knows it.

mod rule;
mod leaf;
mod check;
mod rename;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub use self::leaf::{Kind, Leaf, LeafValue};
pub use self::rename::Renames;
pub use self::rule::{KindSchema, PathRule, Policy, Shape};

use crate::board::{Cell, RecordState};
use crate::edit::{Change, Edit, Op};
use crate::ids::{KindName, LeafPath, RecordId};
use crate::limits;
use crate::schema::check::Checks;
use crate::sorted::SortedMap;
use crate::value::Value;

/// Why an edit can never be applied as it is, or not yet.
///
/// ```
/// use driftless_model::{Chart, Invalid, Kind, Schema};
///
/// let (kind, record, leaf) = (Chart::NAME.parse()?, "cpu".parse()?, "title".parse()?);
/// let error = Schema::builtin().validate_value(&record, Some(&kind), &leaf, Some(&7.into()));
/// let expected = "text of at most 200 bytes".to_owned();
/// assert_eq!(error, Err(Invalid::Shape { record, leaf, expected }));
/// # Ok::<(), driftless_model::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// Not known *yet*: a newer build may know it. Transient.
    #[error("this build does not know the kind `{kind}` yet; update it")]
    UnknownKind {
        /// The kind.
        kind: KindName,
    },
    /// Not known *yet*: a newer build may know it. Transient.
    #[error("this build does not know the leaf `{leaf}` of `{kind}` yet; update it")]
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
    /// The kind's own code refuses the value.
    #[error("{leaf} of {record} is refused: {reason}")]
    Refused {
        /// The record.
        record: RecordId,
        /// The leaf.
        leaf: LeafPath,
        /// What [`Kind::check`] says.
        reason: String,
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
    ///
    /// ```
    /// use driftless_model::{Invalid, KindName};
    ///
    /// assert!(Invalid::UnknownKind { kind: KindName::new("gauge")? }.is_transient());
    /// assert!(!Invalid::Empty.is_transient());
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::UnknownKind { .. } | Self::UnknownLeaf { .. })
    }
}

/// All kinds that this build knows.
///
/// ```
/// use driftless_model::{Chart, Kind, KindName, LeafPath, Policy, Schema};
///
/// let (schema, chart) = (Schema::builtin(), KindName::new(Chart::NAME)?);
/// assert!(schema.rule(&chart, &LeafPath::new("title")?).is_some());
/// assert_eq!(schema.policy(&chart, &LeafPath::new("layout/lg")?), Policy::LastWriter);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Schema {
    kinds: SortedMap<KindName, KindSchema>,
    #[serde(skip)]
    checks: Checks,
}

/// Why a kind cannot be registered.
///
/// ```
/// use driftless_model::{Chart, RegisterError, Schema};
///
/// let error = Schema::builtin().register::<Chart>();
/// assert_eq!(error, Err(RegisterError::Taken("chart".to_owned())));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its name is taken.
    #[error("the kind {0:?} is registered already; choose another name")]
    Taken(String),
    /// Its name is no id, or the path of a rule none that a leaf can have.
    #[error(transparent)]
    Name(#[from] crate::ids::IdError),
    /// Two rules for one leaf, or a leaf under another.
    #[error("{0:?} and {1:?} overlap; no leaf may lie under another")]
    Overlap(String, String),
    /// A former name of another sort: a map for a leaf, or the other way round.
    #[error("{path:?} cannot have been {former:?}; a leaf was a leaf, and a map a map")]
    Former {
        /// Today's path.
        path: String,
        /// The former one.
        former: String,
    },
}

impl Schema {
    /// A schema without kinds.
    ///
    /// ```
    /// use driftless_model::Schema;
    ///
    /// assert_eq!(Schema::empty().kinds().count(), 0);
    /// ```
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a kind.
    ///
    /// ```
    /// use driftless_model::{Note, Schema};
    ///
    /// let schema = Schema::empty().register::<Note>()?;
    /// assert_eq!(schema.kinds().count(), 1);
    /// assert!(schema.register::<Note>().is_err()); // once is enough
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn register<K: Kind>(mut self) -> Result<Self, RegisterError> {
        let name = self.add(K::NAME, K::rules())?;
        self.checks.add::<K>(name);
        Ok(self)
    }

    /// What is the same for every kind. Its own rules replace the common ones of the same path.
    fn add(&mut self, name: &str, own: Vec<PathRule>) -> Result<KindName, RegisterError> {
        let name = KindName::new(name)?;
        let mut rules = common_rules();
        rules.retain(|common| own.iter().all(|rule| rule.path != common.path));
        for rule in own {
            check_paths(&rule)?;
            check_former(&rule)?;
            check_apart(&rules, &rule)?;
            rules.push(rule);
        }
        if self.kinds.contains_key(&name) {
            return Err(RegisterError::Taken(name.to_string()));
        }
        let kind = KindSchema {
            name: name.clone(),
            rules,
        };
        self.kinds.insert(name.clone(), kind);
        Ok(name)
    }

    /// The kinds, by name.
    ///
    /// ```
    /// use driftless_model::{Chart, Note, Schema};
    ///
    /// let schema = Schema::empty().register::<Note>()?.register::<Chart>()?;
    /// let names: Vec<&str> = schema.kinds().map(|kind| kind.name.as_str()).collect();
    /// assert_eq!(names, ["chart", "note"]);
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn kinds(&self) -> impl Iterator<Item = &KindSchema> {
        self.kinds.values()
    }

    /// The rule for a leaf, by its name or a former one; `None` where this build does not know it.
    ///
    /// ```
    /// use driftless_model::{KindName, LeafPath, Schema};
    ///
    /// let (schema, note) = (Schema::builtin(), KindName::new("note")?);
    /// let rule = schema.rule(&note, &LeafPath::new("options/colour")?);
    /// assert_eq!(rule.map(|rule| rule.path.as_str()), Some("options/*"));
    /// assert_eq!(schema.rule(&note, &LeafPath::new("query")?), None);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn rule(&self, kind: &KindName, leaf: &LeafPath) -> Option<&PathRule> {
        let rules = &self.kinds.get(kind)?.rules;
        let known = rules.iter().find(|rule| rule.covers(leaf));
        known.or_else(|| rules.iter().find(|rule| rule.renamed(leaf).is_some()))
    }

    /// What a leaf is called today: itself, unless it is a former name.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # struct Gauge;
    /// # impl Kind for Gauge {
    /// #     const NAME: &'static str = "gauge";
    /// #     fn rules() -> Vec<PathRule> {
    /// #         vec![CAPTION.rule()]
    /// #     }
    /// # }
    /// /// A leaf of the kind `Gauge`.
    /// const CAPTION: Leaf<String> = Leaf::ask("caption").formerly(&["label"]);
    ///
    /// let schema = Schema::empty().register::<Gauge>()?;
    /// let (gauge, label) = (KindName::new("gauge")?, LeafPath::new("label")?);
    /// assert_eq!(*schema.current(&gauge, &label), CAPTION.path());
    /// assert_eq!(*schema.current(&gauge, &CAPTION.path()), CAPTION.path());
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn current<'a>(&self, kind: &KindName, leaf: &'a LeafPath) -> Cow<'a, LeafPath> {
        let rule = self.rule(kind, leaf).filter(|rule| !rule.covers(leaf));
        let renamed = rule.and_then(|rule| rule.renamed(leaf));
        renamed.map_or(Cow::Borrowed(leaf), Cow::Owned)
    }

    /// A leaf of a record. One that was never written under its name is what its newest former name
    /// has: a record of an older build is read as it was meant.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # struct Gauge;
    /// # impl Kind for Gauge {
    /// #     const NAME: &'static str = "gauge";
    /// #     fn rules() -> Vec<PathRule> {
    /// #         vec![CAPTION.rule()]
    /// #     }
    /// # }
    /// /// A leaf of the kind `Gauge`.
    /// const CAPTION: Leaf<String> = Leaf::ask("caption").formerly(&["label"]);
    ///
    /// let schema = Schema::empty().register::<Gauge>()?;
    /// let (gauge, label) = (KindName::new("gauge")?, LeafPath::new("label")?);
    /// // Written by a build that knew no other name yet.
    /// let cell = Cell { value: Some("Load".into()), version: Version(1), author: "Ann".parse()? };
    /// let leaves = [(label, cell.clone())].into();
    /// let record = RecordState { kind: gauge, created: Version(1), leaves };
    /// assert_eq!(schema.cell(&record, &CAPTION.path()), Some(&cell));
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn cell<'a>(&self, record: &'a RecordState, leaf: &LeafPath) -> Option<&'a Cell> {
        record.leaves.get(leaf).or_else(|| {
            let rule = self.rule(&record.kind, leaf)?;
            let mut former = rule.former_names(leaf);
            former.find_map(|name| record.leaves.get(&name))
        })
    }

    /// The policy of a leaf. One that this build does not know is asked about: nothing is
    /// overwritten unseen because of a missing rule.
    ///
    /// ```
    /// use driftless_model::{KindName, LeafPath, Policy, Schema};
    ///
    /// let (schema, note) = (Schema::builtin(), KindName::new("note")?);
    /// assert_eq!(schema.policy(&note, &LeafPath::new("layout/lg")?), Policy::LastWriter);
    /// assert_eq!(schema.policy(&note, &LeafPath::new("unheard_of")?), Policy::Ask);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn policy(&self, kind: &KindName, leaf: &LeafPath) -> Policy {
        self.rule(kind, leaf)
            .map_or(Policy::Ask, |rule| rule.policy)
    }

    /// Whether a leaf is a place on the grid, which every kind has.
    ///
    /// ```
    /// use driftless_model::{LeafPath, Schema};
    ///
    /// assert!(Schema::is_layout(&LeafPath::new("layout/lg")?));
    /// assert!(!Schema::is_layout(&LeafPath::new("title")?));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn is_layout(leaf: &LeafPath) -> bool {
        leaf.as_str().starts_with("layout/")
    }

    /// Checks an edit on its own and against the kinds of the records that it changes.
    /// `kind_of` tells the kind of a live record.
    ///
    /// ```
    /// use driftless_model::{Change, Edit, EditId, Invalid, OnStale, Op, Schema, Version};
    ///
    /// let (id, label, on_stale) = (EditId(1), "Rename".to_owned(), OnStale::Policy);
    /// let op = Op::Set { leaf: "title".parse()?, value: 7.into() };
    /// let changes = vec![Change { record: "lunch".parse()?, seen: Version(7), op }];
    /// let (edit, note) = (Edit { id, label, on_stale, changes }, "note".parse()?);
    /// // A title is text. Of a record that is not there, nobody knows what its title is.
    /// let validated = Schema::builtin().validate(&edit, |_| Some(&note));
    /// assert!(matches!(validated, Err(Invalid::Shape { .. })));
    /// assert_eq!(Schema::builtin().validate(&edit, |_| None), Ok(()));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
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
        let mut created = SortedMap::new();
        for change in &edit.changes {
            let known = kind_of(&change.record).or(created.get(&change.record).copied());
            if let Op::Create { kind, .. } = &change.op {
                self.validate_create(change, kind, known)?;
                created.insert(&change.record, kind);
            }
            let known = known.or(created.get(&change.record).copied());
            for (leaf, value) in change.op.writes() {
                // A record that is not there has no kind: staleness decides about it.
                self.validate_value(&change.record, known, leaf, value)?;
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

    /// Checks one value of a leaf; `None` takes the leaf away. Of a record of no known kind, any
    /// value within the limits will do.
    ///
    /// ```
    /// use driftless_model::{Invalid, Note, Schema};
    /// use driftless_model::builtin::QUERY;
    ///
    /// let (schema, record, note) = (Schema::builtin(), "lunch".parse()?, "note".parse()?);
    /// let validate = |leaf| schema.validate_value(&record, Some(&note), &leaf, Some(&"".into()));
    /// assert_eq!(validate(Note::TEXT.path()), Ok(()));
    /// assert!(matches!(validate(QUERY.path()), Err(Invalid::UnknownLeaf { .. })));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn validate_value(
        &self,
        record: &RecordId,
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
        let Some(kind) = kind else { return Ok(()) };
        let Some(rule) = self.rule(kind, leaf) else {
            return Err(Invalid::UnknownLeaf {
                kind: kind.clone(),
                leaf: leaf.clone(),
            });
        };
        let Some(value) = value else { return Ok(()) };
        if !rule.shape.fits(value) {
            return Err(Invalid::Shape {
                record: record.clone(),
                leaf: leaf.clone(),
                expected: rule.shape.describe(),
            });
        }
        let checked = self.checks.check(kind, leaf, value);
        checked.map_err(|reason| Invalid::Refused {
            record: record.clone(),
            leaf: leaf.clone(),
            reason,
        })
    }
}

fn within(what: &'static str, size: usize, limit: usize) -> Result<(), Invalid> {
    if size > limit {
        Err(Invalid::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

/// That a leaf can have each of its paths.
fn check_paths(rule: &PathRule) -> Result<(), RegisterError> {
    for path in rule.paths() {
        LeafPath::new(path.strip_suffix("/*").unwrap_or(path))?;
    }
    Ok(())
}

fn check_former(rule: &PathRule) -> Result<(), RegisterError> {
    let is_map = |path: &str| path.ends_with("/*");
    let other = rule
        .formerly
        .iter()
        .find(|former| is_map(former) != is_map(&rule.path));
    other.map_or(Ok(()), |former| {
        Err(RegisterError::Former {
            path: rule.path.clone(),
            former: former.clone(),
        })
    })
}

/// That no path of a rule, former ones included, overlaps with another of it or of the rules.
fn check_apart(rules: &[PathRule], rule: &PathRule) -> Result<(), RegisterError> {
    let mut taken: Vec<&String> = rules.iter().flat_map(PathRule::paths).collect();
    for path in rule.paths() {
        if let Some(other) = taken.iter().find(|other| overlap(other, path)) {
            return Err(RegisterError::Overlap((*other).clone(), path.clone()));
        }
        taken.push(path);
    }
    Ok(())
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
        formerly: Vec::new(),
    };
    let layout = PathRule {
        path: "layout/*".to_owned(),
        policy: Policy::LastWriter,
        shape: Shape::Place,
        formerly: Vec::new(),
    };
    vec![
        text("title", 200),
        text("parent", 64),
        text("order", 64),
        layout,
    ]
}
