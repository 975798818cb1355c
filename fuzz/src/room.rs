//! Any history of connections, pushes and storage answers on one room, over a store in memory.
//!
//! The shell's half of the contract is kept (each load, look-up and commit is answered once);
//! everything that comes from clients and from the store is up to the input.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use driftless_model::{BoardState, ClientId, Cursor, EditId, Role, Schema, Version};
use driftless_protocol::Codec;
use driftless_protocol::message::{Push, RETIRED_SEQ, ServerMessage};
use driftless_store::server::MemoryBoards;
use driftless_sync::room::{
    Append, ConnectionId, Found, Input, Member, Output, Room, Stored, StreamItem,
};

use crate::content::{board, cursor, role, user};
use crate::messages;
use crate::source::Source;

const STEPS_MAX: usize = 256;
const CONNECTIONS: usize = 4;
const CLIENTS: usize = 3;

/// What the room has asked for and nobody has answered.
enum Ask {
    Load,
    Commit(Box<Append>),
    LookUp(ConnectionId, Version),
    Find(u64, EditId, Version),
}

struct World {
    room: Room,
    store: MemoryBoards,
    asks: VecDeque<Ask>,
    connections: BTreeMap<usize, ConnectionId>,
    next_connection: u64,
    /// The seq that each client would use next, as far as it knows.
    next_seq: BTreeMap<ClientId, u64>,
    outputs: usize,
    inputs: usize,
    resumed: BTreeSet<ConnectionId>,
    now_ms: u64,
}

/// Runs the input as a script.
pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let mut world = World::new();
    for _ in 0..STEPS_MAX {
        if source.is_empty() {
            break;
        }
        world.step(&mut source);
    }
    world.settle();
    world.check();
}

impl World {
    fn new() -> Self {
        Self {
            room: Room::new(board(), Arc::new(Schema::builtin())),
            store: MemoryBoards::new(),
            asks: VecDeque::new(),
            connections: BTreeMap::new(),
            next_connection: 1,
            next_seq: BTreeMap::new(),
            outputs: 0,
            inputs: 0,
            resumed: BTreeSet::new(),
            now_ms: 1,
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(9) {
            0 => self.subscribe(source),
            1 => {
                let slot = source.below(CONNECTIONS);
                if let Some(connection) = self.connections.remove(&slot) {
                    self.handle(Input::Unsubscribe { connection });
                }
            }
            2..=4 => self.push(source),
            5 => self.now_ms = self.now_ms.saturating_add(source.wide()),
            8 => {
                let slot = source.below(CONNECTIONS);
                if let Some(connection) = self.connections.get(&slot).copied() {
                    let role = role(source);
                    self.handle(Input::Role { connection, role });
                }
            }
            _ => self.answer(source),
        }
    }

    fn subscribe(&mut self, source: &mut Source<'_>) {
        let slot = source.below(CONNECTIONS);
        let next = ConnectionId(self.next_connection);
        let connection = *self.connections.entry(slot).or_insert(next);
        self.next_connection += 1;
        let member = Member {
            client: ClientId(source.below(CLIENTS) as u128),
            user: user(source),
            role: role(source),
        };
        let cursor = match source.below(4) {
            0 => None,
            1 => Some(cursor(source)),
            _ => self.past_cursor(source),
        };
        if !member.role.may_read() {
            return;
        }
        self.handle(Input::Subscribe {
            connection,
            member,
            cursor,
        });
    }

    /// A cursor that the board once had.
    fn past_cursor(&self, source: &mut Source<'_>) -> Option<Cursor> {
        let version = Version(source.below(16) as u64);
        let check = self.store.check_at_now(&board(), version)?;
        Some(Cursor { version, check })
    }

    fn push(&mut self, source: &mut Source<'_>) {
        let slot = source.below(CONNECTIONS);
        let stray = ConnectionId(u64::MAX);
        let connection = *self.connections.get(&slot).unwrap_or(&stray);
        let client = ClientId(source.below(CLIENTS) as u128);
        let next = self.next_seq.entry(client).or_insert(1);
        let push = if source.once_in(6) {
            messages::push(source)
        } else {
            let id = EditId(client.0 << 64 | u128::from(*next));
            let seq = *next;
            *next += 1;
            Push {
                board: board(),
                seq,
                id,
                settled: source.below(8) as u64,
                payload: messages::payload(source, id),
                again: source.once_in(8).then(|| messages::again(source)),
            }
        };
        self.handle(Input::Push { connection, push });
    }

    fn answer(&mut self, source: &mut Source<'_>) {
        let Some(ask) = self.asks.pop_front() else {
            return;
        };
        let input = match ask {
            Ask::Load if source.once_in(4) => Input::LoadFailed,
            Ask::Commit(append) => match source.below(8) {
                0 => Input::Stored(Stored::Failed),
                1 => Input::Stored(Stored::Conflict),
                2 => Input::Stored(Stored::Unknown),
                3 => {
                    self.store.append_now(vec![*append]);
                    Input::Stored(Stored::Unknown)
                }
                _ => self.committed(*append),
            },
            ask => self.truth(ask),
        };
        self.handle(input);
    }

    fn committed(&self, append: Append) -> Input {
        let stored = self.store.append_now(vec![append]);
        assert_eq!(stored, [Stored::Committed], "nobody else writes");
        Input::Stored(Stored::Committed)
    }

    /// The answer of a store that works.
    fn truth(&self, ask: Ask) -> Input {
        match ask {
            Ask::Load => Input::Loaded(Box::new(self.store.load_now(&board()))),
            Ask::Commit(append) => self.committed(*append),
            Ask::LookUp(connection, version) => Input::Looked {
                connection,
                version,
                check: self.store.check_at_now(&board(), version),
            },
            Ask::Find(number, id, above) => Input::Found {
                number,
                found: match self.store.find_now(&board(), id, above) {
                    Some(row) => Found::Applied(Box::new(row)),
                    None => Found::Nowhere,
                },
            },
        }
    }

    fn handle(&mut self, input: Input) {
        self.inputs += 1;
        self.room.handle(input, self.now_ms);
        while let Some(output) = self.room.poll_output() {
            self.outputs += 1;
            self.take(output);
        }
        let is_exclusive = |ask: &&Ask| !matches!(ask, Ask::LookUp(..) | Ask::Find(..));
        assert!(
            self.asks.iter().filter(is_exclusive).count() <= 1,
            "one load or commit at a time"
        );
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Load => self.asks.push_back(Ask::Load),
            Output::LookUp {
                connection,
                version,
            } => self.asks.push_back(Ask::LookUp(connection, version)),
            Output::Find { number, id, above } => {
                self.asks.push_back(Ask::Find(number, id, above));
            }
            Output::Commit(append) => self.asks.push_back(Ask::Commit(append)),
            Output::Stream(item) => match *item {
                StreamItem::Applied { event, outcome, .. } => {
                    can_be_sent(&ServerMessage::Event(event));
                    can_be_sent(&ServerMessage::Outcome(outcome));
                }
                StreamItem::Private { outcome, .. } => {
                    can_be_sent(&ServerMessage::Outcome(outcome));
                }
            },
            Output::Resume { connection, resume } => {
                self.resumed.insert(connection);
                can_be_sent(&resume.message());
            }
            Output::Send { message, .. } | Output::Withdraw { message, .. } => {
                can_be_sent(&message);
            }
            Output::CutAll => self.connections.clear(),
        }
    }

