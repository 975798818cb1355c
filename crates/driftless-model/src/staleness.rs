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
    /// What earlier changes of the same edit did: an edit is never stale against itself.
    /// The records that any change of the edit makes.
    creates: SortedSet<&'a RecordId>,
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
mod tests {
    use super::*;
    use crate::edit::effects;
    use crate::ids::{EditId, KindName};

    fn id(text: &str) -> RecordId {
        RecordId::new(text).expect("an id")
    }

    fn path(text: &str) -> LeafPath {
        LeafPath::new(text).expect("a path")
    }

    fn change(seen: u64, op: Op) -> Change {
        Change {
            record: id("cpu"),
            seen: Version(seen),
            op,
        }
    }

    fn set(seen: u64, leaf: &str, value: &str) -> Change {
        change(
            seen,
            Op::Set {
                leaf: path(leaf),
                value: value.into(),
            },
        )
    }

    fn create(seen: u64, title: &str) -> Change {
        let kind = KindName::new("chart").expect("a kind");
        let leaves = [(path("title"), title.into())].into();
        change(seen, Op::Create { kind, leaves })
    }

    fn edit(changes: Vec<Change>) -> Edit {
        Edit {
            id: EditId(1),
            label: "Edit".into(),
            on_stale: OnStale::Policy,
            changes,
        }
    }

    fn apply(board: &mut BoardState, version: u64, changes: &[Change]) {
        let author = UserId::new("ann").expect("a user");
        board.apply(&effects(changes, &[]), Version(version), &author);
    }

    /// A chart titled "CPU" since v1.
    fn board() -> BoardState {
        let mut board = BoardState::default();
        apply(&mut board, 1, &[create(0, "CPU")]);
        board
    }

    fn judged(board: &BoardState, changes: Vec<Change>) -> Verdict {
        judge(board, &Schema::builtin(), &edit(changes))
    }

    fn applied() -> Verdict {
        Verdict::Apply {
            skipped: vec![],
            replaced: vec![],
        }
    }

    #[test]
    fn a_write_to_what_its_author_saw_is_applied() {
        assert_eq!(judged(&board(), vec![set(1, "title", "Load")]), applied());
    }

    #[test]
    fn a_write_over_an_unseen_value_conflicts_with_its_value_version_and_author() {
        let mut board = board();
        apply(&mut board, 2, &[set(1, "title", "Cores")]);
        let Verdict::Conflict(stale) = judged(&board, vec![set(1, "title", "Load")]) else {
            panic!("an unseen title was overwritten");
        };
        assert_eq!(stale.len(), 1);
        assert_eq!(stale[0].theirs, Some("Cores".into()));
        assert_eq!(
            (
                stale[0].version,
                stale[0].author.as_ref().map(UserId::as_str)
            ),
            (Version(2), Some("ann"))
        );
    }

    #[test]
    fn writing_the_same_value_is_never_stale() {
        let mut board = board();
        apply(&mut board, 2, &[set(1, "title", "Cores")]);
        assert_eq!(judged(&board, vec![set(1, "title", "Cores")]), applied());
    }

    #[test]
    fn a_position_is_replaced_and_its_former_writer_named() {
        let mut board = board();
        let place = |seen, x: u32| {
            let value = Value::List(vec![x.into(), 0.into(), 4.into(), 3.into()]);
            change(
                seen,
                Op::Set {
                    leaf: path("layout/lg"),
                    value,
                },
            )
        };
        apply(&mut board, 2, &[place(1, 4)]);
        let Verdict::Apply { skipped, replaced } = judged(&board, vec![place(1, 8)]) else {
            panic!("a position never conflicts");
        };
        assert_eq!((skipped.len(), replaced.len()), (0, 1));
        assert_eq!(replaced[0].version, Version(2));
    }

    #[test]
    fn a_write_to_a_removed_record_conflicts_and_a_position_does_nothing() {
        let mut board = board();
        apply(&mut board, 2, &[change(1, Op::Remove)]);
        let Verdict::Conflict(stale) = judged(&board, vec![set(1, "title", "Load")]) else {
            panic!("a write to a removed record vanished");
        };
        assert_eq!(
            (stale[0].at.leaf.as_ref(), stale[0].version),
            (None, Version(2))
        );
        let place = Value::List(vec![0.into(), 0.into(), 4.into(), 3.into()]);
        let place = change(
            1,
            Op::Set {
                leaf: path("layout/lg"),
                value: place,
            },
        );
        let Verdict::Apply { skipped, .. } = judged(&board, vec![place]) else {
            panic!("a position on a removed record conflicted");
        };
        assert_eq!(skipped.len(), 1);
    }

    #[test]
    fn a_record_is_made_again_only_by_who_saw_its_removal() {
        let mut board = board();
        apply(&mut board, 2, &[change(1, Op::Remove)]);
        assert!(matches!(
            judged(&board, vec![create(1, "CPU")]),
            Verdict::Conflict(_)
        ));
        assert_eq!(judged(&board, vec![create(2, "CPU")]), applied());
    }

