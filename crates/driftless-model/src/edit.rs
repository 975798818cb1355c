//! Edits: atomic sets of changes made by one person.

use serde::{Deserialize, Serialize};

use crate::ids::{EditId, KindName, LeafPath, RecordId, Version};
use crate::sorted::SortedMap;
use crate::value::Value;

/// An atomic set of changes made by one person. Applied whole or not at all, once.
///
/// ```
/// use driftless_model::{Change, Edit, EditId, LeafPath, OnStale, Op, RecordId, Version};
///
/// let (leaf, value) = (LeafPath::new("title")?, "Cores".into());
/// let record = RecordId::new("cpu")?;
/// let edit = Edit {
///     id: EditId(1),
///     label: "Rename".into(),
///     on_stale: OnStale::Policy,
///     changes: vec![Change { record, seen: Version(7), op: Op::Set { leaf, value } }],
/// };
/// let json = serde_json::to_string(&edit)?;
/// assert!(json.contains(r#""op":{"set":{"leaf":"title","value":"Cores"}}"#));
/// assert_eq!(serde_json::from_str::<Edit>(&json)?, edit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Random; new content means a new id.
    pub id: EditId,
    /// What the person did, in their words: "Rename". At most [`crate::limits::LABEL_BYTES_MAX`].
    pub label: String,
    /// What happens to stale leaves.
    #[serde(default, skip_serializing_if = "OnStale::is_policy")]
    pub on_stale: OnStale,
    /// The changes, in order. At least one, at most [`crate::limits::CHANGES_PER_EDIT_MAX`].
    pub changes: Vec<Change>,
}

/// What happens to the stale leaves of an edit.
///
/// ```
/// use driftless_model::OnStale;
///
/// assert_eq!(OnStale::default(), OnStale::Policy);
/// assert_eq!(serde_json::to_string(&OnStale::Skip)?, r#""skip""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStale {
    /// Each leaf's own policy decides.
    #[default]
    Policy,
    /// Stale leaves are skipped and reported: undo and redo.
    Skip,
}

impl OnStale {
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    fn is_policy(&self) -> bool {
        *self == Self::Policy
    }
}

/// One change of an edit.
///
/// ```
/// use driftless_model::{Change, Op, RecordId, Version};
///
/// let removal = Change { record: RecordId::new("cpu")?, seen: Version(7), op: Op::Remove };
/// let json = serde_json::to_string(&removal)?;
/// assert_eq!(json, r#"{"record":"cpu","seen":7,"op":"remove"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The record that it changes.
    pub record: RecordId,
    /// The board version behind what the person had on screen when they began.
    pub seen: Version,
    /// What it does.
    pub op: Op,
}

/// What a change does to its record. Nothing here is unsafe to repeat.
///
/// ```
/// use driftless_model::{Op, Value};
///
/// let op: Op = serde_json::from_str(r#"{"set": {"leaf": "title", "value": null}}"#)?;
/// assert!(matches!(op, Op::Set { value: Value::Null, .. }));
/// let op: Op = serde_json::from_str(r#"{"unset": {"leaf": "title"}}"#)?;
/// assert!(matches!(op, Op::Unset { .. }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Makes the record, or makes it again where it was removed; on a live record, sets its leaves.
    Create {
        /// Its kind.
        kind: KindName,
        /// Its first leaves.
        leaves: SortedMap<LeafPath, Value>,
    },
    /// Gives a leaf a value.
    Set {
        /// Which leaf.
        leaf: LeafPath,
        /// Its new value.
        value: Value,
    },
    /// Takes a leaf away.
    Unset {
        /// Which leaf.
        leaf: LeafPath,
    },
    /// Removes the record.
    Remove,
}

