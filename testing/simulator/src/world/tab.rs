//! A tab: the real replica machine over the storage of its device and the network.

use std::collections::BTreeMap;

use driftless_model::{BoardId, EditId, RecordId, UserId, Version};
use driftless_protocol::Code;
use driftless_protocol::durable::{Key, Row};
use driftless_protocol::message::ClientMessage;
use driftless_sync::replica::realtime_config::Setting;
use driftless_sync::replica::storage::{Committed, Transaction, Write};
use driftless_sync::replica::{
    Attention, Command, CommitResult, Input, Notice, Now, Output, RealtimeConfig, Replica,
    Settlement,
};

use crate::builds::Build;
use crate::failure::Failure;
use crate::network::Link;
use crate::schedule::Event;
use crate::world::World;
use crate::world::checkers;
use crate::world::person::Gesture;

/// A tab of a device.
#[derive(Debug, Default)]
pub struct Tab {
    /// Of which device.
    pub device: usize,
    /// The machine, unless closed or crashed.
    pub replica: Option<Replica>,
    /// The build that it runs.
    pub build: Build,
    /// Counts crashes.
    pub life: u64,
    /// The transaction under way.
    pub writing: Option<Transaction>,
    /// Whether its storage is being read: it writes nothing meanwhile.
    pub is_reading: bool,
    /// The link of the current socket.
    pub link: Option<u64>,
    /// Whose token it was given last.
    pub signed_in: Option<UserId>,
    /// What the person looks at in which way, where it is not everything with every flush.
    pub attentions: BTreeMap<(BoardId, RecordId), Attention>,
    /// What the person is about to do.
    pub gesture: Option<Gesture>,
    /// When it wants to be woken.
    pub wake_ms: Option<u64>,
    /// Nothing happens in it until then.
    pub frozen_until_ms: u64,
    /// The numbers under which edits were to be stored.
    numbers: BTreeMap<EditId, u64>,
}

impl Tab {
    /// A tab of a device.
    pub fn of(device: usize) -> Self {
        Self {
            device,
            ..Self::default()
        }
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
        (Setting::TabSilenceMs, 500),
    ] {
        config.set(setting, milliseconds).expect("in range");
    }
    config
}

impl World {
    /// The device of a tab.
    pub fn device_of(&self, tab: usize) -> usize {
        self.tabs[tab].device
    }

    /// The device of a tab, and the tab.
    pub fn whose(&self, tab: usize) -> (usize, usize) {
        (self.device_of(tab), tab)
    }

    /// Who edits in a tab: the device, the tab, and the build that they see it with.
    pub fn author(&self, tab: usize) -> (usize, usize, Build) {
        (self.device_of(tab), tab, self.tabs[tab].build)
    }

    /// The tabs of a device.
    pub fn tabs_of(&self, device: usize) -> Vec<usize> {
        let tabs = self.tabs.iter().enumerate();
        let own = tabs.filter(|(_, tab)| tab.device == device);
        own.map(|(number, _)| number).collect()
    }

    /// Starts a tab, or starts it again, from what is on the disk.
    pub fn start_tab(&mut self, tab: usize) -> Result<(), Failure> {
        if self.tabs[tab].replica.is_some() {
            return Ok(());
        }
        let seed = self.dice.seed();
        let device = self.device_of(tab);
        let is_shared = self.devices[device].is_shared;
        let new = if is_shared {
            Replica::shared
        } else {
            Replica::new
        };
        let build = self.some_build();
        let schema = self.schemas.of(build).clone();
        self.tabs[tab].build = build;
        self.tabs[tab].replica = Some(new(config(), schema, seed));
        self.tabs[tab].attentions.clear();
        self.tabs[tab].numbers.clear();
        self.shown_before.retain(|(other, _), _| *other != tab);
        self.drain_tab(tab)?;
        self.give_token_to(tab)?;
        for board in self.boards.clone() {
            self.command(tab, Command::Follow(board))?;
        }
        let auto_resolve = self.devices[device].auto_resolve;
        self.command(tab, Command::AutoResolve(auto_resolve))?;
        self.elect(device);
        Ok(())
    }

