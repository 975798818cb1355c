//! Any history of a person, a server and a storage on one replica.
//!
//! The shell's half of the contract is kept (each load and commit is answered once, a socket has
//! one number); what the server says and when the storage fails is up to the input.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use driftless_model::{ClientId, EditId, OnStale, Schema, Version};
use driftless_protocol::durable::{EntryState, LocalChange, Row, Seen};
use driftless_protocol::message::{ClientMessage, Push, ServerMessage};
use driftless_protocol::{Codec, Payload};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::storage::{Committed, Transaction};
use driftless_sync::replica::view::Resolution;
use driftless_sync::replica::{
    Command, CommitResult, Input, NewEdit, Now, Output, RealtimeConfig, Replica,
};

use crate::content::{any_board, board, edit_id, leaf_ref, op, record, value};
use crate::messages;
use crate::source::Source;

const STEPS_MAX: usize = 256;
/// More outputs than this for one input, and they do not end.
const OUTPUTS_MAX: usize = 4_096;

/// What the replica has asked for and nobody has answered.
enum Ask {
    Load,
    Commit(Ticket, Transaction),
}

struct World {
    replica: Replica,
    rows: MemoryRows,
    asks: VecDeque<Ask>,
    socket: Option<u64>,
    /// Whether it opened: nothing is heard from one that did not.
    is_open: bool,
    client: Option<ClientId>,
    /// What was sent under each seq: one content for ever.
    sent: BTreeMap<(ClientId, u64), (EditId, Payload)>,
    edits: u64,
    wake_at_ms: u64,
    now: Now,
}

/// Runs the input as a script.
pub fn run(bytes: &[u8]) {
    let mut source = Source::new(bytes);
    let mut world = World::new();
    world.drain();
    world.command(Command::Follow(board()));
    for _ in 0..STEPS_MAX {
        if source.is_empty() {
            break;
        }
        world.step(&mut source);
    }
    world.settle();
}

impl World {
    fn new() -> Self {
        let schema = Arc::new(Schema::builtin());
        Self {
            replica: Replica::new(RealtimeConfig::default(), schema, [7; 32]),
            rows: MemoryRows::new(),
            asks: VecDeque::new(),
            socket: None,
            is_open: false,
            client: None,
            sent: BTreeMap::new(),
            edits: 0,
            wake_at_ms: 0,
            now: Now {
                mono_ms: 1,
                epoch_ms: 1,
            },
        }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(12) {
            0 | 1 => self.answer(source),
            2 => self.wait(source),
            3 => self.socket_event(source),
            4..=7 => self.message(source),
            8 | 9 => self.edit(source),
            _ => self.any_command(source),
        }
    }

    fn wait(&mut self, source: &mut Source<'_>) {
        let wait_ms = source.wide() >> source.below(64);
        let due = self.wake_at_ms.max(self.now.mono_ms);
        // A clock that counts from its start does not come near the end of 64 bits.
        let mono_ms = self.now.mono_ms.saturating_add(wait_ms).min(1 << 62);
        self.now.mono_ms = if source.once_in(2) {
            due.min(1 << 62)
        } else {
            mono_ms
        };
        self.now.epoch_ms = source.wide();
        self.handle(Input::Wake);
    }

    fn socket_event(&mut self, source: &mut Source<'_>) {
        let Some(socket) = self.socket else { return };
        let input = match source.below(4) {
            0 | 1 if self.is_open => return,
            0 | 1 => {
                self.is_open = true;
                Input::SocketOpened { socket }
            }
            2 => Input::SocketGarbage {
                socket,
                reason: source.text(),
            },
            _ => {
                self.socket = None;
                Input::SocketClosed {
                    socket,
                    code: source.maybe(|source| 3_990 + 50 * u16::from(source.byte() % 9)),
                    reason: source.text(),
                }
            }
        };
        self.handle(input);
    }

    fn message(&mut self, source: &mut Source<'_>) {
        let Some(socket) = self.socket.filter(|_| self.is_open) else {
            return;
        };
        let message = match source.below(6) {
            0 => ServerMessage::Welcome(messages::welcome(source)),
            1 => {
                let mut resume = messages::resume(source);
                if !source.once_in(4) {
                    self.make_plausible(&mut resume);
                }
                ServerMessage::Resume(Box::new(resume))
            }
            2 => ServerMessage::Event(messages::event(source, self.version().next())),
            3 => ServerMessage::Outcome(self.settled(source)),
            _ => messages::server(source),
        };
        let message = Box::new(message);
        self.handle(Input::SocketMessage { socket, message });
    }

    /// A resume of a server that has had nothing of this replica yet.
    fn make_plausible(&self, resume: &mut driftless_protocol::message::Resume) {
        resume.board = board();
        resume.cursor.version = self.version();
        resume.diverged = false;
        resume.last_seq = 0;
        resume.last_id = None;
        resume.outcomes.clear();
    }

    /// The outcome of something that was sent, with the version that comes next.
    fn settled(&self, source: &mut Source<'_>) -> driftless_protocol::message::Settled {
        use driftless_protocol::message::Outcome;
        let mut settled = messages::settled(source);
        let sent: Vec<_> = self.sent.iter().collect();
        if let Some(((_, seq), (id, _))) = (!sent.is_empty()).then(|| source.pick(&sent)) {
            (settled.board, settled.seq, settled.id) = (board(), *seq, *id);
            if let Outcome::Applied { version, .. } = &mut settled.outcome {
                *version = self.version().next();
            }
        }
        settled
    }

    fn version(&self) -> Version {
        let board = self.replica.board(&board());
        let version = board.map_or(Version(0), |board| board.state.version());
        Version(version.0.min(u64::MAX - 1))
    }

