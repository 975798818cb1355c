//! The state of a board, and how effects change it.

use serde::{Deserialize, Serialize};

use crate::edit::{Effect, Op};
use crate::ids::{KindName, LeafPath, RecordId, UserId, Version};
use crate::sorted::SortedMap;
use crate::value::Value;

/// A leaf: its value, and who gave it that value in which version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The value; absent where the leaf was taken away.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::present"
    )]
    pub value: Option<Value>,
    /// The version that wrote it.
    pub version: Version,
    /// Whose edit that was.
    pub author: UserId,
}

/// A live record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordState {
    /// Its kind, known to the schema or not.
    pub kind: KindName,
    /// The version that created it (again).
    pub created: Version,
    /// Its leaves, those taken away included.
    pub leaves: SortedMap<LeafPath, Cell>,
}

impl RecordState {
    /// The value of a leaf; `None` where it has none.
    pub fn value(&self, leaf: &LeafPath) -> Option<&Value> {
        self.leaves.get(leaf).and_then(|cell| cell.value.as_ref())
    }

    /// The leaves that have a value.
    pub fn values(&self) -> impl Iterator<Item = (&LeafPath, &Value)> {
        self.leaves
            .iter()
            .filter_map(|(leaf, cell)| cell.value.as_ref().map(|value| (leaf, value)))
    }
}

/// A place for a record: live, or the mark that a removed one left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// It is there.
    Live(RecordState),
    /// It was removed.
    Removed {
        /// In which version.
        version: Version,
        /// By whom.
        author: UserId,
    },
}

/// All records of a board.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BoardState {
    /// By id.
    pub records: SortedMap<RecordId, Slot>,
    /// The version of the newest removal mark that was pruned: whatever is absent without a mark
    /// counts as changed then.
    pub floor: Version,
}

impl BoardState {
    /// A live record.
    pub fn record(&self, id: &RecordId) -> Option<&RecordState> {
        match self.records.get(id) {
            Some(Slot::Live(record)) => Some(record),
            _ => None,
        }
    }

    /// The live records.
    pub fn live(&self) -> impl Iterator<Item = (&RecordId, &RecordState)> {
        self.records.iter().filter_map(|(id, slot)| match slot {
            Slot::Live(record) => Some((id, record)),
            Slot::Removed { .. } => None,
        })
    }

    /// The version of a leaf of a live record: for one without a mark, when it can have changed
    /// last.
    pub fn leaf_version(&self, record: &RecordState, leaf: &LeafPath) -> Version {
        let absent = || self.floor.max(record.created);
        record
            .leaves
            .get(leaf)
            .map_or_else(absent, |cell| cell.version)
    }

    /// Applies what an edit did. `Set` and `Unset` on a record that is not there do nothing.
    pub fn apply(&mut self, effects: &[Effect], version: Version, author: &UserId) {
        for effect in effects {
            self.apply_one(effect, version, author);
        }
    }

    fn apply_one(&mut self, effect: &Effect, version: Version, author: &UserId) {
        let cell = |value: Option<&Value>| Cell {
            value: value.cloned(),
            version,
            author: author.clone(),
        };
        match &effect.op {
            Op::Remove => {
                if self.record(&effect.record).is_some() {
                    let mark = Slot::Removed {
                        version,
                        author: author.clone(),
                    };
                    self.records.insert(effect.record.clone(), mark);
                }
            }
            Op::Create { kind, leaves } => {
                let fresh = || RecordState {
                    kind: kind.clone(),
                    created: version,
                    leaves: SortedMap::new(),
                };
                let slot = self.records.entry(effect.record.clone());
                let slot = slot.or_insert_with(|| Slot::Live(fresh()));
                if matches!(slot, Slot::Removed { .. }) {
                    *slot = Slot::Live(fresh());
                }
                if let Slot::Live(record) = slot {
                    let cells = leaves
                        .iter()
                        .map(|(leaf, value)| (leaf.clone(), cell(Some(value))));
                    record.leaves.extend(cells);
                }
            }
            Op::Set { leaf, value } => self.write(&effect.record, leaf, cell(Some(value))),
            Op::Unset { leaf } => self.write(&effect.record, leaf, cell(None)),
        }
    }

    fn write(&mut self, record: &RecordId, leaf: &LeafPath, cell: Cell) {
        if let Some(Slot::Live(record)) = self.records.get_mut(record) {
            record.leaves.insert(leaf.clone(), cell);
        }
    }
}