    /// A tab dies: what was not written is gone.
    pub fn kill_tab(&mut self, tab: usize) {
        let is_written = self.dice.chance(50);
        let device = self.device_of(tab);
        let own = &mut self.tabs[tab];
        if let Some(transaction) = own.writing.take() {
            self.tally.client_crashes_in_commit += 1;
            if is_written {
                self.devices[device].write(&transaction);
            }
        }
        self.forget_told(tab);
        self.coverage.steps.forget(tab);
        let own = &mut self.tabs[tab];
        own.replica = None;
        own.gesture = None;
        own.frozen_until_ms = 0;
        own.wake_ms = None;
        own.is_reading = false;
        own.life += 1;
        if let Some(link) = own.link.take() {
            self.drop_device_end(link);
        }
        self.lose_lock(tab);
    }

    /// Gives a tab a command.
    pub fn command(&mut self, tab: usize, command: Command) -> Result<(), Failure> {
        self.tab_input(tab, Input::Command(command))
    }

    /// Gives a tab an input and does what it asks for.
    pub fn tab_input(&mut self, tab: usize, input: Input) -> Result<(), Failure> {
        let mono_ms = self.schedule.now_ms();
        let device = self.device_of(tab);
        // The device's clock is off, and jumps: nothing may rest on it.
        let skew = 1_700_000_000_000 + (mono_ms * (device as u64 + 1)) % 7_919;
        let now = Now {
            mono_ms,
            epoch_ms: skew.saturating_add_signed(self.devices[device].fate.clock_ms),
        };
        if let Some(replica) = &mut self.tabs[tab].replica {
            self.trace.say(|| {
                let input = match &input {
                    Input::Loaded { rows, .. } => format!("Loaded {} rows", rows.len()),
                    input => format!("{input:?}"),
                };
                format!("{mono_ms} tab {device}/{tab} <- {input}")
            });
            replica.handle(input, now);
            self.drain_tab(tab)?;
        }
        Ok(())
    }

    fn drain_tab(&mut self, tab: usize) -> Result<(), Failure> {
        while let Some(replica) = &mut self.tabs[tab].replica
            && let Some(output) = replica.poll_output()
        {
            self.tab_output(tab, output)?;
        }
        if let Some(replica) = &self.tabs[tab].replica {
            self.coverage.steps.look(tab, replica);
        }
        checkers::bounded(self, tab)
    }

