//! One run: a server, devices, links, persons and faults in virtual time; then healing; then the
//! checkers.

mod builds;
mod attention;
mod person;
mod faults;
mod rights;
mod undo;
mod device;
mod tab;
mod tab_channel;
mod server;
mod server_faults;
mod checkers;

use std::collections::{BTreeMap, BTreeSet};

use driftless_model::BoardId;
use driftless_protocol::CloseCode;
use driftless_sync::replica::view::AutoResolve;
use driftless_sync::replica::{Command, Input};
use driftless_sync::room::Retention;

use crate::book::Book;
use crate::coverage::Coverage;

use crate::dice::Dice;
use crate::failure::Failure;
use crate::network::Link;
use crate::schedule::{Event, Schedule};

use crate::builds::Schemas;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::device::Device;
pub use crate::world::faults::BadDay;
use crate::world::rights::Rights;
use crate::world::server::Server;
use crate::world::tab::Tab;

/// How long persons and faults go on, in virtual milliseconds.
const FAULTS_MS: u64 = 12_000;
/// How long the system may take to come to rest afterwards.
const HEALING_MS: u64 = 40_000;
/// The most that may happen in a run: more is machines that keep each other busy for ever.
const EVENTS_MAX: u64 = 100_000;

/// What a board keeps in some of the runs. Persons make four records.
const SHORT: Retention = Retention {
    marks_max: 1,
    log_rows_max: 3,
};

/// Everything of one run.
pub struct World {
    pub dice: Dice,
    pub schedule: Schedule,
    pub schemas: Schemas,
    pub boards: Vec<BoardId>,
    pub devices: Vec<Device>,
    pub tabs: Vec<Tab>,
    pub server: Server,
    pub links: BTreeMap<u64, Link>,
    pub next_link: u64,
    pub has_faults: bool,
    pub book: Book,
    pub tally: Tally,
    pub coverage: Coverage,
    pub trace: Trace,
    /// Views that were just flushed and not yet compared.
    pub unchecked_views: BTreeSet<(usize, BoardId)>,
    /// What goes wrong in this run beyond crashes and cuts.
    pub bad_days: BTreeSet<BadDay>,
    /// Who may do what.
    pub rights: Rights,
    /// What each tab showed of a board when it was compared last.
    pub shown_before: BTreeMap<(usize, BoardId), checkers::Values>,
    latency_max_ms: u64,
    /// How much happened so far.
    events: u64,
}

/// What a run is made from. Leaving out makes histories smaller.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub seed: u64,
    /// How long persons and faults go on, in virtual milliseconds.
    pub faults_ms: u64,
    /// What does not go wrong.
    pub without: BTreeSet<BadDay>,
    /// Whether devices may have several tabs.
    pub has_tabs: bool,
}

/// What became of a run.
#[derive(Debug)]
pub struct Run {
    pub tally: Tally,
    pub coverage: Coverage,
    pub result: Result<(), Failure>,
}

impl Plan {
    /// Everything that a seed says.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            faults_ms: FAULTS_MS,
            without: BTreeSet::new(),
            has_tabs: false,
        }
    }

    /// Runs to the end.
    pub fn run(&self, is_traced: bool) -> Run {
        let mut world = World::new(self, is_traced);
        let lived = world.live(self.faults_ms);
        let result = lived.and_then(|()| world.coverage.steps.check(self.has_tabs));
        world.coverage.run(&world.tally);
        Run {
            tally: world.tally,
            coverage: world.coverage,
            result,
        }
    }
}

