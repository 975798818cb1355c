//! One group commit: the pushes that are decided together, and what is told once it is durable.

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::{
    BoardId, Check, ClientId, Cursor, Edit, Effect, Invalid, LeafPath, OnStale, Op, RecordId,
    Renames, Schema, Slot, UserId, Verdict, effects, limits, staleness,
};
use driftless_protocol::Code;
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{Event, Outcome, Push, ServerMessage, Settled};
use driftless_protocol::payload::PayloadError;

use crate::planted::{Bug, is_planted};
use crate::room::memory::Memory;
use crate::room::types::{
    Append, ConnectionId, Delta, Found, LogRow, Member, Prune, StreamItem, ends_following,
};

/// Edits that are decided in memory and not durable yet.
#[derive(Debug)]
pub struct Batch {
    expect: Cursor,
    log: Vec<LogRow>,
    touched: BTreeSet<RecordId>,
    /// The clients whose ledger rows changed.
    pub clients: BTreeSet<ClientId>,
    /// What the stream gets once the batch is durable.
    pub stream: Vec<StreamItem>,
    /// The first push of each connection: refused where the batch fails.
    pub first: BTreeMap<ConnectionId, u64>,
    /// What connections are told at once, since it rests on nothing that is not durable.
    pub replies: Vec<(ConnectionId, ServerMessage)>,
}

impl Batch {
    pub fn new(expect: Cursor) -> Self {
        Self {
            expect,
            log: Vec::new(),
            touched: BTreeSet::new(),
            clients: BTreeSet::new(),
            stream: Vec::new(),
            first: BTreeMap::new(),
            replies: Vec::new(),
        }
    }

    /// How many edits it decides.
    pub fn len(&self) -> usize {
        self.stream.len()
    }

    /// Whether the last push was answered with something that ends its connection's following.
    pub fn ends(&self, connection: ConnectionId) -> bool {
        let last = self.replies.last();
        last.is_some_and(|(own, message)| *own == connection && ends_following(message))
    }

    /// Whether anything has to be written.
    pub fn is_write(&self) -> bool {
        !self.clients.is_empty()
    }

    fn delta(&self, memory: &Memory) -> Delta {
        let mut delta = memory.delta_of(&self.touched, self.expect.version);
        if is_planted(Bug::CommitWithoutRecord) {
            delta.leaves.pop();
        }
        delta
    }

    /// The transaction.
    pub fn append(&self, board: &BoardId, memory: &Memory) -> Append {
        let ledger = self
            .clients
            .iter()
            .filter(|_| !is_planted(Bug::CommitWithoutLedger))
            .filter_map(|client| memory.ledger.get(client));
        Append {
            board: board.clone(),
            expect: self.expect,
            head: memory.head,
            log: self.log.clone(),
            delta: self.delta(memory),
            ledger: ledger.cloned().collect(),
            prune: Prune::default(),
        }
    }

    /// Whether it removed a record for good, as far as it goes.
    pub fn has_removed(&self, memory: &Memory) -> bool {
        let slot = |record| memory.state.records.get(record);
        let mut touched = self.touched.iter().map(slot);
        touched.any(|slot| matches!(slot, Some(Slot::Removed { .. })))
    }
}

/// Decides pushes, one after another, on memory.
pub struct Decider<'a> {
    pub board: &'a BoardId,
    pub schema: &'a Schema,
    pub memory: &'a mut Memory,
    pub batch: &'a mut Batch,
    pub now_ms: u64,
}

