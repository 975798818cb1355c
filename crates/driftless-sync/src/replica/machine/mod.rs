//! The replica machine: the five parts, put together.

mod storage;
mod session;
mod rights;
mod commands;
mod pump;
mod undo;
mod screens;
mod auto_resolve;
mod deeds;
mod follow;
mod lead;
mod marks;

pub use marks::token_mark;

use std::collections::VecDeque;
use std::sync::Arc;

use driftless_model::{BoardId, EditId, RecordId, Schema, SortedMap, UserId};
use driftless_protocol::durable::ReplicaRow;
use driftless_protocol::{Code, Query, TabId, Wish};
use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::replica::background_sync::{NewEdit, SeenMark};
use crate::replica::board::Board;
use crate::replica::journal::{Journal, Ticket};
use crate::replica::machine::screens::Questions;
use crate::replica::realtime_config::RealtimeConfig;
use crate::replica::tab_feeds::TabFeeds;
use crate::replica::tabs::{Leader, Tabs};
use crate::replica::types::{Input, Notice, Now, Output, ReplicaStatus};
use crate::replica::update_processor::UpdateProcessor;
use crate::replica::view::{AutoResolve, EntryView, RecordView, StorageVerdict};
use crate::replica::websocket_manager::{Action, WebsocketManager};

/// One user's durable copy of some boards.
///
/// Calling contract: [`Replica::handle`], then [`Replica::poll_output`] until `None`, carrying the
/// outputs out in order. [`Output::Load`] and [`Output::Commit`] are answered by exactly one input
/// each. [`Replica::new`] asks for a load at once.
#[derive(Debug)]
pub struct Replica {
    config: RealtimeConfig,
    schema: Arc<Schema>,
    rng: Xoshiro256PlusPlus,
    phase: Phase,
    row: Option<ReplicaRow>,
    token: Option<String>,
    session_user: Option<UserId>,
    /// Whether somebody signed in here since this tab led, or heard that the one which leads has
    /// the same token.
    is_signing_in: bool,
    /// Why nothing can be made here: the copy holds edits of somebody else than who is signed in.
    not_theirs: Option<String>,
    server_build: Option<String>,
    last_sync_ms: Option<u64>,
    boards: SortedMap<BoardId, Board>,
    feeds: SortedMap<u32, Query>,
    journal: Journal,
    /// What is known of other tabs, where some share this replica.
    tabs: Option<Tabs>,
    /// What this tab serves to others while it leads.
    tab_feeds: TabFeeds,
    verdict: StorageVerdict,
    storage_retry_at_ms: Option<u64>,
    /// Edits whose author was not told yet that they are durable.
    unstored: SortedMap<EditId, Ticket>,
    /// Edits that came before the storage was read, or that a replaced tab had not stored.
    early: Vec<NewEdit>,
    socket: WebsocketManager,
    /// The greatest wish that is known: whether to be connected while it leads.
    wish: Wish,
    actions: Vec<Action>,
    processor: UpdateProcessor,
    auto_resolve: AutoResolve,
    is_visible: bool,
    /// Whether anybody said that the page is seen, or hidden.
    has_screen: bool,
    questions: Questions,
    told: Option<ReplicaStatus>,
    woken_for_ms: Option<u64>,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The storage is being read.
    Loading,
    /// The first transaction, which makes this the leader, is under way.
    Claiming,
    /// It leads.
    Leading,
    /// Another tab or process leads, and this one is of no use.
    Superseded,
    /// Another tab leads, or none: this one stores its edits and shows what is stored.
    Following,
    /// What is stored cannot be used: nothing is written, nothing is sent.
    Unusable,
}

impl Replica {
    /// A replica that asks for its stored rows. `seed` has to be random, and is never stored.
    pub fn new(config: RealtimeConfig, schema: Arc<Schema>, seed: [u8; 32]) -> Self {
        let mut rng = Xoshiro256PlusPlus::from_seed(seed);
        let mut socket_seed = [0; 32];
        rng.fill_bytes(&mut socket_seed);
        Self {
            wish: Wish {
                order: 0,
                is_wanted: config.auto_connect(),
            },
            config,
            schema,
            rng,
            phase: Phase::Loading,
            row: None,
            token: None,
            session_user: None,
            is_signing_in: false,
            not_theirs: None,
            server_build: None,
            last_sync_ms: None,
            boards: SortedMap::new(),
            feeds: SortedMap::new(),
            journal: Journal::default(),
            tabs: None,
            tab_feeds: TabFeeds::default(),
            verdict: StorageVerdict::Loading,
            storage_retry_at_ms: None,
            unstored: SortedMap::new(),
            early: Vec::new(),
            socket: WebsocketManager::new(Xoshiro256PlusPlus::from_seed(socket_seed)),
            actions: Vec::new(),
            processor: UpdateProcessor::default(),
            auto_resolve: AutoResolve::Never,
            is_visible: true,
            has_screen: false,
            questions: Questions::default(),
            told: None,
            woken_for_ms: None,
            outputs: [Output::Load].into(),
        }
    }

