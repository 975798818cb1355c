//! One run: a server, devices, links, persons and faults in virtual time; then healing; then the
//! checkers.

mod attention;
mod person;
mod faults;
mod rights;
mod undo;
mod device;
mod server;
mod server_faults;
mod checkers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use driftless_model::{BoardId, Schema};
use driftless_protocol::CloseCode;
use driftless_store::server::MemoryBoards;
use driftless_sync::replica::view::AutoResolve;
use driftless_sync::replica::{Command, Input};
use driftless_sync::room::Retention;

use crate::book::Book;

use crate::dice::Dice;
use crate::failure::Failure;
use crate::network::Link;
use crate::schedule::{Event, Schedule};

use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::device::Device;
use crate::world::faults::BadDay;
use crate::world::rights::Rights;
use crate::world::server::Server;

/// How long persons and faults go on, in virtual milliseconds.
const FAULTS_MS: u64 = 12_000;
/// How long the system may take to come to rest afterwards.
const HEALING_MS: u64 = 40_000;

/// What a board keeps in some of the runs. Persons make four records.
const SHORT: Retention = Retention {
    marks_max: 1,
    log_rows_max: 3,
};

/// Everything of one run.
pub struct World {
    pub dice: Dice,
    pub schedule: Schedule,
    pub schema: Arc<Schema>,
    pub boards: Vec<BoardId>,
    pub devices: Vec<Device>,
    pub server: Server,
    pub links: BTreeMap<u64, Link>,
    pub next_link: u64,
    pub has_faults: bool,
    pub book: Book,
    pub tally: Tally,
    pub trace: Trace,
    /// Views that were just flushed and not yet compared.
    pub unchecked_views: BTreeSet<(usize, BoardId)>,
    /// What goes wrong in this run beyond crashes and cuts.
    pub bad_days: BTreeSet<BadDay>,
    /// Who may do what.
    pub rights: Rights,
    /// What each device showed of a board when it was compared last.
    pub shown_before: BTreeMap<(usize, BoardId), checkers::Values>,
    latency_max_ms: u64,
}

/// Runs a seed to its end.
pub fn run(seed: u64, is_traced: bool) -> (Tally, Result<(), Failure>) {
    let mut world = World::new(seed, is_traced);
    let result = world.live();
    (world.tally, result)
}

impl World {
    fn new(seed: u64, is_traced: bool) -> Self {
        let mut dice = Dice::new(seed);
        let mut devices = Vec::new();
        for number in 0..usize::try_from(dice.between(2, 3)).expect("a few devices") {
            let auto_resolve = match dice.below(10) {
                0 => AutoResolve::Mine,
                1 => AutoResolve::Theirs,
                _ => AutoResolve::Never,
            };
            devices.push(Device::new(number, auto_resolve));
        }
        let boards = if dice.chance(30) {
            vec!["one", "two"]
        } else {
            vec!["one"]
        };
        let boards = boards
            .iter()
            .map(|id| BoardId::new(id).expect("an id"))
            .collect();
        let ring_max = usize::try_from(dice.between(2, 40)).expect("a small ring");
        let latency_max_ms = if dice.chance(50) { 30 } else { 300 };
        let bad_days = BadDay::draw(&mut dice);
        let is_short = dice.chance(20);
        let retention = if is_short {
            // Whoever is below the log may be of another history, and takes no chances.
            devices.iter_mut().for_each(Device::allow_identities);
            SHORT
        } else {
            Retention::default()
        };
        let server = Server {
            store: MemoryBoards::new(),
            archive: MemoryBoards::new(),
            retention,
            is_up: true,
            life: 0,
            rooms: BTreeMap::new(),
            ring_max,
            backups: Vec::new(),
            has_been_restored: false,
        };
        Self {
            dice,
            schedule: Schedule::default(),
            schema: Arc::new(Schema::builtin()),
            boards,
            devices,
            server,
            links: BTreeMap::new(),
            next_link: 0,
            has_faults: true,
            book: Book::default(),
            tally: Tally::default(),
            trace: Trace::new(is_traced),
            unchecked_views: BTreeSet::new(),
            bad_days,
            rights: Rights::default(),
            shown_before: BTreeMap::new(),
            latency_max_ms,
        }
    }

