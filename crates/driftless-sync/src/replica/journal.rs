//! Writes on their way to the storage: staged, merged while one transaction is under way, and
//! numbered, so that everything else can ask "is this durable yet?".

use driftless_model::{BoardId, SortedMap, SortedSet};
use driftless_protocol::durable::{Key, Row, TabsRow};

use crate::planted::{Bug, is_planted};
use crate::replica::storage::{Transaction, Write};

/// The number of a transaction: what was staged under it is durable once it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(pub u64);

/// As whom a replica writes, and so what its transactions expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writer {
    /// Nobody else does.
    #[default]
    Alone,
    /// Tabs beside this one add to the outbox.
    Leader,
    /// Another tab leads: this one writes outbox entries only.
    Follower,
}

type Staged = SortedMap<Key, Option<Row>>;

/// Writes on their way to the storage. One transaction at a time; what is staged meanwhile becomes
/// the next one, with each row once.
#[derive(Debug)]
pub struct Journal {
    writer: Writer,
    staged: Staged,
    in_flight: Option<(Ticket, Staged)>,
    /// The rows that guard a transaction, as the storage has them as far as is known.
    guards: SortedMap<Key, Box<Row>>,
    /// The last transaction that is durable.
    durable: Ticket,
    /// The one that was before.
    durable_before: Ticket,
    /// The number of what is staged now.
    next: Ticket,
    /// A write without content is wanted, to learn whether this replica still leads.
    is_probe_wanted: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            writer: Writer::Alone,
            staged: Staged::new(),
            in_flight: None,
            guards: SortedMap::new(),
            durable: Ticket(0),
            durable_before: Ticket(0),
            next: Ticket(1),
            is_probe_wanted: false,
        }
    }
}

