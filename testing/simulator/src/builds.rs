//! Builds side by side: the newer one calls a leaf by another name than the older one, and knows
//! one more. What the checkers compare goes by the newer one's names.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftless_model::{
    Kind, Leaf, LeafPath, Op, PathRule, Policy, RecordState, Schema, Shape, SortedMap, Value,
};
use driftless_sync::replica::view::RecordView;

/// What the older build calls it.
const UNIT: &str = "unit";
/// What the newer one calls it.
const UNITS: &str = "units";
/// What the newer one knows beside it.
const LIMIT: &str = "limit";

/// A build of server or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Build {
    /// The one that all runs without two builds have.
    #[default]
    Older,
    /// The one that comes after it.
    Newer,
}

struct OlderChart;

impl Kind for OlderChart {
    const NAME: &'static str = "chart";

    fn rules() -> Vec<PathRule> {
        vec![Leaf::<String>::ask(UNIT).rule(), options()]
    }
}

struct NewerChart;

impl Kind for NewerChart {
    const NAME: &'static str = "chart";

    fn rules() -> Vec<PathRule> {
        let units = Leaf::<String>::ask(UNITS).formerly(&[UNIT]);
        let limit = Leaf::<String>::ask(LIMIT);
        vec![units.rule(), limit.rule(), options()]
    }
}

fn options() -> PathRule {
    PathRule {
        path: "options/*".to_owned(),
        policy: Policy::Ask,
        shape: Shape::Any,
        formerly: Vec::new(),
    }
}

/// What each build knows.
#[derive(Debug)]
pub struct Schemas {
    older: Arc<Schema>,
    newer: Arc<Schema>,
}

impl Schemas {
    /// Of both.
    pub fn new() -> Self {
        let older = Schema::empty().register::<OlderChart>();
        let newer = Schema::empty().register::<NewerChart>();
        Self {
            older: Arc::new(older.expect("a kind")),
            newer: Arc::new(newer.expect("a kind")),
        }
    }

    /// Of one.
    pub fn of(&self, build: Build) -> &Arc<Schema> {
        match build {
            Build::Older => &self.older,
            Build::Newer => &self.newer,
        }
    }
}

fn path(text: &str) -> LeafPath {
    LeafPath::new(text).expect("a path")
}

/// What the newer build calls a leaf.
pub fn today(leaf: &LeafPath) -> LeafPath {
    match leaf.as_str() {
        UNIT => path(UNITS),
        _ => leaf.clone(),
    }
}

/// Whether an op writes a leaf, by today's name or the former one.
pub fn touches(op: &Op, leaf: &LeafPath) -> bool {
    let is_renamed = today(leaf).as_str() == UNITS;
    op.touches(leaf) || (is_renamed && (op.touches(&path(UNIT)) || op.touches(&path(UNITS))))
}

impl Build {
    /// The leaf with the unit.
    pub fn unit(self) -> LeafPath {
        match self {
            Self::Older => path(UNIT),
            Self::Newer => path(UNITS),
        }
    }

    /// The leaf that only the newer build has.
    pub fn limit(self) -> Option<LeafPath> {
        (self == Self::Newer).then(|| path(LIMIT))
    }

    /// What a person with this build sees of a leaf. Where a pending edit has the other build's
    /// name for it, the board beside that shows it by the name that this one knows.
    pub fn sees(self, view: &RecordView, leaf: &LeafPath) -> Option<Value> {
        let names = match (self, leaf.as_str()) {
            (Self::Older, UNIT) => vec![UNIT],
            (_, UNIT | UNITS) => vec![UNITS, UNIT],
            (_, other) => vec![other],
        };
        let mut values = names.into_iter().map(|name| view.value(&path(name)));
        values.find_map(Option::<&Value>::cloned)
    }

    /// What a person with this build sees of a record, by today's names.
    pub fn sees_all(self, view: &RecordView) -> SortedMap<LeafPath, Value> {
        let leaves = view.leaves.keys();
        let own = leaves.filter(|leaf| self == Self::Newer || leaf.as_str() != UNITS);
        let seen = own.filter_map(|leaf| Some((today(leaf), self.sees(view, leaf)?)));
        seen.collect()
    }

    /// The op in the words of this build: the older one does not know the newer one's.
    pub fn op(self, op: &Op) -> Op {
        match op {
            Op::Set { leaf, value } if self == Self::Newer => Op::Set {
                leaf: today(leaf),
                value: value.clone(),
            },
            Op::Unset { leaf } if self == Self::Newer => Op::Unset { leaf: today(leaf) },
            Op::Create { kind, leaves } if self == Self::Newer => {
                let mut named: SortedMap<LeafPath, Value> = SortedMap::new();
                for (leaf, value) in leaves {
                    if *leaf == today(leaf) {
                        named.insert(leaf.clone(), value.clone());
                    } else {
                        named.entry(today(leaf)).or_insert_with(|| value.clone());
                    }
                }
                Op::Create {
                    kind: kind.clone(),
                    leaves: named,
                }
            }
            op => op.clone(),
        }
    }

    /// The values of a record as this build reads them.
    pub fn values(self, record: &RecordState) -> BTreeMap<LeafPath, Value> {
        let is_superseded = |leaf: &LeafPath| {
            self == Self::Newer && *leaf != today(leaf) && record.leaves.contains_key(&today(leaf))
        };
        let own = record.values().filter(|(leaf, _)| !is_superseded(leaf));
        let name = |leaf: &LeafPath| match self {
            Self::Older => leaf.clone(),
            Self::Newer => today(leaf),
        };
        own.map(|(leaf, value)| (name(leaf), value.clone()))
            .collect()
    }
}
