//! The server: the real rooms over boards in memory, without sockets, tasks or a clock.

mod feeds;
mod link;
mod rooms;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use driftless_feeds::PushError;
use driftless_model::{BoardId, BoardState, Role, Schema, UserId, Version};
use driftless_protocol::message::{Hello, Subscribe, Welcome};
use driftless_protocol::{
    ClientMessage, CloseCode, Code, PROTOCOL, PROTOCOL_MIN, SeriesName, ServerMessage,
};
use driftless_sync::room::{ConnectionId, Input};

use crate::cable::ServerEnd;
use crate::clock::Clock;
use feeds::Feeds;
use link::{Link, Seat};
use rooms::Rooms;

/// What a server allows for silence, in milliseconds.
const HEARTBEAT_MS: u64 = 15_000;

/// Why somebody is turned away.
const TURNED_AWAY: &str = "the server lets nobody in";

/// The server of a test. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Server(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    clock: Rc<Clock>,
    is_up: bool,
    rooms: Rooms,
    feeds: Feeds,
    links: BTreeMap<u64, Link>,
    /// Of those who are no editors.
    roles: BTreeMap<UserId, Role>,
    /// What everybody is turned away with.
    turned_away: Option<CloseCode>,
    /// Ends that no message gets to any more, until their clients notice.
    dangling: Vec<ServerEnd>,
    next_link: u64,
    is_losing_answer: bool,
}

impl Server {
    pub(crate) fn new(clock: Rc<Clock>, schema: Schema) -> Self {
        let state = State {
            clock,
            is_up: true,
            rooms: Rooms::new(schema),
            feeds: Feeds::default(),
            links: BTreeMap::new(),
            roles: BTreeMap::new(),
            turned_away: None,
            dangling: Vec::new(),
            next_link: 0,
            is_losing_answer: false,
        };
        Self(Rc::new(RefCell::new(state)))
    }

    /// Kills it: every connection breaks. What it had acknowledged is on its disk.
    pub fn kill(&self) {
        let mut state = self.0.borrow_mut();
        state.is_up = false;
        state.rooms.forget();
        for link in std::mem::take(&mut state.links).into_values() {
            link.end.close(None, "the connection broke");
        }
    }

    /// Starts it again.
    pub fn start(&self) {
        self.0.borrow_mut().is_up = true;
    }

    /// The next outcome is lost: it is stored, and then the connection of its author breaks.
    pub fn lose_next_answer(&self) {
        self.0.borrow_mut().is_losing_answer = true;
    }

    /// What a person may do on every board from now on; everybody is an editor until then. Who may
    /// do nothing loses the board from the screen and the device.
    ///
    /// ```
    /// use driftless_model::{Role, builtin::TITLE};
    /// use driftless_testkit::TestKit;
    ///
    /// let kit = TestKit::new();
    /// let ann = kit.person("Ann").client().board("home");
    /// kit.until(ann.loaded()).expect("the server answers");
    /// kit.server().set_role("Ann", Role::Viewer);
    /// let edit = ann.edit("Add", |edit| edit.create("cpu", "chart", [])).expect("is made");
    /// assert!(kit.until(edit.applied()).is_err(), "who only views changes nothing");
    /// ```
    pub fn set_role(&self, person: &str, role: Role) {
        let Ok(user) = UserId::new(person) else {
            return;
        };
        self.0.borrow_mut().set_role(user, role);
    }

    /// Turns everybody away with a close code, those who are there included: a token that has
    /// expired, a version that is too old. `None` lets them in again.
    pub fn turn_away(&self, code: Option<CloseCode>) {
        let mut state = self.0.borrow_mut();
        state.turned_away = code;
        let numbers: Vec<u64> = state.links.keys().copied().collect();
        if code.is_some() {
            for number in numbers {
                state.close(number, code, TURNED_AWAY);
            }
        }
    }

    /// Says something to everybody who follows a board, whether it is so or not: for what an
    /// application does where the server has a bug.
    ///
    /// ```
    /// use driftless_model::{BoardId, Check, UserId, Version};
    /// use driftless_protocol::{ServerMessage, message::Event};
    /// use driftless_testkit::TestKit;
    ///
    /// let (kit, home) = (TestKit::new(), BoardId::new("home").unwrap());
    /// let ann = kit.person("Ann");
    /// let edit = ann.edit(&home, "Add a note", |edit| edit.create("note", "note", []));
    /// kit.until(edit.applied()).expect("nobody changed the same");
    /// // The log has the same edit once more.
    /// kit.server().say(&home, &ServerMessage::Event(Event {
    ///     board: home.clone(),
    ///     version: Version(2),
    ///     check: Check(2),
    ///     id: edit.id(),
    ///     author: UserId::new("Ann").unwrap(),
    ///     time_ms: 0,
    ///     label: "Add a note".to_owned(),
    ///     effects: Vec::new(),
    ///     replaced: Vec::new(),
    /// }));
    /// kit.advance_ms(100);
    /// assert_eq!(ann.client().board(home).ledger().doubled, 1);
    /// ```
    pub fn say(&self, board: &BoardId, message: &ServerMessage) {
        let state = self.0.borrow();
        for number in state.readers(board) {
            state.send(number, message);
        }
    }

