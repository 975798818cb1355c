//! The replica machine: the five parts, put together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use driftless_model::{BoardId, ClientId, EditId, OnStale, Schema, UserId, limits};
use driftless_protocol::durable::{EntryState, ReplicaRow, Row};
use driftless_protocol::message::{ClientMessage, Hello, ServerMessage, Subscribe, Welcome};
use driftless_protocol::{Blame, Code, PROTOCOL, Query};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::replica::background_sync::{Entry, NewEdit, SeenMark, resolved_changes};
use crate::replica::board::{Board, Step, Stream, Trouble, settlements};
use crate::replica::journal::{Journal, Ticket};
use crate::replica::realtime_config::RealtimeConfig;
use crate::replica::types::{
    Command, CommitResult, Input, Notice, Now, Output, ReplicaStatus, Settlement,
};
use crate::replica::update_processor::UpdateProcessor;
use crate::replica::view::{EntryView, RecordView, Resolution, StorageVerdict};
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
    rng: ChaCha8Rng,
    phase: Phase,
    row: Option<ReplicaRow>,
    token: Option<String>,
    session_user: Option<UserId>,
    server_build: Option<String>,
    last_sync_ms: Option<u64>,
    boards: BTreeMap<BoardId, Board>,
    feeds: BTreeMap<u32, Query>,
    journal: Journal,
    verdict: StorageVerdict,
    storage_retry_at_ms: Option<u64>,
    /// Edits whose author was not told yet that they are durable.
    unstored: BTreeMap<EditId, Ticket>,
    /// Edits that came before the storage was read, or that a replaced tab had not stored.
    early: Vec<NewEdit>,
    socket: WebsocketManager,
    actions: Vec<Action>,
    processor: UpdateProcessor,
    is_visible: bool,
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
    /// Another tab or process leads.
    Superseded,
    /// What is stored cannot be used: nothing is written, nothing is sent.
    Unusable,
}