    fn edit(&mut self, source: &mut Source<'_>) {
        self.edits += 1;
        let known = u128::from(self.edits);
        let change = |source: &mut Source<'_>| LocalChange {
            record: record(source),
            op: op(source),
            seen: Seen {
                version: Version(source.wide()),
                after: source.list(2, |source| EditId(u128::from(source.byte()) % (known + 1))),
            },
        };
        let edit = NewEdit {
            board: any_board(source),
            id: EditId(known),
            label: source.text(),
            gesture: source.maybe(|source| source.below(3) as u64),
            on_stale: source.pick(&[OnStale::Policy, OnStale::Skip]),
            changes: source.list(3, change),
        };
        self.command(Command::Edit(edit));
    }

    fn any_command(&mut self, source: &mut Source<'_>) {
        let board = any_board(source);
        let entries = self.replica.entries(&board);
        let entry = entries.get(source.below(8));
        let (edit, id) = (entry.map_or(EditId(0), |entry| entry.id), edit_id(source));
        let command = match source.below(15) {
            0 => Command::Connect,
            1 => Command::Disconnect,
            2 => Command::SetToken(source.maybe(Source::text)),
            3 => Command::Network(source.once_in(2)),
            4 => Command::Visible(source.once_in(2)),
            5 => Command::Follow(board),
            6 => Command::Unfollow(board),
            7 => Command::OpenFeed {
                feed: source.narrow(),
                query: messages::query(source),
            },
            8 => Command::CloseFeed {
                feed: source.narrow(),
            },
            14 => Command::AskScreens {
                board,
                version: Version(source.wide()),
            },
            9 => Command::Retry { board, edit, id },
            10 => Command::RollBack { board, edit },
            11 | 12 => Command::Resolve {
                board,
                edit,
                edits: source.below(3),
                resolution: resolution(source),
                seen: Version(source.wide()),
                id,
            },
            _ => Command::TakeOver,
        };
        self.command(command);
    }

    fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    fn answer(&mut self, source: &mut Source<'_>) {
        let Some(ask) = self.asks.pop_front() else {
            return;
        };
        let input = match ask {
            Ask::Load if source.once_in(16) => Input::LoadFailed {
                reason: source.text(),
            },
            Ask::Commit(ticket, _) if source.once_in(6) => Input::Committed {
                ticket,
                result: CommitResult::Failed {
                    reason: source.text(),
                },
            },
            ask => self.truth(ask),
        };
        self.handle(input);
    }

    /// The answer of a storage that works.
    fn truth(&self, ask: Ask) -> Input {
        match ask {
            Ask::Load => Input::Loaded {
                rows: self.rows.load_now().expect("only rows were written"),
                volatile: None,
            },
            Ask::Commit(ticket, transaction) => {
                let result = match self.rows.commit_now(&transaction) {
                    Committed::Yes => CommitResult::Done,
                    Committed::Conflict => CommitResult::Conflict,
                };
                Input::Committed { ticket, result }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.replica.handle(input, self.now);
        self.drain();
        assert!(self.asks.len() <= 1, "one load or commit at a time");
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            match self.replica.poll_output() {
                Some(output) => self.take(output),
                None => return,
            }
        }
        panic!("the outputs do not end");
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Load => self.asks.push_back(Ask::Load),
            Output::Commit {
                ticket,
                transaction,
            } => self.asks.push_back(Ask::Commit(ticket, transaction)),
            Output::OpenSocket { socket } => {
                (self.socket, self.is_open) = (Some(socket), false);
            }
            Output::CloseSocket { socket } => {
                self.socket = self.socket.filter(|current| *current != socket);
            }
            Output::WakeAt { mono_ms } => self.wake_at_ms = mono_ms,
            Output::Send(message) => self.sent(&message),
            _ => {}
        }
    }

    fn sent(&mut self, message: &ClientMessage) {
        for codec in Codec::ALL {
            let bytes = codec.encode_client(message);
            assert_eq!(
                codec.decode_client(&bytes).as_ref(),
                Ok(message),
                "{codec:?}"
            );
        }
        match message {
            ClientMessage::Hello(hello) => self.client = Some(hello.client),
            ClientMessage::Push(push) => self.pushed(push),
            _ => {}
        }
    }

    /// What is sent is stored, and never changes.
    fn pushed(&mut self, push: &Push) {
        let rows = self.rows.load_now().expect("only rows were written");
        let is_it = |row: &Row| match row {
            Row::Entry(row) => matches!(
                &row.state,
                EntryState::Sealed { seq, payload, .. }
                    if *seq == push.seq && *payload == push.payload && row.board == push.board
            ),
            _ => false,
        };
        assert!(
            rows.iter().any(is_it),
            "seq {} was sent before it was stored",
            push.seq
        );
        let client = self.client.expect("a push comes after the hello");
        if push.board == board() {
            let content = (push.id, push.payload.clone());
            let first = self
                .sent
                .entry((client, push.seq))
                .or_insert_with(|| content.clone());
            assert_eq!(*first, content, "another content under seq {}", push.seq);
        }
    }

    /// Answers what is open, as a storage that works, until nothing is.
    fn settle(&mut self) {
        for _ in 0..64 {
            let Some(ask) = self.asks.pop_front() else {
                return;
            };
            let input = self.truth(ask);
            self.handle(input);
        }
        panic!("the replica still writes, and nothing happens");
    }
}

fn resolution(source: &mut Source<'_>) -> Resolution {
    match source.below(3) {
        0 => Resolution::KeepMine,
        1 => Resolution::TakeTheirs,
        _ => Resolution::Merge(source.list(3, |source| {
            (leaf_ref(source), source.maybe(|source| value(source, 1)))
        })),
    }
}
