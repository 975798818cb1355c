//! What goes wrong beside a cable that is out.

use std::sync::Arc;

use driftless_model::{Schema, UserId};
use driftless_sync::replica::{Command, Input, Now};
use driftless_sync::room::{Append, BoardImage, Room};

use super::tabs::replica;
use super::{Pair, board};

impl Pair {
    /// The server closes a person's connection.
    pub fn close(&mut self, who: usize, code: u16) {
        self.people[who].outbox.clear();
        self.people[who].inbox.clear();
        if let Some(socket) = self.people[who].socket.take() {
            let (code, reason) = (Some(code), "closed".to_owned());
            let input = Input::SocketClosed {
                socket,
                code,
                reason,
            };
            self.input(who, input);
        }
    }

    /// What is on the server's disk.
    pub fn backup(&self) -> (BoardImage, Vec<Append>) {
        (self.image.clone(), self.log.clone())
    }

    /// Puts a backup in the place of the server's disk, and starts the server again.
    pub fn restore(&mut self, backup: &(BoardImage, Vec<Append>)) {
        (self.image, self.log) = backup.clone();
        self.room = Room::new(board(), Arc::new(Schema::builtin()));
        self.cut_all();
    }

    /// A little later, on one device.
    pub fn wake(&mut self, who: usize) {
        self.now_ms += 50;
        self.input(who, Input::Wake);
    }

    /// The process of a device dies, and whoever has this name, and this token, starts it again,
    /// without the server.
    pub fn restart_as(&mut self, who: usize, name: &str) {
        self.unplug(who);
        let seed = [u8::try_from(self.connections % 200).expect("a byte") + 50; 32];
        let person = &mut self.people[who];
        person.user = UserId::new(name).expect("a user");
        person.replica = replica(seed, person.schema.clone());
        let token = Command::SetToken(Some(name.to_owned()));
        let now = Now {
            mono_ms: self.now_ms,
            epoch_ms: self.now_ms + self.clock_ms,
        };
        // Before the storage is read.
        person.replica.handle(Input::Command(token), now);
        self.command(who, Command::Network(false));
        self.command(who, Command::Follow(board()));
    }
}
