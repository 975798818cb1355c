//! What wins: whether an edit still fits the board as it is now.
//!
//! A leaf is stale when its version on the server is above `seen` and its value differs from the
//! one being written, whoever wrote it. Its policy then decides.

use serde::{Deserialize, Serialize};

use crate::board::{BoardState, RecordState, Slot};
use crate::edit::{Change, Edit, LeafRef, OnStale, Op};
use crate::ids::{LeafPath, RecordId, UserId, Version};
use crate::schema::{Policy, Schema};
use crate::sorted::SortedSet;
use crate::value::{Value, present};

/// A leaf that changed since its author looked.
///
/// ```
/// use driftless_model::{LeafRef, StaleLeaf, UserId, Value, Version};
///
/// let at = LeafRef { record: "cpu".parse()?, leaf: Some("title".parse()?) };
/// let author = Some(UserId::new("Bob")?);
/// let emptied = StaleLeaf { at, theirs: Some(Value::Null), version: Version(2), author };
/// let removed = StaleLeaf { theirs: None, ..emptied.clone() };
/// assert!(serde_json::to_string(&emptied)?.contains(r#""theirs":null"#));
/// assert!(!serde_json::to_string(&removed)?.contains("theirs"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleLeaf {
    /// The leaf; without a path, the record as such: it was removed.
    pub at: LeafRef,
    /// Their value; absent where the leaf or the record is gone.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub theirs: Option<Value>,
    /// The version that wrote it.
    pub version: Version,
    /// Who wrote it; absent where nobody knows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<UserId>,
}

/// A value that an applied edit replaced although its author had not seen it (`LastWriter`).
///
/// ```
/// # use driftless_model::staleness::judge;
/// # use driftless_model::*;
/// # let board: BoardState = serde_json::from_str(r#"{"floor": 0, "records": {"cpu": {"live": {
/// #     "kind": "chart", "created": 1, "leaves": {
/// #         "title": {"value": "Cores", "version": 2, "author": "Bob"},
/// #         "layout/lg": {"value": [0, 0, 4, 2], "version": 2, "author": "Bob"}
/// # }}}}}"#)?;
/// # let (schema, cpu) = (Schema::builtin(), RecordId::new("cpu")?);
/// # let edit = |op| {
/// #     let change = Change { record: cpu.clone(), seen: Version(1), op };
/// #     let (id, label, changes) = (EditId(1), "Edit".into(), vec![change]);
/// #     Edit { id, label, on_stale: OnStale::Policy, changes }
/// # };
/// // Bob gave the chart a title and a place in version 2; the author of `edit` saw version 1.
/// let leaf = LeafPath::new("layout/lg")?;
/// let verdict = judge(&board, &schema, &edit(Op::Unset { leaf }));
/// let Verdict::Apply { replaced, .. } = verdict else { unreachable!("the later write wins") };
/// let place = vec![0.into(), 0.into(), 4.into(), 2.into()];
/// assert_eq!(replaced[0].value, Some(place.into()));
/// assert_eq!(replaced[0].author.as_str(), "Bob");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The leaf.
    pub at: LeafRef,
    /// The value that is no more; absent where the leaf had been taken away.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub value: Option<Value>,
    /// The version that had written it.
    pub version: Version,
    /// Whose value it was.
    pub author: UserId,
}

/// What happens to an edit.
///
/// ```
/// # use driftless_model::staleness::judge;
/// # use driftless_model::*;
/// # let board: BoardState = serde_json::from_str(r#"{"floor": 0, "records": {"cpu": {"live": {
/// #     "kind": "chart", "created": 1, "leaves": {
/// #         "title": {"value": "Cores", "version": 2, "author": "Bob"},
/// #         "layout/lg": {"value": [0, 0, 4, 2], "version": 2, "author": "Bob"}
/// # }}}}}"#)?;
/// # let (schema, cpu) = (Schema::builtin(), RecordId::new("cpu")?);
/// # let edit = |op| {
/// #     let change = Change { record: cpu.clone(), seen: Version(1), op };
/// #     let (id, label, changes) = (EditId(1), "Edit".into(), vec![change]);
/// #     Edit { id, label, on_stale: OnStale::Policy, changes }
/// # };
/// // Bob gave the chart a title and a place in version 2; the author of `edit` saw version 1.
/// let leaf = LeafPath::new("layout/lg")?;
/// let verdict = judge(&board, &schema, &edit(Op::Unset { leaf }));
/// assert!(matches!(verdict, Verdict::Apply { .. }));
/// let Verdict::Conflict(stale) = judge(&board, &schema, &edit(Op::Remove)) else {
///     unreachable!("a title is asked about")
/// };
/// assert_eq!(stale[0].theirs, Some("Cores".into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is applied, but for `skipped`.
    Apply {
        /// What is left out: stale leaves of an undo, `LastWriter` leaves of a removed record.
        skipped: Vec<LeafRef>,
        /// Whose values it replaces unseen.
        replaced: Vec<Replaced>,
    },
    /// It is not applied: these `Ask` leaves are stale. Never empty.
    Conflict(Vec<StaleLeaf>),
}