    fn live(&mut self) -> Result<(), Failure> {
        for device in 0..self.devices.len() {
            self.start_device(device)?;
            let delay_ms = self.dice.below(300);
            self.schedule.after(delay_ms, Event::Person { device });
        }
        self.until(FAULTS_MS)?;
        self.heal()?;
        let mut at_ms = FAULTS_MS;
        while checkers::restless(self).is_some() {
            at_ms += 500;
            if at_ms > FAULTS_MS + HEALING_MS {
                let what = checkers::restless(self).unwrap_or_default();
                return Err(Failure::new("live", what));
            }
            for device in 0..self.devices.len() {
                self.heal_tokens(device)?;
            }
            self.until(at_ms)?;
        }
        checkers::at_rest(self)
    }

    /// Lets everything happen that happens until a time.
    fn until(&mut self, end_ms: u64) -> Result<(), Failure> {
        while self.schedule.now_ms() < end_ms
            && let Some(event) = self.schedule.next()
        {
            self.happen(event)?;
            if let Some(broken) = self.rights.broken.take() {
                return Err(broken);
            }
            for (device, board) in std::mem::take(&mut self.unchecked_views) {
                checkers::view(self, device, &board)?;
            }
        }
        Ok(())
    }

    /// No more faults, no more edits; everything comes back.
    fn heal(&mut self) -> Result<(), Failure> {
        self.has_faults = false;
        self.trace.say(|| "healing".to_owned());
        self.server.is_up = true;
        self.heal_rights()?;
        for device in 0..self.devices.len() {
            self.start_device(device)?;
            self.devices[device].gesture = None;
            self.heal_tokens(device)?;
            self.command(device, Command::Network(true))?;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Person { device } => self.person(device)?,
            Event::EndGesture { device, life } if self.is_alive(device, life) => {
                self.end_gesture(device)?;
            }
            Event::DeviceStart { device } => self.start_device(device)?,
            Event::DeviceLoaded { device, life } if self.is_alive(device, life) => {
                self.device_loaded(device)?;
            }
            Event::DeviceStored {
                device,
                life,
                ticket,
                transaction,
            } if self.is_alive(device, life) => {
                self.device_stored(device, ticket, &transaction)?;
            }
            Event::DeviceWake { device, life } if self.is_alive(device, life) => {
                self.device_input(device, Input::Wake)?;
            }
            Event::NetworkBack { device, life } if self.is_alive(device, life) => {
                self.command(device, Command::Network(true))?;
            }
            Event::RenewToken { device } => self.renew_token(device)?,
            Event::EditFound {
                life,
                board,
                number,
                id,
                above,
            } if life == self.server.life => self.edit_found(&board, number, id, above)?,
            Event::LinkOpens { link } => self.link_opens(link)?,
            Event::ToServer { link, bytes } => self.arrive_at_server(link, &bytes)?,
            Event::ToDevice { link, bytes } => self.arrive_at_device(link, &bytes)?,
            Event::LinkLost { link, code } => self.link_lost(link, code)?,
            Event::LinkGone { link } => self.link_gone(link)?,
            Event::ReadStream { link, board } => self.read_stream(link, &board)?,
            Event::ServerStart => self.server.is_up = true,
            Event::BoardLoaded { life, board } if life == self.server.life => {
                self.board_loaded(&board)?;
            }
            Event::CheckFound {
                life,
                board,
                connection,
                version,
            } if life == self.server.life => {
                self.check_found(&board, connection, version)?;
            }
            Event::BoardStored { life, append } if life == self.server.life => {
                self.board_stored(*append)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn is_alive(&self, device: usize, life: u64) -> bool {
        self.devices[device].replica.is_some() && self.devices[device].life == life
    }

    fn device_loaded(&mut self, device: usize) -> Result<(), Failure> {
        let rows = self.devices[device].rows.load_now();
        let rows = rows.map_err(|error| Failure::new("durable", error.to_string()))?;
        self.device_input(
            device,
            Input::Loaded {
                rows,
                volatile: None,
            },
        )?;
        checkers::identity(self, device)
    }

    /// A latency of the network.
    pub fn delay_ms(&mut self) -> u64 {
        let is_slow = self.has_faults && self.dice.chance(3);
        let most = if is_slow { 2_500 } else { self.latency_max_ms };
        self.dice.between(1, most)
    }

    // Links

    fn link_opens(&mut self, number: u64) -> Result<(), Failure> {
        let is_refused = !self.server.is_up || (self.has_faults && self.dice.chance(10));
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        if !link.device_end {
            return Ok(());
        }
        if is_refused {
            return self.link_lost(number, None);
        }
        link.server_end = true;
        let (device, socket) = (link.device, link.socket);
        self.device_input(device, Input::SocketOpened { socket })
    }

    fn arrive_at_server(&mut self, number: u64, bytes: &[u8]) -> Result<(), Failure> {
        let Some(link) = self.links.get(&number).filter(|link| link.server_end) else {
            return Ok(());
        };
        let message = link.codec.decode_client(bytes);
        let message = message.map_err(|error| Failure::new("codec", error.to_string()))?;
        self.server_message(number, message)
    }

    fn arrive_at_device(&mut self, number: u64, bytes: &[u8]) -> Result<(), Failure> {
        let Some(link) = self.links.get(&number).filter(|link| link.device_end) else {
            return Ok(());
        };
        let (device, socket) = (link.device, link.socket);
        let message = link.codec.decode_server(bytes);
        let message = message.map_err(|error| Failure::new("codec", error.to_string()))?;
        self.note_told(device, &message);
        self.device_input(
            device,
            Input::SocketMessage {
                socket,
                message: Box::new(message),
            },
        )?;
        self.has_no_copy(device)
    }

    fn link_lost(&mut self, number: u64, code: Option<u16>) -> Result<(), Failure> {
        let Some(link) = self.links.get_mut(&number).filter(|link| link.device_end) else {
            return Ok(());
        };
        link.device_end = false;
        let (device, socket) = (link.device, link.socket);
        let own = &mut self.devices[device];
        own.link = own.link.filter(|own| *own != number);
        let reason = "the link was lost".to_owned();
        self.device_input(
            device,
            Input::SocketClosed {
                socket,
                code,
                reason,
            },
        )
    }

    fn link_gone(&mut self, number: u64) -> Result<(), Failure> {
        self.forget_following(number)?;
        if let Some(link) = self.links.get_mut(&number) {
            link.server_end = false;
        }
        Ok(())
    }

    fn forget_following(&mut self, number: u64) -> Result<(), Failure> {
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        let connection = driftless_sync::room::ConnectionId(number);
        for board in std::mem::take(&mut link.following).into_keys() {
            let input = driftless_sync::room::Input::Unsubscribe { connection };
            self.room_input(&board, input)?;
        }
        Ok(())
    }

    /// The device lets go of a link; the server notices later.
    pub fn drop_device_end(&mut self, number: u64) {
        if let Some(link) = self.links.get_mut(&number) {
            link.device_end = false;
        }
        // What was sent before may still arrive: often, but not always.
        let delay_ms = self.dice.between(1, 1_500);
        self.schedule
            .after(delay_ms, Event::LinkGone { link: number });
    }

    /// The server lets go of a link; the device notices later, at the latest by its heartbeat.
    pub fn close_server_end(&mut self, number: u64, code: Option<u16>) {
        if let Some(link) = self.links.get_mut(&number) {
            link.server_end = false;
            link.following.clear();
        }
        let is_silent = code.is_none() && self.has_faults && self.dice.chance(30);
        let at_ms = self
            .links
            .get(&number)
            .map_or(0, |link| link.last_to_device_ms);
        let delay_ms = if is_silent {
            5_000
        } else {
            self.dice.between(1, 100)
        };
        let at_ms = at_ms.max(self.schedule.now_ms() + delay_ms);
        self.schedule
            .at(at_ms, Event::LinkLost { link: number, code });
        debug_assert!(code.is_none_or(|code| code != CloseCode::Violation.number()));
    }
}