impl Journal {
    /// Starts from what the storage has: what was staged is dropped. Tickets go on.
    pub fn start_from<'a>(&mut self, writer: Writer, rows: impl IntoIterator<Item = &'a Row>) {
        let guards = rows.into_iter().filter(|row| is_guard(writer, &row.key()));
        *self = Self {
            writer,
            guards: guards
                .map(|row| (row.key(), Box::new(row.clone())))
                .collect(),
            durable: self.durable,
            durable_before: self.durable_before,
            next: Ticket(self.next.0 + 1),
            ..Self::default()
        };
    }

    /// Writes as somebody else from here on.
    pub fn write_as(&mut self, writer: Writer) {
        self.writer = writer;
    }

    /// What the storage has where another tab wrote.
    pub fn learn(&mut self, key: Key, row: Option<Row>) {
        match row {
            Some(row) => self.guards.insert(key, Box::new(row)),
            None => self.guards.remove(&key),
        };
    }

    /// What the storage has at the key of a guard, as far as is known.
    pub fn known(&self, key: &Key) -> Option<&Row> {
        self.guards.get(key).map(Box::as_ref)
    }

    /// The numbers of a board's outbox entries in the storage, as far as is known.
    pub fn known_entries(&self, board: &BoardId) -> SortedSet<u64> {
        let range = Key::Entry(board.clone(), 0)..=Key::Entry(board.clone(), u64::MAX);
        let keys = self.guards.range(range).map(|(key, _)| key);
        keys.filter_map(|key| match key {
            Key::Entry(_, number) => Some(*number),
            _ => None,
        })
        .collect()
    }

    /// How often tabs that do not lead wrote, as far as is known.
    pub(in crate::replica) fn tab_writes(&self) -> u64 {
        match self.known(&Key::Tabs) {
            Some(Row::Tabs(row)) => row.writes,
            _ => 0,
        }
    }

    /// Whether a write of this row waits to be handed out.
    pub fn is_staged(&self, key: &Key) -> bool {
        self.staged.contains_key(key)
    }

    /// Stages a row.
    pub fn put(&mut self, row: Row) -> Ticket {
        self.staged.insert(row.key(), Some(row));
        self.next
    }

    /// Stages a removal.
    pub fn delete(&mut self, key: Key) -> Ticket {
        self.staged.insert(key, None);
        self.next
    }

    /// Asks for a transaction even if nothing is staged.
    pub fn probe(&mut self) {
        self.is_probe_wanted = true;
    }

    /// Whether everything staged under a ticket is durable.
    pub fn is_durable(&self, ticket: Ticket) -> bool {
        ticket <= self.durable
    }

    /// Whether everything staged under a ticket became durable with the last transaction.
    pub fn became_durable(&self, ticket: Ticket) -> bool {
        self.is_durable(ticket) && ticket > self.durable_before
    }

    /// The number of what is staged now.
    pub fn ticket(&self) -> Ticket {
        self.next
    }

    /// The next transaction to carry out, if none is under way and something is staged.
    pub fn next_transaction(&mut self) -> Option<(Ticket, Transaction)> {
        let is_waiting = self.in_flight.is_some() && !is_planted(Bug::TwoTransactions);
        if is_waiting || !self.is_wanted() {
            return None;
        }
        let ticket = self.next;
        self.next.0 += 1;
        self.is_probe_wanted = false;
        let mut staged = std::mem::take(&mut self.staged);
        if self.writer == Writer::Follower {
            staged.insert(Key::Tabs, Some(self.count_up()));
        }
        let transaction = Transaction {
            expect: self.expectations(&staged),
            writes: writes(&staged),
        };
        self.in_flight = Some((ticket, staged));
        Some((ticket, transaction))
    }

    /// Whether a transaction is wanted.
    pub fn is_wanted(&self) -> bool {
        !self.staged.is_empty() || self.is_probe_wanted
    }

    /// Whether a transaction is under way.
    pub fn is_busy(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The transaction under way is durable.
    pub fn committed(&mut self) {
        let Some((ticket, staged)) = self.in_flight.take() else {
            return;
        };
        self.durable_before = self.durable;
        self.durable = ticket;
        let writer = self.writer;
        for (key, row) in staged.into_iter().filter(|(key, _)| is_guard(writer, key)) {
            self.learn(key, row);
        }
    }

    /// Nothing of the transaction under way was written: it is staged again, under what was staged
    /// since.
    pub fn put_back(&mut self) {
        let Some((_, mut staged)) = self.in_flight.take() else {
            return;
        };
        staged.remove(&Key::Tabs);
        staged.extend(std::mem::take(&mut self.staged));
        // A transaction that only asked whether this replica still leads has to ask again.
        self.is_probe_wanted |= staged.is_empty();
        self.staged = staged;
    }

    /// An expectation of the transaction under way did not hold.
    pub fn refused(&mut self) {
        self.in_flight = None;
    }

    /// Whether this is the transaction under way.
    pub fn is_under_way(&self, ticket: Ticket) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|(own, _)| *own == ticket)
    }

    /// Whether nothing is staged or under way.
    pub fn is_idle(&self) -> bool {
        self.staged.is_empty() && self.in_flight.is_none()
    }

    /// The replica's own row guards every transaction (nobody else leads; nobody else's edits are
    /// written under this user); a board's row guards those that write it (its next seq and cursor
    /// are what this replica last wrote). Where tabs share the storage, each entry is guarded too,
    /// and what other tabs wrote is, where the replica's row changes.
    fn expectations(&self, staged: &Staged) -> Vec<(Key, Option<Row>)> {
        let is_leader_blind = is_planted(Bug::IgnoreTerm) && self.writer == Writer::Leader;
        let is_follower_blind =
            is_planted(Bug::OverwriteEntries) && self.writer == Writer::Follower;
        if is_leader_blind || is_follower_blind {
            return Vec::new();
        }
        let is_board = |key: &&Key| matches!(key, Key::Board(_));
        let boards = staged.keys().filter(is_board).cloned();
        let keys = std::iter::once(Key::Replica).chain(boards);
        let mut keys: Vec<Key> = keys.collect();
        if self.writer != Writer::Alone {
            let is_entry = |key: &&Key| matches!(key, Key::Entry(..));
            keys.extend(staged.keys().filter(is_entry).cloned());
        }
        let is_replica_written = staged.contains_key(&Key::Replica);
        match self.writer {
            Writer::Follower => keys.push(Key::Tabs),
            Writer::Leader if is_replica_written => keys.push(Key::Tabs),
            _ => {}
        }
        let known = keys.into_iter().map(|key| {
            let row = self.known(&key).cloned();
            (key, row)
        });
        known.chain(self.free_numbers(staged)).collect()
    }

    /// The number of a new entry is not that of an applied edit that another tab added and settled
    /// meanwhile.
    fn free_numbers(&self, staged: &Staged) -> Vec<(Key, Option<Row>)> {
        if self.writer == Writer::Alone {
            return Vec::new();
        }
        let new = staged.iter().filter_map(|(key, row)| match key {
            Key::Entry(board, number) if row.is_some() && self.known(key).is_none() => {
                Some((Key::Applied(board.clone(), *number), None))
            }
            _ => None,
        });
        new.collect()
    }

    fn count_up(&self) -> Row {
        let writes = self.tab_writes() + 1;
        Row::Tabs(TabsRow { writes })
    }
}

fn is_guard(writer: Writer, key: &Key) -> bool {
    match key {
        Key::Replica | Key::Board(_) => true,
        Key::Tabs | Key::Entry(..) => writer != Writer::Alone,
        _ => false,
    }
}

fn writes(staged: &Staged) -> Vec<Write> {
    let write = |(key, row): (&Key, &Option<Row>)| match row {
        Some(row) => Write::Put(row.clone()),
        None => Write::Delete(key.clone()),
    };
    staged.iter().map(write).collect()
}
