//! What brings things back: records as they were, and the changes that undo an applied edit.

use driftless_model::{LeafRef, Op, RecordId, RecordState, Version};
use driftless_protocol::durable::{BaseLeaf, BaseRecord, EntryRow, LocalChange, Seen};

/// A record, to restore it from.
pub fn base_record(id: &RecordId, record: &RecordState) -> BaseRecord {
    let leaves = record
        .values()
        .map(|(leaf, value)| (leaf.clone(), value.clone()))
        .collect();
    BaseRecord {
        record: id.clone(),
        kind: record.kind.clone(),
        leaves,
    }
}

/// The changes that undo an applied edit: each leaf gets what it was before. `has_made` says
/// whether a record is there since this edit made it: one that was there unseen stays, without the
/// leaves.
pub fn undo_changes(
    row: &EntryRow,
    skipped: &[LeafRef],
    version: Version,
    has_made: &dyn Fn(&RecordId) -> bool,
) -> Vec<LocalChange> {
    let seen = || Seen {
        version,
        after: Vec::new(),
    };
    let is_skipped = |change: &LocalChange, leaf: Option<&driftless_model::LeafPath>| {
        skipped
            .iter()
            .any(|at| at.record == change.record && at.leaf.as_ref() == leaf)
    };
    let mut changes = Vec::new();
    for change in row.changes.iter().rev() {
        if is_skipped(change, None) {
            continue;
        }
        let record = change.record.clone();
        let removed = row.removed.iter().find(|base| base.record == record);
        let was_there = row.base.iter().any(|base| base.record == record);
        match (&change.op, removed) {
            (Op::Remove, Some(base)) => {
                let (kind, leaves) = (base.kind.clone(), base.leaves.clone());
                let op = Op::Create { kind, leaves };
                changes.push(LocalChange {
                    record,
                    op,
                    seen: seen(),
                });
            }
            (Op::Remove, None) => {}
            (Op::Create { .. }, _) if !was_there && has_made(&record) => {
                changes.push(LocalChange {
                    record,
                    op: Op::Remove,
                    seen: seen(),
                });
            }
            (op, _) => {
                for (leaf, _) in op.writes() {
                    let is_base = |base: &&BaseLeaf| base.record == record && base.leaf == *leaf;
                    let base = row
                        .base
                        .iter()
                        .find(is_base)
                        .and_then(|base| base.value.clone());
                    if is_skipped(change, Some(leaf)) {
                        continue;
                    }
                    let leaf = leaf.clone();
                    let op = match base {
                        Some(value) => Op::Set { leaf, value },
                        None => Op::Unset { leaf },
                    };
                    changes.push(LocalChange {
                        record: record.clone(),
                        op,
                        seen: seen(),
                    });
                }
            }
        }
    }
    changes
}
