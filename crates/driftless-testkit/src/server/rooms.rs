//! The rooms, and what they ask for.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use driftless_model::{BoardId, Schema};
use driftless_protocol::CloseCode;
use driftless_store::server::MemoryBoards;
use driftless_sync::room::{
    ConnectionId, Found, Input, Output, Room, Stored, StreamItem, ends_following,
};

use super::State;

/// Every board in use, over the store.
#[derive(Debug)]
pub struct Rooms {
    schema: Arc<Schema>,
    /// What survives a kill.
    pub store: MemoryBoards,
    active: BTreeMap<BoardId, Room>,
}

impl Rooms {
    /// No boards.
    pub fn new(schema: Schema) -> Self {
        Self {
            schema: Arc::new(schema),
            store: MemoryBoards::new(),
            active: BTreeMap::new(),
        }
    }

    /// What a kill does to them.
    pub fn forget(&mut self) {
        self.active.clear();
    }

    fn handle(&mut self, board: &BoardId, input: Input, now_ms: u64) -> Vec<Output> {
        let schema = &self.schema;
        let room = self
            .active
            .entry(board.clone())
            .or_insert_with(|| Room::new(board.clone(), Arc::clone(schema)));
        room.handle(input, now_ms);
        std::iter::from_fn(|| room.poll_output()).collect()
    }

    /// What the store says to a room's question; `None` where it asks for something else.
    fn answer(&self, board: &BoardId, output: &Output) -> Option<Input> {
        let input = match output {
            Output::Load => Input::Loaded(Box::new(self.store.load_now(board))),
            Output::LookUp {
                connection,
                version,
            } => Input::Looked {
                connection: *connection,
                version: *version,
                check: self.store.check_at_now(board, *version),
            },
            Output::Find { number, id, above } => {
                let row = self.store.find_now(board, *id, *above);
                let found = row.map_or(Found::Nowhere, |row| Found::Applied(Box::new(row)));
                let number = *number;
                Input::Found { number, found }
            }
            Output::Commit(append) => {
                let stored = self.store.append_now(vec![(**append).clone()]);
                Input::Stored(stored.first().copied().unwrap_or(Stored::Failed))
            }
            _ => return None,
        };
        Some(input)
    }
}

impl State {
    /// Gives a room an input, and does what it asks for until it asks no more.
    pub(super) fn room_input(&mut self, board: &BoardId, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now_ms = self.clock.epoch_ms();
            for output in self.rooms.handle(board, input, now_ms) {
                match self.rooms.answer(board, &output) {
                    Some(answer) => inputs.push_back(answer),
                    None => self.room_output(board, output),
                }
            }
        }
    }

    fn room_output(&mut self, board: &BoardId, output: Output) {
        match output {
            Output::Stream(item) => self.stream(board, &item),
            Output::Resume { connection, resume } => {
                if let Some(seat) = self.seat(connection) {
                    seat.resumed(board);
                }
                self.send(connection.0, &resume.message());
            }
            Output::Send {
                connection,
                message,
            }
            | Output::Withdraw {
                connection,
                message,
            } => {
                if ends_following(&message)
                    && let Some(seat) = self.seat(connection)
                {
                    seat.unfollow(board);
                }
                self.send(connection.0, &message);
            }
            Output::CutAll => {
                for number in self.readers(board) {
                    self.close(number, Some(CloseCode::Reset), "the board starts over");
                }
            }
            _ => unreachable!("the store answers the rest"),
        }
    }

    fn seat(&mut self, connection: ConnectionId) -> Option<&mut super::Seat> {
        self.links.get_mut(&connection.0)?.seat.as_mut()
    }

    pub(super) fn readers(&self, board: &BoardId) -> Vec<u64> {
        let reads = |link: &super::Link| link.seat.as_ref().is_some_and(|seat| seat.reads(board));
        let readers = self.links.iter().filter(|(_, link)| reads(link));
        readers.map(|(number, _)| *number).collect()
    }

    fn stream(&mut self, board: &BoardId, item: &StreamItem) {
        for number in self.readers(board) {
            let Some(client) = self.links.get(&number).and_then(|link| link.seat.as_ref()) else {
                continue;
            };
            let client = client.client;
            if self.is_losing_answer && item.author() == client {
                self.is_losing_answer = false;
                self.close(number, None, "the connection broke");
            } else if let Some(message) = item.clone().into_message(client) {
                self.send(number, &message);
            }
        }
    }
}
