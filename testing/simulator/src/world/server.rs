//! The server: real rooms over the simulation's store and links.

use std::collections::{BTreeMap, VecDeque};

use driftless_model::{BoardId, Cursor, EditId, Version};
use driftless_protocol::message::{ClientMessage, ServerMessage, Welcome};
use driftless_protocol::{CloseCode, PROTOCOL, PROTOCOL_MIN};
use driftless_store::server::MemoryBoards;
use driftless_sync::room::{
    Append, ConnectionId, Found, Input, Member, Output, Prune, Retention, Room, Stored, StreamItem,
    ends_following,
};

use crate::builds::Build;
use crate::failure::Failure;
use crate::network::Following;
use crate::schedule::Event;
use crate::world::World;

/// The server.
#[derive(Debug)]
pub struct Server {
    /// What is on its disk.
    pub store: MemoryBoards,
    /// Everything that ever was, for the checkers: what the disk would have if nothing were pruned.
    pub archive: MemoryBoards,
    /// How much of the past a board keeps.
    pub retention: Retention,
    /// The build that it runs.
    pub build: Build,
    /// Whether it runs.
    pub is_up: bool,
    /// Counts crashes.
    pub life: u64,
    /// Active boards.
    pub rooms: BTreeMap<BoardId, Host>,
    /// How many items a ring keeps.
    pub ring_max: usize,
    /// A commit that failed to sync: nobody reads it, and it is there after a crash, or is not.
    /// The next commit takes its place.
    pub unsynced: Option<Append>,
    /// Earlier states of the disk, each with its archive.
    pub backups: Vec<(MemoryBoards, MemoryBoards)>,
    /// Whether one of them was put in the place of the newest.
    pub has_been_restored: bool,
}

impl Server {
    /// A server with an empty disk.
    pub fn new(retention: Retention, ring_max: usize) -> Self {
        Self {
            store: MemoryBoards::new(),
            archive: MemoryBoards::new(),
            retention,
            build: Build::default(),
            is_up: true,
            life: 0,
            rooms: BTreeMap::new(),
            ring_max,
            unsynced: None,
            backups: Vec::new(),
            has_been_restored: false,
        }
    }
}

/// A room with its stream.
#[derive(Debug)]
pub struct Host {
    /// The machine.
    pub room: Room,
    ring: VecDeque<StreamItem>,
    /// The number of the ring's first item.
    first: u64,
    /// The commit under way.
    pub writing: Option<Append>,
}

impl Host {
    fn end(&self) -> u64 {
        self.first + self.ring.len() as u64
    }
}

impl World {
    /// Sends a message to a link's device.
    fn send_to_device(&mut self, number: u64, message: &ServerMessage) {
        self.access_of_message(number, message);
        let delay_ms = self.delay_ms();
        let now_ms = self.schedule.now_ms();
        if let Some(link) = self.links.get_mut(&number).filter(|link| link.server_end) {
            let bytes = link.codec.encode_server(message);
            let announcing = ServerMessage::announcing(bytes.len());
            let announcing = announcing.map(|message| link.codec.encode_server(&message));
            link.last_to_device_ms = link.last_to_device_ms.max(now_ms + delay_ms);
            let at_ms = link.last_to_device_ms;
            for bytes in announcing.into_iter().chain([bytes]) {
                self.schedule.at(
                    at_ms,
                    Event::ToDevice {
                        link: number,
                        bytes,
                    },
                );
            }
        }
    }

