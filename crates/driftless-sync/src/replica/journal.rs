//! Writes on their way to the storage: staged, merged while one transaction is under way, and
//! numbered, so that everything else can ask "is this durable yet?".

use std::collections::BTreeMap;

use driftless_protocol::durable::{Key, Row};

use crate::replica::storage::{Transaction, Write};

/// The number of a transaction: what was staged under it is durable once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// Writes on their way to the storage. One transaction at a time; what is staged meanwhile becomes
/// the next one, with each row once.
#[derive(Debug, Default)]
pub struct Journal {
    staged: BTreeMap<Key, Option<Row>>,
    in_flight: Option<Transaction>,
    /// The rows that guard a transaction, as the storage has them after all that was handed out.
    guards: BTreeMap<Key, Row>,
    /// The last transaction that is durable.
    durable: Ticket,
    /// A write without content is wanted, to learn whether this replica still leads.
    is_probe_wanted: bool,
}

impl Journal {
    /// Notes what the storage has at the start.
    pub fn loaded(&mut self, row: &Row) {
        if is_guard(&row.key()) {
            self.guards.insert(row.key(), row.clone());
        }
    }

    /// Stages a row.
    pub fn put(&mut self, row: Row) -> Ticket {
        self.staged.insert(row.key(), Some(row));
        self.ticket()
    }

    /// Stages a removal.
    pub fn delete(&mut self, key: Key) -> Ticket {
        self.staged.insert(key, None);
        self.ticket()
    }

    /// Asks for a transaction even if nothing is staged.
    pub fn probe(&mut self) {
        self.is_probe_wanted = true;
    }

    /// Whether everything staged under a ticket is durable.
    pub fn is_durable(&self, ticket: Ticket) -> bool {
        ticket <= self.durable
    }

    /// The last transaction that is durable.
    pub fn durable(&self) -> Ticket {
        self.durable
    }

    /// The ticket of what is staged now.
    fn ticket(&self) -> Ticket {
        Ticket(self.durable.0 + 1 + u64::from(self.in_flight.is_some()))
    }

    /// The next transaction to carry out, if none is under way and something is staged.
    pub fn next_transaction(&mut self) -> Option<(Ticket, Transaction)> {
        let is_wanted = !self.staged.is_empty() || self.is_probe_wanted;
        if self.in_flight.is_some() || !is_wanted {
            return None;
        }
        let ticket = self.ticket();
        let staged = std::mem::take(&mut self.staged);
        self.is_probe_wanted = false;
        let transaction = Transaction {
            expect: self.expectations(&staged),
            writes: writes(&staged),
        };
        for (key, row) in staged.into_iter().filter(|(key, _)| is_guard(key)) {
            match row {
                Some(row) => self.guards.insert(key, row),
                None => self.guards.remove(&key),
            };
        }
        self.in_flight = Some(transaction.clone());
        Some((ticket, transaction))
    }

    /// The transaction under way, to try it again.
    pub fn again(&self) -> Option<(Ticket, Transaction)> {
        let transaction = self.in_flight.clone()?;
        Some((Ticket(self.durable.0 + 1), transaction))
    }

    /// The transaction under way is durable.
    pub fn committed(&mut self) {
        if self.in_flight.take().is_some() {
            self.durable.0 += 1;
        }
    }

    /// Whether this is the transaction under way.
    pub fn is_under_way(&self, ticket: Ticket) -> bool {
        self.in_flight.is_some() && ticket == Ticket(self.durable.0 + 1)
    }

    /// Whether nothing is staged or under way.
    pub fn is_idle(&self) -> bool {
        self.staged.is_empty() && self.in_flight.is_none()
    }

    /// The replica's own row guards every transaction (nobody else leads); a board's row guards
    /// those that write it (its next seq and cursor are what this replica last wrote).
    fn expectations(&self, staged: &BTreeMap<Key, Option<Row>>) -> Vec<(Key, Option<Row>)> {
        let boards = staged
            .keys()
            .filter(|key| matches!(key, Key::Board(_)))
            .cloned();
        let keys = std::iter::once(Key::Replica).chain(boards);
        keys.map(|key| (key.clone(), self.guards.get(&key).cloned()))
            .collect()
    }
}

fn is_guard(key: &Key) -> bool {
    matches!(key, Key::Replica | Key::Board(_))
}

fn writes(staged: &BTreeMap<Key, Option<Row>>) -> Vec<Write> {
    let write = |(key, row): (&Key, &Option<Row>)| match row {
        Some(row) => Write::Put(row.clone()),
        None => Write::Delete(key.clone()),
    };
    staged.iter().map(write).collect()
}
