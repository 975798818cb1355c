//! Builds that know a leaf by different names: edits under a former one, effects under all.

use crate::edit::{Edit, Effect, LeafRef, Op};
use crate::ids::{KindName, LeafPath, RecordId};
use crate::schema::{PathRule, Schema};
use crate::sorted::SortedMap;

/// How an edit's author calls leaves that have another name today.
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
/// let op = Op::Set { leaf: label.clone(), value: "Load".into() };
/// let changes = vec![Change { record: "load".parse()?, seen: Version(1), op }];
/// # let (id, on_stale) = (EditId(1), OnStale::Policy);
/// let edit = Edit { id, label: "Rename".into(), on_stale, changes };
/// let (modern, renames): (Edit, Renames) = schema.modernised(&edit, |_| Some(&gauge));
/// assert!(modern.changes[0].op.touches(&CAPTION.path()));
/// assert_ne!(renames, Renames::default());
/// # Ok::<(), driftless_model::RegisterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renames {
    former: SortedMap<(RecordId, LeafPath), LeafPath>,
}

impl Renames {
    /// Whether the author's names are today's.
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
    /// # let (id, on_stale, seen) = (EditId(1), OnStale::Policy, Version(1));
    /// let renames = |leaf: LeafPath| -> Result<Renames, IdError> {
    ///     let changes = vec![Change { record: "load".parse()?, seen, op: Op::Unset { leaf } }];
    ///     let edit = Edit { id, label: "Empty it".into(), on_stale, changes };
    ///     Ok(schema.modernised(&edit, |_| Some(&gauge)).1)
    /// };
    /// assert!(renames(CAPTION.path())?.is_empty());
    /// assert!(!renames(label)?.is_empty());
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.former.is_empty()
    }

    /// Gives a leaf the name that the author knows.
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
    /// # let (id, on_stale, seen) = (EditId(1), OnStale::Policy, Version(1));
    /// # let record = RecordId::new("load")?;
    /// # let op = Op::Unset { leaf: label.clone() };
    /// # let changes = vec![Change { record: record.clone(), seen, op }];
    /// # let edit = Edit { id, label: "Empty it".into(), on_stale, changes };
    /// // The author of `edit` writes `label`, and hears of it by that name.
    /// let (_, renames) = schema.modernised(&edit, |_| Some(&gauge));
    /// let mut at = LeafRef { record, leaf: Some(CAPTION.path()) };
    /// renames.to_author(&mut at);
    /// assert_eq!(at.leaf, Some(label));
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn to_author(&self, at: &mut LeafRef) {
        if let Some(leaf) = &at.leaf {
            let former = self.former.get(&(at.record.clone(), leaf.clone()));
            at.leaf = Some(former.unwrap_or(leaf).clone());
        }
    }
}

