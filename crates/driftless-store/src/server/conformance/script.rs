//! A board as its author knows it, which makes the appends of it.

use driftless_model::{BoardId, BoardState, ClientId, EditId, Effect, Slot, UserId, Version};
use driftless_protocol::Code;
use driftless_protocol::durable::LedgerRow;
use driftless_protocol::message::{ChangedLeaf, Outcome, RemovedRecord, Settled, WholeRecord};
use driftless_sync::room::{Append, BoardImage, Delta, LogRow, Prune};

/// A board as its author knows it, which makes the appends of it.
#[derive(Debug, Clone)]
pub struct Script {
    board: BoardId,
    image: BoardImage,
    log: Vec<LogRow>,
}

impl Script {
    /// An empty board of this name.
    pub fn new(board: &str) -> Self {
        Self {
            board: BoardId::new(board).expect("a board id"),
            image: BoardImage::default(),
            log: Vec::new(),
        }
    }

    /// Which board.
    pub fn board(&self) -> &BoardId {
        &self.board
    }

    /// What a store has to have once it took every append.
    pub fn image(&self) -> &BoardImage {
        &self.image
    }

    /// What a store has to have logged by then.
    pub fn log(&self) -> &[LogRow] {
        &self.log
    }

    /// The append of one edit with these effects, by this client.
    pub fn edit(&mut self, client: u128, effects: &[Effect]) -> Append {
        self.edits(client, &[effects])
    }

    /// One append of many edits: a group commit.
    pub fn edits(&mut self, client: u128, edits: &[&[Effect]]) -> Append {
        let expect = self.image.head;
        let first = self.log.len();
        for effects in edits {
            self.apply(client, effects);
        }
        Append {
            board: self.board.clone(),
            expect,
            head: self.image.head,
            log: self.log[first..].to_vec(),
            delta: delta_since(&self.image.state, expect.version),
            ledger: self.rows_of(client),
            prune: self.kept(),
        }
    }

    /// One append of many edits after which the marks of removed records up to a version are gone,
    /// and the log up to another.
    pub fn pruning(
        &mut self,
        client: u128,
        edits: &[&[Effect]],
        (floor, log): (Version, Version),
    ) -> Append {
        let append = self.edits(client, edits);
        let state = &mut self.image.state;
        let is_pruned =
            |slot: &Slot| matches!(slot, Slot::Removed { version, .. } if *version <= floor);
        let marks = state.records.iter().filter(|(_, slot)| is_pruned(slot));
        let marks: Vec<_> = marks.map(|(id, _)| id.clone()).collect();
        state.records.retain(|_, slot| !is_pruned(slot));
        state.floor = floor;
        self.image.pruned = log;
        self.log.retain(|row| row.version > log);
        Append {
            prune: Prune { marks, floor, log },
            ..append
        }
    }

    /// Nothing goes.
    fn kept(&self) -> Prune {
        Prune {
            floor: self.image.state.floor,
            ..Prune::default()
        }
    }

    /// The append of an edit that was refused for good: the ledger moves, the head does not.
    pub fn rejection(&mut self, client: u128) -> Append {
        self.settle(client, EditId(0xdead_0000 | client));
        Append {
            board: self.board.clone(),
            expect: self.image.head,
            head: self.image.head,
            log: Vec::new(),
            delta: Delta::default(),
            ledger: self.rows_of(client),
            prune: self.kept(),
        }
    }

    fn apply(&mut self, client: u128, effects: &[Effect]) {
        let id = EditId(u128::from(self.image.head.version.0 + 1) << 96 | client);
        let head = self.image.head.after(id);
        let user = user_of(client);
        self.image.state.apply(effects, head.version, &user);
        self.image.head = head;
        self.log.push(LogRow {
            version: head.version,
            check: head.check,
            id,
            client: ClientId(client),
            user,
            time_ms: 1_700_000_000_000 + head.version.0,
            label: format!("Edit “{}”", head.version),
            effects: effects.to_vec(),
        });
        self.settle(client, id);
    }

    fn rows_of(&self, client: u128) -> Vec<LedgerRow> {
        let rows = self.image.ledger.iter();
        rows.filter(|row| row.client == ClientId(client))
            .cloned()
            .collect()
    }

    fn settle(&mut self, client: u128, id: EditId) {
        let ledger = &mut self.image.ledger;
        let index = ledger
            .binary_search_by_key(&ClientId(client), |row| row.client)
            .unwrap_or_else(|index| {
                ledger.insert(index, fresh_row(client, id));
                index
            });
        let row = &mut ledger[index];
        row.last_seq += 1;
        row.last_id = id;
        row.settled = row.last_seq / 2;
        row.outcomes.push(Settled {
            board: self.board.clone(),
            seq: row.last_seq,
            id,
            outcome: Outcome::Rejected {
                code: Code::Forbidden,
                detail: "the script says so".to_owned(),
            },
        });
        let settled = row.settled;
        row.outcomes.retain(|outcome| outcome.seq > settled);
    }
}

fn user_of(client: u128) -> UserId {
    UserId::new(format!("Zoë № {client}")).expect("a user")
}

fn fresh_row(client: u128, id: EditId) -> LedgerRow {
    LedgerRow {
        client: ClientId(client),
        user: user_of(client),
        last_seq: 0,
        last_id: id,
        settled: 0,
        outcomes: Vec::new(),
    }
}

fn delta_since(state: &BoardState, since: Version) -> Delta {
    let mut delta = Delta::default();
    for (id, slot) in &state.records {
        match slot {
            Slot::Removed { version, author } if *version > since => {
                delta.removed.push(RemovedRecord {
                    record: id.clone(),
                    version: *version,
                    author: author.clone(),
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
                let leaves = record.leaves.iter();
                let changed = leaves.filter(|(_, cell)| cell.version > since);
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
    delta
}
