//! What goes wrong beside a cable that is out.

use std::sync::Arc;

use driftless_model::Schema;
use driftless_sync::replica::Input;
use driftless_sync::room::{Append, BoardImage, Room};

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
}