/// Decides what happens to an edit on the board as it is now.
///
/// ```
/// # use driftless_model::staleness::judge;
/// # use driftless_model::*;
/// # let board: BoardState = serde_json::from_str(r#"{"floor": 0, "records": {"cpu": {"live": {
/// #     "kind": "chart", "created": 1, "leaves": {
/// #         "title": {"value": "Cores", "version": 2, "author": "Bob"},
/// #         "layout/lg": {"value": [0, 0, 4, 2], "version": 2, "author": "Bob"}
/// # }}}}}"#)?;
/// # let (schema, cpu) = (Schema::builtin(), RecordId::new("cpu")?);
/// # let edit = |op| {
/// #     let change = Change { record: cpu.clone(), seen: Version(1), op };
/// #     let (id, label, changes) = (EditId(1), "Edit".into(), vec![change]);
/// #     Edit { id, label, on_stale: OnStale::Policy, changes }
/// # };
/// // Bob gave the chart a title and a place in version 2; the author of `edit` saw version 1.
/// let rename = |title: &str| -> Result<Edit, IdError> {
///     Ok(edit(Op::Set { leaf: "title".parse()?, value: title.into() }))
/// };
/// assert!(matches!(judge(&board, &schema, &rename("Load")?), Verdict::Conflict(_)));
/// // What they wrote, too, is nothing to ask about.
/// assert!(matches!(judge(&board, &schema, &rename("Cores")?), Verdict::Apply { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge(board: &BoardState, schema: &Schema, edit: &Edit) -> Verdict {
    let creates = edit.changes.iter();
    let creates = creates.filter(|change| matches!(change.op, Op::Create { .. }));
    let mut judge = Judge {
        board,
        schema,
        skips_stale: edit.on_stale == OnStale::Skip,
        creates: creates.map(|change| &change.record).collect(),
        created: SortedSet::new(),
        removed: SortedSet::new(),
        written: SortedSet::new(),
        stale: Vec::new(),
        skipped: Vec::new(),
        replaced: Vec::new(),
    };
    for change in &edit.changes {
        judge.change(change);
    }
    if judge.stale.is_empty() {
        Verdict::Apply {
            skipped: judge.skipped,
            replaced: judge.replaced,
        }
    } else {
        Verdict::Conflict(judge.stale)
    }
}

struct Judge<'a> {
    board: &'a BoardState,
    schema: &'a Schema,
    skips_stale: bool,
    /// The records that any change of the edit makes.
    creates: SortedSet<&'a RecordId>,
    /// What earlier changes of the same edit did: an edit is never stale against itself.
    created: SortedSet<&'a RecordId>,
    removed: SortedSet<&'a RecordId>,
    written: SortedSet<(&'a RecordId, &'a LeafPath)>,
    stale: Vec<StaleLeaf>,
    skipped: Vec<LeafRef>,
    replaced: Vec<Replaced>,
}

impl<'a> Judge<'a> {
    fn change(&mut self, change: &'a Change) {
        let id = &change.record;
        let before = self.skipped.len();
        if self.created.contains(id) || self.removed.contains(id) {
            return self.note(change, before);
        }
        match (self.board.records.get(id), &change.op) {
            (Some(Slot::Live(record)), Op::Remove) => self.remove(change, record),
            (Some(Slot::Live(record)), op) => {
                for (leaf, value) in op.writes() {
                    self.write(change, record, leaf, value);
                }
            }
            (_, Op::Remove) => self.remove_missing(change),
            (slot, Op::Create { .. }) => self.create(change, slot),
            (slot, _) => self.write_to_missing(change, slot),
        }
        self.note(change, before);
    }

    /// Notes what a change does; not what was skipped of it, which is everything since `before`.
    fn note(&mut self, change: &'a Change, before: usize) {
        let skipped = &self.skipped[before..];
        let is_done = |leaf: Option<&LeafPath>| skipped.iter().all(|at| at.leaf.as_ref() != leaf);
        match &change.op {
            Op::Create { .. } if self.board.record(&change.record).is_none() => {
                if is_done(None) {
                    self.created.insert(&change.record);
                }
            }
            Op::Remove => {
                if is_done(None) {
                    self.removed.insert(&change.record);
                }
            }
            op => {
                let done = op.writes().into_iter().map(|(leaf, _)| leaf);
                let done = done.filter(|leaf| is_done(Some(leaf)));
                self.written.extend(done.map(|leaf| (&change.record, leaf)));
            }
        }
    }

