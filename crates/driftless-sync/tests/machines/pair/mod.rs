//! A room and replicas on one virtual clock, joined by nothing but function calls: what is sent
//! arrives when `settle` is called, in order.

mod bad_days;
mod disk;
mod rights;
mod screens;
mod tabs;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;

use driftless_model::{
    BoardState, ClientId, Cursor, EditId, OnStale, Op, Role, Schema, SortedMap, UserId, Value,
};
use driftless_protocol::TabMessage;
use driftless_protocol::durable::{Key, Row};
use driftless_protocol::message::{ClientMessage, ServerMessage, Welcome};
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::storage::Transaction;
use driftless_sync::replica::undo_history::UndoState;
use driftless_sync::replica::view::{EntryProgress, EntryView, RecordView, Resolution};
use driftless_sync::replica::{Command, Input, NewEdit, Notice, Now, Output, Replica, SeenMark};
use rights::forbidden;
use tabs::replica;
pub use words::*;

use driftless_sync::room::{
    self, Append, BoardImage, ConnectionId, LogRow, Member, Retention, Room, Stored, StreamItem,
};

/// A replica with its disk.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is about something else: the cable, the disk, the lock, the process"
)]
pub struct Person {
    pub user: UserId,
    pub replica: Replica,
    schema: Arc<Schema>,
    pub disk: SortedMap<Key, Row>,
    pub notices: Vec<Notice>,
    /// Whether the cable is in.
    pub is_plugged: bool,
    /// What they may do.
    role: Role,
    socket: Option<u64>,
    connection: u64,
    outbox: VecDeque<ClientMessage>,
    inbox: VecDeque<ServerMessage>,
    /// Whose disk this one uses: another tab's, where several share one.
    desk: usize,
    /// What other tabs told, and was not heard yet.
    pub told: VecDeque<TabMessage>,
    /// Every message to the server so far.
    pub sent: Vec<ClientMessage>,
    /// Whether it asked its shell to make it lead.
    pub asks_to_lead: bool,
    /// Whether nothing happens in it.
    pub is_frozen: bool,
    /// Whether nothing of what it writes finds room.
    pub is_full: bool,
    /// What it writes and is under way, where that is held up.
    pub held: Option<Vec<(Ticket, Transaction)>>,
}

/// The whole.
pub struct Pair {
    pub people: Vec<Person>,
    room: Room,
    stream: Vec<StreamItem>,
    positions: SortedMap<u64, usize>,
    /// What the next commit of the room becomes.
    pub next_commit: Stored,
    /// How much of the past the server keeps, from its next start on.
    pub retention: Retention,
    image: BoardImage,
    log: Vec<Append>,
    now_ms: u64,
    /// How far the devices' clocks are ahead, in milliseconds.
    pub clock_ms: u64,
    connections: u64,
    next_id: u128,
}

impl Pair {
    /// So many people, all connected.
    pub fn new(people: &[&str]) -> Self {
        let people = people.iter().map(|name| (*name, Schema::builtin()));
        Self::of_builds(&people.collect::<Vec<_>>(), Schema::builtin())
    }

    /// People whose builds know these kinds, and a server that knows those.
    pub fn of_builds(people: &[(&str, Schema)], server: Schema) -> Self {
        let mut pair = Self {
            people: Vec::new(),
            room: Room::new(board(), Arc::new(server)),
            stream: Vec::new(),
            positions: SortedMap::new(),
            next_commit: Stored::Committed,
            retention: Retention::default(),
            image: BoardImage::default(),
            log: Vec::new(),
            now_ms: 1,
            clock_ms: 0,
            connections: 0,
            next_id: 1,
        };
        for (name, schema) in people {
            let user = UserId::new(name).expect("a user");
            pair.join_with(user, SortedMap::new(), true, schema.clone());
        }
        pair.settle();
        pair
    }

    /// A device of a person, with what is on its disk. Answers its number.
    pub fn join(&mut self, user: UserId, disk: SortedMap<Key, Row>, is_plugged: bool) -> usize {
        self.join_with(user, disk, is_plugged, Schema::builtin())
    }

