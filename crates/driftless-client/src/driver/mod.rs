//! The shell around the replica machine: it owns the socket, the timer and the storage, hands the
//! machine what happens, one input at a time, and carries out what the machine asks for. It decides
//! nothing about edits.
//!
//! It spawns nothing: one future, polled on one thread, in which everything takes turns.

mod network;
mod pace;
mod sign_in;
mod spoken;
mod steps;
mod storage;
mod timer;
mod publish;
mod tabs;

use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use driftless_model::Schema;
use driftless_protocol::{ClientMessage, Codec};
use driftless_store::replica::MemoryRows;
use driftless_sync::replica::{Command, Input, Now, Output, RealtimeConfig, Replica};
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::channel::oneshot;

use crate::platform::{AnyStore, OwnedStore, Platform, Signal, Socket, SocketEvent};
use crate::shared::{Request, State};
use network::Network;
use pace::Pace;
use publish::{Around, Batch};
use sign_in::SignIn;
use storage::{Answer, StorageQueue};
use tabs::Strangers;
use timer::{Timer, poll_timer};

/// What every platform's sockets speak. A constant, so that a browser gets no code for the other.
const CODEC: Codec = Codec::MessagePack;

/// Most requests that are taken before what they did is published.
const REQUESTS_PER_BATCH_MAX: usize = 256;

/// Everything that a driver needs but its platform. It may move to another thread.
pub(crate) struct Plan {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    /// Whether somebody signs in with it now, or has before.
    pub(crate) is_token_new: bool,
    pub(crate) schema: Arc<Schema>,
    pub(crate) config: RealtimeConfig,
    pub(crate) storage: Option<Box<OwnedStore>>,
    pub(crate) state: Arc<State>,
    pub(crate) requests: UnboundedReceiver<Request>,
    /// Behind the requests, so that no more of them come once everybody has heard the end.
    pub(crate) end: End,
}

/// Whoever waits hears that it is over when this goes: also with a driver that is dropped halfway,
/// or panics.
#[derive(Debug)]
pub(crate) struct End(pub(crate) Arc<State>);

impl Drop for End {
    fn drop(&mut self) {
        // Those who wait are woken without the lock.
        let waiters = std::mem::take(&mut self.0.published().waiters);
        drop(waiters);
        self.0.listeners.end();
    }
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
    replica: Replica,
    state: Arc<State>,
    requests: UnboundedReceiver<Request>,
    signals: Option<P::Signals>,
    storage: StorageQueue,
    socket: Option<(u64, P::Socket)>,
    timer: Option<Timer<P>>,
    /// When the storage is read again that could not be read.
    rereading: Option<Timer<P>>,
    batch: Batch,
    pace: Pace,
    /// When what changed is published that had to wait.
    publishing: Option<Timer<P>>,
    network: Network,
    company: Company,
    sign_in: SignIn,
    strangers: Strangers,
    around: Around,
    is_persistence_requested: bool,
    /// Whose turn it is where both have something: neither starves the other.
    is_sockets_turn: bool,
    stopping: Option<oneshot::Sender<()>>,
    /// Behind the requests, as in the plan.
    end: End,
}

/// Who else uses the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Nobody.
    None,
    /// Other tabs may; this one is one of them.
    Tabs,
    /// Other tabs may; this one has left them, since its page was put away.
    Left,
}

