//! The connection: hello, messages, and what they do to boards.

use driftless_model::{BoardId, UserId, limits};
use driftless_protocol::message::{ClientMessage, Hello, ServerMessage, Subscribe, Welcome};
use driftless_protocol::{Blame, Code, FeedFrame, PROTOCOL, Query};

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::Entry;
use crate::replica::board::{Board, Step, Stream, Trouble, Whose};
use crate::replica::journal::Journal;
use crate::replica::machine::Replica;
use crate::replica::machine::marks::holder_mark;
use crate::replica::types::{Notice, Now, Output};
use crate::replica::undo_history::UndoHistory;

impl Replica {
    /// The connection is gone, and with it the streams.
    pub(super) fn detach(&mut self) {
        for board in self.boards.values_mut() {
            board.stream = Stream::Detached;
            if is_planted(Bug::UnsealOnRetry) {
                board.outbox.unseal_all();
            }
        }
    }

    pub(super) fn hello(&mut self) -> Option<ClientMessage> {
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

    pub(super) fn message(&mut self, message: ServerMessage, now: Now) {
        match message {
            ServerMessage::Welcome(welcome) => self.welcomed(&welcome, now),
            ServerMessage::Resume(resume) => {
                let id = resume.board.clone();
                self.on_board(&id, now, |board, journal, whose| {
                    board.resume(&resume, whose, journal)
                });
                self.processor.whole(&id);
                self.share_history(&id);
            }
            ServerMessage::Event(event) => {
                let id = event.board.clone();
                self.on_stream(&id, now, |board, journal, whose| {
                    board.event(&event, &whose.user, journal)
                });
            }
            ServerMessage::Outcome(settled) => {
                let id = settled.board.clone();
                self.on_stream(&id, now, |board, journal, whose| {
                    board.outcome(&settled, whose, journal)
                });
            }
            ServerMessage::Refused {
                board,
                seq,
                retry_after_ms,
                ..
            } => self.refused(&board, seq, retry_after_ms, now),
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
            ServerMessage::Look { board, version } => self.looked_for(board, version, now),
            ServerMessage::Screens(screens) => self.screens(screens),
            ServerMessage::Feed(frame) => self.feed_frame(frame, now),
            ServerMessage::Ping { nonce, ahead } => {
                self.socket.announced(ahead);
                self.send(ClientMessage::Pong { nonce });
            }
            ServerMessage::Pong { nonce } => self.socket.ponged(nonce, now.mono_ms),
            ServerMessage::Goodbye {
                reconnect_after_ms, ..
            } => {
                let wait_ms = reconnect_after_ms.min(limits::WAIT_MS_MAX);
                self.socket.told_to_wait(now.mono_ms + wait_ms);
            }
            _ => {}
        }
    }

    /// Edits are not taken now, from this one on.
    fn refused(&mut self, id: &BoardId, seq: u64, retry_after_ms: u64, now: Now) {
        let retry_after_ms = retry_after_ms.min(limits::WAIT_MS_MAX);
        let mut wait_ms = retry_after_ms + self.socket.draw(retry_after_ms);
        if is_planted(Bug::NeverResume) {
            wait_ms = u64::MAX / 2;
        }
        if let Some(board) = self.boards.get_mut(id)
            && matches!(board.stream, Stream::Live { .. })
        {
            board.stream = Stream::Paused {
                until_ms: now.mono_ms + wait_ms,
                next: seq,
            };
        }
    }

    pub(super) fn welcomed(&mut self, welcome: &Welcome, now: Now) {
        self.server_build = Some(welcome.build.clone());
        let row = self.row.as_ref();
        let owner = row.and_then(|row| row.user.as_ref().or(row.former.as_ref()));
        let is_other = |owner: &&UserId| **owner != welcome.user;
        if let Some(owner) = owner.filter(is_other)
            && !is_planted(Bug::IgnoreOwner)
        {
            let is_bound = row.is_some_and(|row| row.user.is_some());
            if !is_bound || !self.has_entries() {
                return self.start_as(&welcome.user, now);
            }
            let reason = format!(
                "this copy holds edits of {owner} that are not settled; sign in as {owner}"
            );
            self.detach();
            self.socket.close_for(&reason, &mut self.actions);
            self.not_theirs = Some(reason);
            return;
        }
        self.not_theirs = None;
        self.bind(&welcome.user);
        self.session_user = Some(welcome.user.clone());
        self.socket.welcomed(welcome, now.mono_ms);
        self.questions.are_taken = welcome.asks_screens;
        let feeds: Vec<(u32, Query)> = self.feeds.iter().map(|(k, v)| (*k, v.clone())).collect();
        for (feed, query) in feeds.into_iter().chain(self.tab_feeds.all()) {
            self.send(ClientMessage::OpenFeed { feed, query });
        }
    }

    /// Whether something waits that is the user's.
    fn has_entries(&self) -> bool {
        let mut outboxes = self.boards.values().map(|board| &board.outbox);
        outboxes.any(|outbox| outbox.entries().any(Entry::is_owned))
    }

    /// The server knows this replica as another user's, although this copy does not: its storage
    /// went back to a time before that user signed in. Whoever is signed in goes on with a copy of
    /// their own. What waits was made before anybody had signed in, or by them: it goes with it,
    /// and where it was sent before, the server knows it again.
    fn wrong_user(&mut self, now: Now) {
        if let Some(user) = self.session_user.clone() {
            self.start_as(&user, now);
        }
    }

    /// Whoever comes with another token than the copy's user had may be somebody else: where
    /// nobody's edits wait, what is made from here on is theirs, even before the server has said
    /// who they are.
    pub(super) fn meet_token(&mut self) {
        self.is_signing_in = false;
        if self.has_entries() || !self.is_anothers() {
            return;
        }
        if let Some(row) = &mut self.row {
            row.former = row.user.take();
            self.store_row();
            self.forget_history();
        }
    }

    /// Undo is a person's own: whoever signs in next does not undo what another one did.
    pub(super) fn forget_history(&mut self) {
        for board in self.boards.values_mut() {
            board.history = UndoHistory::default();
        }
    }

    /// Whoever signs in first owns what is made here from then on, sent or not, and what was made
    /// with a token that is known to be theirs.
    fn bind(&mut self, user: &UserId) {
        let token = self.token_mark();
        let Some(row) = &self.row else { return };
        let owner = row.user.as_ref().or(row.former.as_ref());
        if owner.is_some_and(|owner| owner != user) {
            return;
        }
        let known = row.token;
        let is_new = row.user.is_none() || known != token;
        self.give_to(user, [token, known]);
        if is_new {
            self.store_row();
        }
    }

    /// The copy is this user's, who is let in with the first of these tokens, and with it what was
    /// made with any of them.
    fn give_to(&mut self, user: &UserId, tokens: [Option<u64>; 2]) {
        if let Some(row) = &mut self.row {
            row.user = Some(user.clone());
            row.token = tokens[0];
            row.former = None;
        }
        for board in self.boards.values_mut() {
            board.outbox.vouch_for(tokens, &mut self.journal);
        }
    }

    /// The mark of this tab's token, where no server has said whose that is.
    pub(super) fn unvouched_mark(&self) -> Option<u64> {
        let is_free = self.row.as_ref().is_some_and(|row| row.user.is_none());
        let is_next = self.is_anothers() && (self.is_leading() || self.is_signing_in);
        self.token_mark().filter(|_| is_free || is_next)
    }

    /// The mark of whose token this tab has.
    pub(super) fn token_mark(&self) -> Option<u64> {
        self.token.as_deref().map(holder_mark)
    }

    /// What this tab did not get to store is gone, and so may be whose copy this is since somebody
    /// signed in here. What they made since, and what is shown as theirs, must not become the next
    /// one's.
    pub(super) fn sign_in_again(&mut self, leads: bool) {
        let Some(user) = self.session_user.take().filter(|_| leads) else {
            return;
        };
        self.bind(&user);
        if self.user() == Some(&user) {
            self.session_user = Some(user);
        }
    }

    /// Another user signed in, and nobody's edits are waiting: a copy of their own, from nothing.
    fn start_as(&mut self, user: &UserId, now: Now) {
        for (id, board) in &mut self.boards {
            board.refused = None;
            let gone = board.leave_copy(&mut self.journal);
            self.processor.local(id, gone);
        }
        self.give_to(user, [self.token_mark(); 2]);
        self.not_theirs = None;
        self.session_user = Some(user.clone());
        self.reidentify(now);
    }

    pub(super) fn feed_frame(&mut self, frame: FeedFrame, now: Now) {
        let feed = frame.feed;
        if let Some(message) = self.tab_feeds.frame(frame.clone()) {
            return self.tell(message);
        }
        let Some(query) = self.feeds.get(&feed).cloned() else {
            return;
        };
        if !self.processor.feed(frame, now.mono_ms) {
            self.send(ClientMessage::OpenFeed { feed, query });
        }
    }

    pub(super) fn server_error(
        &mut self,
        code: Code,
        detail: String,
        board: Option<BoardId>,
        feed: Option<u32>,
        now: Now,
    ) {
        if let Some(feed) = feed {
            if let Some(message) = self.tab_feeds.error(feed, detail.clone()) {
                return self.tell(message);
            }
            let notice = Notice::FeedError { feed, detail };
            return self.outputs.push_back(Output::Notice(notice));
        }
        match (code, board) {
            (Code::Cloned, _) => self.reidentify(now),
            (Code::WrongUser, _) => self.wrong_user(now),
            (Code::Forbidden, Some(id)) => self.may_not_read(&id, detail, now),
            (code, Some(id)) if code.blame() != Blame::Client => {
                let at_ms = now.mono_ms
                    + self.config.board_retry_ms()
                    + self.socket.draw(self.config.board_retry_ms());
                if let Some(board) = self.boards.get_mut(&id) {
                    board.stream = Stream::Retrying { at_ms };
                }
            }
            _ => self.error(code, detail),
        }
    }

    /// Runs a step on a board that is live. While a resume is under way, what the stream says is
    /// part of it.
    pub(super) fn on_stream(
        &mut self,
        id: &BoardId,
        now: Now,
        step: impl FnOnce(&mut Board, &mut Journal, &Whose) -> Step,
    ) {
        let is_live =
            |board: &Board| matches!(board.stream, Stream::Live { .. } | Stream::Paused { .. });
        if self.boards.get(id).is_some_and(is_live) {
            self.on_board(id, now, step);
        }
    }

    pub(super) fn on_board(
        &mut self,
        id: &BoardId,
        now: Now,
        step: impl FnOnce(&mut Board, &mut Journal, &Whose) -> Step,
    ) {
        let user = self.user().cloned();
        let client = self.row.as_ref().map(|row| row.client);
        let (Some(board), Some(user), Some(client)) = (self.boards.get_mut(id), user, client)
        else {
            return;
        };
        let whose = Whose {
            user,
            client,
            epoch_ms: now.epoch_ms,
        };
        let step = step(board, &mut self.journal, &whose);
        self.last_sync_ms = Some(now.epoch_ms);
        self.finish(id, step, now);
    }

    pub(super) fn finish(&mut self, id: &BoardId, step: Step, now: Now) {
        if step.outbox_changed {
            self.processor.local(id, step.touched);
        } else {
            let board = self.boards.get(id);
            let undecided = board.map(|board| board.outbox.set_aside(&step.touched));
            if let Some(undecided) = undecided.filter(|undecided| !undecided.is_empty()) {
                self.processor
                    .undecided(id, undecided.into_keys().collect());
            }
            self.processor.remote(id, step.touched, now.mono_ms);
        }
        self.tell_all(step.notices);
        for undo in step.undo {
            self.undo_taken_back(id, undo, now);
        }
        match step.trouble {
            Some(Trouble::Gap) => self.follow_again(id),
            Some(Trouble::Identity) => self.reidentify(now),
            None => {}
        }
    }

    pub(super) fn follow_again(&mut self, id: &BoardId) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        if board.stream != Stream::Agreed {
            board.stream = Stream::Resuming;
        }
        let message = ClientMessage::Subscribe(subscribe(id, board));
        self.send(message);
    }

    pub(super) fn send(&mut self, message: ClientMessage) {
        self.outputs.push_back(Output::Send(Box::new(message)));
    }
}

fn subscribe(id: &BoardId, board: &Board) -> Subscribe {
    let left = board.state.left();
    let left = left.filter(|_| board.stream != Stream::Agreed);
    Subscribe {
        board: id.clone(),
        cursor: board.state.cursor().or(left),
    }
}
