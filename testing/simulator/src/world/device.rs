//! A person's device: the real replica machine over storage and network of the simulation.

use std::collections::BTreeMap;

use driftless_model::{BoardId, ClientId, EditId, RecordId, UserId, Version};
use driftless_protocol::Code;
use driftless_protocol::durable::{EntryRow, Key, Row};
use driftless_protocol::message::ClientMessage;
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::realtime_config::Setting;
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use driftless_sync::replica::view::AutoResolve;
use driftless_sync::replica::{
    Attention, CommitResult, Input, Notice, Now, Output, RealtimeConfig, Replica, Settlement,
};

use crate::failure::Failure;
use crate::network::Link;
use crate::schedule::Event;
use crate::world::World;
use crate::world::checkers;
use crate::world::faults::Fate;
use crate::world::person::Gesture;

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
    /// The machine, unless crashed.
    pub replica: Option<Replica>,
    /// Counts crashes.
    pub life: u64,
    /// The transaction under way.
    pub writing: Option<Transaction>,
    /// The link of the current socket.
    pub link: Option<u64>,
    /// What the person looks at in which way, where it is not everything with every flush.
    pub attentions: BTreeMap<(BoardId, RecordId), Attention>,
    /// What happens to conflicts without asking.
    pub auto_resolve: AutoResolve,
    /// What the person is about to do.
    pub gesture: Option<Gesture>,
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

fn ids_of(entry: &EntryRow) -> Vec<EditId> {
    entry.folded.iter().copied().chain([entry.id]).collect()
}

impl Device {
    /// A device with an empty disk.
    pub fn new(number: usize, auto_resolve: AutoResolve) -> Self {
        Self {
            user: UserId::new(format!("person-{number}")).expect("a user"),
            rows: MemoryRows::new(),
            edits_on_disk: BTreeMap::new(),
            kept_on_disk: BTreeMap::new(),
            replica: None,
            life: 0,
            writing: None,
            link: None,
            attentions: BTreeMap::new(),
            auto_resolve,
            gesture: None,
            client: None,
            fate: Fate::of(number),
        }
    }