impl Op {
    /// The leaves that it writes, each with its new value (`None`: taken away).
    ///
    /// ```
    /// use driftless_model::{LeafPath, Op};
    ///
    /// let title = LeafPath::new("title")?;
    /// let op = Op::Set { leaf: title.clone(), value: "CPU".into() };
    /// assert_eq!(op.writes(), [(&title, Some(&"CPU".into()))]);
    /// assert_eq!(Op::Unset { leaf: title.clone() }.writes(), [(&title, None)]);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn writes(&self) -> Vec<(&LeafPath, Option<&Value>)> {
        match self {
            Self::Create { leaves, .. } => leaves
                .iter()
                .map(|(leaf, value)| (leaf, Some(value)))
                .collect(),
            Self::Set { leaf, value } => vec![(leaf, Some(value))],
            Self::Unset { leaf } => vec![(leaf, None)],
            Self::Remove => Vec::new(),
        }
    }

    /// Whether it writes this leaf, or takes it away with its record.
    ///
    /// ```
    /// use driftless_model::{LeafPath, Op};
    ///
    /// let (title, unit) = (LeafPath::new("title")?, LeafPath::new("unit")?);
    /// let op = Op::Unset { leaf: title.clone() };
    /// assert!(op.touches(&title) && !op.touches(&unit));
    /// assert!(Op::Remove.touches(&unit)); // as every leaf of the record
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn touches(&self, leaf: &LeafPath) -> bool {
        match self {
            Self::Create { leaves, .. } => leaves.contains_key(leaf),
            Self::Set { leaf: own, .. } | Self::Unset { leaf: own } => own == leaf,
            Self::Remove => true,
        }
    }
}

/// A leaf of a record, or (`leaf` absent) the record as such.
///
/// ```
/// use driftless_model::{LeafPath, LeafRef, RecordId};
///
/// let record = RecordId::new("cpu")?;
/// let as_such = LeafRef { record: record.clone(), leaf: None };
/// let title = LeafRef { record, leaf: Some(LeafPath::new("title")?) };
/// assert!(as_such < title);
/// assert_eq!(serde_json::to_string(&as_such)?, r#"{"record":"cpu"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeafRef {
    /// The record.
    pub record: RecordId,
    /// The leaf; absent for the record as such (its removal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<LeafPath>,
}

/// A change without what its author had seen: what an applied edit did.
///
/// ```
/// use driftless_model::{Effect, Op, RecordId};
///
/// let removal = Effect { record: RecordId::new("cpu")?, op: Op::Remove };
/// assert_eq!(serde_json::to_string(&removal)?, r#"{"record":"cpu","op":"remove"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The record that it changed.
    pub record: RecordId,
    /// What it did.
    pub op: Op,
}

/// What an edit does once some of its leaves are skipped.
///
/// ```
/// use driftless_model::{Change, LeafPath, LeafRef, Op, RecordId, Version, effects};
///
/// let (record, title) = (RecordId::new("cpu")?, LeafPath::new("title")?);
/// let op = Op::Set { leaf: title.clone(), value: "CPU".into() };
/// let changes = [Change { record: record.clone(), seen: Version(7), op: op.clone() }];
/// assert_eq!(effects(&changes, &[])[0].op, op);
/// assert_eq!(effects(&changes, &[LeafRef { record, leaf: Some(title) }]), []);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
pub fn effects(changes: &[Change], skipped: &[LeafRef]) -> Vec<Effect> {
    changes
        .iter()
        .filter_map(|change| effect(change, skipped))
        .collect()
}

fn effect(change: &Change, skipped: &[LeafRef]) -> Option<Effect> {
    let is_skipped = |leaf: Option<&LeafPath>| {
        skipped
            .iter()
            .any(|skip| skip.record == change.record && skip.leaf.as_ref() == leaf)
    };
    let op = match &change.op {
        Op::Create { kind, leaves } => {
            if is_skipped(None) {
                return None;
            }
            let keep = |(leaf, _): &(&LeafPath, &Value)| !is_skipped(Some(leaf));
            let leaves = leaves.iter().filter(keep);
            let leaves = leaves
                .map(|(leaf, value)| (leaf.clone(), value.clone()))
                .collect();
            Op::Create {
                kind: kind.clone(),
                leaves,
            }
        }
        Op::Set { leaf, .. } | Op::Unset { leaf } if is_skipped(Some(leaf)) => return None,
        Op::Remove if is_skipped(None) => return None,
        op => op.clone(),
    };
    Some(Effect {
        record: change.record.clone(),
        op,
    })
}