    /// Takes samples of now into the feeds. They reach viewers within a second.
    pub fn push_samples<'a>(
        &self,
        samples: impl IntoIterator<Item = (&'a SeriesName, f64)>,
    ) -> Result<(), PushError> {
        let mut state = self.0.borrow_mut();
        let now_ms = state.clock.epoch_ms();
        let mut samples = samples.into_iter();
        samples.try_for_each(|(name, value)| state.feeds.push(name, value, now_ms))
    }

    /// A board as it is stored.
    pub fn board(&self, board: &BoardId) -> BoardState {
        self.0.borrow().rooms.store.load_now(board).state
    }

    /// A board's version.
    pub fn version(&self, board: &BoardId) -> Version {
        self.0.borrow().rooms.store.load_now(board).head.version
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.0.borrow().links.len()
    }

    pub(crate) fn take(&self, end: ServerEnd) {
        let mut state = self.0.borrow_mut();
        if end.is_gone() {
            // The device does not know that its cable is cut.
            state.dangling.push(end);
        } else if state.is_up {
            end.open();
            let number = state.next_link;
            state.next_link += 1;
            state.links.insert(number, Link::new(end));
        } else {
            end.close(None, "nobody listens");
        }
    }

    /// Answers everything that came in. Says whether there was anything.
    pub(crate) fn work(&self) -> bool {
        self.0.borrow_mut().work()
    }

    /// Evaluates the feeds that somebody watches.
    pub(crate) fn evaluate_feeds(&self) {
        self.0.borrow_mut().evaluate_feeds();
    }
}

impl State {
    fn work(&mut self) -> bool {
        self.drop_gone();
        let numbers: Vec<u64> = self.links.keys().copied().collect();
        let mut has_worked = false;
        for number in numbers {
            while let Some(message) = self.links.get(&number).and_then(|link| link.end.receive()) {
                has_worked = true;
                match message {
                    Ok(message) => self.message(number, message),
                    Err(reason) => self.close(number, Some(CloseCode::Violation), &reason),
                }
            }
        }
        has_worked
    }

    fn drop_gone(&mut self) {
        self.dangling.retain(|end| !end.is_abandoned());
        let gone = self.links.extract_if(.., |_, link| link.end.is_gone());
        for (number, link) in gone.collect::<Vec<_>>() {
            self.leave_boards(number, &link);
            self.dangling.push(link.end);
        }
    }

    fn message(&mut self, number: u64, message: ClientMessage) {
        if let ClientMessage::Hello(hello) = message {
            return self.hello(number, hello);
        }
        let is_greeted = self
            .links
            .get(&number)
            .is_some_and(|link| link.seat.is_some());
        if !is_greeted {
            return self.close(number, Some(CloseCode::Violation), "Hello comes first");
        }
        match message {
            ClientMessage::Subscribe(subscribe) => self.subscribe(number, subscribe),
            ClientMessage::Unsubscribe { board } => self.unsubscribe(number, &board),
            ClientMessage::Push(push) => {
                let (board, connection) = (push.board.clone(), ConnectionId(number));
                self.room_input(&board, Input::Push { connection, push });
            }
            ClientMessage::OpenFeed { feed, query } => {
                let now_ms = self.clock.epoch_ms();
                let messages = self.feeds.open(number, feed, query, now_ms);
                self.send_all(number, &messages);
            }
            ClientMessage::CloseFeed { feed } => self.feeds.close(number, feed),
            ClientMessage::AskScreens { board, version } => {
                let connection = ConnectionId(number);
                self.room_input(
                    &board,
                    Input::AskScreens {
                        connection,
                        version,
                    },
                );
            }
            ClientMessage::Shown {
                board,
                version,
                ago_ms,
            } => {
                let connection = ConnectionId(number);
                let shown = Input::Shown {
                    connection,
                    version,
                    ago_ms,
                };
                self.room_input(&board, shown);
            }
            ClientMessage::Ping { nonce } => self.send(number, &ServerMessage::Pong { nonce }),
            _ => {}
        }
    }

