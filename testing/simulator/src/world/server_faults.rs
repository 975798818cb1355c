//! Bad days of the server: an old file of it is put in the place of the new one.

use crate::world::World;

/// The most backups that are kept.
const BACKUPS_MAX: usize = 2;

impl World {
    /// Keeps a backup of the server's file, or puts one in its place: what was acknowledged since
    /// is gone there. Live replicas meet it.
    pub fn back_up_or_restore(&mut self) {
        let backups = &mut self.server.backups;
        if backups.is_empty() || (backups.len() < BACKUPS_MAX && self.dice.chance(40)) {
            backups.push((self.server.store.copy(), self.server.archive.copy()));
            return;
        }
        if !self.server.is_up {
            return;
        }
        let index = self.dice.below(backups.len() as u64);
        let backup = backups.swap_remove(usize::try_from(index).expect("a few"));
        self.tally.restores += 1;
        self.trace.say(|| "the server is restored".to_owned());
        self.crash_server();
        (self.server.store, self.server.archive) = backup;
        for device in &mut self.devices {
            device.fate.may_change_identity = true;
            device.fate.era += 1;
            device.fate.forget_sent();
        }
        self.server.has_been_restored = true;
    }
}