    fn tab_output(&mut self, tab: usize, output: Output) -> Result<(), Failure> {
        let life = self.tabs[tab].life;
        match output {
            Output::Load => {
                self.tabs[tab].is_reading = true;
                let delay_ms = self.dice.between(1, 5);
                self.schedule
                    .after(delay_ms, Event::TabLoaded { tab, life });
            }
            Output::Commit {
                ticket,
                transaction,
            } => {
                self.note_numbers(tab, &transaction);
                let writing = self.tabs[tab].writing.replace(transaction.clone());
                if writing.is_some() {
                    return Err(Failure::new("bounded", "two transactions at once"));
                }
                let delay_ms = self.dice.between(0, 15);
                let transaction = Box::new(transaction);
                let event = Event::TabStored {
                    tab,
                    life,
                    ticket,
                    transaction,
                };
                self.schedule.after(delay_ms, event);
            }
            Output::Tell(message) => self.tell_tabs(tab, &message),
            Output::Elect => self.steal_lock(tab)?,
            Output::OpenSocket { socket } => self.open_link(tab, socket),
            Output::CloseSocket { .. } => {
                if let Some(link) = self.tabs[tab].link.take() {
                    self.drop_device_end(link);
                }
            }
            Output::Send(message) => self.send_to_server(tab, &message)?,
            Output::WakeAt { mono_ms } => {
                self.tabs[tab].wake_ms = Some(mono_ms);
                let event = Event::TabWake { tab, life, mono_ms };
                self.schedule.at(mono_ms, event);
            }
            Output::Notice(notice) => {
                if matches!(
                    notice,
                    Notice::EditSettled { .. } | Notice::EditStored { .. }
                ) {
                    self.trace.say(|| format!("tab {tab} tells {notice:?}"));
                }
                self.notice(tab, &notice)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open_link(&mut self, tab: usize, socket: u64) {
        let codec = if self.dice.chance(70) {
            driftless_protocol::Codec::MessagePack
        } else {
            driftless_protocol::Codec::Json
        };
        let number = self.next_link;
        self.next_link += 1;
        self.links
            .insert(number, Link::new(self.whose(tab), socket, codec));
        self.tabs[tab].link = Some(number);
        let delay_ms = self.delay_ms();
        self.schedule
            .after(delay_ms, Event::LinkOpens { link: number });
    }

    fn send_to_server(&mut self, tab: usize, message: &ClientMessage) -> Result<(), Failure> {
        if let ClientMessage::Push(push) = message {
            checkers::is_final(self, tab, push)?;
        }
        if matches!(message, ClientMessage::Hello(_)) {
            checkers::identity(self, tab)?;
        }
        let Some(number) = self.tabs[tab].link else {
            return Ok(());
        };
        let delay_ms = self.delay_ms();
        let now_ms = self.schedule.now_ms();
        if let Some(link) = self.links.get_mut(&number) {
            let bytes = link.codec.encode_client(message);
            let device = self.tabs[tab].device;
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

    fn notice(&mut self, tab: usize, notice: &Notice) -> Result<(), Failure> {
        match notice {
            Notice::EditStored { id } => {
                self.book.stored.insert(*id);
                checkers::is_stored(self, self.device_of(tab), *id)?;
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
                    let on = (self.device_of(tab), board.clone(), *id);
                    self.book.acknowledged_on.insert(on);
                    let before = Version(version.0.saturating_sub(1));
                    let log = self.server.archive.log_now(board, before, 1);
                    if let Some(row) = log.first().filter(|row| row.version == *version) {
                        let key = (board.clone(), *id);
                        self.book.acknowledged_as.entry(key).or_insert(row.id);
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
                    self.tally.kept_apart += u64::from(*code == Code::WrongUser);
                }
                Settlement::Refused { .. } | Settlement::Discarded => self.never_stored(tab, *id),
                Settlement::RolledBack => self.went_along(tab, *id),
                _ => {}
            },
            Notice::AutoResolved { board, ids, by, .. } => {
                self.auto_resolved(tab, board, ids, *by);
            }
            Notice::Skipped { .. } => self.tally.skipped += 1,
            Notice::Overwritten { .. } => self.tally.overwritten += 1,
            Notice::Board { board, .. } => {
                let board = board.clone();
                self.unchecked_views.insert((tab, board));
            }
            Notice::Status => {
                if let Some(replica) = &self.tabs[tab].replica {
                    self.coverage.connection(&replica.status().connection);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A timer fires. One that was set anew since has mostly been stopped.
    pub fn wake_tab(&mut self, tab: usize, mono_ms: u64) -> Result<(), Failure> {
        let own = &mut self.tabs[tab].wake_ms;
        let is_current = *own == Some(mono_ms);
        if is_current {
            *own = None;
        }
        if is_current || self.dice.chance(10) {
            return self.tab_input(tab, Input::Wake);
        }
        Ok(())
    }

    /// An edit is said to be no more. One that was never stored may be: somebody else decided on
    /// the same, or another user signed in.
    fn never_stored(&mut self, tab: usize, id: EditId) {
        let is_stored = self.book.stored.contains(&id) || self.is_on_disk(self.device_of(tab), id);
        // It had no effect and was gone before another tab heard that it should have one.
        let is_too_late = self.book.taken_anew.contains_key(&id);
        if !is_stored || is_too_late {
            self.book.let_go.insert(id);
        }
    }

    /// An edit went with another one that the person took back, since it rests on it.
    fn went_along(&mut self, tab: usize, id: EditId) {
        let device = self.device_of(tab);
        let Some(made) = self.book.made.get(&id) else {
            return;
        };
        let is_gone = |id: &EditId| {
            let next = self.book.successor(device, *id);
            self.book.let_go.contains(id) || next.is_some_and(|id| self.book.let_go.contains(&id))
        };
        if made.after.iter().any(is_gone) {
            self.book.let_go.insert(id);
        }
    }

    fn is_on_disk(&self, device: usize, id: EditId) -> bool {
        let mut on_disk = self.devices[device].edits_on_disk.values();
        on_disk.any(|ids| ids.contains(&id))
    }

    /// The storage is done with a transaction.
    pub fn tab_stored(
        &mut self,
        tab: usize,
        ticket: driftless_sync::replica::journal::Ticket,
        transaction: &Transaction,
    ) -> Result<(), Failure> {
        self.tabs[tab].writing = None;
        let device = self.device_of(tab);
        let is_full = self.schedule.now_ms() < self.devices[device].fate.full_until_ms;
        let result = if self.has_faults && (is_full || self.dice.chance(4)) {
            self.tally.client_commits_failed += 1;
            CommitResult::Failed {
                reason: "the disk is full".to_owned(),
            }
        } else {
            self.note_disk(device);
            match self.devices[device].write(transaction) {
                Committed::Yes => {
                    self.trace.say(|| entries_of(tab, transaction));
                    self.note_joined(device, transaction);
                    CommitResult::Done
                }
                Committed::Conflict => self.refused(tab, transaction)?,
            }
        };
        self.tab_input(tab, Input::Committed { ticket, result })?;
        self.has_no_copy(tab)
    }

    /// Edits that became part of another one, perhaps since a tab had to make them again.
    fn note_joined(&mut self, device: usize, transaction: &Transaction) {
        for write in &transaction.writes {
            if let Write::Put(Row::Entry(row)) = write {
                for folded in &row.folded {
                    self.book.joined(device, *folded, row.id);
                }
            }
        }
    }

    /// A tab meets what another one wrote.
    fn refused(&mut self, tab: usize, refused: &Transaction) -> Result<CommitResult, Failure> {
        let device = self.device_of(tab);
        if !self.devices[device].is_shared {
            let detail = format!("device {device} lost its storage to nobody");
            return Err(Failure::new("ordered", detail));
        }
        self.forget_told(tab);
        let term = |row: &Option<Row>| match row {
            Some(Row::Replica(row)) => row.term,
            _ => 0,
        };
        let mut expected = refused.expect.iter();
        let expected = expected.find(|(key, _)| *key == Key::Replica);
        let expected = expected.map_or(0, |(_, row)| term(row));
        let rows = self.devices[device].rows.load_now().unwrap_or_default();
        let stored = rows.into_iter().find(|row| row.key() == Key::Replica);
        if expected < term(&stored) && !is_follower_write(refused) {
            self.tally.refused_by_term += 1;
        } else {
            self.tally.refused_tabs += 1;
        }
        Ok(CommitResult::Conflict)
    }

    /// Notes whether an edit is to be stored under another number than before.
    fn note_numbers(&mut self, tab: usize, transaction: &Transaction) {
        for write in &transaction.writes {
            let Write::Put(Row::Entry(row)) = write else {
                continue;
            };
            let before = self.tabs[tab].numbers.insert(row.id, row.number);
            if before.is_some_and(|before| before != row.number) {
                self.tally.renumbered += 1;
            }
        }
    }
}

/// What a transaction does to the outbox, in short.
fn entries_of(tab: usize, transaction: &Transaction) -> String {
    let writes = transaction.writes.iter();
    let writes = writes.filter_map(|write| match write {
        Write::Put(Row::Entry(row)) => Some(format!("{} = {:?}", row.number, row.id)),
        Write::Delete(key @ Key::Entry(..)) => Some(format!("no {key}")),
        _ => None,
    });
    format!("tab {tab} stores {:?}", writes.collect::<Vec<_>>())
}

fn is_follower_write(transaction: &Transaction) -> bool {
    let is_count = |write: &Write| matches!(write, Write::Put(Row::Tabs(_)));
    transaction.writes.iter().any(is_count)
}
