//! A stage for drivers: a clock that moves when told, and sockets in memory whose other end is the
//! test. Nothing sleeps.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use driftless_client::platform::{Platform, PlatformStore, Signal, Socket, SocketEvent};
use driftless_client::{Client, ClientBuilder, ClientEvent, EventStream};
use driftless_model::{BoardId, Cursor, LeafPath, RecordId, UserId, Value, Version};
use driftless_protocol::message::{Hello, Outcome, Push, Resume, Settled, Welcome};
use driftless_protocol::{ClientMessage, Codec, ServerMessage};
use futures::channel::{mpsc, oneshot};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures::{FutureExt, Stream, StreamExt};

/// Where a server's heartbeat would be, in milliseconds.
pub const HEARTBEAT_MS: u64 = 30_000;

#[derive(Default)]
struct World {
    mono_ms: Cell<u64>,
    sleepers: RefCell<Vec<(u64, oneshot::Sender<()>)>>,
    connected: RefCell<VecDeque<Peer>>,
    tabs: RefCell<Tabs>,
}

/// The tabs that joined, and the lock that one of them has.
#[derive(Default)]
struct Tabs {
    next: usize,
    queue: Vec<(usize, mpsc::UnboundedSender<Signal>)>,
    elected: Option<usize>,
    are_deaf: bool,
}

impl Tabs {
    fn tell(&self, tab: usize, signal: Signal) {
        let joined = self.queue.iter().find(|(number, _)| *number == tab);
        if let Some((_, signals)) = joined {
            let _ = signals.unbounded_send(signal);
        }
    }

    fn elect(&mut self, tab: usize) {
        if let Some(before) = self.elected.replace(tab) {
            self.tell(before, Signal::Deposed);
        }
        self.tell(tab, Signal::Elected);
    }

    fn leave(&mut self, tab: usize) {
        self.queue.retain(|(number, _)| *number != tab);
        if self.elected == Some(tab) {
            self.elected = None;
            if let Some((next, _)) = self.queue.first() {
                self.elect(*next);
            }
        }
    }
}

/// Everything that drivers run in.
pub struct Stage {
    world: Rc<World>,
    pool: LocalPool,
}

/// One driver's platform.
pub struct TestPlatform {
    world: Rc<World>,
    number: usize,
    signals: mpsc::UnboundedSender<Signal>,
    told: Option<mpsc::UnboundedReceiver<Signal>>,
    is_shared: bool,
}

/// A tab, for as long as its page is there.
pub struct Tab {
    world: Rc<World>,
    number: usize,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Tab {
    /// The device says something.
    pub fn say(&self, signal: Signal) {
        let _ = self.signals.unbounded_send(signal);
    }

    /// Whether it has the lock.
    pub fn is_elected(&self) -> bool {
        self.world.tabs.borrow().elected == Some(self.number)
    }
}

/// A tab of whatever build.
pub struct OddTab {
    world: Rc<World>,
    number: usize,
    heard: mpsc::UnboundedReceiver<Signal>,
}

impl OddTab {
    /// Takes the lock.
    pub fn elect(&self) {
        self.world.tabs.borrow_mut().elect(self.number);
    }

    pub fn is_elected(&self) -> bool {
        self.world.tabs.borrow().elected == Some(self.number)
    }

    /// Tells all others.
    pub fn tell(&self, frame: &[u8]) {
        let tabs = self.world.tabs.borrow();
        let others = tabs.queue.iter().filter(|(tab, _)| *tab != self.number);
        for (other, _) in others {
            tabs.tell(*other, Signal::Told(frame.to_vec()));
        }
    }

    /// What others told since it was asked for last.
    pub fn heard(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.heard.try_recv().ok())
            .filter_map(|signal| match signal {
                Signal::Told(frame) => Some(frame),
                _ => None,
            })
            .collect()
    }

    /// Its page is gone.
    pub fn close(self) {
        self.world.tabs.borrow_mut().leave(self.number);
    }
}

