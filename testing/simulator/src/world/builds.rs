//! The software is updated: the server once, devices whenever they start.

use crate::builds::Build;
use crate::failure::Failure;
use crate::world::World;
use crate::world::faults::BadDay;

impl World {
    fn has_builds(&self) -> bool {
        self.bad_days.contains(&BadDay::Builds)
    }

    /// The build that a tab starts with: both are about for a while, and in the browser's cache.
    pub fn some_build(&mut self) -> Build {
        if self.has_builds() && self.dice.chance(50) {
            Build::Newer
        } else {
            Build::Older
        }
    }

    /// The server is updated, or a device starts again with whatever build it finds.
    pub fn change_build(&mut self, device: usize) -> Result<(), Failure> {
        if self.server.is_up && self.dice.chance(50) {
            self.update_server();
            return Ok(());
        }
        self.crash_device(device)
    }

    /// The newer build takes the server's place, unless it has.
    fn update_server(&mut self) {
        if self.server.build == Build::Older {
            self.tally.updates += 1;
            self.trace.say(|| "the server is updated".to_owned());
            self.crash_server();
            self.server.build = Build::Newer;
        }
    }

    /// What waits for a newer server gets one.
    pub fn heal_builds(&mut self) {
        if self.has_builds() {
            self.update_server();
        }
    }
}
