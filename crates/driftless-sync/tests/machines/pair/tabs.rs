//! Tabs of a person over one disk. What one tells the others is heard when `settle` is called.

use std::sync::Arc;

use driftless_model::{Schema, SortedMap, UserId};
use driftless_protocol::TabMessage;
use driftless_protocol::message::ServerMessage;
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::realtime_config::Setting;
use driftless_sync::replica::storage::{Transaction, Write};
use driftless_sync::replica::{Command, CommitResult, Input, RealtimeConfig, Replica};

use super::{Pair, board};

impl Pair {
    /// A person with one tab, which leads, and which others may join. Answers its number.
    pub fn open_first_tab(&mut self, name: &str) -> usize {
        let user = UserId::new(name).expect("a user");
        let who = self.join_with(user, SortedMap::new(), true, Schema::builtin());
        self.reopen(who);
        self.elect(who);
        self.settle();
        who
    }

    /// Another tab of a person. Answers its number.
    pub fn open_tab(&mut self, who: usize) -> usize {
        let user = self.people[who].user.clone();
        let tab = self.join_with(user, SortedMap::new(), true, Schema::builtin());
        self.people[tab].desk = self.people[who].desk;
        self.reopen(tab);
        self.settle();
        tab
    }

    /// A tab is closed, and opened again.
    pub fn reopen(&mut self, tab: usize) {
        self.unplug(tab);
        self.people[tab].is_plugged = true;
        let seed = [u8::try_from(tab).expect("a few") + 100; 32];
        self.people[tab].replica = Replica::shared(config(), Arc::new(Schema::builtin()), seed);
        self.people[tab].told.clear();
        self.people[tab].notices.clear();
        self.command(tab, Command::Follow(board()));
    }

    /// A tab gets the lock.
    pub fn elect(&mut self, tab: usize) {
        self.people[tab].asks_to_lead = false;
        self.input(tab, Input::Elected);
    }

    /// Time passes until a tab asks the server for something; the answer is not there yet.
    pub fn says_hello(&mut self, tab: usize) {
        while self.people[tab].outbox.is_empty() {
            self.wait(50);
            self.input(tab, Input::Wake);
        }
    }

    /// A tab hears what others told it so far.
    pub fn listens(&mut self, tab: usize) {
        while let Some(message) = self.people[tab].told.pop_front() {
            self.input(tab, Input::Told(Box::new(message)));
        }
    }

    /// The server says something to a tab.
    pub fn hear(&mut self, tab: usize, message: ServerMessage) {
        let socket = self.people[tab].socket.expect("it is connected");
        let message = Box::new(message);
        self.input(tab, Input::SocketMessage { socket, message });
    }

    /// Time passes, and nobody notices.
    pub fn wait(&mut self, wait_ms: u64) {
        self.now_ms += wait_ms;
    }

    pub(super) fn tell(&mut self, who: usize, message: &TabMessage) {
        let bytes = message.encode();
        let desk = self.people[who].desk;
        for (tab, person) in self.people.iter_mut().enumerate() {
            if tab != who && person.desk == desk {
                let message = TabMessage::decode(&bytes).expect("is a message");
                person.told.push_back(message);
            }
        }
    }

    pub(super) fn store(&mut self, who: usize, ticket: Ticket, transaction: Transaction) {
        if let Some(held) = &mut self.people[who].held {
            return held.push((ticket, transaction));
        }
        let result = self.write(who, &transaction);
        self.input(who, Input::Committed { ticket, result });
    }

    /// What a tab writes takes time from here on.
    pub fn hold(&mut self, tab: usize) {
        self.people[tab].held = Some(Vec::new());
    }

    /// What was under way is written.
    pub fn let_go(&mut self, tab: usize) {
        for (ticket, transaction) in self.people[tab].held.take().into_iter().flatten() {
            self.store(tab, ticket, transaction);
        }
    }

    pub(super) fn write(&mut self, who: usize, transaction: &Transaction) -> CommitResult {
        if self.people[who].is_full {
            let reason = "the disk is full".to_owned();
            return CommitResult::Failed { reason };
        }
        let desk = self.people[who].desk;
        let is_alone = self.people.iter().filter(|it| it.desk == desk).count() == 1;
        let stored = &mut self.people[desk].disk;
        let mut expect = transaction.expect.iter();
        if !expect.all(|(key, row)| stored.get(key) == row.as_ref()) {
            assert!(!is_alone, "nobody else writes here");
            return CommitResult::Conflict;
        }
        for write in &transaction.writes {
            match write {
                Write::Put(row) => stored.insert(row.key(), row.clone()),
                Write::Delete(key) => stored.remove(key),
            };
        }
        CommitResult::Done
    }
}

pub(super) fn replica(seed: [u8; 32], schema: Arc<Schema>) -> Replica {
    Replica::new(config(), schema, seed)
}

pub(super) fn config() -> RealtimeConfig {
    let mut config = RealtimeConfig::default();
    for setting in [Setting::BackoffBaseMs, Setting::BackoffMaxMs] {
        config.set(setting, 10_u64).expect("in range");
    }
    config
}
