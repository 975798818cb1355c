//! A person's device: what is on its disk, and to whom it belongs.

use std::collections::BTreeMap;

use driftless_model::{ClientId, EditId, UserId};
use driftless_protocol::durable::{Key, Row};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use driftless_sync::replica::view::AutoResolve;

use crate::failure::Failure;
use crate::schedule::Event;
use crate::world::World;
use crate::world::checkers;
use crate::world::faults::Fate;

/// A device and its person.
#[derive(Debug)]
pub struct Device {
    /// The person.
    pub user: UserId,
    /// What is on the disk.
    pub rows: MemoryRows,
    /// The edits of each outbox entry on the disk: decoding all rows for every look is too slow.
    pub edits_on_disk: BTreeMap<Key, Vec<EditId>>,
    /// The same of the applied edits that are kept.
    pub kept_on_disk: BTreeMap<Key, Vec<EditId>>,
    /// Whether several tabs may share the disk.
    pub is_shared: bool,
    /// The tab that has the lock.
    pub elected: Option<usize>,
    /// What happens to conflicts without asking.
    pub auto_resolve: AutoResolve,
    /// The replica's id, once known: it never changes in these runs.
    pub client: Option<ClientId>,
    /// Its bad days.
    pub fate: Fate,
}

/// What is on a disk at a moment.
#[derive(Debug)]
pub struct Disk {
    rows: MemoryRows,
    /// As [`Device::edits_on_disk`].
    pub edits: BTreeMap<Key, Vec<EditId>>,
    kept: BTreeMap<Key, Vec<EditId>>,
}

impl Device {
    /// A device with an empty disk.
    pub fn new(number: usize, is_shared: bool, auto_resolve: AutoResolve) -> Self {
        Self {
            user: UserId::new(format!("person-{number}")).expect("a user"),
            rows: MemoryRows::new(),
            edits_on_disk: BTreeMap::new(),
            kept_on_disk: BTreeMap::new(),
            is_shared,
            elected: None,
            auto_resolve,
            client: None,
            fate: Fate::of(number),
        }
    }

    /// Another device of the same person, with a copy of this one's disk.
    pub fn copy_of(own: &Self, number: usize) -> Self {
        let mut copy = Self::new(number, own.is_shared, own.auto_resolve);
        copy.user = own.user.clone();
        copy.set_disk(own.disk());
        copy
    }

    /// The replica may have a reason to take another client id, from the start.
    pub fn allow_identities(&mut self) {
        self.fate.may_change_identity = true;
    }

    /// What is on the disk now.
    pub fn disk(&self) -> Disk {
        Disk {
            rows: self.rows.copy(),
            edits: self.edits_on_disk.clone(),
            kept: self.kept_on_disk.clone(),
        }
    }

    /// Puts another disk in.
    pub fn set_disk(&mut self, disk: Disk) {
        self.rows = disk.rows;
        self.edits_on_disk = disk.edits;
        self.kept_on_disk = disk.kept;
    }

    /// Carries out a transaction.
    pub fn write(&mut self, transaction: &Transaction) -> Committed {
        let committed = self.rows.commit_now(transaction);
        if committed == Committed::Yes {
            self.note_owner(transaction);
            for write in &transaction.writes {
                match write {
                    Write::Put(row @ Row::Entry(entry)) => {
                        self.edits_on_disk.insert(row.key(), entry.ids().collect());
                    }
                    Write::Put(row @ Row::Applied(applied)) => {
                        self.kept_on_disk
                            .insert(row.key(), applied.entry.ids().collect());
                    }
                    Write::Delete(key) => {
                        self.edits_on_disk.remove(key);
                        self.kept_on_disk.remove(key);
                    }
                    Write::Put(_) => {}
                }
            }
        }
        committed
    }

    /// Another user takes the copy over: what was kept for the one before is gone with it.
    fn note_owner(&mut self, transaction: &Transaction) {
        for write in &transaction.writes {
            let Write::Put(Row::Replica(row)) = write else {
                continue;
            };
            self.fate.stored_client = Some(row.client);
            // In between it may be nobody's.
            if row.user.is_some() && row.user != self.fate.owner {
                if self.fate.owner.is_some() {
                    let kept = self.kept_on_disk.values().flatten();
                    self.fate.taken_over.extend(kept);
                }
                self.fate.owner.clone_from(&row.user);
            }
        }
    }

    /// Whether the disk holds edits that are not settled.
    pub fn rows_have_edits(&self) -> bool {
        let rows = self.rows.load_now().unwrap_or_default();
        rows.iter().any(|row| matches!(row, Row::Entry(_)))
    }
}

impl World {
    /// Starts every tab of a device that does not run.
    pub fn start_device(&mut self, device: usize) -> Result<(), Failure> {
        for tab in self.tabs_of(device) {
            self.start_tab(tab)?;
        }
        Ok(())
    }

    /// The process dies, with all tabs.
    pub fn crash_device(&mut self, device: usize) -> Result<(), Failure> {
        self.tally.client_crashes += 1;
        let tabs = self.tabs_of(device);
        for tab in &tabs {
            self.kill_tab(*tab);
        }
        checkers::honest(self, device, &tabs)?;
        let delay_ms = self.dice.between(10, 3_000);
        self.schedule.after(delay_ms, Event::DeviceStart { device });
        Ok(())
    }
}