    fn write(
        &mut self,
        change: &'a Change,
        record: &RecordState,
        leaf: &'a LeafPath,
        value: Option<&Value>,
    ) {
        let cell = self.schema.cell(record, leaf);
        let absent = || self.board.floor.max(record.created);
        let version = cell.map_or_else(absent, |cell| cell.version);
        let theirs = cell.and_then(|cell| cell.value.as_ref());
        let is_fresh = version <= change.seen || theirs == value;
        if is_fresh || self.written.contains(&(&change.record, leaf)) {
            return;
        }
        let at = LeafRef {
            record: change.record.clone(),
            leaf: Some(leaf.clone()),
        };
        let author = cell.map(|cell| cell.author.clone());
        if self.skips_stale {
            self.skipped.push(at);
        } else if self.schema.policy(&record.kind, leaf) == Policy::LastWriter {
            if let Some(author) = author {
                let value = theirs.cloned();
                self.replaced.push(Replaced {
                    at,
                    value,
                    version,
                    author,
                });
            }
        } else {
            let theirs = theirs.cloned();
            self.stale.push(StaleLeaf {
                at,
                theirs,
                version,
                author,
            });
        }
    }

    fn remove(&mut self, change: &Change, record: &RecordState) {
        let is_stale = |leaf: &LeafPath, version: Version| {
            version > change.seen && self.schema.policy(&record.kind, leaf) == Policy::Ask
        };
        // A former name says nothing of its own.
        let is_read = |leaf: &LeafPath| {
            let today = self.schema.current(&record.kind, leaf);
            *today == *leaf || !record.leaves.contains_key(&*today)
        };
        let leaves = record.leaves.iter().filter(|(leaf, _)| is_read(leaf));
        let stale = leaves.filter(|(leaf, cell)| is_stale(leaf, cell.version));
        let stale: Vec<StaleLeaf> = stale
            .map(|(leaf, cell)| StaleLeaf {
                at: LeafRef {
                    record: change.record.clone(),
                    leaf: Some(leaf.clone()),
                },
                theirs: cell.value.clone(),
                version: cell.version,
                author: Some(cell.author.clone()),
            })
            .collect();
        if self.skips_stale && !stale.is_empty() {
            self.skipped.push(LeafRef {
                record: change.record.clone(),
                leaf: None,
            });
        } else {
            self.stale.extend(stale);
        }
    }

    /// Somebody removed it before: nothing is done, which is said, so that an undo brings nothing
    /// back. Not where the same edit makes the record: skipping names records, not changes.
    fn remove_missing(&mut self, change: &Change) {
        if !self.creates.contains(&change.record) {
            self.skipped.push(LeafRef {
                record: change.record.clone(),
                leaf: None,
            });
        }
    }

    /// A record that is made, or made again: stale where it was removed unseen. Where no mark says
    /// whether it ever was there, whoever makes it replaces nothing; only an undo leaves it at
    /// that, since somebody may have removed what it would bring back.
    fn create(&mut self, change: &Change, slot: Option<&Slot>) {
        let (version, author) = match slot {
            Some(Slot::Removed { version, author }) => (*version, Some(author.clone())),
            _ if self.skips_stale => (self.board.floor, None),
            _ => return,
        };
        if version > change.seen {
            self.missing(change, None, version, author);
        }
    }

    /// `Set` or `Unset` where there is no record: it was removed, whoever still knows by whom.
    fn write_to_missing(&mut self, change: &Change, slot: Option<&Slot>) {
        let (version, author) = match slot {
            Some(Slot::Removed { version, author }) => (*version, Some(author.clone())),
            _ => (self.board.floor, None),
        };
        for (leaf, _) in change.op.writes() {
            self.missing(change, Some(leaf), version, author.clone());
        }
    }

    fn missing(
        &mut self,
        change: &Change,
        leaf: Option<&LeafPath>,
        version: Version,
        author: Option<UserId>,
    ) {
        // Without the record its kind is unknown: positions and sizes are told by their path.
        let is_last_writer = leaf.is_some_and(Schema::is_layout);
        if self.skips_stale || is_last_writer {
            let at = LeafRef {
                record: change.record.clone(),
                leaf: leaf.cloned(),
            };
            self.skipped.push(at);
            return;
        }
        let at = LeafRef {
            record: change.record.clone(),
            leaf: None,
        };
        if self.stale.iter().all(|stale| stale.at != at) {
            self.stale.push(StaleLeaf {
                at,
                theirs: None,
                version,
                author,
            });
        }
    }
}

#[cfg(test)]
mod tests;
