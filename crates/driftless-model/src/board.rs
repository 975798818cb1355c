//! The state of a board, and how effects change it.

use serde::{Deserialize, Serialize};

use crate::edit::{Effect, Op};
use crate::ids::{KindName, LeafPath, RecordId, UserId, Version};
use crate::sorted::SortedMap;
use crate::value::Value;

/// A leaf: its value, and who gave it that value in which version.
///
/// ```
/// # use driftless_model::*;
/// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
/// # let title = LeafPath::new("title")?;
/// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
/// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
/// # let mut board = BoardState::default();
/// # board.apply(&[made], Version(1), &ann);
/// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
/// let cell: &Cell = &board.record(&cpu).expect("was made").leaves[&title];
/// assert_eq!(cell.value, Some("CPU".into()));
/// assert_eq!((cell.version, &cell.author), (Version(1), &ann));
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// # use driftless_model::*;
/// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
/// # let title = LeafPath::new("title")?;
/// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
/// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
/// # let mut board = BoardState::default();
/// # board.apply(&[made], Version(1), &ann);
/// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
/// let record: &RecordState = board.record(&cpu).expect("was made");
/// assert_eq!((record.kind.as_str(), record.created), ("chart", Version(1)));
/// assert_eq!(record.leaves.len(), 1);
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// let record = board.record(&cpu).expect("was made");
    /// assert_eq!(record.value(&title), Some(&"CPU".into()));
    /// assert_eq!(record.value(&LeafPath::new("unit")?), None);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn value(&self, leaf: &LeafPath) -> Option<&Value> {
        self.leaves.get(leaf).and_then(|cell| cell.value.as_ref())
    }

    /// The leaves that have a value.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// let taken = Op::Unset { leaf: title.clone() };
    /// board.apply(&[Effect { record: cpu.clone(), op: taken }], Version(2), &ann);
    /// let record = board.record(&cpu).expect("was made");
    /// assert_eq!((record.leaves.len(), record.values().count()), (1, 0));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn values(&self) -> impl Iterator<Item = (&LeafPath, &Value)> {
        self.leaves
            .iter()
            .filter_map(|(leaf, cell)| cell.value.as_ref().map(|value| (leaf, value)))
    }
}

/// A place for a record: live, or the mark that a removed one left.
///
/// ```
/// # use driftless_model::*;
/// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
/// # let title = LeafPath::new("title")?;
/// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
/// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
/// # let mut board = BoardState::default();
/// # board.apply(&[made], Version(1), &ann);
/// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
/// assert!(matches!(board.records[&cpu], Slot::Live(_)));
/// board.apply(&[Effect { record: cpu.clone(), op: Op::Remove }], Version(2), &ann);
/// assert_eq!(board.records[&cpu], Slot::Removed { version: Version(2), author: ann });
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
///
/// ```
/// use driftless_model::{BoardState, Effect, KindName, Op, RecordId, UserId, Version};
///
/// let note = RecordId::new("lunch")?;
/// let made = Op::Create { kind: KindName::new("note")?, leaves: [].into() };
/// let mut board = BoardState::default();
/// board.apply(&[Effect { record: note.clone(), op: made }], Version(1), &UserId::new("Ann")?);
/// assert!(board.record(&note).is_some());
/// # Ok::<(), driftless_model::IdError>(())
/// ```
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
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// assert_eq!(board.record(&cpu).map(|record| record.kind.as_str()), Some("chart"));
    /// board.apply(&[Effect { record: cpu.clone(), op: Op::Remove }], Version(2), &ann);
    /// assert_eq!(board.record(&cpu), None);
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn record(&self, id: &RecordId) -> Option<&RecordState> {
        match self.records.get(id) {
            Some(Slot::Live(record)) => Some(record),
            _ => None,
        }
    }

    /// The live records.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// assert_eq!(board.live().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["cpu"]);
    /// board.apply(&[Effect { record: cpu, op: Op::Remove }], Version(2), &ann);
    /// assert_eq!((board.live().count(), board.records.len()), (0, 1));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn live(&self) -> impl Iterator<Item = (&RecordId, &RecordState)> {
        self.records.iter().filter_map(|(id, slot)| match slot {
            Slot::Live(record) => Some((id, record)),
            Slot::Removed { .. } => None,
        })
    }

    /// The version of a leaf of a live record: for one without a mark, when it can have changed
    /// last.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// let renamed = Op::Set { leaf: title.clone(), value: "Cores".into() };
    /// board.apply(&[Effect { record: cpu.clone(), op: renamed }], Version(2), &ann);
    /// let record = board.record(&cpu).expect("was made");
    /// assert_eq!(board.leaf_version(record, &title), Version(2));
    /// // Nobody ever wrote it: since the record is there.
    /// assert_eq!(board.leaf_version(record, &LeafPath::new("unit")?), Version(1));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
    pub fn leaf_version(&self, record: &RecordState, leaf: &LeafPath) -> Version {
        let absent = || self.floor.max(record.created);
        record
            .leaves
            .get(leaf)
            .map_or_else(absent, |cell| cell.version)
    }

    /// Applies what an edit did. `Set` and `Unset` on a record that is not there do nothing.
    ///
    /// ```
    /// # use driftless_model::*;
    /// # let (cpu, ann) = (RecordId::new("cpu")?, UserId::new("Ann")?);
    /// # let title = LeafPath::new("title")?;
    /// # let (kind, leaves) = (KindName::new("chart")?, [(title.clone(), "CPU".into())].into());
    /// # let made = Effect { record: cpu.clone(), op: Op::Create { kind, leaves } };
    /// # let mut board = BoardState::default();
    /// # board.apply(&[made], Version(1), &ann);
    /// // The chart `cpu`, which Ann made with the title "CPU" in version 1.
    /// let renamed = Op::Set { leaf: title.clone(), value: "Cores".into() };
    /// board.apply(&[Effect { record: cpu.clone(), op: renamed }], Version(2), &ann);
    /// let record = board.record(&cpu).expect("was made");
    /// assert_eq!(record.value(&title), Some(&"Cores".into()));
    /// # Ok::<(), driftless_model::IdError>(())
    /// ```
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