impl Replica {
    /// A replica that asks for its stored rows. `seed` has to be random, and is never stored.
    pub fn new(config: RealtimeConfig, schema: Arc<Schema>, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        let mut socket_seed = [0; 32];
        rng.fill_bytes(&mut socket_seed);
        Self {
            config,
            schema,
            rng,
            phase: Phase::Loading,
            row: None,
            token: None,
            session_user: None,
            server_build: None,
            last_sync_ms: None,
            boards: BTreeMap::new(),
            feeds: BTreeMap::new(),
            journal: Journal::default(),
            verdict: StorageVerdict::Loading,
            storage_retry_at_ms: None,
            unstored: BTreeMap::new(),
            early: Vec::new(),
            socket: WebsocketManager::new(ChaCha8Rng::from_seed(socket_seed)),
            actions: Vec::new(),
            processor: UpdateProcessor::default(),
            is_visible: true,
            told: None,
            woken_for_ms: None,
            outputs: [Output::Load].into(),
        }
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
                self.verdict = StorageVerdict::Unusable { reason };
            }
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
            }
            Input::Command(command) => self.command(command, now),
            _ => {}
        }
        self.pump(now);
    }

    /// The state as a whole.
    pub fn status(&self) -> ReplicaStatus {
        ReplicaStatus {
            connection: self.socket.connection().clone(),
            storage: self.verdict.clone(),
            user: self.user().cloned(),
            client: self.row.as_ref().map(|row| row.client),
            server_build: self.server_build.clone(),
            last_sync_ms: self.last_sync_ms,
            dropped_frames: self.processor.dropped_frames(),
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
    pub fn views(
        &self,
        id: &BoardId,
    ) -> Option<&BTreeMap<driftless_model::RecordId, Arc<RecordView>>> {
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
            .map(|board| board.outbox.seen_mark(board.state.shown()))
            .unwrap_or_default()
    }

    fn user(&self) -> Option<&UserId> {
        let bound = self.row.as_ref().and_then(|row| row.user.as_ref());
        bound.or(self.session_user.as_ref())
    }

    fn error(&mut self, code: Code, detail: String) {
        self.outputs
            .push_back(Output::Notice(Notice::Error { code, detail }));
    }

    // Storage

    fn loaded(&mut self, rows: Vec<Row>, volatile: Option<String>, now: Now) {
        if self.phase != Phase::Loading {
            return;
        }
        let followed: BTreeSet<BoardId> = std::mem::take(&mut self.boards)
            .into_iter()
            .filter(|(_, board)| board.is_followed)
            .map(|(id, _)| id)
            .collect();
        self.journal = Journal::default();
        self.unstored.clear();
        self.storage_retry_at_ms = None;
        self.row = None;
        for row in rows {
            self.journal.loaded(&row);
            self.restore(row);
        }
        for id in followed {
            self.board_mut(&id).is_followed = true;
        }
        self.claim();
        self.verdict = match volatile {
            Some(reason) => StorageVerdict::MemoryOnly { reason },
            None => StorageVerdict::Durable,
        };
        for (id, board) in &self.boards {
            self.processor.local(id, board.all_records());
        }
        self.phase = Phase::Claiming;
        for edit in std::mem::take(&mut self.early) {
            self.edit(edit, now);
        }
    }

    fn restore(&mut self, row: Row) {
        match row {
            Row::Replica(row) => self.row = Some(row),
            Row::Board(row) => {
                let board = self.board_mut(&row.board);
                board.state.restore_counters(row.cursor, row.floor);
                board.outbox.restore(&row);
            }
            Row::Record(row) => {
                let id = row.board.clone();
                self.board_mut(&id).state.restore_record(row);
            }
            Row::Entry(row) => {
                let id = row.board.clone();
                self.board_mut(&id).outbox.restore_entry(*row);
            }
            _ => {}
        }
    }

    /// Raises the term: from here on, whoever led before can no longer write.
    fn claim(&mut self) {
        let row = match self.row.take() {
            Some(row) => ReplicaRow {
                term: row.term + 1,
                ..row
            },
            None => ReplicaRow {
                client: ClientId(self.draw_wide()),
                user: None,
                term: 1,
            },
        };
        self.journal.put(Row::Replica(row.clone()));
        self.row = Some(row);
    }

    /// 128 random bits: an id.
    fn draw_wide(&mut self) -> u128 {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    fn board_mut(&mut self, id: &BoardId) -> &mut Board {
        self.boards
            .entry(id.clone())
            .or_insert_with(|| Board::new(id.clone(), self.schema.clone()))
    }

    fn committed(&mut self, ticket: Ticket, result: CommitResult, now: Now) {
        if !self.journal.is_under_way(ticket) {
            return;
        }
        match result {
            CommitResult::Done => {
                self.journal.committed();
                if matches!(self.verdict, StorageVerdict::NotSaved { .. }) {
                    self.verdict = StorageVerdict::Durable;
                }
                if self.phase == Phase::Claiming {
                    self.phase = Phase::Leading;
                    if self.config.auto_connect {
                        let config = &self.config;
                        self.socket.connect(now.mono_ms, config, &mut self.actions);
                    }
                }
                self.tell_stored();
            }
            CommitResult::Conflict => self.superseded(),
            CommitResult::Failed { reason } => {
                self.verdict = StorageVerdict::NotSaved { reason };
                self.storage_retry_at_ms = Some(now.mono_ms + self.config.storage_retry_ms);
            }
        }
    }

    fn tell_stored(&mut self) {
        let journal = &self.journal;
        let mut stored = Vec::new();
        self.unstored.retain(|id, ticket| {
            let is_durable = journal.is_durable(*ticket);
            if is_durable {
                stored.push(*id);
            }
            !is_durable
        });
        for id in &stored {
            self.outputs
                .push_back(Output::Notice(Notice::EditStored { id: *id }));
        }
        for (id, board) in &mut self.boards {
            board.outbox.committed(&self.journal);
            if !stored.is_empty() {
                self.processor.outbox(id);
            }
        }
    }

    fn superseded(&mut self) {
        if !matches!(self.phase, Phase::Leading | Phase::Claiming) {
            return;
        }
        self.phase = Phase::Superseded;
        self.verdict = StorageVerdict::OpenElsewhere;
        self.detach();
        self.socket.disconnect(&mut self.actions);
    }

    /// Leads again: reads what the other tab wrote, and keeps what this one had not stored.
    fn take_over(&mut self) {
        if self.phase != Phase::Superseded {
            return;
        }
        let boards = self.boards.values();
        let entries = boards.flat_map(|board| board.outbox.entries());
        let unstored = entries.filter(|entry| !self.journal.is_durable(entry.ticket));
        let unstored = unstored.filter(|entry| self.unstored.contains_key(&entry.row.id));
        let edits = unstored.map(|entry| NewEdit {
            board: entry.row.board.clone(),
            id: entry.row.id,
            label: entry.row.label.clone(),
            gesture: entry.row.gesture,
            on_stale: entry.row.on_stale,
            changes: entry.row.changes.clone(),
        });
        self.early.extend(edits);
        self.phase = Phase::Loading;
        self.verdict = StorageVerdict::Loading;
        self.outputs.push_back(Output::Load);
    }

    /// A new identity: what was sealed under the old one is sealed again.
    fn reidentify(&mut self, now: Now) {
        let client = ClientId(self.draw_wide());
        if let Some(row) = &mut self.row {
            row.client = client;
            row.user = None;
            self.journal.put(Row::Replica(row.clone()));
        }
        for (id, board) in &mut self.boards {
            board.outbox.unseal(&mut self.journal);
            board.store_board(&mut self.journal);
            self.processor.local(id, board.all_records());
        }
        self.detach();
        self.socket
            .restart(now.mono_ms, &self.config, &mut self.actions);
    }

    // The connection

    /// The connection is gone, and with it the streams.
    fn detach(&mut self) {
        self.session_user = None;
        for board in self.boards.values_mut() {
            board.stream = Stream::Detached;
        }
    }

    fn hello(&mut self) -> Option<ClientMessage> {
        let client = self.row.as_ref()?.client;
        let wanted = self
            .boards
            .iter_mut()
            .filter(|(_, board)| board.wants_stream());
        let boards = wanted
            .take(limits::BOARDS_PER_CONNECTION_MAX)
            .map(|(id, board)| {
                board.stream = Stream::Resuming;
                subscribe(id, board)
            });
        Some(ClientMessage::Hello(Hello {
            protocol: PROTOCOL,
            client,
            token: self.token.clone(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            boards: boards.collect(),
        }))
    }

    fn message(&mut self, message: ServerMessage, now: Now) {
        match message {
            ServerMessage::Welcome(welcome) => self.welcomed(&welcome, now),
            ServerMessage::Resume(resume) => {
                let id = resume.board.clone();
                self.on_board(&id, now, |board, journal, _| board.resume(&resume, journal));
            }
            ServerMessage::Event(event) => {
                let id = event.board.clone();
                self.on_stream(&id, now, |board, journal, _| board.event(&event, journal));
            }
            ServerMessage::Outcome(settled) => {
                let id = settled.board.clone();
                self.on_stream(&id, now, |board, journal, user| {
                    board.outcome(&settled, user, journal)
                });
            }
            ServerMessage::Refused {
                board,
                seq,
                retry_after_ms,
                ..
            } => {
                let wait_ms = retry_after_ms + self.socket.draw(retry_after_ms);
                if let Some(board) = self.boards.get_mut(&board)
                    && matches!(board.stream, Stream::Live { .. })
                {
                    board.stream = Stream::Paused {
                        until_ms: now.mono_ms + wait_ms,
                        next: seq,
                    };
                }
            }
            ServerMessage::Expect { board, seq } => {
                if let Some(board) = self.boards.get_mut(&board)
                    && matches!(board.stream, Stream::Live { .. })
                {
                    board.stream = Stream::Live { next: seq };
                }
            }
            ServerMessage::Error {
                code,
                detail,
                board,
                feed,
            } => {
                self.server_error(code, detail, board, feed, now);
            }
            ServerMessage::Feed(frame) => self.feed_frame(frame),
            ServerMessage::Ping { nonce } => self.send(ClientMessage::Pong { nonce }),
            ServerMessage::Pong { nonce } => self.socket.ponged(nonce, now.mono_ms),
            ServerMessage::Goodbye {
                reconnect_after_ms, ..
            } => {
                self.socket.told_to_wait(now.mono_ms + reconnect_after_ms);
            }
            _ => {}
        }
    }

    fn welcomed(&mut self, welcome: &Welcome, now: Now) {
        let bound = self.row.as_ref().and_then(|row| row.user.clone());
        self.server_build = Some(welcome.build.clone());
        if let Some(bound) = bound.filter(|bound| *bound != welcome.user) {
            let has_edits = |board: &Board| board.outbox.entries().next().is_some();
            if self.boards.values().any(has_edits) {
                let reason = format!(
                    "this copy holds edits of {bound} that are not settled; sign in as {bound}"
                );
                self.detach();
                return self.socket.close_for(&reason, &mut self.actions);
            }
            return self.reidentify(now);
        }
        self.session_user = Some(welcome.user.clone());
        self.socket.welcomed(welcome, now.mono_ms);
        let feeds: Vec<(u32, Query)> = self.feeds.iter().map(|(k, v)| (*k, v.clone())).collect();
        for (feed, query) in feeds {
            self.send(ClientMessage::OpenFeed { feed, query });
        }
    }

    fn feed_frame(&mut self, frame: driftless_protocol::FeedFrame) {
        let feed = frame.feed;
        let Some(query) = self.feeds.get(&feed).cloned() else {
            return;
        };
        if !self.processor.feed(frame) {
            self.send(ClientMessage::OpenFeed { feed, query });
        }
    }

    fn server_error(
        &mut self,
        code: Code,
        detail: String,
        board: Option<BoardId>,
        feed: Option<u32>,
        now: Now,
    ) {
        if let Some(feed) = feed {
            let notice = Notice::FeedError { feed, detail };
            return self.outputs.push_back(Output::Notice(notice));
        }
        match (code, board) {
            (Code::Cloned, _) => self.reidentify(now),
            (Code::WrongUser, _) => {
                self.detach();
                self.socket.close_for(&detail, &mut self.actions);
            }
            (code, Some(id)) if code.blame() != Blame::Client => {
                let at_ms = now.mono_ms
                    + self.config.storage_retry_ms
                    + self.socket.draw(self.config.storage_retry_ms);
                if let Some(board) = self.boards.get_mut(&id) {
                    board.stream = Stream::Retrying { at_ms };
                }
            }
            _ => self.error(code, detail),
        }
    }

    /// Runs a step on a board that is live. While a resume is under way, what the stream says is
    /// part of it.
    fn on_stream(
        &mut self,
        id: &BoardId,
        now: Now,
        step: impl FnOnce(&mut Board, &mut Journal, &UserId) -> Step,
    ) {
        let is_live =
            |board: &Board| matches!(board.stream, Stream::Live { .. } | Stream::Paused { .. });
        if self.boards.get(id).is_some_and(is_live) {
            self.on_board(id, now, step);
        }
    }

    fn on_board(
        &mut self,
        id: &BoardId,
        now: Now,
        step: impl FnOnce(&mut Board, &mut Journal, &UserId) -> Step,
    ) {
        let user = self.user().cloned();
        let (Some(board), Some(user)) = (self.boards.get_mut(id), user) else {
            return;
        };
        let step = step(board, &mut self.journal, &user);
        self.last_sync_ms = Some(now.epoch_ms);
        self.finish(id, step, now);
    }

    fn finish(&mut self, id: &BoardId, step: Step, now: Now) {
        if step.outbox_changed {
            self.processor.local(id, step.touched);
        } else {
            self.processor.remote(id, step.touched);
        }
        self.outputs
            .extend(step.notices.into_iter().map(Output::Notice));
        for undo in step.undo {
            let (board, id) = (id.clone(), EditId(self.draw_wide()));
            let (label, changes) = (undo.label, undo.changes);
            let on_stale = OnStale::Skip;
            self.edit(
                NewEdit {
                    board,
                    id,
                    label,
                    gesture: None,
                    on_stale,
                    changes,
                },
                now,
            );
        }
        match step.trouble {
            Some(Trouble::Gap) => self.follow_again(id),
            Some(Trouble::Identity) => self.reidentify(now),
            None => {}
        }
    }

    fn follow_again(&mut self, id: &BoardId) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        board.stream = Stream::Resuming;
        let message = ClientMessage::Subscribe(subscribe(id, board));
        self.send(message);
    }

    fn send(&mut self, message: ClientMessage) {
        self.outputs.push_back(Output::Send(Box::new(message)));
    }

    // What somebody asks for

    fn command(&mut self, command: Command, now: Now) {
        match command {
            Command::Connect if self.phase == Phase::Leading => {
                self.socket
                    .connect(now.mono_ms, &self.config, &mut self.actions);
            }
            Command::Connect => self.config.auto_connect = true,
            Command::Disconnect => {
                self.config.auto_connect = false;
                self.detach();
                self.socket.disconnect(&mut self.actions);
            }
            Command::SetToken(token) => self.set_token(token, now),
            Command::Network(has_network) => {
                if !has_network {
                    self.detach();
                }
                let mono_ms = now.mono_ms;
                self.socket
                    .network(has_network, mono_ms, &self.config, &mut self.actions);
            }
            Command::Visible(is_visible) => self.is_visible = is_visible,
            Command::Follow(id) => self.follow(&id),
            Command::Unfollow(id) => self.unfollow(&id),
            Command::OpenFeed { feed, query } => {
                self.feeds.insert(feed, query.clone());
                if self.socket.is_online() {
                    self.send(ClientMessage::OpenFeed { feed, query });
                }
            }
            Command::CloseFeed { feed } => {
                if self.feeds.remove(&feed).is_some() && self.socket.is_online() {
                    self.send(ClientMessage::CloseFeed { feed });
                }
            }
            Command::Edit(edit) => self.edit(edit, now),
            Command::Retry { board, number, id } => self.retry(&board, number, id, now),
            Command::RollBack { board, number } => self.roll_back(&board, number),
            Command::Resolve {
                board,
                number,
                resolution,
                seen,
                id,
            } => {
                self.resolve(&board, number, &resolution, seen, id, now);
            }
            Command::TakeOver => self.take_over(),
        }
    }

    fn set_token(&mut self, token: Option<String>, now: Now) {
        let is_new = self.token != token;
        self.token = token;
        if is_new && self.phase == Phase::Leading {
            self.detach();
            self.socket
                .restart(now.mono_ms, &self.config, &mut self.actions);
        }
    }

    fn follow(&mut self, id: &BoardId) {
        self.board_mut(id).is_followed = true;
        self.processor.local(id, []);
    }

    fn unfollow(&mut self, id: &BoardId) {
        let is_online = self.socket.is_online();
        if let Some(board) = self.boards.get_mut(id) {
            board.is_followed = false;
            if is_online && !board.wants_stream() {
                board.stream = Stream::Detached;
                self.send(ClientMessage::Unsubscribe { board: id.clone() });
            }
        }
    }

    fn edit(&mut self, edit: NewEdit, now: Now) {
        match self.phase {
            Phase::Loading => return self.early.push(edit),
            Phase::Superseded | Phase::Unusable => {
                let detail = match self.phase {
                    Phase::Superseded => "this board is open elsewhere; use it here first",
                    _ => "this device's storage cannot be used by this build",
                };
                return self.refuse_edit(&edit, Code::Unavailable, detail.to_owned());
            }
            Phase::Claiming | Phase::Leading => {}
        }
        let id = edit.board.clone();
        let records: Vec<_> = edit
            .changes
            .iter()
            .map(|change| change.record.clone())
            .collect();
        let edit_id = edit.id;
        let board = self
            .boards
            .entry(id.clone())
            .or_insert_with(|| Board::new(id.clone(), self.schema.clone()));
        let refused = edit.clone();
        match board
            .outbox
            .add(edit, &board.state, now.epoch_ms, &mut self.journal)
        {
            Ok(number) => {
                let ticket = board.outbox.entry(number).map(|entry| entry.ticket);
                self.unstored.insert(edit_id, ticket.unwrap_or_default());
                self.processor.local(&id, records);
            }
            Err(full) => self.refuse_edit(&refused, Code::RateLimited, full.to_string()),
        }
    }

    fn refuse_edit(&mut self, edit: &NewEdit, code: Code, detail: String) {
        self.outputs.push_back(Output::Notice(Notice::EditSettled {
            board: edit.board.clone(),
            id: edit.id,
            label: edit.label.clone(),
            settlement: Settlement::Rejected { code, detail },
        }));
    }

    fn retry(&mut self, id: &BoardId, number: u64, edit_id: EditId, now: Now) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(entry) = board.outbox.entry(number) else {
            return;
        };
        if !matches!(entry.row.state, EntryState::Quarantined { .. }) {
            if let Stream::Paused { next, .. } = board.stream {
                board.stream = Stream::Live { next };
            }
            return self.socket.hurry(now.mono_ms);
        }
        self.replace(id, number, None, edit_id, now);
    }

    /// Settles an entry and adds the edit that a decision became, in one transaction.
    fn replace(
        &mut self,
        id: &BoardId,
        number: u64,
        changes: Option<Vec<driftless_protocol::durable::LocalChange>>,
        edit_id: EditId,
        now: Now,
    ) {
        if !matches!(self.phase, Phase::Leading | Phase::Claiming) {
            return;
        }
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(row) = board.outbox.discard(number, &mut self.journal) else {
            return;
        };
        let records: Vec<_> = row
            .changes
            .iter()
            .map(|change| change.record.clone())
            .collect();
        self.processor.local(id, records);
        let settled = settlements(id, &row, &Settlement::Discarded);
        self.outputs.extend(settled.into_iter().map(Output::Notice));
        let mut changes = changes.unwrap_or(row.changes);
        for change in &mut changes {
            change.seen.after.clear();
        }
        if !changes.is_empty() {
            let (label, on_stale) = (row.label, row.on_stale);
            let board = id.clone();
            let edit = NewEdit {
                board,
                id: edit_id,
                label,
                gesture: None,
                on_stale,
                changes,
            };
            self.edit(edit, now);
        }
    }

    fn roll_back(&mut self, id: &BoardId, number: u64) {
        if !matches!(self.phase, Phase::Leading | Phase::Claiming) {
            return;
        }
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let gone = board.outbox.roll_back(number, &mut self.journal);
        let marked = board
            .outbox
            .entry(number)
            .map(Entry::records)
            .unwrap_or_default();
        self.processor.local(id, marked);
        for row in gone {
            let records: Vec<_> = row
                .changes
                .iter()
                .map(|change| change.record.clone())
                .collect();
            self.processor.local(id, records);
            let settled = settlements(id, &row, &Settlement::RolledBack);
            self.outputs.extend(settled.into_iter().map(Output::Notice));
        }
    }

    fn resolve(
        &mut self,
        id: &BoardId,
        number: u64,
        resolution: &Resolution,
        seen: driftless_model::Version,
        edit_id: EditId,
        now: Now,
    ) {
        let Some(board) = self.boards.get(id) else {
            return;
        };
        let Some(entry) = board.outbox.entry(number) else {
            return;
        };
        if entry.is_set_aside() {
            let confirmed = board.state.confirmed();
            let changes = resolved_changes(&entry.row, resolution, seen, confirmed);
            self.replace(id, number, Some(changes), edit_id, now);
        }
    }

    // What follows from all that

    fn pump(&mut self, now: Now) {
        self.socket
            .tick(now.mono_ms, &self.config, &mut self.actions);
        self.carry_out(now);
        self.stream_edits(now);
        self.flush(now);
        self.store(now);
        self.tell_status();
        self.wake();
    }

    fn carry_out(&mut self, now: Now) {
        for action in std::mem::take(&mut self.actions) {
            let output = match action {
                Action::Open(socket) => Output::OpenSocket { socket },
                Action::Close(socket) => {
                    self.detach_after_close();
                    Output::CloseSocket { socket }
                }
                Action::Hello => match self.hello() {
                    Some(hello) => Output::Send(Box::new(hello)),
                    None => continue,
                },
                Action::Ping(nonce) => Output::Send(Box::new(ClientMessage::Ping { nonce })),
            };
            self.outputs.push_back(output);
        }
        debug_assert!(
            self.actions.is_empty(),
            "carrying out asks for nothing; at {now:?}"
        );
    }

    /// The manager closed the socket by itself (silence, a deadline): the streams are gone too.
    fn detach_after_close(&mut self) {
        if !self.socket.is_online() {
            self.detach();
        }
    }

    /// Seals what may go and sends what is durable.
    fn stream_edits(&mut self, now: Now) {
        if !self.socket.is_online() || self.phase != Phase::Leading {
            return;
        }
        let ids: Vec<BoardId> = self.boards.keys().cloned().collect();
        for id in ids {
            self.stream_board(&id, now);
        }
    }

    fn stream_board(&mut self, id: &BoardId, now: Now) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        match board.stream {
            Stream::Detached if board.wants_stream() => return self.follow_again(id),
            Stream::Paused { until_ms, next } if now.mono_ms >= until_ms => {
                board.stream = Stream::Live { next };
            }
            Stream::Retrying { at_ms } if now.mono_ms >= at_ms => return self.follow_again(id),
            _ => {}
        }
        let Stream::Live { next } = board.stream else {
            return;
        };
        let mut is_sealed = false;
        while board.outbox.seal_next(&mut self.journal) {
            is_sealed = true;
        }
        if is_sealed {
            board.store_board(&mut self.journal);
            self.processor.outbox(id);
            bind_user(&mut self.row, self.session_user.as_ref(), &mut self.journal);
        }
        let pushes = board.outbox.pushes_from(next, &self.journal);
        for (number, push) in pushes {
            board.outbox.sent(number);
            board.stream = Stream::Live { next: push.seq + 1 };
            self.outputs
                .push_back(Output::Send(Box::new(ClientMessage::Push(push))));
        }
    }

    fn flush(&mut self, now: Now) {
        let interval_ms = self.flush_interval_ms();
        let is_due = self
            .processor
            .due_at_ms(interval_ms)
            .is_some_and(|due| due <= now.mono_ms);
        if !is_due {
            return;
        }
        let flush = self.processor.flush(now.mono_ms);
        for (id, records) in flush.records {
            let Some(board) = self.boards.get_mut(&id) else {
                continue;
            };
            let changed = board.refresh(&records);
            self.outputs
                .push_back(Output::Notice(Notice::Board { board: id, changed }));
        }
        for board in flush.outboxes {
            self.outputs
                .push_back(Output::Notice(Notice::Outbox { board }));
        }
        let feeds = flush
            .feeds
            .into_iter()
            .map(|frame| Output::Notice(Notice::Feed(frame)));
        self.outputs.extend(feeds);
    }

    fn flush_interval_ms(&self) -> u64 {
        if self.is_visible {
            self.config.flush_interval_ms
        } else {
            self.config.flush_interval_hidden_ms
        }
    }

    fn store(&mut self, now: Now) {
        if !matches!(self.phase, Phase::Claiming | Phase::Leading) {
            return;
        }
        let next = match self.storage_retry_at_ms {
            None => self.journal.next_transaction(),
            Some(at_ms) if now.mono_ms >= at_ms => self.journal.again(),
            Some(_) => None,
        };
        if let Some((ticket, transaction)) = next {
            self.storage_retry_at_ms = None;
            self.outputs.push_back(Output::Commit {
                ticket,
                transaction,
            });
        }
    }

    fn tell_status(&mut self) {
        let status = self.status();
        if self.told.as_ref() != Some(&status) {
            self.told = Some(status);
            self.outputs.push_back(Output::Notice(Notice::Status));
        }
    }

    fn wake(&mut self) {
        let streams = self.boards.values().filter_map(|board| match board.stream {
            Stream::Paused { until_ms, .. } => Some(until_ms),
            Stream::Retrying { at_ms } => Some(at_ms),
            _ => None,
        });
        let due = streams
            .chain(self.socket.due_at_ms())
            .chain(self.processor.due_at_ms(self.flush_interval_ms()))
            .chain(self.storage_retry_at_ms)
            .min();
        if let Some(mono_ms) = due.filter(|_| due != self.woken_for_ms) {
            self.outputs.push_back(Output::WakeAt { mono_ms });
        }
        self.woken_for_ms = due;
    }
}

fn subscribe(id: &BoardId, board: &Board) -> Subscribe {
    Subscribe {
        board: id.clone(),
        cursor: board.state.cursor(),
    }
}

/// The first sealed edit binds the replica to its user, in the same transaction.
fn bind_user(row: &mut Option<ReplicaRow>, user: Option<&UserId>, journal: &mut Journal) {
    if let Some(row) = row
        && row.user.is_none()
        && let Some(user) = user
    {
        row.user = Some(user.clone());
        journal.put(Row::Replica(row.clone()));
    }
}
