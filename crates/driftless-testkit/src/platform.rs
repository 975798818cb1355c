//! Where a person's client runs: on the test's clock, with a cable to the test's server.

use std::rc::Rc;

use driftless_client::platform::{Platform, Signal};
use futures::channel::mpsc;

use crate::cable::{Cable, KitSocket, socket};
use crate::clock::{Clock, Sleep};
use crate::server::Server;

/// A person's device.
#[derive(Debug)]
pub struct KitPlatform {
    clock: Rc<Clock>,
    server: Server,
    cable: Cable,
    signals: Option<mpsc::UnboundedReceiver<Signal>>,
}

impl KitPlatform {
    /// A device, and where to say what it tells its client.
    pub fn new(
        clock: Rc<Clock>,
        server: Server,
        cable: Cable,
    ) -> (Self, mpsc::UnboundedSender<Signal>) {
        let (sender, signals) = mpsc::unbounded();
        let signals = Some(signals);
        let platform = Self {
            clock,
            server,
            cable,
            signals,
        };
        (platform, sender)
    }
}

impl Platform for KitPlatform {
    type Socket = KitSocket;
    type Sleep = Sleep;
    type Signals = mpsc::UnboundedReceiver<Signal>;

    fn mono_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn epoch_ms(&self) -> u64 {
        self.clock.epoch_ms()
    }

    fn sleep_until(&self, mono_ms: u64) -> Sleep {
        self.clock.sleep_until(mono_ms)
    }

    fn connect(&self, _url: &str) -> KitSocket {
        let (client, server) = socket(&self.cable);
        self.server.take(server);
        client
    }

    fn signals(&mut self) -> Self::Signals {
        self.signals
            .take()
            .expect("a driver asks for its signals once")
    }
}