    /// Takes a client's message.
    pub fn server_message(&mut self, number: u64, message: ClientMessage) -> Result<(), Failure> {
        match message {
            ClientMessage::Hello(hello) => {
                let Some(device) = self.links.get(&number).map(|link| link.device) else {
                    return Ok(());
                };
                let Some(user) = self.authenticate(device, hello.token.as_deref()) else {
                    let code = CloseCode::Unauthorised.number();
                    self.close_server_end(number, Some(code));
                    return Ok(());
                };
                self.replace_others(number, hello.client);
                let Some(link) = self.links.get_mut(&number) else {
                    return Ok(());
                };
                link.client = Some(hello.client);
                link.user = Some(user.clone());
                let welcome = ServerMessage::Welcome(Welcome {
                    protocol: PROTOCOL,
                    protocol_min: PROTOCOL_MIN,
                    session: format!("link-{number}"),
                    user,
                    build: "simulated".to_owned(),
                    heartbeat_ms: 3_000,
                    now_ms: self.schedule.now_ms(),
                    asks_screens: false,
                });
                self.send_to_device(number, &welcome);
                for subscribe in hello.boards {
                    self.subscribe(number, &subscribe.board, subscribe.cursor)?;
                }
            }
            ClientMessage::Subscribe(subscribe) => {
                self.subscribe(number, &subscribe.board, subscribe.cursor)?;
            }
            ClientMessage::Unsubscribe { board } => {
                if let Some(link) = self.links.get_mut(&number) {
                    link.following.remove(&board);
                }
                self.room_input(
                    &board,
                    Input::Unsubscribe {
                        connection: ConnectionId(number),
                    },
                )?;
            }
            ClientMessage::Push(push) => {
                let board = push.board.clone();
                let connection = ConnectionId(number);
                self.room_input(&board, Input::Push { connection, push })?;
            }
            ClientMessage::Ping { nonce } => {
                self.send_to_device(number, &ServerMessage::Pong { nonce });
            }
            _ => {}
        }
        Ok(())
    }

    /// A connection hears that a newer one of its client came.
    pub fn replaced(&mut self, number: u64) {
        if self.links.get(&number).is_some_and(|link| link.server_end) {
            self.close_server_end(number, Some(CloseCode::Replaced.number()));
        }
    }

    /// The same client connected again: the newest wins.
    fn replace_others(&mut self, number: u64, client: driftless_model::ClientId) {
        let others = self.links.iter().filter(|(other, link)| {
            **other != number && link.server_end && link.client == Some(client)
        });
        let others: Vec<u64> = others.map(|(other, _)| *other).collect();
        for other in others {
            if let Some(device) = self.links.get(&other).map(|link| link.device) {
                let fate = &mut self.devices[device].fate;
                fate.replaced += 1;
                fate.may_change_identity |= fate.replaced >= 3;
            }
            // What the older connection sent may still be read until it hears of its end.
            let delay_ms = if self.dice.chance(50) {
                self.dice.between(1, 400)
            } else {
                0
            };
            self.schedule
                .after(delay_ms, Event::Replaced { link: other });
        }
    }

    fn subscribe(
        &mut self,
        number: u64,
        board: &BoardId,
        cursor: Option<Cursor>,
    ) -> Result<(), Failure> {
        let Some(link) = self.links.get(&number) else {
            return Ok(());
        };
        let (Some(client), Some(user)) = (link.client, link.user.clone()) else {
            return Ok(());
        };
        let role = self.role(&user, board);
        if !role.may_read() {
            self.send_to_device(number, &Self::forbidden(board));
            return Ok(());
        }
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        link.following.insert(
            board.clone(),
            Following {
                cursor,
                ..Following::default()
            },
        );
        let member = Member { client, user, role };
        let connection = ConnectionId(number);
        self.room_input(
            board,
            Input::Subscribe {
                connection,
                member,
                cursor,
            },
        )
    }

    /// Gives a room an input and does what it asks for.
    pub fn room_input(&mut self, board: &BoardId, input: Input) -> Result<(), Failure> {
        if !self.server.is_up {
            return Ok(());
        }
        let now_ms = self.schedule.now_ms();
        self.trace
            .say(|| format!("{now_ms} room {board} <- {input:?}"));
        let schema = self.schemas.of(self.server.build).clone();
        let retention = self.server.retention;
        let host = self
            .server
            .rooms
            .entry(board.clone())
            .or_insert_with(|| Host {
                room: Room::keeping(board.clone(), schema, retention),
                ring: VecDeque::new(),
                first: 0,
                writing: None,
            });
        host.room.handle(input, now_ms);
        while let Some(host) = self.server.rooms.get_mut(board)
            && let Some(output) = host.room.poll_output()
        {
            self.room_output(board, output)?;
        }
        self.schedule_reads(board);
        Ok(())
    }