    fn join_with(
        &mut self,
        user: UserId,
        disk: SortedMap<Key, Row>,
        is_plugged: bool,
        schema: Schema,
    ) -> usize {
        let schema = Arc::new(schema);
        let seed = [u8::try_from(self.people.len()).expect("a few") + 1; 32];
        self.people.push(Person {
            user,
            replica: replica(seed, schema.clone()),
            schema,
            disk,
            notices: Vec::new(),
            is_plugged,
            role: Role::Editor,
            socket: None,
            connection: 0,
            outbox: VecDeque::new(),
            inbox: VecDeque::new(),
            desk: self.people.len(),
            told: VecDeque::new(),
            sent: Vec::new(),
            asks_to_lead: false,
            is_frozen: false,
            is_full: false,
            held: None,
        });
        let who = self.people.len() - 1;
        if !is_plugged {
            self.command(who, Command::Network(false));
        }
        self.command(who, Command::Follow(board()));
        who
    }

    /// The process of a person dies and starts again from its disk.
    pub fn restart(&mut self, who: usize) {
        self.unplug(who);
        let seed = [u8::try_from(self.connections % 200).expect("a byte") + 50; 32];
        self.people[who].replica = replica(seed, self.people[who].schema.clone());
        self.people[who].is_plugged = true;
        self.command(who, Command::Follow(board()));
    }

    /// A person gets another build, and its process starts again with it.
    pub fn update(&mut self, who: usize, schema: Schema) {
        self.people[who].schema = Arc::new(schema);
        self.restart(who);
    }

    /// The server restarts with another build: everybody is cut off and comes back.
    pub fn update_server(&mut self, schema: Schema) {
        self.room = Room::keeping(board(), Arc::new(schema), self.retention);
        self.cut_all();
    }

    /// Cuts a person off: what is under way is lost.
    pub fn unplug(&mut self, who: usize) {
        self.people[who].is_plugged = false;
        self.people[who].outbox.clear();
        self.people[who].inbox.clear();
        let connection = self.people[who].connection;
        self.positions.remove(&connection);
        self.room_input(room::Input::Unsubscribe {
            connection: ConnectionId(connection),
        });
        self.command(who, Command::Network(false));
    }

    /// Puts the cable back in.
    pub fn plug(&mut self, who: usize) {
        self.people[who].is_plugged = true;
        self.command(who, Command::Network(true));
    }

    /// What is on screen now.
    pub fn mark(&self, who: usize) -> SeenMark {
        self.people[who].replica.seen_mark(&board())
    }

    /// Makes an edit on what is on screen now.
    pub fn edit(&mut self, who: usize, ops: Vec<(&str, Op)>) -> EditId {
        let mark = self.mark(who);
        self.edit_on(who, &mark, None, ops)
    }

    /// Makes an edit on what was on screen at a mark.
    pub fn edit_on(
        &mut self,
        who: usize,
        mark: &SeenMark,
        gesture: Option<u64>,
        ops: Vec<(&str, Op)>,
    ) -> EditId {
        let id = self.fresh_id();
        let changes = ops
            .into_iter()
            .map(|(id, op)| mark.change(record(id), op))
            .collect();
        self.command(
            who,
            Command::Edit(NewEdit {
                board: board(),
                id,
                label: "Edit".to_owned(),
                gesture,
                on_stale: OnStale::Policy,
                changes,
            }),
        );
        id
    }

    /// Settles the oldest entry that waits for the person.
    pub fn resolve(&mut self, who: usize, resolution: Resolution) {
        let entries = self.entries(who);
        let entry = entries.iter().find(|entry| entry.state.waits_for_person());
        let entry = entry.expect("something waits for the person");
        let (edit, edits) = (entry.id, entry.edits);
        let seen = self.people[who]
            .replica
            .board(&board())
            .expect("followed")
            .state
            .version();
        let id = self.fresh_id();
        let board = board();
        self.command(
            who,
            Command::Resolve {
                board,
                edit,
                edits,
                resolution,
                seen,
                id,
            },
        );
    }

    /// Takes the newest entry back.
    pub fn take_back(&mut self, who: usize) {
        let edit = self.entries(who).last().expect("an entry").id;
        self.command(
            who,
            Command::RollBack {
                board: board(),
                edit,
            },
        );
    }

    fn fresh_id(&mut self) -> EditId {
        self.next_id += 1;
        EditId(self.next_id)
    }

    pub fn entries(&self, who: usize) -> Vec<EntryView> {
        self.people[who].replica.entries(&board())
    }

    pub fn conflicts(&self, who: usize) -> usize {
        let entries = self.entries(who);
        entries
            .iter()
            .filter(|entry| matches!(entry.state, EntryProgress::Conflicted(_)))
            .count()
    }

    /// A leaf as a person sees it.
    pub fn sees(&self, who: usize, id: &str, leaf: &str) -> Option<Value> {
        self.view(who, id)
            .and_then(|view| view.value(&path(leaf)).cloned())
    }