    #[test]
    fn a_removal_is_stale_only_when_a_person_wrote_something_unseen() {
        let mut board = board();
        let place = Value::List(vec![0.into(), 0.into(), 4.into(), 3.into()]);
        apply(
            &mut board,
            2,
            &[change(
                1,
                Op::Set {
                    leaf: path("layout/lg"),
                    value: place,
                },
            )],
        );
        assert_eq!(judged(&board, vec![change(1, Op::Remove)]), applied());
        apply(&mut board, 3, &[set(2, "title", "Cores")]);
        assert!(matches!(
            judged(&board, vec![change(2, Op::Remove)]),
            Verdict::Conflict(_)
        ));
    }

    #[test]
    fn a_removal_of_what_is_gone_is_left_out_but_where_the_same_edit_makes_it() {
        let mut board = board();
        apply(&mut board, 2, &[change(1, Op::Remove)]);
        let gone = Verdict::Apply {
            skipped: vec![LeafRef {
                record: id("cpu"),
                leaf: None,
            }],
            replaced: vec![],
        };
        assert_eq!(judged(&board, vec![change(2, Op::Remove)]), gone);
        let made_and_removed = vec![create(2, "CPU"), change(2, Op::Remove)];
        assert_eq!(judged(&board, made_and_removed), applied());
        // Removed, and made again: the removal comes too late, the record does not.
        let made_again = vec![change(2, Op::Remove), create(2, "CPU")];
        assert_eq!(judged(&board, made_again), applied());
    }

    #[test]
    fn a_missing_record_is_one_conflict_however_much_is_written_to_it() {
        let mut board = board();
        apply(&mut board, 2, &[change(1, Op::Remove)]);
        let writes = vec![set(1, "title", "Load"), set(1, "unit", "%")];
        let Verdict::Conflict(stale) = judged(&board, writes) else {
            panic!("a write to a removed record vanished");
        };
        assert_eq!(stale.len(), 1);
    }

    #[test]
    fn an_absent_leaf_counts_as_changed_at_the_floor() {
        let mut board = board();
        board.floor = Version(5);
        assert!(matches!(
            judged(&board, vec![set(4, "unit", "%")]),
            Verdict::Conflict(_)
        ));
        assert_eq!(judged(&board, vec![set(5, "unit", "%")]), applied());
    }

    #[test]
    fn without_a_mark_a_record_is_made_and_an_undo_leaves_it() {
        let board = BoardState {
            floor: Version(5),
            ..BoardState::default()
        };
        assert_eq!(judged(&board, vec![create(4, "CPU")]), applied());
        for (seen, count) in [(4, 1), (5, 0)] {
            let mut undo = edit(vec![create(seen, "CPU")]);
            undo.on_stale = OnStale::Skip;
            let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
                panic!("an undo conflicted");
            };
            assert_eq!(skipped.len(), count);
        }
    }

    #[test]
    fn an_edit_is_never_stale_against_itself() {
        let mut board = board();
        apply(&mut board, 2, &[change(1, Op::Remove)]);
        let changes = vec![
            create(2, "CPU"),
            set(0, "title", "Load"),
            set(0, "unit", "%"),
        ];
        assert_eq!(judged(&board, changes), applied());
    }

    #[test]
    fn what_an_undo_skips_vouches_for_nothing_after_it() {
        let mut board = board();
        apply(&mut board, 2, &[set(1, "title", "Cores")]);
        let leaf = path("title");
        let (first, second) = (set(1, "title", "Load"), set(1, "title", "RAM"));
        for changes in [
            vec![first, second.clone()],
            vec![change(1, Op::Remove), second.clone()],
            vec![change(1, Op::Remove), create(1, "Net"), second],
            vec![change(1, Op::Unset { leaf }), create(1, "Net")],
        ] {
            let mut undo = edit(changes);
            undo.on_stale = OnStale::Skip;
            let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
                panic!("an undo conflicted");
            };
            board.apply(
                &effects(&undo.changes, &skipped),
                Version(3),
                &UserId::new("ann").expect("a user"),
            );
            let title = board
                .record(&id("cpu"))
                .and_then(|record| record.value(&path("title")));
            assert_eq!(title, Some(&"Cores".into()), "{:?}", undo.changes);
        }
    }

    #[test]
    fn an_undo_skips_what_became_stale() {
        let mut board = board();
        apply(&mut board, 2, &[set(1, "title", "Cores")]);
        let mut undo = edit(vec![set(1, "title", "Load"), set(1, "unit", "%")]);
        undo.on_stale = OnStale::Skip;
        let Verdict::Apply { skipped, .. } = judge(&board, &Schema::builtin(), &undo) else {
            panic!("an undo conflicted");
        };
        assert_eq!(skipped.len(), 1);
        assert_eq!(effects(&undo.changes, &skipped).len(), 1);
    }
}