impl Stage {
    pub fn new() -> Self {
        Self {
            world: Rc::default(),
            pool: LocalPool::new(),
        }
    }

    /// Starts a client, and lets it come to rest.
    pub fn start(&mut self, builder: ClientBuilder) -> Client {
        self.start_one(builder, false).0
    }

    /// Starts a client that shares its storage with other tabs.
    pub fn start_tab(&mut self, builder: ClientBuilder) -> (Client, Tab) {
        self.start_one(builder, true)
    }

    /// A client whose driver is dropped before anybody polls it.
    pub fn stillborn(&mut self, builder: ClientBuilder) -> Client {
        self.prepare(builder, false).0
    }

    fn start_one(&mut self, builder: ClientBuilder, is_shared: bool) -> (Client, Tab) {
        let (client, driver, tab) = self.prepare(builder, is_shared);
        self.pool
            .spawner()
            .spawn_local(driver)
            .expect("the pool runs");
        self.settle();
        (client, tab)
    }

    fn prepare(
        &mut self,
        builder: ClientBuilder,
        is_shared: bool,
    ) -> (Client, impl Future<Output = ()> + use<>, Tab) {
        let number = {
            let tabs = &mut *self.world.tabs.borrow_mut();
            tabs.next += 1;
            tabs.next
        };
        let (signals, told) = mpsc::unbounded();
        let platform = TestPlatform {
            world: Rc::clone(&self.world),
            number,
            signals: signals.clone(),
            told: Some(told),
            is_shared,
        };
        let (client, driver) = builder.start_on(platform);
        let world = Rc::clone(&self.world);
        let tab = Tab {
            world,
            number,
            signals,
        };
        (client, driver, tab)
    }

    /// A tab that no driver runs in: it says and hears what the test wants.
    pub fn odd_tab(&mut self) -> OddTab {
        let (signals, heard) = mpsc::unbounded();
        let tabs = &mut *self.world.tabs.borrow_mut();
        tabs.next += 1;
        tabs.queue.push((tabs.next, signals));
        OddTab {
            world: Rc::clone(&self.world),
            number: tabs.next,
            heard,
        }
    }

    /// From here on, what tabs tell each other is lost, or is not.
    pub fn deafen(&self, are_deaf: bool) {
        self.world.tabs.borrow_mut().are_deaf = are_deaf;
    }

    /// A client with this storage, and its connection.
    pub fn online(&mut self, storage: impl PlatformStore) -> (Client, Peer) {
        let client = self.start(builder().storage(storage));
        client.board(home());
        self.settle();
        let peer = self.accept();
        (client, peer)
    }

    /// Lets everything run until nothing moves.
    pub fn settle(&mut self) {
        self.pool.run_until_stalled();
    }

    /// Lets everything run, then time pass, and everything run that waited for it.
    pub fn pass_ms(&mut self, milliseconds: u64) {
        self.settle();
        let now = self.world.mono_ms.get() + milliseconds;
        self.world.mono_ms.set(now);
        let sleepers = std::mem::take(&mut *self.world.sleepers.borrow_mut());
        let (due, later): (Vec<_>, Vec<_>) = sleepers.into_iter().partition(|(at, _)| *at <= now);
        self.world.sleepers.borrow_mut().extend(later);
        for (_, sleeper) in due {
            let _ = sleeper.send(());
        }
        self.settle();
    }

    /// The next socket that was opened, if any.
    pub fn connection(&mut self) -> Option<Peer> {
        self.settle();
        self.world.connected.borrow_mut().pop_front()
    }

    /// The next socket, taken through the handshake; every board that it asks for is resumed empty.
    pub fn accept(&mut self) -> Peer {
        self.accept_as("Ada")
    }