    pub fn view(&self, who: usize, id: &str) -> Option<RecordView> {
        let views = self.people[who].replica.views(&board())?;
        views.get(&record(id)).map(|view| (**view).clone())
    }

    /// A leaf as it is stored on the server.
    pub fn stored(&self, id: &str, leaf: &str) -> Option<Value> {
        self.state()
            .record(&record(id))
            .and_then(|record| record.value(&path(leaf)).cloned())
    }

    pub fn state(&self) -> &BoardState {
        &self.image.state
    }

    /// How many edits the server applied.
    pub fn applied(&self) -> usize {
        self.log.iter().map(|append| append.log.len()).sum()
    }

    /// What undo and redo would do now.
    pub fn undo_state(&self, who: usize) -> UndoState {
        self.people[who].replica.undo_state(&board())
    }

    /// What the application of a person was told so far.
    pub fn notices(&self, who: usize) -> Vec<Notice> {
        self.people[who].notices.clone()
    }

    pub fn command(&mut self, who: usize, command: Command) {
        self.input(who, Input::Command(command));
    }

    pub fn input(&mut self, who: usize, input: Input) {
        let now = Now {
            mono_ms: self.now_ms,
            epoch_ms: self.now_ms + self.clock_ms,
        };
        self.people[who].replica.handle(input, now);
        while let Some(output) = self.people[who].replica.poll_output() {
            self.output(who, output);
        }
    }

    fn output(&mut self, who: usize, output: Output) {
        match output {
            Output::Load => {
                let desk = self.people[who].desk;
                let rows = self.people[desk].disk.values().cloned().collect();
                self.input(
                    who,
                    Input::Loaded {
                        rows,
                        volatile: None,
                    },
                );
            }
            Output::Commit {
                ticket,
                transaction,
            } => self.store(who, ticket, transaction),
            Output::OpenSocket { socket } => self.open(who, socket),
            Output::CloseSocket { .. } => self.people[who].socket = None,
            Output::Send(message) => {
                self.people[who].sent.push((*message).clone());
                self.people[who].outbox.push_back(*message);
            }
            Output::Tell(message) => self.tell(who, &message),
            Output::Elect => self.people[who].asks_to_lead = true,
            Output::Notice(notice) => self.people[who].notices.push(notice),
            _ => {}
        }
    }

    fn open(&mut self, who: usize, socket: u64) {
        if !self.people[who].is_plugged {
            return;
        }
        self.connections += 1;
        self.people[who].socket = Some(socket);
        self.people[who].connection = self.connections;
        self.input(who, Input::SocketOpened { socket });
    }

    /// Lets everything happen until nothing moves any more.
    pub fn settle(&mut self) {
        for _ in 0..2_000 {
            if self.settle_some() {
                return;
            }
        }
        panic!("the pair does not come to rest");
    }

