//! An edit that may have been applied before, under a client id that its replica gave up.

use driftless_model::{Edit, Effect, LeafPath, LeafRef, Op, RecordId, limits};
use driftless_protocol::Code;
use driftless_protocol::message::{Again, Outcome, Push, RETIRED_SEQ};

use crate::room::batch::{Decider, Transient, fresh_row};
use crate::room::types::{Found, LogRow, Member};

impl Decider<'_> {
    /// The outcome of the edit where it was applied before, or where nobody can tell any more.
    /// Nothing where it is new.
    ///
    /// In this order: what memory has of the log, the ledger of the former client ids, the log. The
    /// log proves that an edit is new as far down as it goes. Below that, only the ledger does: a
    /// copy of the replica that pushed the edit did so under one of these client ids, or retired
    /// them in the ledger.
    pub(super) fn decided_before(
        &self,
        member: &Member,
        push: &Push,
        again: &Again,
        found: Option<&Found>,
    ) -> Result<Option<Outcome>, Transient> {
        if let Some(row) = self.memory.applied(push.id) {
            return Ok(Some(self.outcome_before(row, member, push)));
        }
        if let Some(outcome) = self.in_ledger(member, push, again) {
            return Ok(Some(outcome));
        }
        match found {
            Some(Found::Applied(row)) => Ok(Some(self.outcome_before(row, member, push))),
            Some(Found::Nowhere) if self.is_new(again) => Ok(None),
            Some(Found::Nowhere) => Ok(Some(Outcome::Rejected {
                code: Code::Forgotten,
                detail: format!(
                    "it may have been applied up to version {}; the log does not go back so far",
                    self.memory.pruned
                ),
            })),
            Some(Found::Unknown) | None => Err(Transient {
                code: Code::Unavailable,
                detail: "the log cannot be read now; the edit is tried again".to_owned(),
            }),
        }
    }

    /// Whether an edit that the log does not have was never applied.
    fn is_new(&self, again: &Again) -> bool {
        let is_known = |client| self.memory.ledger.contains_key(client);
        let is_whole = again.clients.len() < limits::FORMER_CLIENTS_MAX;
        again.above >= self.memory.pruned || (is_whole && !again.clients.iter().any(is_known))
    }

    /// What the ledger says, where it still has the outcome.
    fn in_ledger(&self, member: &Member, push: &Push, again: &Again) -> Option<Outcome> {
        let rows = again.clients.iter();
        let rows = rows.filter_map(|client| self.memory.ledger.get(client));
        let own = rows.filter(|row| row.user == member.user);
        let mut outcomes = own.flat_map(|row| &row.outcomes);
        outcomes.find_map(|settled| match &settled.outcome {
            Outcome::Applied {
                version,
                check,
                skipped,
                ..
            } if settled.id == push.id => Some(Outcome::Applied {
                version: *version,
                check: *check,
                skipped: skipped.clone(),
                replaced: Vec::new(),
                // Its event came before: nobody moves by this outcome.
                effects: None,
            }),
            _ => None,
        })
    }

    /// No copy of the replica goes on under a client id that it gave up: a copy of this edit would
    /// pass as new there. Not even where another user goes on with that copy (it was copied before
    /// anybody had signed in): who names the id, which nobody else is told, has a copy of it.
    pub(super) fn retire(&mut self, member: &Member, push: &Push, again: &Again) {
        for client in again.clients.iter().take(limits::FORMER_CLIENTS_MAX) {
            let row = self.memory.ledger.entry(*client);
            let row = row.or_insert_with(|| fresh_row(*client, member, push));
            if *client != member.client && row.last_seq < RETIRED_SEQ {
                row.last_seq = RETIRED_SEQ;
                self.batch.clients.insert(*client);
            }
        }
    }

    /// The outcome of an edit that was applied under another client id: the version that it made
    /// then, and what it left out.
    fn outcome_before(&self, row: &LogRow, member: &Member, push: &Push) -> Outcome {
        if row.user != member.user {
            let detail = "another user's edit has this id".to_owned();
            return Outcome::Rejected {
                code: Code::Invalid,
                detail,
            };
        }
        let mut skipped = Vec::new();
        if let Ok(edit) = push.payload.open() {
            let state = &self.memory.state;
            let kind_of = |id: &RecordId| state.record(id).map(|record| &record.kind);
            let (edit, renames) = self.schema.modernised(&edit, kind_of);
            skipped = skipped_of(&edit, &row.effects);
            for at in &mut skipped {
                renames.to_author(at);
            }
        }
        Outcome::Applied {
            version: row.version,
            check: row.check,
            skipped,
            replaced: Vec::new(),
            // Its event came before: nobody moves by this outcome.
            effects: None,
        }
    }
}

/// What an edit would have done beyond what it did.
fn skipped_of(edit: &Edit, effects: &[Effect]) -> Vec<LeafRef> {
    let mut skipped = Vec::new();
    for change in &edit.changes {
        let record = &change.record;
        let mut own = effects.iter().filter(|effect| effect.record == *record);
        let at = |leaf: Option<&LeafPath>| LeafRef {
            record: record.clone(),
            leaf: leaf.cloned(),
        };
        if matches!(change.op, Op::Remove) && own.all(|effect| effect.op != Op::Remove) {
            skipped.push(at(None));
        }
        for (leaf, _) in change.op.writes() {
            let mut own = effects.iter().filter(|effect| effect.record == *record);
            if own.all(|effect| !effect.op.touches(leaf)) {
                skipped.push(at(Some(leaf)));
            }
        }
    }
    skipped
}