    /// Another device of the same person, with a copy of this one's disk.
    pub fn copy_of(own: &Self, number: usize) -> Self {
        let mut copy = Self::new(number, own.auto_resolve);
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
                        self.edits_on_disk.insert(row.key(), ids_of(entry));
                    }
                    Write::Put(row @ Row::Applied(applied)) => {
                        self.kept_on_disk.insert(row.key(), ids_of(&applied.entry));
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
            // A copy that is nobody's for a while is still what the last user left.
            if let Write::Put(Row::Replica(row)) = write
                && row.user.is_some()
                && row.user != self.fate.owner
            {
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

fn config() -> RealtimeConfig {
    let mut config = RealtimeConfig::default();
    for (setting, milliseconds) in [
        (Setting::BackoffBaseMs, 100_u64),
        (Setting::BackoffMaxMs, 2_000),
        (Setting::HandshakeTimeoutMs, 2_000),
        (Setting::BoardRetryMs, 300),
        (Setting::RightsRetryMs, 400),
        (Setting::StorageRetryMs, 300),
        (Setting::FlushIntervalUnseenMs, 400),
    ] {
        config.set(setting, milliseconds).expect("in range");
    }
    config
}

impl World {
    /// Starts, or starts again, from what is on the disk.
    pub fn start_device(&mut self, device: usize) -> Result<(), Failure> {
        if self.devices[device].replica.is_some() {
            return Ok(());
        }
        let seed = self.dice.seed();
        let replica = Replica::new(config(), self.schema.clone(), seed);
        self.devices[device].replica = Some(replica);
        self.devices[device].attentions.clear();
        self.shown_before.retain(|(other, _), _| *other != device);
        self.drain_device(device)?;
        self.give_token(device)?;
        for board in self.boards.clone() {
            self.command(device, driftless_sync::replica::Command::Follow(board))?;
        }
        let auto_resolve = self.devices[device].auto_resolve;
        let command = driftless_sync::replica::Command::AutoResolve(auto_resolve);
        self.command(device, command)
    }

    /// The process dies: what was not written is gone.
    pub fn crash_device(&mut self, device: usize) -> Result<(), Failure> {
        self.tally.client_crashes += 1;
        let is_written = self.dice.chance(50);
        let own = &mut self.devices[device];
        if let Some(transaction) = own.writing.take() {
            self.tally.client_crashes_in_commit += 1;
            if is_written {
                own.write(&transaction);
            }
        }
        own.replica = None;
        self.forget_told(device);
        let own = &mut self.devices[device];
        own.gesture = None;
        own.life += 1;
        if let Some(link) = own.link.take() {
            self.drop_device_end(link);
        }
        checkers::honest(self, device)?;
        let delay_ms = self.dice.between(10, 3_000);
        self.schedule.after(delay_ms, Event::DeviceStart { device });
        Ok(())
    }

    /// Gives the device a command.
    pub fn command(
        &mut self,
        device: usize,
        command: driftless_sync::replica::Command,
    ) -> Result<(), Failure> {
        self.device_input(device, Input::Command(command))
    }

    /// Gives the device an input and does what it asks for.
    pub fn device_input(&mut self, device: usize, input: Input) -> Result<(), Failure> {
        let mono_ms = self.schedule.now_ms();
        // The device's clock is off, and jumps: nothing may rest on it.
        let skew = 1_700_000_000_000 + (mono_ms * (device as u64 + 1)) % 7_919;
        let now = Now {
            mono_ms,
            epoch_ms: skew.saturating_add_signed(self.devices[device].fate.clock_ms),
        };
        if let Some(replica) = &mut self.devices[device].replica {
            self.trace
                .say(|| format!("{mono_ms} device {device} <- {input:?}"));
            replica.handle(input, now);
            self.drain_device(device)?;
        }
        Ok(())
    }

    fn drain_device(&mut self, device: usize) -> Result<(), Failure> {
        while let Some(replica) = &mut self.devices[device].replica
            && let Some(output) = replica.poll_output()
        {
            self.device_output(device, output)?;
        }
        checkers::bounded(self, device)
    }

    fn device_output(&mut self, device: usize, output: Output) -> Result<(), Failure> {
        let life = self.devices[device].life;
        match output {
            Output::Load => {
                let delay_ms = self.dice.between(1, 5);
                self.schedule
                    .after(delay_ms, Event::DeviceLoaded { device, life });
            }
            Output::Commit {
                ticket,
                transaction,
            } => {
                if self.devices[device]
                    .writing
                    .replace(transaction.clone())
                    .is_some()
                {
                    return Err(Failure::new("bounded", "two transactions at once"));
                }
                let delay_ms = self.dice.between(0, 15);
                let transaction = Box::new(transaction);
                let event = Event::DeviceStored {
                    device,
                    life,
                    ticket,
                    transaction,
                };
                self.schedule.after(delay_ms, event);
            }
            Output::OpenSocket { socket } => self.open_link(device, socket),
            Output::CloseSocket { .. } => {
                if let Some(link) = self.devices[device].link.take() {
                    self.drop_device_end(link);
                }
            }
            Output::Send(message) => self.send_to_server(device, &message)?,
            Output::WakeAt { mono_ms } => {
                let event = Event::DeviceWake { device, life };
                self.schedule.at(mono_ms, event);
            }
            Output::Notice(notice) => self.notice(device, &notice)?,
            _ => {}
        }
        Ok(())
    }

    fn open_link(&mut self, device: usize, socket: u64) {
        let codec = if self.dice.chance(70) {
            driftless_protocol::Codec::MessagePack
        } else {
            driftless_protocol::Codec::Json
        };
        let number = self.next_link;
        self.next_link += 1;
        self.links.insert(number, Link::new(device, socket, codec));
        self.devices[device].link = Some(number);
        let delay_ms = self.delay_ms();
        self.schedule
            .after(delay_ms, Event::LinkOpens { link: number });
    }

    fn send_to_server(&mut self, device: usize, message: &ClientMessage) -> Result<(), Failure> {
        if let ClientMessage::Push(push) = message {
            checkers::is_final(self, device, push)?;
        }
        if matches!(message, ClientMessage::Hello(_)) {
            checkers::identity(self, device)?;
        }
        let Some(number) = self.devices[device].link else {
            return Ok(());
        };
        let delay_ms = self.delay_ms();
        let now_ms = self.schedule.now_ms();
        if let Some(link) = self.links.get_mut(&number) {
            let bytes = link.codec.encode_client(message);
            self.devices[device].fate.note_sent(message);
            link.last_to_server_ms = link.last_to_server_ms.max(now_ms + delay_ms);
            let at_ms = link.last_to_server_ms;
            self.schedule.at(
                at_ms,
                Event::ToServer {
                    link: number,
                    bytes,
                },
            );
        }
        Ok(())
    }

    fn notice(&mut self, device: usize, notice: &Notice) -> Result<(), Failure> {
        match notice {
            Notice::EditStored { id } => {
                self.book.stored.insert(*id);
                checkers::is_stored(self, device, *id)?;
            }
            Notice::EditSettled {
                board,
                id,
                settlement,
                label,
                ..
            } => match settlement {
                Settlement::Applied(version) => {
                    self.book.acknowledged.insert((board.clone(), *id));
                    let on = (device, board.clone(), *id);
                    self.book.acknowledged_on.insert(on);
                    let before = Version(version.0.saturating_sub(1));
                    let log = self.server.archive.log_now(board, before, 1);
                    if let Some(row) = log.first().filter(|row| row.version == *version) {
                        let key = (board.clone(), *id);
                        self.book.acknowledged_as.insert(key, row.id);
                    }
                    if label.starts_with("Take back") {
                        self.tally.taken_back += 1;
                    }
                }
                Settlement::Conflicted => self.tally.conflicts += 1,
                Settlement::Rejected { code, .. } if *code == Code::Restored => {
                    self.tally.offered += 1;
                }
                Settlement::Rejected { code, .. } => {
                    self.tally.rejected += 1;
                    self.tally.forbidden += u64::from(*code == Code::Forbidden);
                    self.tally.forgotten += u64::from(*code == Code::Forgotten);
                }
                _ => {}
            },
            Notice::AutoResolved { board, ids, by, .. } => {
                self.auto_resolved(device, board, ids, *by);
            }
            Notice::Skipped { .. } => self.tally.skipped += 1,
            Notice::Overwritten { .. } => self.tally.overwritten += 1,
            Notice::Board { board, .. } => {
                let board = board.clone();
                self.unchecked_views.insert((device, board));
            }
            _ => {}
        }
        Ok(())
    }

    /// The storage is done with a transaction.
    pub fn device_stored(
        &mut self,
        device: usize,
        ticket: driftless_sync::replica::journal::Ticket,
        transaction: &Transaction,
    ) -> Result<(), Failure> {
        self.devices[device].writing = None;
        let is_full = self.schedule.now_ms() < self.devices[device].fate.full_until_ms;
        let result = if self.has_faults && (is_full || self.dice.chance(4)) {
            self.tally.client_commits_failed += 1;
            CommitResult::Failed {
                reason: "the disk is full".to_owned(),
            }
        } else {
            self.note_disk(device);
            match self.devices[device].write(transaction) {
                Committed::Yes => CommitResult::Done,
                Committed::Conflict => {
                    let detail = format!("device {device} lost its storage to nobody");
                    return Err(Failure::new("ordered", detail));
                }
            }
        };
        self.device_input(device, Input::Committed { ticket, result })?;
        self.has_no_copy(device)
    }
}