impl Decider<'_> {
    /// Takes one push: decides it, repeats its stored outcome, or says why it is not taken. `found`
    /// is what the log says where the edit may have been applied before.
    pub fn push(
        &mut self,
        connection: ConnectionId,
        member: &Member,
        push: &Push,
        found: Option<&Found>,
    ) {
        if let Some(row) = self.memory.ledger.get_mut(&member.client) {
            if row.user != member.user {
                return self.wrong_user(connection, &member.user);
            }
            forget_settled(row, push.settled);
        }
        let last_seq = self
            .memory
            .ledger
            .get(&member.client)
            .map_or(0, |row| row.last_seq);
        if push.seq > last_seq + 1 {
            let expect = ServerMessage::Expect {
                board: self.board.clone(),
                seq: last_seq + 1,
            };
            return self.batch.replies.push((connection, expect));
        }
        if push.seq <= last_seq && !is_planted(Bug::SkipLedger) {
            return self.repeat(connection, member, push);
        }
        match self.decide(member, push, found) {
            Ok(outcome) => {
                if let Some(again) = &push.again
                    && !is_planted(Bug::KeepFormerClients)
                {
                    self.retire(member, push, again);
                }
                self.settle(connection, member, push, outcome);
            }
            Err(refused) => self.refuse(connection, push.seq, refused.code, refused.detail),
        }
    }

    fn wrong_user(&mut self, connection: ConnectionId, user: &UserId) {
        let detail = format!("this replica belongs to another user than {user}; use another one");
        self.error(connection, Code::WrongUser, detail);
    }

    fn error(&mut self, connection: ConnectionId, code: Code, detail: String) {
        let board = Some(self.board.clone());
        let error = ServerMessage::Error {
            code,
            detail,
            board,
            feed: None,
        };
        self.batch.replies.push((connection, error));
    }

    fn refuse(&mut self, connection: ConnectionId, seq: u64, code: Code, detail: String) {
        let board = self.board.clone();
        let refused = ServerMessage::Refused {
            board,
            seq,
            code,
            detail,
            retry_after_ms: limits::REFUSED_RETRY_MS,
        };
        self.batch.replies.push((connection, refused));
    }

    /// A seq that is used up: its stored outcome again, in stream order.
    fn repeat(&mut self, connection: ConnectionId, member: &Member, push: &Push) {
        let row = self.memory.ledger.get(&member.client);
        let stored = row.and_then(|row| row.outcomes.iter().find(|stored| stored.seq == push.seq));
        match stored {
            Some(stored) if stored.id == push.id => {
                let outcome = stored.clone();
                self.batch.first.entry(connection).or_insert(push.seq);
                self.batch.stream.push(StreamItem::Private {
                    client: member.client,
                    outcome,
                });
            }
            _ => {
                let detail = format!("seq {} was used up by another edit", push.seq);
                self.error(connection, Code::Cloned, detail);
            }
        }
    }

    fn decide(
        &mut self,
        member: &Member,
        push: &Push,
        found: Option<&Found>,
    ) -> Result<Outcome, Transient> {
        let row = self.memory.ledger.get(&member.client);
        if row.is_some_and(|row| row.outcomes.len() >= limits::LEDGER_OUTCOMES_MAX) {
            let detail = "too many edits whose outcome was not confirmed".to_owned();
            return Err(Transient {
                code: Code::RateLimited,
                detail,
            });
        }
        if let Some(again) = &push.again
            && !is_planted(Bug::NeverLook)
            && let Some(outcome) = self.decided_before(member, push, again, found)?
        {
            return Ok(outcome);
        }
        if !member.role.may_edit() {
            let detail = format!("{} may read this board but not edit it", member.user);
            return Ok(Outcome::Rejected {
                code: Code::Forbidden,
                detail,
            });
        }
        match self.open(push)? {
            Ok(opened) => Ok(self.judge(member, opened)),
            Err((code, detail)) => Ok(Outcome::Rejected { code, detail }),
        }
    }

    fn open(&self, push: &Push) -> Result<Result<Opened, (Code, String)>, Transient> {
        let edit = match push.payload.open() {
            Ok(edit) if edit.id == push.id => edit,
            Ok(_) => {
                let detail = "the ids of envelope and payload differ".to_owned();
                return Ok(Err((Code::Undecodable, detail)));
            }
            Err(error @ PayloadError::TooLarge { .. }) => {
                return Ok(Err((Code::TooLarge, error.to_string())));
            }
            Err(error) => return Ok(Err((Code::Undecodable, error.to_string()))),
        };
        let state = &self.memory.state;
        let kind_of = |id: &RecordId| state.record(id).map(|record| &record.kind);
        let (edit, renames) = self.schema.modernised(&edit, kind_of);
        let valid = self.schema.validate(&edit, kind_of);
        match valid.and_then(|()| self.check_room(&edit)) {
            Ok(()) => Ok(Ok(Opened { edit, renames })),
            Err(invalid) if invalid.is_transient() => Err(Transient {
                code: Code::UnknownKind,
                detail: invalid.to_string(),
            }),
            Err(invalid @ Invalid::TooLarge { .. }) => {
                Ok(Err((Code::TooLarge, invalid.to_string())))
            }
            Err(invalid) => Ok(Err((Code::Invalid, invalid.to_string()))),
        }
    }

    /// Whether the board and its records have room for what the edit adds.
    fn check_room(&self, edit: &Edit) -> Result<(), Invalid> {
        let state = &self.memory.state;
        let creates = |op: &Op| matches!(op, Op::Create { .. });
        let is_new = |change: &&driftless_model::Change| {
            creates(&change.op) && state.record(&change.record).is_none()
        };
        let added = edit.changes.iter().filter(is_new).count();
        if added > 0 && state.live().count() + added > limits::RECORDS_PER_BOARD_MAX {
            let limit = limits::RECORDS_PER_BOARD_MAX;
            return Err(Invalid::TooLarge {
                what: "the number of records",
                limit,
            });
        }
        for change in &edit.changes {
            let Some(record) = state.record(&change.record) else {
                continue;
            };
            let adds = |leaf: &LeafPath| usize::from(!record.leaves.contains_key(leaf));
            let names = |leaf: &LeafPath| {
                let former = self.schema.former_names(&record.kind, leaf);
                adds(leaf) + former.iter().map(adds).sum::<usize>()
            };
            let writes = change.op.writes().into_iter();
            let adds: usize = writes.map(|(leaf, _)| names(leaf)).sum();
            if adds > 0 && record.leaves.len() + adds > limits::LEAVES_PER_RECORD_MAX {
                let limit = limits::LEAVES_PER_RECORD_MAX;
                return Err(Invalid::TooLarge {
                    what: "the number of leaves",
                    limit,
                });
            }
        }
        Ok(())
    }

    fn judge(&mut self, member: &Member, opened: Opened) -> Outcome {
        let Opened { mut edit, renames } = opened;
        for change in &mut edit.changes {
            let is_removal = matches!(change.op, Op::Remove);
            if is_planted(Bug::NothingIsStale)
                || (is_planted(Bug::RemovalSeesAll) && is_removal)
                || (is_planted(Bug::UndoSeesAll) && edit.on_stale == OnStale::Skip)
            {
                change.seen = self.memory.head.version;
            }
        }
        match staleness::judge(&self.memory.state, self.schema, &edit) {
            Verdict::Conflict(mut stale) => {
                for stale in &mut stale {
                    renames.to_author(&mut stale.at);
                }
                let at = self.memory.head.version;
                Outcome::Conflict { at, stale }
            }
            Verdict::Apply {
                mut skipped,
                mut replaced,
            } => {
                let own = effects(&edit.changes, &skipped);
                let named = self.under_all_names(&own);
                let is_other = !renames.is_empty() || named.is_some();
                let effects = named.unwrap_or(own);
                let told = is_other.then(|| effects.clone());
                let head = self.apply(member, edit, effects);
                for at in &mut skipped {
                    renames.to_author(at);
                }
                for replaced in &mut replaced {
                    renames.to_author(&mut replaced.at);
                }
                Outcome::Applied {
                    version: head.version,
                    check: head.check,
                    skipped,
                    replaced,
                    effects: told,
                }
            }
        }
    }

    fn under_all_names(&self, effects: &[Effect]) -> Option<Vec<Effect>> {
        let state = &self.memory.state;
        let kind_of = |id: &RecordId| state.record(id).map(|record| &record.kind);
        let named = self.schema.under_all_names(effects, kind_of);
        named.filter(|_| !is_planted(Bug::ForgetFormerNames))
    }

    /// Applies an edit to memory, as the next version.
    fn apply(&mut self, member: &Member, edit: Edit, effects: Vec<Effect>) -> Cursor {
        let mut head = self.memory.head.after(edit.id);
        if is_planted(Bug::SkipVersion) {
            head = head.after(edit.id);
        }
        if is_planted(Bug::BreakCheck) {
            head.check = Check(u64::from(head.check.0 > 0));
        }
        let state = &mut self.memory.state;
        state.apply(&effects, head.version, &member.user);
        let touched = effects.iter().map(|effect| effect.record.clone());
        self.batch.touched.extend(touched);
        let row = LogRow {
            version: head.version,
            check: head.check,
            id: edit.id,
            client: member.client,
            user: member.user.clone(),
            time_ms: self.now_ms,
            label: edit.label,
            effects,
        };
        self.memory.advance(row.clone());
        self.batch.log.push(row);
        head
    }

    /// Uses up the seq, in the same transaction as the effect.
    fn settle(&mut self, connection: ConnectionId, member: &Member, push: &Push, outcome: Outcome) {
        let settled = Settled {
            board: self.board.clone(),
            seq: push.seq,
            id: push.id,
            outcome,
        };
        let row = self
            .memory
            .ledger
            .entry(member.client)
            .or_insert_with(|| fresh_row(member.client, member, push));
        row.last_seq = push.seq;
        row.last_id = push.id;
        row.outcomes.push(settled.clone());
        self.batch.clients.insert(member.client);
        self.batch.first.entry(connection).or_insert(push.seq);
        let item = self.stream_item(member.client, settled);
        self.batch.stream.push(item);
    }

    fn stream_item(&self, client: ClientId, outcome: Settled) -> StreamItem {
        match (&outcome.outcome, self.batch.log.last()) {
            (
                Outcome::Applied {
                    version, replaced, ..
                },
                Some(row),
            ) if row.version == *version && row.client == client => StreamItem::Applied {
                client,
                event: Event {
                    board: self.board.clone(),
                    version: row.version,
                    check: row.check,
                    id: row.id,
                    author: row.user.clone(),
                    time_ms: row.time_ms,
                    label: row.label.clone(),
                    effects: row.effects.clone(),
                    replaced: replaced.clone(),
                },
                outcome,
            },
            _ => StreamItem::Private { client, outcome },
        }
    }
}

/// An edit under today's names.
struct Opened {
    edit: Edit,
    renames: Renames,
}

pub(super) fn fresh_row(client: ClientId, member: &Member, push: &Push) -> LedgerRow {
    LedgerRow {
        client,
        user: member.user.clone(),
        last_seq: 0,
        last_id: push.id,
        settled: 0,
        outcomes: Vec::new(),
    }
}

/// Why an edit is not taken now.
pub(super) struct Transient {
    pub code: Code,
    pub detail: String,
}

/// Drops the outcomes that the client has.
fn forget_settled(row: &mut LedgerRow, settled: u64) {
    let settled = settled.min(row.last_seq);
    if settled > row.settled {
        row.settled = settled;
        row.outcomes.retain(|outcome| outcome.seq > settled);
    }
}