    /// Time passes; nobody waits for a connection.
    pub fn some_rounds(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.settle_some();
        }
    }

    /// One round of what `settle` does. Answers whether nothing moved.
    pub fn settle_some(&mut self) -> bool {
        self.now_ms += 50;
        let mut is_quiet = true;
        for who in 0..self.people.len() {
            if self.people[who].is_frozen {
                continue;
            }
            self.input(who, Input::Wake);
            let told = &self.people[who].told;
            let is_question = |it| matches!(it, &TabMessage::Wants(_) | &TabMessage::Leads(_));
            is_quiet &= told.iter().all(is_question);
            self.listens(who);
            while let Some(message) = self.people[who].outbox.pop_front() {
                is_quiet &= matches!(message, ClientMessage::Ping { .. });
                self.serve(who, message);
            }
            self.read_stream(who);
            while let Some(message) = self.people[who].inbox.pop_front() {
                is_quiet &= matches!(message, ServerMessage::Pong { .. });
                if let Some(socket) = self.people[who].socket {
                    let message = Box::new(message);
                    self.input(who, Input::SocketMessage { socket, message });
                }
            }
            let is_online = self.people[who].replica.status().connection;
            let is_online = matches!(
                is_online,
                driftless_sync::replica::view::Connection::Online { .. }
            );
            is_quiet &= is_online || !self.people[who].is_plugged;
        }
        is_quiet
    }

    fn serve(&mut self, who: usize, message: ClientMessage) {
        let connection = ConnectionId(self.people[who].connection);
        match message {
            ClientMessage::Hello(hello) => {
                let user = self.people[who].user.clone();
                let welcome = Welcome {
                    protocol: 1,
                    protocol_min: 1,
                    session: "pair".to_owned(),
                    user: user.clone(),
                    build: "pair".to_owned(),
                    heartbeat_ms: 1_000_000,
                    now_ms: self.now_ms,
                    asks_screens: true,
                };
                self.people[who]
                    .inbox
                    .push_back(ServerMessage::Welcome(welcome));
                let client = hello.client;
                for subscribe in hello.boards {
                    self.subscribe(who, client, subscribe.cursor);
                }
            }
            ClientMessage::Subscribe(subscribe) => {
                let client = self.people[who].replica.status().client;
                self.subscribe(who, client.expect("is known"), subscribe.cursor);
            }
            ClientMessage::Push(push) => self.room_input(room::Input::Push { connection, push }),
            ClientMessage::Ping { nonce } => {
                self.people[who]
                    .inbox
                    .push_back(ServerMessage::Pong { nonce });
            }
            other => self.serve_screens(connection, &other),
        }
    }

    fn subscribe(&mut self, who: usize, client: ClientId, cursor: Option<Cursor>) {
        let connection = ConnectionId(self.people[who].connection);
        if !self.people[who].role.may_read() {
            return self.send(connection, forbidden());
        }
        let member = Member {
            client,
            user: self.people[who].user.clone(),
            role: self.people[who].role,
        };
        self.room_input(room::Input::Subscribe {
            connection,
            member,
            cursor,
        });
    }

    pub fn room_input(&mut self, input: room::Input) {
        self.room.handle(input, self.now_ms);
        while let Some(output) = self.room.poll_output() {
            match output {
                room::Output::Load => {
                    let image = Box::new(self.image.clone());
                    self.room.handle(room::Input::Loaded(image), self.now_ms);
                }
                room::Output::LookUp {
                    connection,
                    version,
                } => {
                    let row = self.kept_log().find(|row| row.version == version);
                    let check = row.map(|row| row.check);
                    let input = room::Input::Looked {
                        connection,
                        version,
                        check,
                    };
                    self.room.handle(input, self.now_ms);
                }
                room::Output::Find { number, id, above } => {
                    let is_it = |row: &&LogRow| row.id == id && row.version > above;
                    let row = self.kept_log().find(is_it).cloned();
                    let found = row.map_or(room::Found::Nowhere, |row| {
                        room::Found::Applied(Box::new(row))
                    });
                    let input = room::Input::Found { number, found };
                    self.room.handle(input, self.now_ms);
                }
                room::Output::Commit(append) => self.commit(*append),
                room::Output::Stream(item) => self.stream.push(*item),
                room::Output::Resume { connection, resume } => {
                    self.positions.insert(connection.0, self.stream.len());
                    self.send(connection, resume.message());
                }
                room::Output::Send {
                    connection,
                    message,
                } => self.send(connection, *message),
                room::Output::Withdraw {
                    connection,
                    message,
                } => {
                    self.positions.remove(&connection.0);
                    self.send(connection, *message);
                }
                room::Output::CutAll => self.cut_all(),
            }
        }
    }

    fn send(&mut self, connection: ConnectionId, message: ServerMessage) {
        if let Some(person) = self
            .people
            .iter_mut()
            .find(|person| person.connection == connection.0)
        {
            person.inbox.push_back(message);
        }
    }

    fn cut_all(&mut self) {
        self.stream.clear();
        self.positions.clear();
        for who in 0..self.people.len() {
            self.people[who].inbox.clear();
            if let Some(socket) = self.people[who].socket.take() {
                let (code, reason) = (Some(4002), "reset".to_owned());
                self.input(
                    who,
                    Input::SocketClosed {
                        socket,
                        code,
                        reason,
                    },
                );
            }
        }
    }

    fn read_stream(&mut self, who: usize) {
        let connection = self.people[who].connection;
        let Some(position) = self.positions.get_mut(&connection) else {
            return;
        };
        let items: Vec<StreamItem> = self.stream[*position..].to_vec();
        *position = self.stream.len();
        let own = self.people[who].replica.status().client;
        for item in items {
            let message = match item {
                StreamItem::Applied {
                    client,
                    event,
                    outcome,
                } => Some(if Some(client) == own {
                    ServerMessage::Outcome(outcome)
                } else {
                    ServerMessage::Event(event)
                }),
                StreamItem::Private { client, outcome } => {
                    (Some(client) == own).then_some(ServerMessage::Outcome(outcome))
                }
            };
            self.people[who].inbox.extend(message);
        }
    }
}
