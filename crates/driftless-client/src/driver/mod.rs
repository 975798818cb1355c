//! The shell around the replica machine: it owns the socket, the timer and the storage, hands the
//! machine what happens, one input at a time, and carries out what the machine asks for. It decides
//! nothing about edits.
//!
//! It spawns nothing: one future, polled on one thread, in which everything takes turns.

mod storage;
mod publish;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use driftless_model::Schema;
use driftless_protocol::{ClientMessage, Codec};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::{Command, Input, Now, Output, RealtimeConfig, Replica};
use futures::channel::mpsc::UnboundedReceiver;
use futures::channel::oneshot;
use futures::{FutureExt, StreamExt};

use crate::platform::{AnyStore, OwnedStore, Platform, Signal, Socket, SocketEvent};
use crate::shared::{Request, State};
use publish::Batch;
use storage::{Answer, StorageQueue};

/// Most requests that are taken before what they did is published.
const REQUESTS_PER_BATCH_MAX: usize = 256;

/// Everything that a driver needs but its platform. It may move to another thread.
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) config: RealtimeConfig,
    pub(crate) storage: Option<Box<OwnedStore>>,
    pub(crate) state: Arc<State>,
    pub(crate) requests: UnboundedReceiver<Request>,
}

impl Plan {
    /// Drives the replica until its handles are gone or it is shut down.
    pub(crate) async fn drive<P: Platform>(self, platform: P) {
        Driver::new(self, platform).run().await;
    }
}

struct Driver<P: Platform> {
    platform: P,
    url: String,
    codec: Codec,
    replica: Replica,
    state: Arc<State>,
    requests: UnboundedReceiver<Request>,
    signals: Option<P::Signals>,
    storage: StorageQueue,
    socket: Option<(u64, P::Socket)>,
    timer: Option<(u64, Pin<Box<P::Sleep>>)>,
    batch: Batch,
    network: Network,
    /// The term since which this driver leads.
    term: Option<u64>,
    is_persistence_requested: bool,
    /// Whose turn it is where both have something: neither starves the other.
    is_sockets_turn: bool,
    stopping: Option<oneshot::Sender<()>>,
}

/// What is known about the network.
#[derive(Debug, Clone, Copy)]
struct Network {
    device_has_it: bool,
    application_has_it: bool,
    is_held: bool,
}

impl Network {
    fn is_there(self) -> bool {
        self.device_has_it && self.application_has_it && !self.is_held
    }
}

/// One thing that happened.
enum Step {
    Stored(Answer),
    Asked(Request),
    Heard(u64, SocketEvent),
    Signalled(Signal),
    Due,
    Abandoned,
}