impl World {
    fn new(plan: &Plan, is_traced: bool) -> Self {
        let mut dice = Dice::new(plan.seed);
        let (mut devices, mut tabs) = (Vec::new(), Vec::new());
        for number in 0..usize::try_from(dice.between(2, 3)).expect("a few devices") {
            let auto_resolve = match dice.below(10) {
                0 => AutoResolve::Mine,
                1 => AutoResolve::Theirs,
                _ => AutoResolve::Never,
            };
            let is_shared = plan.has_tabs && dice.chance(50);
            devices.push(Device::new(number, is_shared, auto_resolve));
            let most = if is_shared { 3 } else { 1 };
            for _ in 0..dice.between(1, most) {
                tabs.push(Tab::of(number));
            }
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
        let bad_days = BadDay::draw(&mut dice, &plan.without);
        let is_short = dice.chance(20);
        let retention = if is_short {
            // Whoever is below the log may be of another history, and takes no chances.
            devices.iter_mut().for_each(Device::allow_identities);
            SHORT
        } else {
            Retention::default()
        };
        let server = Server::new(retention, ring_max);
        Self {
            dice,
            schedule: Schedule::default(),
            schemas: Schemas::new(),
            boards,
            devices,
            tabs,
            server,
            links: BTreeMap::new(),
            next_link: 0,
            has_faults: true,
            book: Book::default(),
            tally: Tally::default(),
            coverage: Coverage::default(),
            trace: Trace::new(is_traced),
            unchecked_views: BTreeSet::new(),
            bad_days,
            rights: Rights::default(),
            shown_before: BTreeMap::new(),
            latency_max_ms,
            events: 0,
        }
    }

    fn live(&mut self, faults_ms: u64) -> Result<(), Failure> {
        for device in 0..self.devices.len() {
            self.start_device(device)?;
        }
        for tab in 0..self.tabs.len() {
            let delay_ms = self.dice.below(300);
            self.schedule.after(delay_ms, Event::Person { tab });
        }
        self.until(faults_ms)?;
        self.heal()?;
        let mut at_ms = faults_ms;
        while checkers::restless(self).is_some() {
            at_ms += 500;
            if at_ms > faults_ms + HEALING_MS {
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
        // What healing led to is compared before anything else moves the confirmed state.
        self.compare_views()?;
        while self.schedule.now_ms() < end_ms
            && let Some(event) = self.schedule.next()
        {
            self.events += 1;
            if self.events > EVENTS_MAX {
                return Err(Failure::new("live", "the run does not end"));
            }
            self.happen(event)?;
            if let Some(broken) = self.rights.broken.take() {
                return Err(broken);
            }
            self.compare_views()?;
        }
        Ok(())
    }

    fn compare_views(&mut self) -> Result<(), Failure> {
        for (tab, board) in std::mem::take(&mut self.unchecked_views) {
            checkers::view(self, tab, &board)?;
        }
        Ok(())
    }

    /// No more faults, no more edits; everything comes back.
    fn heal(&mut self) -> Result<(), Failure> {
        self.has_faults = false;
        self.trace.say(|| "healing".to_owned());
        self.heal_builds();
        self.server.is_up = true;
        self.heal_rights()?;
        for device in 0..self.devices.len() {
            self.start_device(device)?;
            self.heal_tokens(device)?;
        }
        for tab in 0..self.tabs.len() {
            self.tabs[tab].gesture = None;
            self.command(tab, Command::Network(true))?;
            self.command(tab, Command::Connect)?;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Failure> {
        // What is to happen in a frozen tab happens when it thaws.
        let tab = event.tab().or_else(|| self.tab_of_link(&event));
        if let Some(tab) = tab.filter(|tab| self.is_frozen(*tab)) {
            let thaws_ms = self.tabs[tab].frozen_until_ms;
            self.schedule.at(thaws_ms, event);
            return Ok(());
        }
        self.take_place(event)
    }

    fn take_place(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Person { tab } => self.person(tab)?,
            Event::EndGesture { tab, life } if self.is_alive(tab, life) => {
                self.end_gesture(tab)?;
            }
            Event::DeviceStart { device } => self.start_device(device)?,
            Event::TabStart { tab } => self.start_tab(tab)?,
            Event::TabLoaded { tab, life } if self.is_alive(tab, life) => {
                self.tab_loaded(tab)?;
            }
            Event::TabElected { tab, life }
                if self.is_alive(tab, life) && !self.is_follower(tab) =>
            {
                self.tab_input(tab, Input::Elected)?;
            }
            Event::TabTold { tab, life, bytes } if self.is_alive(tab, life) => {
                self.tab_told(tab, &bytes)?;
            }
            Event::TabStored {
                tab,
                life,
                ticket,
                transaction,
            } if self.is_alive(tab, life) => {
                self.tab_stored(tab, ticket, &transaction)?;
            }
            Event::TabWake { tab, life, mono_ms } if self.is_alive(tab, life) => {
                self.wake_tab(tab, mono_ms)?;
            }
            Event::NetworkBack { tab, life } if self.is_alive(tab, life) => {
                self.command(tab, Command::Network(true))?;
                self.command(tab, Command::Connect)?;
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
            Event::Replaced { link } => self.replaced(link),
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

    /// The tab in which the end of a link is that something happens at.
    fn tab_of_link(&self, event: &Event) -> Option<usize> {
        let (Event::LinkOpens { link }
        | Event::ToDevice { link, .. }
        | Event::LinkLost { link, .. }) = event
        else {
            return None;
        };
        let link = self.links.get(link)?;
        link.device_end.then_some(link.tab)
    }

    fn is_alive(&self, tab: usize, life: u64) -> bool {
        self.tabs[tab].replica.is_some() && self.tabs[tab].life == life
    }

    fn tab_loaded(&mut self, tab: usize) -> Result<(), Failure> {
        self.tabs[tab].is_reading = false;
        let rows = self.devices[self.device_of(tab)].rows.load_now();
        let rows = rows.map_err(|error| Failure::new("durable", error.to_string()))?;
        self.tab_input(
            tab,
            Input::Loaded {
                rows,
                volatile: None,
            },
        )?;
        self.read_again(tab);
        checkers::identity(self, tab)
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
        let (tab, socket) = (link.tab, link.socket);
        self.tab_input(tab, Input::SocketOpened { socket })
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
        let (tab, socket) = (link.tab, link.socket);
        let message = link.codec.decode_server(bytes);
        let message = message.map_err(|error| Failure::new("codec", error.to_string()))?;
        self.coverage.message(&message);
        self.note_told(tab, &message);
        self.tab_input(
            tab,
            Input::SocketMessage {
                socket,
                message: Box::new(message),
            },
        )?;
        self.has_no_copy(tab)
    }

    fn link_lost(&mut self, number: u64, code: Option<u16>) -> Result<(), Failure> {
        let Some(link) = self.links.get_mut(&number).filter(|link| link.device_end) else {
            return Ok(());
        };
        link.device_end = false;
        let (tab, socket) = (link.tab, link.socket);
        let own = &mut self.tabs[tab];
        own.link = own.link.filter(|own| *own != number);
        let reason = "the link was lost".to_owned();
        self.tab_input(
            tab,
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
