//! Bad days of a device: its profile is copied or set back, its storage is full, its clock jumps,
//! its connection comes twice, its token expires, somebody else signs in, rights come and go.

use std::collections::BTreeSet;

use driftless_model::{ClientId, EditId, UserId};
use driftless_protocol::CloseCode;
use driftless_protocol::message::ClientMessage;
use driftless_sync::replica::view::Connection;
use driftless_sync::replica::{Command, Replica};

use crate::dice::Dice;
use crate::failure::Failure;
use crate::network::Link;
use crate::schedule::Event;
use crate::world::World;
use crate::world::checkers;
use crate::world::device::{Device, Disk};
use crate::world::tab::Tab;

/// The most earlier states of a disk that are kept to go back to.
const SNAPSHOTS_MAX: usize = 3;
/// The most devices of a run, copies included.
const DEVICES_MAX: usize = 5;
/// The most pushes of a connection that may come a second time.
const REPEATED_MAX: usize = 4;

/// A kind of bad day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadDay {
    /// The profile is copied to another device.
    Clone,
    /// The profile goes back to an earlier state.
    RollBack,
    /// A crash takes transactions with it that had been told done.
    LoseRelaxed,
    /// The storage is full for a while.
    Quota,
    /// The clock jumps.
    Clock,
    /// A connection comes late or twice.
    Ghost,
    /// The token expires.
    Token,
    /// Somebody else signs in.
    User,
    /// An old server file is put in the place of the new one.
    Restore,
    /// Somebody loses a right on a board, or gets it back.
    Rights,
    /// The software is updated, here and there.
    Builds,
}

impl BadDay {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Clone,
        Self::RollBack,
        Self::LoseRelaxed,
        Self::Quota,
        Self::Clock,
        Self::Ghost,
        Self::Token,
        Self::User,
        Self::Restore,
        Self::Rights,
        Self::Builds,
    ];

    /// Draws those of a run: a few, so that they meet in all combinations and ordinary runs stay
    /// ordinary.
    pub fn draw(dice: &mut Dice, without: &BTreeSet<Self>) -> BTreeSet<Self> {
        let days = Self::ALL.into_iter().filter(|_| dice.chance(15));
        days.filter(|day| !without.contains(day)).collect()
    }
}

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// What fate holds for a device.
#[derive(Debug, Default)]
pub struct Fate {
    /// The device whose profile this is, or was copied from.
    pub origin: usize,
    /// Counts what lets a seq have two contents on the wire, of which the server takes one.
    pub era: u64,
    /// Whether the replica has a reason to take another client id.
    pub may_change_identity: bool,
    /// Earlier states of the disk.
    snapshots: Vec<Disk>,
    /// The disk before each of the last transactions.
    relaxed: Vec<Disk>,
    /// The storage is full until then.
    pub full_until_ms: u64,
    /// How far the clock is off, in milliseconds.
    pub clock_ms: i64,
    /// The last hello and some pushes after it.
    sent: Vec<ClientMessage>,
    /// The token that the device has.
    token: u64,
    /// The oldest token that the server still takes.
    valid_token: u64,
    /// The replica's id as the disk has it.
    pub stored_client: Option<ClientId>,
    /// The user to whom the copy on the disk belongs.
    pub owner: Option<UserId>,
    /// Applied edits that were kept for a user when another one took the copy over.
    pub taken_over: BTreeSet<EditId>,
    /// Who signed in instead of the person.
    guest: Option<UserId>,
    /// How often another connection of the same client came.
    pub replaced: u32,
}

impl Fate {
    /// Of a device with a profile of its own.
    pub fn of(device: usize) -> Self {
        Self {
            origin: device,
            ..Self::default()
        }
    }

    /// An old server file is in place: what a connection pushed follows the answer that the server
    /// had given on it, so none of it reaches a server that begins after that.
    pub fn forget_sent(&mut self) {
        self.sent.clear();
    }

    /// Notes what is sent, for a connection that comes late or twice.
    pub fn note_sent(&mut self, message: &ClientMessage) {
        match message {
            ClientMessage::Hello(_) => self.sent = vec![message.clone()],
            ClientMessage::Push(_) if self.sent.len() <= REPEATED_MAX && !self.sent.is_empty() => {
                self.sent.push(message.clone());
            }
            _ => {}
        }
    }
}

impl World {
    /// Perhaps a bad day. Answers whether it was one.
    pub fn bad_day(&mut self, device: usize) -> Result<bool, Failure> {
        if !self.dice.chance(12) {
            return Ok(false);
        }
        let day = self.dice.pick(&BadDay::ALL).copied();
        let Some(day) = day.filter(|day| self.bad_days.contains(day)) else {
            return Ok(false);
        };
        match day {
            BadDay::Clone if self.devices.len() >= DEVICES_MAX => return Ok(false),
            BadDay::Clone => self.clone_device(device)?,
            BadDay::RollBack => self.roll_back_disk(device)?,
            BadDay::LoseRelaxed => self.lose_relaxed(device)?,
            BadDay::Quota => {
                self.tally.quota_spells += 1;
                let spell_ms = self.dice.between(200, 3_000);
                self.devices[device].fate.full_until_ms = self.schedule.now_ms() + spell_ms;
            }
            BadDay::Clock => self.jump_clock(device),
            BadDay::Ghost => self.ghost(device),
            BadDay::Token => self.expire_token(device),
            BadDay::User => self.switch_user(device)?,
            BadDay::Restore => self.back_up_or_restore(),
            BadDay::Rights => self.change_rights(device)?,
            BadDay::Builds => self.change_build(device)?,
        }
        Ok(true)
    }