    /// Answers what is open, as a store that works, until nothing is.
    fn settle(&mut self) {
        let answers_max = 8 + 2 * (self.inputs + self.asks.len());
        for _ in 0..answers_max {
            let Some(ask) = self.asks.pop_front() else {
                return;
            };
            let input = self.truth(ask);
            self.handle(input);
        }
        panic!("the room still asks after {answers_max} answers");
    }

    fn check(&mut self) {
        for connection in std::mem::take(&mut self.connections).into_values() {
            self.handle(Input::Unsubscribe { connection });
        }
        self.settle();
        assert!(self.room.is_idle(), "somebody still waits");
        // Each input leads to a few outputs itself, and lets go at most what inputs brought before.
        let outputs_max = (CONNECTIONS + 8) * (self.inputs + 1);
        assert!(self.outputs <= outputs_max, "{} outputs", self.outputs);
        self.check_resume();
        self.check_log();
    }

    /// Whoever comes with nothing gets everything.
    fn check_resume(&mut self) {
        let connection = ConnectionId(u64::MAX - 1);
        let member = Member {
            client: ClientId(99),
            user: driftless_model::UserId::new("Cleo").expect("a user"),
            role: Role::Viewer,
        };
        let cursor = None;
        self.handle(Input::Subscribe {
            connection,
            member,
            cursor,
        });
        self.settle();
        assert!(
            self.resumed.contains(&connection),
            "a subscription was not answered"
        );
        let image = self.store.load_now(&board());
        assert_eq!(self.room.head(), Some(image.head));
        assert_eq!(self.room.state(), Some(&image.state));
    }

    /// The log is gapless, and what is stored is what it says.
    fn check_log(&self) {
        let image = self.store.load_now(&board());
        let mut state = BoardState::default();
        let mut head = Cursor::default();
        for row in self.store.log_now(&board(), Version(0), usize::MAX) {
            head = head.after(row.id);
            assert_eq!((row.version, row.check), (head.version, head.check));
            state.apply(&row.effects, row.version, &row.user);
        }
        assert_eq!(image.head, head);
        assert_eq!(image.state, state);
        for row in image.ledger {
            assert!(row.outcomes.iter().all(|outcome| outcome.seq > row.settled));
            // Who is retired keeps the outcomes, for edits that are sent again under another id.
            let decided = row.outcomes.last().map(|outcome| outcome.seq);
            let is_retired = row.last_seq == RETIRED_SEQ;
            assert!(
                is_retired || decided.is_none_or(|seq| seq == row.last_seq),
                "the last outcome is not that of the last seq: {row:?}"
            );
        }
    }
}

fn can_be_sent(message: &ServerMessage) {
    for codec in Codec::ALL {
        let bytes = codec.encode_server(message);
        assert_eq!(
            codec.decode_server(&bytes).as_ref(),
            Ok(message),
            "{codec:?}"
        );
    }
}
