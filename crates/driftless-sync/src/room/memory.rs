//! What a room remembers of its board: the truth as of the last load, and what was applied since.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Weak};

use driftless_model::{
    BoardState, Check, ClientId, Cursor, EditId, RecordId, Slot, Version, limits,
};
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{ChangedLeaf, RemovedRecord, WholeRecord};

use crate::room::types::{BoardImage, Delta, LogRow};

/// The board in memory.
#[derive(Debug)]
pub struct Memory {
    pub head: Cursor,
    pub state: BoardState,
    pub ledger: BTreeMap<ClientId, LedgerRow>,
    /// The log goes no further down than to above this version.
    pub pruned: Version,
    /// The newest checks, oldest first: what most resumes are compared with.
    checks: VecDeque<Cursor>,
    /// What was applied since the load, oldest first: what the log may not have told yet.
    applied: VecDeque<LogRow>,
    /// What those lacked who were answered since the board changed last, by where they stood, while
    /// somebody outside has hold of it.
    news: Vec<(Version, Weak<Delta>)>,
}

impl Memory {
    pub fn new(image: BoardImage) -> Self {
        let ledger = image
            .ledger
            .into_iter()
            .map(|row| (row.client, row))
            .collect();
        Self {
            head: image.head,
            state: image.state,
            ledger,
            pruned: image.pruned,
            checks: [image.head].into(),
            applied: VecDeque::new(),
            news: Vec::new(),
        }
    }

    /// Moves the head by one applied edit.
    pub fn advance(&mut self, row: LogRow) {
        let head = Cursor {
            version: row.version,
            check: row.check,
        };
        self.head = head;
        self.news.clear();
        self.checks.push_back(head);
        self.applied.push_back(row);
        if self.applied.len() > 2 * limits::BATCH_EDITS_MAX {
            self.applied.pop_front();
        }
        if self.checks.len() > limits::CHECKS_IN_MEMORY_MAX {
            self.checks.pop_front();
        }
    }

    /// The check at a version, where memory still has it.
    pub fn check_at(&self, version: Version) -> Option<Check> {
        if version == Version(0) {
            return Some(Check::default());
        }
        let oldest = self.checks.front()?.version;
        let index = version.0.checked_sub(oldest.0)?;
        let cursor = self.checks.get(usize::try_from(index).ok()?)?;
        Some(cursor.check)
    }

    /// An edit that was applied lately: at least everything since a look into the log that no batch
    /// but the one under way has overtaken.
    pub fn applied(&self, id: EditId) -> Option<&LogRow> {
        self.applied.iter().find(|row| row.id == id)
    }

    /// Prunes the marks of removed records where there are too many: the oldest, whole versions at
    /// a time, so that none is left at the floor or below.
    pub fn prune_marks(&mut self, marks_max: usize) -> Vec<RecordId> {
        let marks = self.state.records.iter();
        let marks = marks.filter_map(|(id, slot)| match slot {
            Slot::Removed { version, .. } => Some((*version, id.clone())),
            Slot::Live(_) => None,
        });
        let mut marks: Vec<_> = marks.collect();
        if marks.len() <= marks_max {
            return Vec::new();
        }
        marks.sort_unstable();
        let surplus = marks.len() - kept_of(marks_max);
        self.state.floor = marks[surplus - 1].0;
        marks.retain(|(version, _)| *version <= self.state.floor);
        let pruned = marks.into_iter().map(|(_, id)| id);
        let pruned: Vec<_> = pruned.collect();
        for id in &pruned {
            self.state.records.remove(id);
        }
        pruned
    }

    /// Prunes the log where it is too long. Answers up to which version, 0 where it is not.
    pub fn prune_log(&mut self, rows_max: usize) -> Version {
        let rows = self.head.version.0 - self.pruned.0;
        if usize::try_from(rows).is_ok_and(|rows| rows <= rows_max) {
            return Version(0);
        }
        let kept = u64::try_from(kept_of(rows_max)).unwrap_or(u64::MAX);
        self.pruned = Version(self.head.version.0.saturating_sub(kept));
        self.pruned
    }

    /// What changed since a version, on the whole board: one for all who ask while the board does
    /// not change.
    pub fn news_since(&mut self, since: Version) -> Arc<Delta> {
        let known = self.news.iter().find(|(version, _)| *version == since);
        if let Some(news) = known.and_then(|(_, news)| news.upgrade()) {
            return news;
        }
        let news = Arc::new(self.delta_since(since));
        self.news.retain(|(_, news)| news.strong_count() > 0);
        self.news.push((since, Arc::downgrade(&news)));
        news
    }