    /// The profile is copied to another device of the same person; both go on.
    fn clone_device(&mut self, device: usize) -> Result<(), Failure> {
        self.tally.clones += 1;
        let number = self.devices.len();
        let own = &mut self.devices[device];
        own.fate.era += 1;
        own.fate.may_change_identity = true;
        let mut copy = Device::copy_of(own, number);
        copy.fate.origin = own.fate.origin;
        copy.fate.era = 1;
        copy.fate.may_change_identity = true;
        copy.fate.token = own.fate.token;
        copy.fate.valid_token = own.fate.valid_token;
        self.devices.push(copy);
        let tabs = if self.devices[number].is_shared {
            self.dice.between(1, 2)
        } else {
            1
        };
        let first = self.tabs.len();
        for _ in 0..tabs {
            self.tabs.push(Tab::of(number));
        }
        checkers::believe_disk(self, number)?;
        if let Some(known) = self.book.taken_back.get(&device).cloned() {
            self.book.taken_back.insert(number, known);
        }
        self.trace
            .say(|| format!("device {number} is a copy of device {device}"));
        self.start_device(number)?;
        for tab in first..self.tabs.len() {
            let delay_ms = self.dice.below(300);
            self.schedule.after(delay_ms, Event::Person { tab });
        }
        Ok(())
    }

    /// Keeps states of the disk to go back to.
    pub fn note_disk(&mut self, device: usize) {
        if self.bad_days.contains(&BadDay::RollBack) && self.dice.chance(10) {
            let disk = self.devices[device].disk();
            let snapshots = &mut self.devices[device].fate.snapshots;
            if snapshots.len() >= SNAPSHOTS_MAX {
                let index = self.dice.below(SNAPSHOTS_MAX as u64);
                snapshots.remove(usize::try_from(index).expect("a few"));
            }
            snapshots.push(disk);
        }
        if self.bad_days.contains(&BadDay::LoseRelaxed) {
            let disk = self.devices[device].disk();
            let relaxed = &mut self.devices[device].fate.relaxed;
            if relaxed.len() >= SNAPSHOTS_MAX {
                relaxed.remove(0);
            }
            relaxed.push(disk);
        }
    }

    /// The profile goes back to an earlier state (a backup of the device, a restored machine).
    fn roll_back_disk(&mut self, device: usize) -> Result<(), Failure> {
        let Some(disk) = self.devices[device].fate.snapshots.pop() else {
            return Ok(());
        };
        self.tally.rollbacks += 1;
        self.go_back(device, disk)
    }

    /// The process and the machine die, and the last transactions were not as durable as was said.
    fn lose_relaxed(&mut self, device: usize) -> Result<(), Failure> {
        let relaxed = &mut self.devices[device].fate.relaxed;
        if relaxed.is_empty() {
            return Ok(());
        }
        let index = self.dice.below(relaxed.len() as u64);
        let disk = relaxed.swap_remove(usize::try_from(index).expect("a few"));
        self.tally.relaxed_lost += 1;
        self.go_back(device, disk)
    }

    fn go_back(&mut self, device: usize, disk: Disk) -> Result<(), Failure> {
        self.crash_device(device)?;
        self.trace
            .say(|| format!("device {device} goes back to {:?}", disk.edits));
        let own = &mut self.devices[device];
        own.set_disk(disk);
        own.fate.era += 1;
        own.fate.may_change_identity = true;
        own.fate.relaxed.clear();
        own.client = None;
        own.fate.stored_client = None;
        checkers::forgive(self, device)
    }

    fn jump_clock(&mut self, device: usize) {
        self.tally.clock_jumps += 1;
        let jump_ms = [DAY_MS / 24, DAY_MS, 8 * DAY_MS, 3_650 * DAY_MS];
        let jump_ms = self.dice.pick(&jump_ms).copied().unwrap_or_default();
        let sign = if self.dice.chance(50) { 1 } else { -1 };
        self.devices[device].fate.clock_ms = sign * jump_ms;
    }