impl Schema {
    /// The edit with every leaf under today's name, and how its author calls those that have
    /// another. `kind_of` tells the kind of a live record. Of a leaf that a `Create` names twice,
    /// today's name counts.
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
    /// # let (id, on_stale, seen) = (EditId(1), OnStale::Policy, Version(1));
    /// let changes = vec![Change { record: "load".parse()?, seen, op: Op::Unset { leaf: label } }];
    /// let edit = Edit { id, label: "Empty it".into(), on_stale, changes };
    /// let (modern, renames) = schema.modernised(&edit, |_| Some(&gauge));
    /// assert_eq!(modern.changes[0].op, Op::Unset { leaf: CAPTION.path() });
    /// assert!(!renames.is_empty());
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn modernised<'a>(
        &self,
        edit: &'a Edit,
        kind_of: impl Fn(&RecordId) -> Option<&'a KindName>,
    ) -> (Edit, Renames) {
        let (mut modern, mut renames) = (edit.clone(), Renames::default());
        let mut created = SortedMap::new();
        for (change, modern) in edit.changes.iter().zip(&mut modern.changes) {
            if let Op::Create { kind, .. } = &change.op {
                created.insert(&change.record, kind);
            }
            let known = kind_of(&change.record).or(created.get(&change.record).copied());
            let Some(kind) = known else { continue };
            let mut rename = |leaf: &mut LeafPath| {
                let today = self.current(kind, leaf).into_owned();
                if today != *leaf {
                    let former = std::mem::replace(leaf, today.clone());
                    renames
                        .former
                        .insert((change.record.clone(), today), former);
                }
            };
            match &mut modern.op {
                Op::Set { leaf, .. } | Op::Unset { leaf } => rename(leaf),
                Op::Create { leaves, .. } => {
                    for (mut leaf, value) in std::mem::take(leaves) {
                        let before = leaf.clone();
                        rename(&mut leaf);
                        if leaf == before {
                            leaves.insert(leaf, value);
                        } else {
                            leaves.entry(leaf).or_insert(value);
                        }
                    }
                }
                Op::Remove => {}
            }
        }
        (modern, renames)
    }

    /// What an edit does, under every name that its leaves have had. A build of before shows a leaf
    /// by the name that it knows: were that left as it was, its author would see an old value,
    /// and replace today's unseen. `effects` are under today's names; `kind_of` tells the kind of a
    /// live record. `None` where no leaf has had another name.
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
    /// let effect = |leaf| -> Result<Effect, IdError> {
    ///     Ok(Effect { record: "load".parse()?, op: Op::Set { leaf, value: "Load".into() } })
    /// };
    /// let effects = [effect(CAPTION.path())?];
    /// let all = schema.under_all_names(&effects, |_| Some(&gauge));
    /// assert_eq!(all, Some(vec![effect(CAPTION.path())?, effect(label)?]));
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn under_all_names<'a>(
        &self,
        effects: &'a [Effect],
        kind_of: impl Fn(&RecordId) -> Option<&'a KindName>,
    ) -> Option<Vec<Effect>> {
        self.renamed_rules().next()?;
        let (mut all, mut created) = (Vec::with_capacity(effects.len()), SortedMap::new());
        for effect in effects {
            if let Op::Create { kind, .. } = &effect.op {
                created.insert(&effect.record, kind);
            }
            let known = kind_of(&effect.record).or(created.get(&effect.record).copied());
            let former = |leaf: &LeafPath| match known {
                Some(kind) => self.former_names(kind, leaf),
                None => Vec::new(),
            };
            let also = |op: Op| Effect {
                record: effect.record.clone(),
                op,
            };
            match &effect.op {
                Op::Create { kind, leaves } => {
                    let mut leaves = leaves.clone();
                    for (leaf, value) in leaves.clone() {
                        let names = former(&leaf).into_iter();
                        leaves.extend(names.map(|name| (name, value.clone())));
                    }
                    let kind = kind.clone();
                    all.push(also(Op::Create { kind, leaves }));
                }
                Op::Set { leaf, value } => {
                    all.push(effect.clone());
                    let names = former(leaf).into_iter();
                    all.extend(names.map(|leaf| {
                        let value = value.clone();
                        also(Op::Set { leaf, value })
                    }));
                }
                Op::Unset { leaf } => {
                    all.push(effect.clone());
                    let names = former(leaf).into_iter();
                    all.extend(names.map(|leaf| also(Op::Unset { leaf })));
                }
                Op::Remove => all.push(effect.clone()),
            }
        }
        (all != effects).then_some(all)
    }

    /// The rules of leaves that have had another name.
    fn renamed_rules(&self) -> impl Iterator<Item = &PathRule> {
        let rules = self.kinds().flat_map(|kind| &kind.rules);
        rules.filter(|rule| !rule.formerly.is_empty())
    }

    /// Whether two names are of one leaf, of whatever kind: what an older build left waiting on a
    /// device has its names.
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
    /// assert!(schema.is_one_leaf(&CAPTION.path(), &label));
    /// assert!(!schema.is_one_leaf(&CAPTION.path(), &LeafPath::new("title")?));
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn is_one_leaf(&self, one: &LeafPath, other: &LeafPath) -> bool {
        let today = |leaf: &LeafPath| -> Vec<LeafPath> {
            let names = self.renamed_rules().filter_map(|rule| rule.renamed(leaf));
            std::iter::once(leaf.clone()).chain(names).collect()
        };
        let is_one = || {
            let other = today(other);
            today(one).iter().any(|name| other.contains(name))
        };
        one == other || (self.renamed_rules().next().is_some() && is_one())
    }

    /// What a leaf was called before, newest first.
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
    /// assert_eq!(schema.former_names(&gauge, &CAPTION.path()), [label]);
    /// # Ok::<(), driftless_model::RegisterError>(())
    /// ```
    pub fn former_names(&self, kind: &KindName, leaf: &LeafPath) -> Vec<LeafPath> {
        let rule = self.rule(kind, leaf);
        rule.map_or_else(Vec::new, |rule| rule.former_names(leaf).collect())
    }
}
