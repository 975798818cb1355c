//! A replica: what it holds, what it has under way, and how long it can be made to wait.

use std::sync::Arc;

use driftless_model::{
    BoardId, ClientId, Cursor, EditId, LeafPath, OnStale, Op, RecordId, Schema, UserId, Version,
    limits,
};
use driftless_protocol::Code;
use driftless_protocol::durable::{
    BoardRow, EntryRow, EntryState, LocalChange, ReplicaRow, Row, Seen,
};
use driftless_protocol::message::{ClientMessage, Resume, ServerMessage, Welcome};
use driftless_sync::replica::view::Connection;
use driftless_sync::replica::{
    Command, CommitResult, Input, NewEdit, Notice, Now, Output, RealtimeConfig, Replica, Settlement,
};

fn board() -> BoardId {
    BoardId::new("home").expect("an id")
}

fn changes(number: u64) -> Vec<LocalChange> {
    let value = format!("{number}").as_str().into();
    vec![LocalChange {
        record: RecordId::new(format!("r{number}")).expect("an id"),
        op: Op::Set {
            leaf: LeafPath::new("title").expect("a path"),
            value,
        },
        seen: Seen::default(),
    }]
}

/// A replica whose shell does at once what it asks for.
struct Bench {
    replica: Replica,
    rows: Vec<Row>,
    socket: u64,
    sent: Vec<ClientMessage>,
    refused: Vec<Code>,
    now: Now,
}

impl Bench {
    /// Online and following, with so many entries in the storage.
    fn with_entries(count: usize) -> Self {
        let replica = Row::Replica(ReplicaRow {
            client: ClientId(1),
            user: None,
            token: None,
            former: None,
            term: 1,
            history: 0,
        });
        let counters = Row::Board(BoardRow {
            board: board(),
            cursor: None,
            floor: Version(0),
            next_seq: 1,
            settled: 0,
            left: None,
            refused: None,
        });
        let entry = |number: u64| {
            Row::Entry(Box::new(EntryRow {
                board: board(),
                number,
                id: EditId(u128::from(number)),
                label: "Edit".to_owned(),
                made_at_ms: 1,
                gesture: None,
                on_stale: OnStale::Policy,
                changes: changes(number),
                base: vec![],
                removed: vec![],
                folded: vec![],
                again: None,
                token: None,
                state: EntryState::Queued,
            }))
        };
        let rows = [replica, counters]
            .into_iter()
            .chain((1..=count as u64).map(entry));
        let mut bench = Self {
            replica: Replica::new(
                RealtimeConfig::default(),
                Arc::new(Schema::builtin()),
                [1; 32],
            ),
            rows: rows.collect(),
            socket: 0,
            sent: vec![],
            refused: vec![],
            now: Now {
                mono_ms: 1_000,
                epoch_ms: 1_000,
            },
        };
        bench.drain();
        bench.input(Input::Command(Command::Follow(board())));
        bench
    }

    /// The server answers, and has nothing.
    fn welcome(&mut self) {
        let socket = self.socket;
        self.input(Input::SocketOpened { socket });
        self.hear(ServerMessage::Welcome(Welcome {
            protocol: 1,
            protocol_min: 1,
            session: "s".to_owned(),
            user: UserId::new("Ann").expect("a user"),
            build: "b".to_owned(),
            heartbeat_ms: u64::MAX,
            now_ms: 1,
            asks_screens: false,
        }));
        self.hear(ServerMessage::Resume(Box::new(Resume {
            board: board(),
            cursor: Cursor::default(),
            full: true,
            diverged: false,
            since: None,
            floor: Version(0),
            last_seq: 0,
            last_id: None,
            outcomes: vec![],
            removed: vec![],
            records: vec![],
            leaves: vec![],
        })));
    }

    fn hear(&mut self, message: ServerMessage) {
        let (socket, message) = (self.socket, Box::new(message));
        self.input(Input::SocketMessage { socket, message });
    }

    fn edit(&mut self, number: u64) {
        self.input(Input::Command(Command::Edit(NewEdit {
            board: board(),
            id: EditId(u128::from(number)),
            label: "Edit".to_owned(),
            gesture: None,
            on_stale: OnStale::Policy,
            changes: changes(number),
        })));
    }

    fn input(&mut self, input: Input) {
        self.replica.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.replica.poll_output() {
            match output {
                Output::Load => self.replica.handle(
                    Input::Loaded {
                        rows: std::mem::take(&mut self.rows),
                        volatile: None,
                    },
                    self.now,
                ),
                Output::Commit { ticket, .. } => {
                    let result = CommitResult::Done;
                    self.replica
                        .handle(Input::Committed { ticket, result }, self.now);
                }
                Output::OpenSocket { socket } => self.socket = socket,
                Output::Send(message) => self.sent.push(*message),
                Output::Notice(Notice::EditSettled {
                    settlement: Settlement::Refused { code, .. },
                    ..
                }) => self.refused.push(code),
                _ => {}
            }
        }
    }

    fn pushes(&self) -> usize {
        let is_push = |message: &&ClientMessage| matches!(message, ClientMessage::Push(_));
        self.sent.iter().filter(is_push).count()
    }
}

#[test]
fn a_replica_has_edits_under_way_up_to_its_limit() {
    for edits in [limits::IN_FLIGHT_MAX, limits::IN_FLIGHT_MAX + 1] {
        let mut bench = Bench::with_entries(edits);
        bench.welcome();
        assert_eq!(bench.pushes(), limits::IN_FLIGHT_MAX);
    }
}

#[test]
fn an_outbox_takes_edits_up_to_its_limit() {
    let full = limits::OUTBOX_ENTRIES_MAX as u64;
    let mut bench = Bench::with_entries(limits::OUTBOX_ENTRIES_MAX - 1);
    bench.edit(full);
    assert_eq!(bench.refused, []);
    // OUTBOX_ENTRIES_MAX + 1: the person is told at once, and nothing of before is lost.
    bench.edit(full + 1);
    assert_eq!(bench.refused, [Code::RateLimited]);
    assert_eq!(
        bench.replica.entries(&board()).len(),
        limits::OUTBOX_ENTRIES_MAX
    );
}

#[test]
fn a_server_cannot_make_a_replica_wait_longer_than_the_limit() {
    for asked_ms in [limits::WAIT_MS_MAX, limits::WAIT_MS_MAX + 1, u64::MAX] {
        let mut bench = Bench::with_entries(1);
        bench.welcome();
        let refused = ServerMessage::Refused {
            board: board(),
            seq: 1,
            code: Code::Unavailable,
            detail: String::new(),
            retry_after_ms: asked_ms,
        };
        bench.hear(refused);
        // With full jitter on top it may be twice as long; hearing from the server keeps it online.
        bench.now.mono_ms += 2 * limits::WAIT_MS_MAX;
        bench.hear(ServerMessage::Ping { nonce: 1, ahead: 0 });
        assert_eq!(bench.pushes(), 2, "the edit is sent again");
        let goodbye = ServerMessage::Goodbye {
            close: 4000,
            reason: String::new(),
            reconnect_after_ms: asked_ms,
        };
        bench.hear(goodbye);
        let (socket, code, reason) = (bench.socket, Some(4000), String::new());
        bench.input(Input::SocketClosed {
            socket,
            code,
            reason,
        });
        let Connection::Waiting { retry_at_ms, .. } = bench.replica.status().connection else {
            panic!("it waits before it connects again");
        };
        assert_eq!(retry_at_ms - bench.now.mono_ms, limits::WAIT_MS_MAX);
    }
}