    /// A connection of the device that it no longer knows of reaches the server late.
    fn ghost(&mut self, device: usize) {
        let messages = self.devices[device].fate.sent.clone();
        if messages.is_empty() || !self.server.is_up {
            return;
        }
        self.tally.ghosts += 1;
        let number = self.next_link;
        self.next_link += 1;
        let mut link = Link::new((device, 0), 0, driftless_protocol::Codec::MessagePack);
        link.device_end = false;
        link.server_end = true;
        let mut at_ms = self.schedule.now_ms();
        for message in &messages {
            at_ms += self.dice.between(1, 400);
            let bytes = link.codec.encode_client(message);
            let event = Event::ToServer {
                link: number,
                bytes,
            };
            self.schedule.at(at_ms, event);
        }
        self.links.insert(number, link);
        at_ms += self.dice.between(1, 1_500);
        self.schedule.at(at_ms, Event::LinkGone { link: number });
    }

    /// The token expires in the middle of everything; the application has a new one later.
    fn expire_token(&mut self, device: usize) {
        self.tally.expiries += 1;
        self.devices[device].fate.valid_token += 1;
        let own = self
            .links
            .iter()
            .filter(|(_, link)| link.device == device && link.server_end && link.client.is_some());
        let own: Vec<u64> = own.map(|(number, _)| *number).collect();
        for number in own {
            self.close_server_end(number, Some(CloseCode::Unauthorised.number()));
        }
        let delay_ms = self.dice.between(100, 3_000);
        self.schedule.after(delay_ms, Event::RenewToken { device });
    }

    /// The application has a token that is good.
    pub fn renew_token(&mut self, device: usize) -> Result<(), Failure> {
        let fate = &mut self.devices[device].fate;
        fate.token = fate.valid_token;
        self.give_token(device)
    }

    /// Somebody else signs in on the device, or the person does again.
    fn switch_user(&mut self, device: usize) -> Result<(), Failure> {
        self.tally.user_switches += 1;
        let own = &mut self.devices[device];
        own.fate.may_change_identity = true;
        own.fate.guest = match own.fate.guest.take() {
            Some(_) => None,
            None => UserId::new(format!("guest-{}", own.fate.origin)).ok(),
        };
        let is_open = |tab: &usize| self.tabs[*tab].replica.is_some() && !self.is_frozen(*tab);
        let open: Vec<usize> = self.tabs_of(device).into_iter().filter(is_open).collect();
        match self.dice.pick(&open).copied() {
            Some(tab) => self.sign_in_at(tab),
            None => Ok(()),
        }
    }

    /// Somebody signs in at a tab: it takes the lead, and then the others get the token from it.
    fn sign_in_at(&mut self, tab: usize) -> Result<(), Failure> {
        let device = self.device_of(tab);
        let token = self.token_for(tab);
        self.command(tab, Command::SetToken(Some(token)))?;
        if self.is_follower(tab) {
            self.tally.follower_sign_ins += 1;
            self.steal_lock(tab)?;
        }
        let delay_ms = self.dice.between(0, 1_000);
        self.schedule.after(delay_ms, Event::RenewToken { device });
        Ok(())
    }

    /// The token that the application of a device has, for one of its tabs.
    fn token_for(&mut self, tab: usize) -> String {
        let own = &self.devices[self.device_of(tab)];
        let user = own.fate.guest.as_ref().unwrap_or(&own.user);
        let token = format!("{user}#{}", own.fate.token);
        self.tabs[tab].signed_in = Some(user.clone());
        token
    }

    /// Tells every tab who is signed in.
    pub fn give_token(&mut self, device: usize) -> Result<(), Failure> {
        for tab in self.tabs_of(device) {
            self.give_token_to(tab)?;
        }
        Ok(())
    }

    /// Tells a tab who is signed in.
    pub fn give_token_to(&mut self, tab: usize) -> Result<(), Failure> {
        let token = self.token_for(tab);
        // The tab that leads signs in for all.
        let command = if self.is_follower(tab) {
            Command::AdoptToken
        } else {
            Command::SetToken
        };
        self.command(tab, command(Some(token)))
    }

    /// Everybody has the token of the user to whom the copy on their device belongs.
    pub fn heal_tokens(&mut self, device: usize) -> Result<(), Failure> {
        let first = self.tabs_of(device).first().copied();
        let leader = self.devices[device].elected.or(first);
        let replica = leader.and_then(|tab| self.tabs[tab].replica.as_ref());
        let status = replica.map(Replica::status);
        let own = &mut self.devices[device];
        let guest = UserId::new(format!("guest-{}", own.fate.origin)).ok();
        own.fate.guest = match status.map(|status| (status.user, status.connection)) {
            Some((Some(bound), _)) => Some(bound).filter(|bound| *bound != own.user),
            // The server says that it is neither's: then it is the other's.
            Some((None, Connection::Closed { .. })) if own.fate.guest.is_none() => guest,
            _ => None,
        };
        own.fate.full_until_ms = 0;
        self.renew_token(device)
    }

    /// Who a token stands for, as long as it is good.
    pub fn authenticate(&self, device: usize, token: Option<&str>) -> Option<UserId> {
        let (user, serial) = token?.split_once('#')?;
        let serial: u64 = serial.parse().ok()?;
        (serial >= self.devices[device].fate.valid_token)
            .then(|| UserId::new(user).ok())
            .flatten()
    }
}