    fn room_output(&mut self, board: &BoardId, output: Output) -> Result<(), Failure> {
        let life = self.server.life;
        let delay_ms = self.dice.between(0, 12);
        let board = board.clone();
        match output {
            Output::Load => self
                .schedule
                .after(delay_ms, Event::BoardLoaded { life, board }),
            Output::LookUp {
                connection,
                version,
            } => {
                self.tally.look_ups += 1;
                let event = Event::CheckFound {
                    life,
                    board,
                    connection,
                    version,
                };
                self.schedule.after(delay_ms, event);
            }
            Output::Find { number, id, above } => {
                self.tally.finds += 1;
                let event = Event::EditFound {
                    life,
                    board,
                    number,
                    id,
                    above,
                };
                self.schedule.after(delay_ms, event);
            }
            Output::Commit(append) => {
                self.access_of_commit(&append);
                let Some(host) = self.server.rooms.get_mut(&board) else {
                    return Ok(());
                };
                if host.writing.replace(*append.clone()).is_some() {
                    return Err(Failure::new("bounded", "two commits of one room at once"));
                }
                self.schedule
                    .after(delay_ms, Event::BoardStored { life, append });
            }
            Output::Stream(item) => self.stream(&board, *item),
            Output::Resume { connection, resume } => {
                self.resume(&board, connection, &resume.message());
            }
            Output::Send {
                connection,
                message,
            } => {
                let link = self.links.get_mut(&connection.0);
                if let Some(link) = link.filter(|_| ends_following(&message)) {
                    link.following.remove(&board);
                }
                self.send_to_device(connection.0, &message);
            }
            Output::Withdraw {
                connection,
                message,
            } => self.withdraw(&board, connection, &message),
            Output::CutAll => self.cut_all(&board),
        }
        Ok(())
    }

    fn stream(&mut self, board: &BoardId, item: StreamItem) {
        if matches!(item, StreamItem::Private { .. }) {
            self.tally.repeated += 1;
        }
        let ring_max = self.server.ring_max;
        if let Some(host) = self.server.rooms.get_mut(board) {
            host.ring.push_back(item);
            if host.ring.len() > ring_max {
                host.ring.pop_front();
                host.first += 1;
            }
        }
    }

    fn resume(&mut self, board: &BoardId, connection: ConnectionId, message: &ServerMessage) {
        let end = self.server.rooms.get(board).map(Host::end);
        if let ServerMessage::Resume(resume) = message {
            if resume.full {
                self.tally.snapshots += 1;
            } else {
                self.tally.deltas += 1;
            }
            let link = self.links.get_mut(&connection.0);
            if let Some(following) = link.and_then(|link| link.following.get_mut(board)) {
                following.position = end;
                following.cursor = Some(resume.cursor);
            }
        }
        self.send_to_device(connection.0, message);
    }

    fn withdraw(&mut self, board: &BoardId, connection: ConnectionId, message: &ServerMessage) {
        let link = self.links.get_mut(&connection.0);
        if link.is_some_and(|link| link.following.remove(board).is_some()) {
            self.send_to_device(connection.0, message);
        }
    }

    fn cut_all(&mut self, board: &BoardId) {
        if let Some(host) = self.server.rooms.get_mut(board) {
            host.first = host.end();
            host.ring.clear();
        }
        let following = self
            .links
            .iter()
            .filter(|(_, link)| link.server_end && link.following.contains_key(board));
        let following: Vec<u64> = following.map(|(number, _)| *number).collect();
        for number in following {
            self.close_server_end(number, Some(CloseCode::Reset.number()));
        }
    }

    /// Every connection that has something to read gets to it, sooner or later.
    fn schedule_reads(&mut self, board: &BoardId) {
        let Some(end) = self.server.rooms.get(board).map(Host::end) else {
            return;
        };
        let is_slow = self.has_faults && self.dice.chance(10);
        let delay_ms = if is_slow {
            self.dice.between(50, 800)
        } else {
            0
        };
        for (number, link) in &mut self.links {
            let Some(following) = link.following.get_mut(board) else {
                continue;
            };
            let has_more = following.position.is_some_and(|position| position < end);
            if link.server_end && has_more && !following.is_scheduled {
                following.is_scheduled = true;
                let event = Event::ReadStream {
                    link: *number,
                    board: board.clone(),
                };
                self.schedule.after(delay_ms, event);
            }
        }
    }