impl<P: Platform> Driver<P> {
    fn new(plan: Plan, mut platform: P) -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("the system has randomness for a seed");
        let store: Rc<dyn AnyStore> = match plan.storage {
            Some(storage) => {
                let storage: Box<dyn AnyStore> = storage;
                Rc::from(storage)
            }
            None => Rc::new(MemoryRows::new()),
        };
        let mut driver = Self {
            signals: Some(platform.signals()),
            platform,
            url: plan.url,
            codec: Codec::MessagePack,
            replica: Replica::new(plan.config, plan.schema, seed),
            state: plan.state,
            requests: plan.requests,
            storage: StorageQueue::new(store),
            socket: None,
            timer: None,
            batch: Batch::default(),
            network: Network {
                device_has_it: true,
                application_has_it: true,
                is_held: false,
            },
            term: None,
            is_persistence_requested: false,
            is_sockets_turn: false,
            stopping: None,
        };
        driver.handle(Input::Command(Command::SetToken(plan.token)));
        driver
    }

    async fn run(mut self) {
        loop {
            self.publish();
            let step = std::future::poll_fn(|context| self.poll_step(context)).await;
            if !self.take(step) {
                break;
            }
            self.take_more_requests();
        }
        self.finish().await;
    }

    /// What was made is stored; then everybody who waits hears that it is over.
    async fn finish(mut self) {
        self.handle(Input::Command(Command::Disconnect));
        while !self.storage.is_idle() {
            let answer = std::future::poll_fn(|context| self.storage.poll(context)).await;
            self.answered(answer);
        }
        self.publish();
        // Whoever hears that it stopped may open the same storage again.
        drop(self.storage);
        self.requests.close();
        self.state.published().waiters.clear();
        self.state.listeners.end();
        if let Some(stopping) = self.stopping {
            // Whoever asked may be gone.
            let _ = stopping.send(());
        }
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(answer) = self.storage.poll(context) {
            return Poll::Ready(Step::Stored(answer));
        }
        if self.poll_timer(context).is_ready() {
            return Poll::Ready(Step::Due);
        }
        self.is_sockets_turn = !self.is_sockets_turn;
        let step = if self.is_sockets_turn {
            self.poll_socket(context)
                .or_else(|| self.poll_requests(context))
        } else {
            self.poll_requests(context)
                .or_else(|| self.poll_socket(context))
        };
        match step.or_else(|| self.poll_signals(context)) {
            Some(step) => Poll::Ready(step),
            None => Poll::Pending,
        }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            // The clock decides too: a timer may be late where there is always something to do.
            Some((at_ms, _)) if *at_ms <= self.platform.mono_ms() => Poll::Ready(()),
            Some((_, sleep)) => sleep.poll_unpin(context),
            None => Poll::Pending,
        }
    }

    fn poll_socket(&mut self, context: &mut Context<'_>) -> Option<Step> {
        let (number, socket) = self.socket.as_mut()?;
        match socket.poll_next_unpin(context) {
            Poll::Ready(Some(event)) => Some(Step::Heard(*number, event)),
            Poll::Ready(None) => {
                let reason = "the connection ended".to_owned();
                Some(Step::Heard(
                    *number,
                    SocketEvent::Closed { code: None, reason },
                ))
            }
            Poll::Pending => None,
        }
    }

    fn poll_requests(&mut self, context: &mut Context<'_>) -> Option<Step> {
        match self.requests.poll_next_unpin(context) {
            Poll::Ready(Some(request)) => Some(Step::Asked(request)),
            Poll::Ready(None) => Some(Step::Abandoned),
            Poll::Pending => None,
        }
    }

    fn poll_signals(&mut self, context: &mut Context<'_>) -> Option<Step> {
        match self.signals.as_mut()?.poll_next_unpin(context) {
            Poll::Ready(Some(signal)) => Some(Step::Signalled(signal)),
            Poll::Ready(None) => {
                self.signals = None;
                None
            }
            Poll::Pending => None,
        }
    }

    /// Takes one step. Answers whether to go on.
    fn take(&mut self, step: Step) -> bool {
        match step {
            Step::Stored(answer) => self.answered(answer),
            Step::Asked(request) => self.asked(request),
            Step::Heard(socket, event) => self.heard(socket, event),
            Step::Signalled(signal) => self.signalled(signal),
            Step::Due => {
                self.timer = None;
                self.handle(Input::Wake);
            }
            Step::Abandoned => return false,
        }
        self.stopping.is_none()
    }

    /// Only requests: they do not move the confirmed state, so that what is published is one state.
    fn take_more_requests(&mut self) {
        for _ in 0..REQUESTS_PER_BATCH_MAX {
            match self.requests.try_recv() {
                Ok(request) if self.stopping.is_none() => self.asked(request),
                _ => return,
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        let is_load = matches!(answer.input, Input::Loaded { .. });
        self.handle(answer.input);
        if is_load {
            self.batch.all(&self.replica, &self.state);
        }
        if let Some(term) = answer.leads_since.filter(|term| Some(*term) > self.term) {
            self.term = Some(term);
            self.platform.announce(term);
        }
    }

    fn asked(&mut self, request: Request) {
        match request {
            Request::Command(command) => {
                if matches!(*command, Command::Edit(_)) && !self.is_persistence_requested {
                    self.is_persistence_requested = true;
                    self.platform.request_persistence();
                }
                self.handle(Input::Command(*command));
            }
            Request::SetOnline(has_it) => {
                self.network(|network| network.application_has_it = has_it);
            }
            Request::HoldNetwork(is_held) => self.network(|network| network.is_held = is_held),
            Request::Shutdown(stopping) => self.stopping = Some(stopping),
        }
    }

    fn signalled(&mut self, signal: Signal) {
        match signal {
            Signal::Network(has_it) => self.network(|network| network.device_has_it = has_it),
            Signal::Visible(is_visible) => {
                self.handle(Input::Command(Command::Visible(is_visible)));
            }
            Signal::Announced { term } => {
                if self.term.is_some_and(|own| own < term) {
                    self.handle(Input::Superseded);
                }
            }
        }
    }

    fn network(&mut self, change: impl FnOnce(&mut Network)) {
        let before = self.network.is_there();
        change(&mut self.network);
        self.batch.status();
        if self.network.is_held {
            // Cut, not closed: no farewell.
            self.socket = None;
        }
        let is_there = self.network.is_there();
        if is_there != before {
            self.handle(Input::Command(Command::Network(is_there)));
        }
    }

    fn heard(&mut self, socket: u64, event: SocketEvent) {
        let input = match event {
            SocketEvent::Opened => Input::SocketOpened { socket },
            SocketEvent::Frame(bytes) => match self.codec.decode_server(&bytes) {
                Ok(message) => Input::SocketMessage {
                    socket,
                    message: Box::new(message),
                },
                Err(error) => Input::SocketGarbage {
                    socket,
                    reason: error.to_string(),
                },
            },
            SocketEvent::Closed { code, reason } => {
                self.socket = None;
                Input::SocketClosed {
                    socket,
                    code,
                    reason,
                }
            }
        };
        self.handle(input);
    }

    /// Hands the machine an input, and carries out everything that it asks for.
    fn handle(&mut self, input: Input) {
        let now = Now {
            mono_ms: self.platform.mono_ms(),
            epoch_ms: self.platform.epoch_ms(),
        };
        self.replica.handle(input, now);
        while let Some(output) = self.replica.poll_output() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Load => self.storage.load(),
            Output::Commit {
                ticket,
                transaction,
            } => self.storage.commit(ticket, transaction),
            Output::OpenSocket { socket } => {
                self.socket = Some((socket, self.platform.connect(&self.url)));
            }
            Output::Send(message) => self.send(&message),
            Output::CloseSocket { socket } => {
                if let Some((_, mut open)) = self.socket.take_if(|(own, _)| *own == socket) {
                    open.close();
                }
            }
            Output::WakeAt { mono_ms } => {
                let sleep = self.platform.sleep_until(mono_ms);
                self.timer = Some((mono_ms, Box::pin(sleep)));
            }
            Output::Notice(notice) => self.batch.take(notice),
            _ => {}
        }
    }

    fn send(&mut self, message: &ClientMessage) {
        if let Some((_, socket)) = &mut self.socket {
            socket.send(self.codec.encode_client(message));
        }
    }

    fn publish(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let is_held = self.network.is_held;
        for feed in batch.publish(&self.replica, is_held, &self.state) {
            let query = self
                .state
                .published()
                .feeds
                .get(&feed)
                .map(|open| open.query.clone());
            if let Some(query) = query {
                self.handle(Input::Command(Command::OpenFeed { feed, query }));
            }
        }
    }
}
