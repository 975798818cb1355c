//! A person: the real client on a device of the test.

use std::cell::RefCell;
use std::rc::Rc;

use driftless_client::platform::Signal;
use driftless_client::platform::conditioned::Conditioned;
use driftless_client::{Client, EditBuilder, EditHandle, NetworkControl};
use driftless_model::{BoardId, Schema};
use futures::channel::mpsc;
use futures::future::AbortHandle;

use crate::cable::Cable;
use crate::disk::{Disk, DiskRows};
use crate::platform::KitPlatform;
use crate::world::World;

/// A person with a device. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Person(Rc<Device>);

#[derive(Debug)]
struct Device {
    machine: Machine,
    running: RefCell<Running>,
}

/// What survives a crash, and how the client on it is started.
#[derive(Debug)]
struct Machine {
    world: Rc<World>,
    name: String,
    /// The kinds that their build knows.
    schema: Schema,
    rows: DiskRows,
    cable: Cable,
    network: NetworkControl,
}

#[derive(Debug)]
struct Running {
    client: Client,
    signals: mpsc::UnboundedSender<Signal>,
    driver: AbortHandle,
}

impl Person {
    pub(crate) fn new(world: Rc<World>, name: &str, schema: Schema) -> Self {
        let machine = Machine {
            world,
            name: name.to_owned(),
            schema,
            rows: DiskRows::default(),
            cable: Cable::new(),
            network: NetworkControl::default(),
        };
        let running = RefCell::new(machine.start());
        Self(Rc::new(Device { machine, running }))
    }

    /// Their name, which is their user as well.
    pub fn name(&self) -> &str {
        &self.0.machine.name
    }

    /// Their client. After [`Person::restart`] it is another one.
    pub fn client(&self) -> Client {
        self.0.running.borrow().client.clone()
    }

    /// Makes an edit on a board, and lets everything happen that follows at once. The edit has to
    /// be valid: [`driftless_client::Board::edit`] is for those that are not.
    #[track_caller]
    pub fn edit(
        &self,
        board: &BoardId,
        label: &str,
        build: impl FnOnce(&mut EditBuilder),
    ) -> EditHandle {
        let made = self.client().board(board.clone()).edit(label, build);
        self.0.machine.world.settle();
        made.unwrap_or_else(|error| panic!("{}: {label}: {error}", self.name()))
    }

    /// The device loses its network and knows it: aeroplane mode.
    pub fn go_offline(&self) {
        self.cut_cable();
        self.signal(Signal::Network(false));
    }

    /// The device has its network again.
    pub fn go_online(&self) {
        self.mend_cable();
        self.signal(Signal::Network(true));
    }

    /// Nothing gets through any more, and nobody tells the device: it finds out by silence.
    pub fn cut_cable(&self) {
        self.0.machine.cable.set_whole(false);
        self.0.machine.world.settle();
    }

    /// What is sent gets through again. Connections from before the cut stay dead.
    pub fn mend_cable(&self) {
        self.0.machine.cable.set_whole(true);
    }

    /// How slow and lossy the way to the server is; perfect at first. Its chance is the same in
    /// every run.
    pub fn network(&self) -> NetworkControl {
        self.0.machine.network.clone()
    }

    /// Their device's storage breaks, or works again. What it had taken before is kept.
    pub fn set_disk(&self, disk: Disk) {
        self.0.machine.rows.set(disk);
    }

    /// The page is hidden, or seen again.
    pub fn set_visible(&self, is_visible: bool) {
        self.signal(Signal::Visible(is_visible));
    }

    /// The process dies and starts again on what was stored. Handles of the old client hear no
    /// more.
    pub fn restart(&self) {
        let device = &*self.0;
        // The old driver is dropped as it stands: nothing is stored or sent on the way out.
        device.running.borrow().driver.abort();
        device.machine.world.settle();
        let running = device.machine.start();
        *device.running.borrow_mut() = running;
        device.machine.world.settle();
    }

    fn signal(&self, signal: Signal) {
        // A client that stopped hears nothing.
        let _ = self.0.running.borrow().signals.unbounded_send(signal);
        self.0.machine.world.settle();
    }
}

impl Machine {
    fn start(&self) -> Running {
        let (clock, server) = (Rc::clone(&self.world.clock), self.world.server.clone());
        let (platform, signals) = KitPlatform::new(clock, server, self.cable.clone());
        let builder = Client::builder("testkit")
            .token(Some(self.name.clone()))
            .schema(self.schema.clone())
            .config(self.world.config.clone())
            .storage(self.rows.clone());
        let platform = Conditioned::new(platform, self.network.clone());
        let (client, driver) = builder.start_on(platform);
        // A person looks at what their page shows.
        let _ = signals.unbounded_send(Signal::Visible(true));
        Running {
            client,
            signals,
            driver: self.world.spawn(driver),
        }
    }
}