    /// A connection reads on.
    pub fn read_stream(&mut self, number: u64, board: &BoardId) -> Result<(), Failure> {
        let Some(link) = self.links.get_mut(&number) else {
            return Ok(());
        };
        let (client, is_open) = (link.client, link.server_end);
        let Some(following) = link.following.get_mut(board) else {
            return Ok(());
        };
        following.is_scheduled = false;
        let (Some(position), Some(client), true) = (following.position, client, is_open) else {
            return Ok(());
        };
        let Some(host) = self.server.rooms.get(board) else {
            return Ok(());
        };
        if position < host.first {
            self.tally.lapped += 1;
            let cursor = following.cursor;
            return self.subscribe(number, board, cursor);
        }
        let skip = usize::try_from(position - host.first).expect("a ring's length");
        let items: Vec<StreamItem> = host.ring.iter().skip(skip).cloned().collect();
        following.position = Some(host.end());
        for item in items {
            let (cursor, message) = (item.cursor(), item.into_message(client));
            let link = self.links.get_mut(&number);
            if let Some(following) = link.and_then(|link| link.following.get_mut(board))
                && cursor.is_some()
            {
                following.cursor = cursor;
            }
            if let Some(message) = message {
                self.send_to_device(number, &message);
            }
        }
        Ok(())
    }

    /// A batch is written, or not.
    pub fn board_stored(&mut self, append: Append) -> Result<(), Failure> {
        let board = append.board.clone();
        if let Some(host) = self.server.rooms.get_mut(&board) {
            host.writing = None;
        }
        let stored = match self.has_faults.then(|| self.dice.below(100)) {
            Some(0..=2) => {
                self.tally.server_commits_failed += 1;
                Stored::Failed
            }
            Some(3..=4) => {
                self.tally.server_commits_unknown += 1;
                if self.dice.chance(50) {
                    self.write(append);
                } else {
                    self.server.unsynced = Some(append);
                }
                Stored::Unknown
            }
            _ => self.append(append)?,
        };
        self.room_input(&board, Input::Stored(stored))
    }

    fn append(&mut self, append: Append) -> Result<Stored, Failure> {
        match self.write(append) {
            Some(Stored::Committed) => Ok(Stored::Committed),
            other => Err(Failure::new(
                "ordered",
                format!("the only writer lost: {other:?}"),
            )),
        }
    }

    /// Writes to the disk and to the archive.
    fn write(&mut self, append: Append) -> Option<Stored> {
        self.server.unsynced = None;
        self.tally.marks_pruned += append.prune.marks.len() as u64;
        self.tally.logs_pruned += u64::from(append.prune.log.0 > 0);
        let whole = Append {
            prune: Prune::default(),
            ..append.clone()
        };
        self.server.archive.append_now(vec![whole]);
        self.server.store.append_now(vec![append]).first().copied()
    }

    /// The process dies. A commit under way is there or not.
    pub fn crash_server(&mut self) {
        self.tally.server_crashes += 1;
        for host in std::mem::take(&mut self.server.rooms).into_values() {
            if let Some(append) = host.writing {
                self.tally.server_crashes_in_commit += 1;
                if self.dice.chance(50) {
                    self.write(append);
                }
            }
        }
        if let Some(append) = self.server.unsynced.take()
            && self.dice.chance(50)
        {
            self.tally.unsynced_came_back += 1;
            self.write(append);
        }
        self.server.is_up = false;
        self.server.life += 1;
        let open = self.links.iter().filter(|(_, link)| link.server_end);
        let open: Vec<u64> = open.map(|(number, _)| *number).collect();
        for number in open {
            self.close_server_end(number, None);
        }
        let delay_ms = self.dice.between(10, 2_000);
        self.schedule.after(delay_ms, Event::ServerStart);
    }

    /// Answers a room's load.
    pub fn board_loaded(&mut self, board: &BoardId) -> Result<(), Failure> {
        if self.has_faults && self.dice.chance(3) {
            return self.room_input(board, Input::LoadFailed);
        }
        let image = Box::new(self.server.store.load_now(board));
        self.room_input(board, Input::Loaded(image))
    }

    /// Answers a room that looks for an edit.
    pub fn edit_found(
        &mut self,
        board: &BoardId,
        number: u64,
        id: EditId,
        above: Version,
    ) -> Result<(), Failure> {
        let found = match self.server.store.find_now(board, id, above) {
            _ if self.has_faults && self.dice.chance(5) => Found::Unknown,
            Some(row) => {
                self.tally.found += 1;
                Found::Applied(Box::new(row))
            }
            None => Found::Nowhere,
        };
        self.room_input(board, Input::Found { number, found })
    }

    /// Answers a room's look-up.
    pub fn check_found(
        &mut self,
        board: &BoardId,
        connection: ConnectionId,
        version: Version,
    ) -> Result<(), Failure> {
        let check = self.server.store.check_at_now(board, version);
        self.room_input(
            board,
            Input::Looked {
                connection,
                version,
                check,
            },
        )
    }
}
