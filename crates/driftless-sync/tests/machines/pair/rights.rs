//! Rights that come and go.

use driftless_model::Role;
use driftless_protocol::{Code, ServerMessage};
use driftless_sync::room::{ConnectionId, Input};

use super::{Pair, board};

impl Pair {
    /// What a person may do is something else from here on.
    pub fn set_role(&mut self, who: usize, role: Role) {
        self.people[who].role = role;
        let connection = ConnectionId(self.people[who].connection);
        self.room_input(Input::Role { connection, role });
    }

    /// Long enough for a replica to ask again for a board that it may not read.
    pub fn wait_for_rights(&mut self) {
        self.now_ms += 60_000;
        self.settle();
    }
}

/// The refusal of the board.
pub fn forbidden() -> ServerMessage {
    ServerMessage::Error {
        code: Code::Forbidden,
        detail: "you may not read the board home".to_owned(),
        board: Some(board()),
        feed: None,
    }
}
