//! What lies between the tabs of a device: messages that are late, doubled or lost, a lock that one
//! of them has, and bad days of a single tab.

use driftless_protocol::TabMessage;
use driftless_sync::replica::Input;

use crate::failure::Failure;
use crate::schedule::Event;
use crate::world::World;
use crate::world::checkers;

impl World {
    /// A message to every other tab of the device.
    pub fn tell_tabs(&mut self, tab: usize, message: &TabMessage) {
        let bytes = message.encode();
        for other in self.tabs_of(self.device_of(tab)) {
            if other == tab || self.tabs[other].replica.is_none() {
                continue;
            }
            let copies = match self.dice.below(100) {
                0..=4 if self.has_faults => 0,
                5..=7 if self.has_faults => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let is_late = self.has_faults && self.dice.chance(3);
                let delay_ms = self.dice.between(0, if is_late { 900 } else { 8 });
                let (life, bytes) = (self.tabs[other].life, bytes.clone());
                let event = Event::TabTold {
                    tab: other,
                    life,
                    bytes,
                };
                self.schedule.after(delay_ms, event);
            }
        }
    }

    /// A message of another tab arrives.
    pub fn tab_told(&mut self, tab: usize, bytes: &[u8]) -> Result<(), Failure> {
        let message = TabMessage::decode(bytes);
        let message = message.map_err(|error| Failure::new("codec", error.to_string()))?;
        self.tab_input(tab, Input::Told(Box::new(message)))
    }

    /// Somebody gets the lock, where nobody has it.
    pub fn elect(&mut self, device: usize) {
        if !self.devices[device].is_shared || self.devices[device].elected.is_some() {
            return;
        }
        let tabs = self.tabs_of(device).into_iter();
        let open: Vec<usize> = tabs
            .filter(|tab| self.tabs[*tab].replica.is_some())
            .collect();
        if let Some(tab) = self.dice.pick(&open).copied() {
            self.give_lock(tab);
        }
    }

    fn give_lock(&mut self, tab: usize) {
        let device = self.device_of(tab);
        self.devices[device].elected = Some(tab);
        // Whatever a tab was told and had not written is told again, to whoever leads.
        for tab in self.tabs_of(device) {
            self.forget_told(tab);
        }
        let life = self.tabs[tab].life;
        let delay_ms = self.dice.between(0, 20);
        self.schedule
            .after(delay_ms, Event::TabElected { tab, life });
    }

    /// A tab is gone: if it had the lock, another one gets it.
    pub fn lose_lock(&mut self, tab: usize) {
        let device = self.device_of(tab);
        if self.devices[device].elected == Some(tab) {
            self.devices[device].elected = None;
            self.elect(device);
        }
    }

    /// A tab takes the lock from whoever has it, who is told or is not.
    pub fn steal_lock(&mut self, tab: usize) -> Result<(), Failure> {
        self.tally.takeovers += 1;
        let before = self.devices[self.device_of(tab)].elected;
        self.give_lock(tab);
        match before.filter(|before| *before != tab && !self.is_frozen(*before)) {
            Some(before) if self.dice.chance(50) => self.tab_input(before, Input::Superseded),
            _ => Ok(()),
        }
    }

    /// Whether a tab does not have the lock.
    pub fn is_follower(&self, tab: usize) -> bool {
        let device = &self.devices[self.device_of(tab)];
        device.is_shared && device.elected != Some(tab)
    }

    /// Whether nothing happens in a tab.
    pub fn is_frozen(&self, tab: usize) -> bool {
        self.tabs[tab].frozen_until_ms > self.schedule.now_ms()
    }

    /// A process dies, or a tab of it is closed or frozen.
    pub fn lose_process(&mut self, tab: usize) -> Result<(), Failure> {
        let device = self.device_of(tab);
        if !self.devices[device].is_shared || self.dice.chance(30) {
            return self.crash_device(device);
        }
        if self.dice.chance(50) {
            self.tally.frozen_tabs += 1;
            let spell_ms = self.dice.between(50, 3_000);
            self.tabs[tab].frozen_until_ms = self.schedule.now_ms() + spell_ms;
            self.trace
                .say(|| format!("tab {tab} is frozen for {spell_ms} ms"));
            return Ok(());
        }
        self.tally.closed_tabs += 1;
        self.trace.say(|| format!("tab {tab} is closed"));
        self.kill_tab(tab);
        checkers::honest(self, device, &[tab])?;
        let delay_ms = self.dice.between(10, 3_000);
        self.schedule.after(delay_ms, Event::TabStart { tab });
        Ok(())
    }
}