    /// Without sign-in: the token is the name.
    fn hello(&mut self, number: u64, hello: Hello) {
        if self.turned_away.is_some() {
            return self.close(number, self.turned_away, TURNED_AWAY);
        }
        let Ok(user) = UserId::new(hello.token.as_deref().unwrap_or("guest")) else {
            return self.close(
                number,
                Some(CloseCode::Unauthorised),
                "the token is no name",
            );
        };
        let same = |(other, link): (&u64, &Link)| {
            let is_same = link
                .seat
                .as_ref()
                .is_some_and(|seat| seat.client == hello.client);
            (is_same && *other != number).then_some(*other)
        };
        for other in self.links.iter().filter_map(same).collect::<Vec<_>>() {
            self.close(other, Some(CloseCode::Replaced), "connected again");
        }
        let welcome = ServerMessage::Welcome(Welcome {
            protocol: PROTOCOL,
            protocol_min: PROTOCOL_MIN,
            session: format!("link-{number}"),
            user: user.clone(),
            build: "driftless-testkit".to_owned(),
            heartbeat_ms: HEARTBEAT_MS,
            now_ms: self.clock.epoch_ms(),
            asks_screens: true,
        });
        let Some(link) = self.links.get_mut(&number) else {
            return;
        };
        let role = self.roles.get(&user).copied().unwrap_or(Role::Editor);
        link.seat = Some(Seat::new(hello.client, user, role));
        link.end.send(&welcome);
        for subscribe in hello.boards {
            self.subscribe(number, subscribe);
        }
    }

    fn set_role(&mut self, user: UserId, role: Role) {
        let mut told = Vec::new();
        for (number, link) in &mut self.links {
            let seat = link.seat.as_mut().filter(|seat| seat.user == user);
            let Some(seat) = seat else { continue };
            seat.role = role;
            told.extend(seat.boards().map(|board| (*number, board.clone())));
        }
        self.roles.insert(user, role);
        for (number, board) in told {
            let connection = ConnectionId(number);
            self.room_input(&board, Input::Role { connection, role });
        }
    }

    fn subscribe(&mut self, number: u64, subscribe: Subscribe) {
        let Subscribe { board, cursor } = subscribe;
        let Some(seat) = self
            .links
            .get_mut(&number)
            .and_then(|link| link.seat.as_mut())
        else {
            return;
        };
        if !seat.role.may_read() {
            let error = forbidden(&seat.user, board);
            return self.send(number, &error);
        }
        seat.follow(&board);
        let member = seat.member();
        let connection = ConnectionId(number);
        let input = Input::Subscribe {
            connection,
            member,
            cursor,
        };
        self.room_input(&board, input);
    }

    fn unsubscribe(&mut self, number: u64, board: &BoardId) {
        if let Some(seat) = self
            .links
            .get_mut(&number)
            .and_then(|link| link.seat.as_mut())
        {
            seat.unfollow(board);
        }
        let connection = ConnectionId(number);
        self.room_input(board, Input::Unsubscribe { connection });
    }

    fn close(&mut self, number: u64, code: Option<CloseCode>, reason: &str) {
        if let Some(link) = self.links.remove(&number) {
            link.end.close(code, reason);
            self.leave_boards(number, &link);
        }
    }

    fn leave_boards(&mut self, number: u64, link: &Link) {
        self.feeds.forget(number);
        let boards = link.seat.iter().flat_map(Seat::boards);
        for board in boards.cloned().collect::<Vec<_>>() {
            let connection = ConnectionId(number);
            self.room_input(&board, Input::Unsubscribe { connection });
        }
    }

    fn evaluate_feeds(&mut self) {
        let now_ms = self.clock.epoch_ms();
        for (number, message) in self.feeds.evaluate(now_ms) {
            self.send(number, &message);
        }
    }

    fn send(&self, number: u64, message: &ServerMessage) {
        if let Some(link) = self.links.get(&number) {
            link.end.send(message);
        }
    }

    fn send_all(&self, number: u64, messages: &[ServerMessage]) {
        for message in messages {
            self.send(number, message);
        }
    }
}

fn forbidden(user: &UserId, board: BoardId) -> ServerMessage {
    ServerMessage::Error {
        code: Code::Forbidden,
        detail: format!("{user} may not read the board {board}"),
        board: Some(board),
        feed: None,
    }
}

fn feed_error(feed: u32, detail: String) -> ServerMessage {
    ServerMessage::Error {
        code: Code::BadQuery,
        detail,
        board: None,
        feed: Some(feed),
    }
}