    /// A replica that shares its storage with other tabs. It follows until it is told
    /// [`Input::Elected`], and leads until another one does. Every tab stores its own edits; the
    /// one that leads sends them, and stores what the server says.
    pub fn shared(config: RealtimeConfig, schema: Arc<Schema>, seed: [u8; 32]) -> Self {
        let mut replica = Self::new(config, schema, seed);
        let me = TabId(replica.rng.next_u64());
        replica.tabs = Some(Tabs::new(me));
        replica
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input, now: Now) {
        match input {
            // A timer may fire early: what is due is asked for again.
            Input::Wake => self.woken_for_ms = None,
            Input::Loaded { rows, volatile } => self.loaded(rows, volatile, now),
            Input::LoadFailed { reason } => {
                self.phase = Phase::Unusable;
                for edit in std::mem::take(&mut self.early) {
                    self.refuse_edit(&edit, Code::Unavailable, reason.clone());
                }
                self.verdict = StorageVerdict::Unusable { reason };
                self.detach();
                self.socket.disconnect(&mut self.actions);
            }
            Input::Elected => self.elected(),
            Input::Told(message) => self.told(*message, now),
            Input::Committed { ticket, result } => self.committed(ticket, result, now),
            Input::Superseded => self.superseded(),
            Input::SocketOpened { socket } if self.socket.is_current(socket) => {
                self.socket.opened(&mut self.actions);
            }
            Input::SocketMessage { socket, message } if self.socket.is_current(socket) => {
                self.socket.heard(now.mono_ms);
                self.message(*message, now);
            }
            Input::SocketGarbage { socket, reason } if self.socket.is_current(socket) => {
                self.error(Code::Malformed, reason);
                self.detach();
                self.socket
                    .restart_later(now.mono_ms, &self.config, &mut self.actions);
            }
            Input::SocketClosed {
                socket,
                code,
                reason,
            } if self.socket.is_current(socket) => {
                self.detach();
                self.socket.closed(code, &reason, now.mono_ms, &self.config);
                // Perhaps another tab of this replica took over: the storage knows.
                self.journal.probe();
                if self.socket.is_contested() && self.phase == Phase::Leading {
                    self.reidentify(now);
                }
            }
            Input::Command(command) => self.command(command, now),
            _ => {}
        }
        self.pump(now);
    }

    /// The state as a whole.
    pub fn status(&self) -> ReplicaStatus {
        if let Some(leader) = self.leader() {
            return ReplicaStatus {
                connection: leader.connection.clone(),
                server_build: leader.server_build.clone(),
                last_sync_ms: leader.last_sync_ms,
                ..self.own_status()
            };
        }
        self.own_status()
    }

    /// The other tab that leads.
    fn leader(&self) -> Option<&Leader> {
        let tabs = self.tabs.as_ref().filter(|_| !self.is_leading());
        tabs.and_then(|tabs| tabs.leader.as_ref())
    }

    /// Whether this replica is the one that leads, or is about to.
    fn is_leading(&self) -> bool {
        matches!(self.phase, Phase::Leading | Phase::Claiming)
    }

    /// Whether what a person asks for can be stored.
    fn may_write(&self) -> bool {
        self.is_leading() || self.phase == Phase::Following
    }

    /// Whether what is made here has to wait until this tab leads, and has seen to whose the copy
    /// is: somebody signed in, and it may be another's.
    fn waits_to_lead(&self) -> bool {
        self.is_signing_in && self.is_anothers()
    }

    /// Whether the copy is of a user who had another token.
    fn is_anothers(&self) -> bool {
        let is_anothers = |row: &ReplicaRow| row.user.is_some() && row.token != self.token_mark();
        self.row.as_ref().is_some_and(is_anothers)
    }

    /// Whether a person may decide about what is in the outbox; where they may not, they are told.
    fn may_decide(&mut self) -> bool {
        if let Some(reason) = self.not_theirs.clone() {
            self.error(Code::WrongUser, reason);
            return false;
        }
        self.may_write()
    }

    fn own_status(&self) -> ReplicaStatus {
        ReplicaStatus {
            connection: self.socket.connection().clone(),
            storage: self.verdict.clone(),
            user: self.user().filter(|_| !self.waits_to_lead()).cloned(),
            client: self.row.as_ref().map(|row| row.client),
            server_build: self.server_build.clone(),
            last_sync_ms: self.last_sync_ms,
            dropped_samples: self.processor.dropped_samples(),
        }
    }

    /// The kinds that this build knows.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// One board, once it is followed or was stored.
    pub fn board(&self, id: &BoardId) -> Option<&Board> {
        self.boards.get(id)
    }

    /// Every board that anything is known about.
    pub fn boards(&self) -> impl Iterator<Item = (&BoardId, &Board)> {
        self.boards.iter()
    }

    /// The views of a board's records, as last flushed.
    pub fn views(&self, id: &BoardId) -> Option<&SortedMap<RecordId, Arc<RecordView>>> {
        self.boards.get(id).map(|board| board.state.views())
    }

    /// The outbox of a board, oldest first.
    pub fn entries(&self, id: &BoardId) -> Vec<EntryView> {
        let Some(board) = self.boards.get(id) else {
            return Vec::new();
        };
        let confirmed = board.state.confirmed();
        board
            .outbox
            .entries()
            .map(|entry| entry.view(confirmed, &self.journal))
            .collect()
    }

    /// What is on screen now, for a gesture that begins.
    pub fn seen_mark(&self, id: &BoardId) -> SeenMark {
        let board = self.boards.get(id);
        board
            .map(|board| board.outbox.seen_mark(&board.state))
            .unwrap_or_default()
    }

    /// How many samples of an open feed were never shown, since newer ones replaced them.
    pub fn dropped_samples(&self, feed: u32) -> u64 {
        self.processor.dropped_samples_of(feed)
    }

    fn user(&self) -> Option<&UserId> {
        let bound = self.row.as_ref().and_then(|row| row.user.as_ref());
        bound.or(self.session_user.as_ref())
    }

    fn error(&mut self, code: Code, detail: String) {
        self.outputs
            .push_back(Output::Notice(Notice::Error { code, detail }));
    }
}