    fn delta_since(&self, since: Version) -> Delta {
        let mut delta = Delta::default();
        for (id, slot) in &self.state.records {
            collect(&mut delta, id, slot, since);
        }
        delta
    }

    /// What changed since a version, on these records.
    pub fn delta_of(&self, touched: &BTreeSet<RecordId>, since: Version) -> Delta {
        let mut delta = Delta::default();
        for id in touched {
            if let Some(slot) = self.state.records.get(id) {
                collect(&mut delta, id, slot, since);
            }
        }
        delta
    }
}

/// What is left of so many: an eighth less, so that not every edit prunes.
fn kept_of(max: usize) -> usize {
    max - max / 8
}

fn collect(delta: &mut Delta, id: &RecordId, slot: &Slot, since: Version) {
    match slot {
        Slot::Removed { version, author } if *version > since => {
            let (record, author) = (id.clone(), author.clone());
            delta.removed.push(RemovedRecord {
                record,
                version: *version,
                author,
            });
        }
        Slot::Removed { .. } => {}
        Slot::Live(record) if record.created > since => delta.records.push(WholeRecord {
            record: id.clone(),
            kind: record.kind.clone(),
            created: record.created,
            leaves: record.leaves.clone(),
        }),
        Slot::Live(record) => {
            let changed = record
                .leaves
                .iter()
                .filter(|(_, cell)| cell.version > since);
            delta.leaves.extend(changed.map(|(leaf, cell)| ChangedLeaf {
                record: id.clone(),
                leaf: leaf.clone(),
                value: cell.value.clone(),
                version: cell.version,
                author: cell.author.clone(),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::UserId;

    use super::*;

    fn ann() -> UserId {
        UserId::new("Ann").expect("a user")
    }

    fn row(version: u64) -> LogRow {
        LogRow {
            version: Version(version),
            check: Check(version),
            id: EditId(u128::from(version)),
            client: ClientId(1),
            user: ann(),
            time_ms: 0,
            label: String::new(),
            effects: vec![],
        }
    }

    /// Records that were removed, one at each version from 1 on.
    fn with_marks(count: u64) -> Memory {
        let mark = |version| {
            let id = RecordId::new(format!("r{version:04}")).expect("an id");
            let (version, author) = (Version(version), ann());
            (id, Slot::Removed { version, author })
        };
        let mut image = BoardImage::default();
        image.state.records = (1..=count).map(mark).collect();
        Memory::new(image)
    }

    #[test]
    fn the_oldest_marks_go_until_an_eighth_less_than_allowed_is_left() {
        let mut memory = with_marks(16);
        assert_eq!((memory.prune_marks(16).len(), memory.state.floor.0), (0, 0));
        let mut memory = with_marks(20);
        assert_eq!((memory.prune_marks(16).len(), memory.state.floor.0), (6, 6));
        assert_eq!(memory.state.records.len(), 14);
    }

    #[test]
    fn what_was_applied_lately_is_known_by_its_id_for_two_batches() {
        let mut memory = Memory::new(BoardImage::default());
        let most = 2 * limits::BATCH_EDITS_MAX as u64;
        (1..=most).for_each(|version| memory.advance(row(version)));
        assert!(memory.applied(EditId(1)).is_some());
        memory.advance(row(most + 1));
        assert!(memory.applied(EditId(1)).is_none());
        assert!(memory.applied(EditId(2)).is_some());
    }

    #[test]
    fn who_stands_at_the_same_version_shares_the_news_for_as_long_as_somebody_has_it() {
        let mut memory = with_marks(3);
        let first = memory.news_since(Version(1));
        let other = memory.news_since(Version(2));
        assert_eq!((first.removed.len(), other.removed.len()), (2, 1));
        assert!(Arc::ptr_eq(&first, &memory.news_since(Version(1))));
        assert_eq!(memory.news.len(), 2);
        drop((first, other));
        let _third = memory.news_since(Version(0));
        assert_eq!(memory.news.len(), 1, "what nobody has is not remembered");
    }

    #[test]
    fn a_delta_has_what_changed_after_a_version_and_nothing_of_before() {
        let memory = with_marks(3);
        let touched = memory.state.records.keys().cloned().collect();
        let removed = |since| memory.delta_of(&touched, Version(since)).removed.len();
        assert_eq!([removed(0), removed(2), removed(3)], [3, 1, 0]);
    }
}