/// One thing that happened.
enum Step {
    Stored(Answer),
    Asked(Request),
    Heard(u64, SocketEvent),
    Signalled(Signal),
    Due,
    ReadAgain,
    Published,
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
        let storage = StorageQueue::new(store);
        let signals = platform.signals();
        // What is gone with this driver is nobody else's either.
        let has_tabs = !storage.is_volatile() && platform.join();
        let new = if has_tabs {
            Replica::shared
        } else {
            Replica::new
        };
        let mut driver = Self {
            signals: Some(signals),
            platform,
            url: plan.url,
            company: if has_tabs {
                Company::Tabs
            } else {
                Company::None
            },
            sign_in: SignIn::new(plan.token.clone(), plan.is_token_new),
            strangers: Strangers::default(),
            around: Around {
                retry_ms: plan.config.storage_retry_ms(),
                ..Around::default()
            },
            replica: new(plan.config, plan.schema, seed),
            state: plan.state,
            requests: plan.requests,
            storage,
            socket: None,
            timer: None,
            rereading: None,
            batch: Batch::default(),
            pace: Pace::default(),
            publishing: None,
            network: Network {
                device_has_it: true,
                application_has_it: true,
                is_held: false,
                is_away: false,
            },
            is_persistence_requested: false,
            is_sockets_turn: false,
            stopping: None,
            end: plan.end,
        };
        let token = if plan.is_token_new {
            Command::SetToken
        } else {
            Command::AdoptToken
        };
        driver.handle(Input::Command(token(plan.token)));
        driver
    }

    async fn run(mut self) {
        loop {
            self.publish_in_turn();
            let step = std::future::poll_fn(|context| self.poll_step(context)).await;
            if !self.take(step) {
                break;
            }
            self.take_more_requests();
            if self.stopping.is_some() {
                break;
            }
        }
        self.finish().await;
    }

    /// What was made is stored; then everybody who waits hears that it is over.
    async fn finish(mut self) {
        self.storage.pause(false);
        // A page that was put away does not leave halfway, and nothing waits until this tab leads.
        self.network.is_away = false;
        self.go_on_with_token();
        self.store_all().await;
        // Other tabs stay connected: they are told of what was stored, not of this farewell.
        self.go_alone();
        self.handle(Input::Command(Command::Disconnect));
        self.store_all().await;
        self.publish();
        // Whoever hears that it stopped may open the same storage again.
        drop(self.storage);
        self.requests.close();
        drop(self.end);
        self.socket = None;
        self.platform.farewell().await;
        if let Some(stopping) = self.stopping {
            // Whoever asked may be gone.
            let _ = stopping.send(());
        }
    }

    async fn store_all(&mut self) {
        while !self.storage.is_idle() {
            let answer = std::future::poll_fn(|context| self.storage.poll(context)).await;
            self.answered(answer);
        }
    }

    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if let Poll::Ready(answer) = self.storage.poll(context) {
            return Poll::Ready(Step::Stored(answer));
        }
        let now_ms = self.platform.mono_ms();
        if poll_timer::<P>(&mut self.timer, now_ms, context).is_ready() {
            return Poll::Ready(Step::Due);
        }
        if poll_timer::<P>(&mut self.rereading, now_ms, context).is_ready() {
            return Poll::Ready(Step::ReadAgain);
        }
        if poll_timer::<P>(&mut self.publishing, now_ms, context).is_ready() {
            return Poll::Ready(Step::Published);
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
            Step::ReadAgain => {
                self.rereading = None;
                self.storage.load();
            }
            // The turn itself comes with every step.
            Step::Published => self.publishing = None,
            Step::Abandoned => return false,
        }
        self.stopping.is_none()
    }

    /// Only requests: they do not move the confirmed state, so that what is published is one state.
    fn take_more_requests(&mut self) {
        for _ in 0..REQUESTS_PER_BATCH_MAX {
            // What is left behind a shutdown goes with the driver: a second one is answered then.
            if self.stopping.is_some() {
                return;
            }
            match self.requests.try_recv() {
                Ok(request) => self.asked(request),
                Err(_) => return,
            }
        }
    }

    fn answered(&mut self, answer: Answer) {
        let trouble = match &answer {
            Answer::Unread { reason } => Some(reason.clone()),
            _ => None,
        };
        if self.around.trouble != trouble {
            self.around.trouble = trouble;
            self.batch.status();
        }
        match answer {
            Answer::Input(input) => self.handle(input),
            Answer::FirstLoaded(input) => {
                self.handle(input);
                self.batch.all(&self.replica, &self.state);
            }
            Answer::InMemory(input) => {
                self.go_alone();
                self.handle(input);
                self.handle(Input::Elected);
                self.batch.all(&self.replica, &self.state);
            }
            Answer::Unread { .. } => {
                let at_ms = self.platform.mono_ms() + self.around.retry_ms;
                let sleep = self.platform.sleep_until(at_ms);
                self.rereading = Some((at_ms, Box::pin(sleep)));
            }
            Answer::Unusable(input) => {
                self.go_alone();
                self.handle(input);
            }
        }
        self.leave_if_away();
    }

    fn asked(&mut self, request: Request) {
        match request {
            Request::Command(command) => {
                if matches!(*command, Command::Edit(_)) && !self.is_persistence_requested {
                    self.is_persistence_requested = true;
                    self.platform.request_persistence();
                }
                let command = match *command {
                    Command::SetToken(token) => self.sign_in.renew(token),
                    command => command,
                };
                self.handle(Input::Command(command));
                self.lead_for_token();
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
            Signal::Away(is_away) => self.away(is_away),
            Signal::Elected => {
                self.sign_in.used(true);
                self.led_by_strangers(false);
                self.handle(Input::Elected);
            }
            Signal::Deposed => {
                self.sign_in.used(false);
                self.handle(Input::Superseded);
            }
            Signal::Told(frame) => self.told_by_tab(&frame),
            Signal::Persistent(is_persistent) => {
                self.around.is_persistent = Some(is_persistent);
                self.batch.status();
            }
        }
    }

    fn go_alone(&mut self) {
        self.platform.leave();
        self.company = Company::None;
    }

    /// A page that is put away has no connection, and lets the other tabs go on as soon as what was
    /// made here is stored.
    fn away(&mut self, is_away: bool) {
        self.network(|network| network.is_away = is_away);
        if is_away {
            // It may never lead again.
            self.go_on_with_token();
        }
        self.leave_if_away();
        if !is_away && self.company == Company::Left {
            self.company = Company::Tabs;
            self.storage.pause(false);
            self.platform.join();
        }
    }

    fn leave_if_away(&mut self) {
        let is_leaving = self.network.is_away && self.company == Company::Tabs;
        if is_leaving && self.storage.is_idle() {
            self.company = Company::Left;
            self.sign_in.left();
            self.platform.leave();
            // Other tabs would wait for a transaction of a page that stands still.
            self.storage.pause(true);
            self.handle(Input::Superseded);
        }
    }

    fn lead_for_token(&mut self) {
        if self.sign_in.has_to_lead() {
            self.platform.elect();
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
            SocketEvent::Frame(bytes) => match CODEC.decode_server(&bytes) {
                Ok(message) => {
                    steps::heard(
                        &self.state,
                        &message,
                        bytes.len(),
                        &self.replica,
                        self.now(),
                    );
                    let message = Box::new(message);
                    Input::SocketMessage { socket, message }
                }
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
        let now = self.now();
        spoken::handed(&input);
        steps::handed(&self.state, &input, now);
        self.replica.handle(input, now);
        while let Some(output) = self.replica.poll_output() {
            self.carry_out(output);
        }
    }

    fn now(&self) -> Now {
        Now {
            mono_ms: self.platform.mono_ms(),
            epoch_ms: self.platform.epoch_ms(),
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
            Output::Tell(message) => self.tell_tabs(&message),
            Output::Elect => self.elect(),
            Output::Notice(notice) => {
                steps::told(&self.state, &notice, self.now());
                self.batch.take(notice, &self.replica);
            }
            _ => {}
        }
    }

    fn send(&mut self, message: &ClientMessage) {
        if let Some((_, socket)) = &mut self.socket {
            spoken::sent(message);
            socket.send(CODEC.encode_client(message));
            steps::sent(&self.state, message, &self.replica, self.now());
        }
    }

    /// Publishes, or sees to it that it is done when its turn comes.
    fn publish_in_turn(&mut self) {
        let (now_ms, due_ms) = (self.platform.mono_ms(), self.pace.due_ms());
        if self.batch.is_empty() {
            return;
        }
        if now_ms < due_ms {
            if self.publishing.is_none() {
                let sleep = self.platform.sleep_until(due_ms);
                self.publishing = Some((due_ms, Box::pin(sleep)));
            }
            return;
        }
        self.publishing = None;
        self.publish();
        let done_ms = self.platform.mono_ms();
        self.pace.done(now_ms, done_ms);
        let cost_ms = done_ms.saturating_sub(now_ms);
        self.state.published().flushes.done(cost_ms);
    }

    fn publish(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.around.network_held = self.network.is_held;
        for feed in batch.publish(&self.replica, &self.around, &self.state) {
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