    /// The same, and the server takes the client to be this user.
    pub fn accept_as(&mut self, name: &str) -> Peer {
        let mut peer = self.connection().expect("a connection");
        peer.event(SocketEvent::Opened);
        self.settle();
        let hello = peer.hello();
        peer.say(&ServerMessage::Welcome(Welcome {
            user: UserId::new(name).expect("a name"),
            ..welcome()
        }));
        for subscribe in &hello.boards {
            peer.say(&ServerMessage::Resume(Box::new(empty_resume(
                &subscribe.board,
            ))));
        }
        self.settle();
        peer.hello = Some(hello);
        peer
    }

    /// What a future that must not have to wait gives.
    pub fn now<T>(&mut self, future: impl Future<Output = T>) -> T {
        self.settle();
        future.now_or_never().expect("it is ready")
    }
}

/// What arrived so far.
pub fn drain(events: &mut EventStream) -> Vec<ClientEvent> {
    std::iter::from_fn(|| events.next().now_or_never().flatten()).collect()
}

impl Platform for TestPlatform {
    type Socket = TestSocket;
    type Sleep = futures::future::Map<oneshot::Receiver<()>, fn(Result<(), oneshot::Canceled>)>;
    type Signals = mpsc::UnboundedReceiver<Signal>;

    fn mono_ms(&self) -> u64 {
        self.world.mono_ms.get()
    }

    fn epoch_ms(&self) -> u64 {
        1_700_000_000_000 + self.world.mono_ms.get()
    }

    fn sleep_until(&self, mono_ms: u64) -> Self::Sleep {
        let (sender, receiver) = oneshot::channel();
        self.world.sleepers.borrow_mut().push((mono_ms, sender));
        receiver.map(|_| ())
    }

    fn connect(&self, _url: &str) -> TestSocket {
        let (sender, events) = mpsc::unbounded();
        let wire = Rc::new(Wire::default());
        let peer = Peer {
            events: sender,
            wire: Rc::clone(&wire),
            hello: None,
        };
        self.world.connected.borrow_mut().push_back(peer);
        TestSocket { events, wire }
    }

    fn signals(&mut self) -> Self::Signals {
        self.told.take().expect("asked for once")
    }

    fn join(&mut self) -> bool {
        if !self.is_shared {
            return false;
        }
        let tabs = &mut *self.world.tabs.borrow_mut();
        tabs.queue.push((self.number, self.signals.clone()));
        if tabs.elected.is_none() {
            tabs.elect(self.number);
        }
        true
    }

    fn tell(&mut self, frame: Vec<u8>) {
        let tabs = self.world.tabs.borrow();
        if !tabs.queue.iter().any(|(tab, _)| *tab == self.number) {
            return;
        }
        let others = tabs.queue.iter().filter(|(tab, _)| *tab != self.number);
        for (other, _) in others.filter(|_| !tabs.are_deaf) {
            tabs.tell(*other, Signal::Told(frame.clone()));
        }
    }

    fn elect(&mut self) {
        self.world.tabs.borrow_mut().elect(self.number);
    }

    fn leave(&mut self) {
        self.world.tabs.borrow_mut().leave(self.number);
    }
}

impl Drop for TestPlatform {
    fn drop(&mut self) {
        self.world.tabs.borrow_mut().leave(self.number);
    }
}

#[derive(Default)]
struct Wire {
    sent: RefCell<VecDeque<ClientMessage>>,
    is_closed: Cell<bool>,
    is_dropped: Cell<bool>,
}

/// The client's end of a socket.
pub struct TestSocket {
    events: mpsc::UnboundedReceiver<SocketEvent>,
    wire: Rc<Wire>,
}

impl Stream for TestSocket {
    type Item = SocketEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        self.events.poll_next_unpin(context)
    }
}

impl Socket for TestSocket {
    fn send(&mut self, frame: Vec<u8>) {
        let message = Codec::MessagePack.decode_client(&frame).expect("a message");
        self.wire.sent.borrow_mut().push_back(message);
    }

    fn close(&mut self) {
        self.wire.is_closed.set(true);
    }
}

impl Drop for TestSocket {
    fn drop(&mut self) {
        self.wire.is_dropped.set(true);
    }
}

/// The server's end of a socket: the test.
pub struct Peer {
    events: mpsc::UnboundedSender<SocketEvent>,
    wire: Rc<Wire>,
    /// What the client said first, once accepted.
    pub hello: Option<Hello>,
}

impl Peer {
    pub fn event(&self, event: SocketEvent) {
        let _ = self.events.unbounded_send(event);
    }

    pub fn say(&self, message: &ServerMessage) {
        let frame = Codec::MessagePack.encode_server(message);
        self.event(SocketEvent::Frame(frame));
    }

    /// Everything that the client sent since the last look.
    pub fn heard(&mut self) -> Vec<ClientMessage> {
        self.wire.sent.borrow_mut().drain(..).collect()
    }

    pub fn pushes(&mut self) -> Vec<Push> {
        let pushes = self
            .heard()
            .into_iter()
            .filter_map(|message| match message {
                ClientMessage::Push(push) => Some(push),
                _ => None,
            });
        pushes.collect()
    }

    pub fn hello(&mut self) -> Hello {
        match self.heard().as_slice() {
            [ClientMessage::Hello(hello)] => hello.clone(),
            other => panic!("a hello, and nothing else: {other:?}"),
        }
    }

    pub fn outcome(&self, push: &Push, outcome: Outcome) {
        self.say(&ServerMessage::Outcome(Settled {
            board: push.board.clone(),
            seq: push.seq,
            id: push.id,
            outcome,
        }));
    }

    /// The first push that arrived makes a version.
    pub fn apply_next(&mut self, version: u64) {
        let push = self.pushes().remove(0);
        self.apply(&push, version);
    }

    /// The push made this version.
    pub fn apply(&self, push: &Push, version: u64) {
        let applied = Outcome::Applied {
            version: Version(version),
            check: driftless_model::Check(version),
            skipped: vec![],
            replaced: vec![],
            effects: None,
        };
        self.outcome(push, applied);
    }

    /// Whether the client said farewell.
    pub fn is_closed(&self) -> bool {
        self.wire.is_closed.get()
    }

    /// Whether the client's end is gone.
    pub fn is_gone(&self) -> bool {
        self.wire.is_dropped.get()
    }
}

pub fn builder() -> ClientBuilder {
    Client::builder("ws://test/rt")
}

pub fn home() -> BoardId {
    BoardId::new("home").expect("an id")
}

pub fn note() -> RecordId {
    RecordId::new("note").expect("an id")
}

pub fn title() -> LeafPath {
    LeafPath::new("title").expect("a path")
}

/// Makes the note, with a title.
pub fn make_note(client: &Client, text: &str) -> driftless_client::EditHandle {
    let text = Value::from(text);
    let edit = client.board(home()).edit("Add a note", |edit| {
        edit.create(note(), "note", [(title(), text)]);
    });
    edit.expect("a valid edit")
}

pub fn retitle(client: &Client, text: &str) -> driftless_client::EditHandle {
    let text = Value::from(text);
    let edit = client
        .board(home())
        .edit("Rename", |edit| edit.set(note(), title(), text));
    edit.expect("a valid edit")
}

/// The title that is on screen.
pub fn shown(client: &Client) -> Option<String> {
    let record = client.board(home()).record(note())?;
    record.value(&title())?.as_text().map(str::to_owned)
}

pub fn welcome() -> Welcome {
    Welcome {
        protocol: driftless_protocol::PROTOCOL,
        protocol_min: driftless_protocol::PROTOCOL_MIN,
        session: "s1".to_owned(),
        user: UserId::new("Ada").expect("a name"),
        build: "test".to_owned(),
        heartbeat_ms: HEARTBEAT_MS,
        now_ms: 1_700_000_000_000,
        asks_screens: true,
    }
}

pub fn empty_resume(board: &BoardId) -> Resume {
    Resume {
        board: board.clone(),
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
    }
}
