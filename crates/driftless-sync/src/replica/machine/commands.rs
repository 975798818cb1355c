//! What somebody asks for.

use driftless_model::{BoardId, EditId, SortedSet, Version};
use driftless_protocol::durable::{EntryRow, EntryState, LocalChange};
use driftless_protocol::message::ClientMessage;
use driftless_protocol::{Code, Query, TabMessage, Wish};

use crate::planted::{Bug, is_planted};
use crate::replica::background_sync::{
    Entry, NewEdit, Saw, records_of, resent_changes, resolved_changes,
};
use crate::replica::board::{Step, Stream, settlements};
use crate::replica::machine::{Phase, Replica};
use crate::replica::tabs::What;
use crate::replica::types::{Command, Notice, Now, Output, Settlement};
use crate::replica::view::Resolution;

impl Replica {
    pub(super) fn command(&mut self, command: Command, now: Now) {
        match command {
            Command::Connect => self.wish_for(true, now),
            Command::Disconnect => self.wish_for(false, now),
            Command::SetToken(token) => self.set_token(token, true, now),
            Command::AdoptToken(token) => self.set_token(token, false, now),
            Command::Network(has_network) => {
                if !has_network {
                    self.detach();
                }
                let mono_ms = now.mono_ms;
                self.socket
                    .network(has_network, mono_ms, &self.config, &mut self.actions);
            }
            Command::Visible(is_visible) => {
                self.is_visible = is_visible;
                self.has_screen = true;
                if is_visible {
                    self.ask_leader(now);
                }
            }
            Command::Follow(id) => {
                self.follow(&id);
                self.ask_leader(now);
            }
            Command::Unfollow(id) => {
                self.unfollow(&id);
                self.ask_leader(now);
            }
            Command::OpenFeed { feed, query } => self.open_feed(feed, query, now),
            Command::CloseFeed { feed } => self.close_feed(feed, now),
            Command::Attend { subject, attention } => self.processor.attend(&subject, attention),
            Command::Edit(edit) => self.person_edit(edit, now),
            Command::Undo(board) => self.undo(&board, now),
            Command::Redo(board) => self.redo(&board, now),
            Command::AutoResolve(auto_resolve) => self.auto_resolve = auto_resolve,
            Command::Retry { board, edit, id } => self.retry(&board, edit, id, now),
            Command::RollBack { board, edit } => self.roll_back(&board, edit, &|_| true),
            Command::Resolve {
                board,
                edit,
                edits,
                resolution,
                seen,
                id,
            } => {
                self.resolve(&board, (edit, edits), &resolution, seen, id, now);
            }
            Command::AskScreens { board, version } => self.ask_screens(board, version),
            Command::TakeOver => self.take_over(),
        }
    }

    fn wish_for(&mut self, is_wanted: bool, now: Now) {
        let wish = self.wish.then(is_wanted);
        self.hear_wish(wish, now);
        self.tell(TabMessage::Connect(wish));
    }

    /// Does what a person asked for last, in this tab or in another.
    pub(super) fn hear_wish(&mut self, wish: Wish, now: Now) {
        if wish <= self.wish {
            return;
        }
        self.wish = wish;
        if wish.is_wanted {
            self.connect_if_wished(now);
        } else {
            self.detach();
            self.socket.disconnect(&mut self.actions);
        }
    }

    /// Whoever leads connects, if that is wished for.
    pub(super) fn connect_if_wished(&mut self, now: Now) {
        if self.wish.is_wanted && self.phase == Phase::Leading && !self.is_outdated() {
            self.socket
                .connect(now.mono_ms, &self.config, &mut self.actions);
        }
    }

    fn open_feed(&mut self, feed: u32, query: Query, now: Now) {
        self.processor.forget_feed(feed);
        self.feeds.insert(feed, query.clone());
        if self.socket.is_online() {
            self.send(ClientMessage::OpenFeed { feed, query });
        }
        self.ask_leader(now);
    }

    fn close_feed(&mut self, feed: u32, now: Now) {
        self.processor.close_feed(feed);
        if self.feeds.remove(&feed).is_some() && self.socket.is_online() {
            self.send(ClientMessage::CloseFeed { feed });
        }
        self.ask_leader(now);
    }

    fn set_token(&mut self, token: Option<String>, signs_in: bool, now: Now) {
        let is_new = self.token != token;
        self.token = token;
        self.is_signing_in = signs_in && (is_new || self.is_signing_in);
        if is_new {
            self.session_user = None;
            self.not_theirs = None;
            // A tab that is about to lead sees to it once nobody else can write any more.
            if self.phase == Phase::Leading || self.tabs.is_none() {
                self.meet_token();
            }
        }
        if is_new && self.phase == Phase::Leading && !self.is_outdated() {
            self.detach();
            self.socket
                .restart(now.mono_ms, &self.config, &mut self.actions);
            // It may have closed for good since the token was another user's.
            self.connect_if_wished(now);
        }
    }

    pub(super) fn follow(&mut self, id: &BoardId) {
        let board = self.board_mut(id);
        board.is_followed = true;
        if board.refused.is_some() {
            board.hurry();
        }
        self.processor.local(id, SortedSet::new());
    }

    pub(super) fn unfollow(&mut self, id: &BoardId) {
        let is_online = self.socket.is_online();
        self.processor.unfollow(id);
        if let Some(board) = self.boards.get_mut(id) {
            board.is_followed = false;
            if is_online && !board.wants_stream() {
                board.stream = Stream::Detached;
                self.send(ClientMessage::Unsubscribe { board: id.clone() });
            }
        }
    }

    /// An edit that a person made: it can be undone.
    pub(super) fn person_edit(&mut self, edit: NewEdit, now: Now) {
        self.person_edit_instead(edit, None, now);
    }

    fn person_edit_instead(&mut self, edit: NewEdit, instead_of: Option<EditId>, now: Now) {
        let (id, edit_id) = (edit.board.clone(), edit.id);
        let (label, gesture) = (edit.label.clone(), edit.gesture);
        self.edit_instead(edit, instead_of, now);
        if let Some(board) = self.boards.get_mut(&id)
            && board.outbox.by_id(edit_id).is_some_and(Entry::is_active)
        {
            board.history.made(edit_id, &label, gesture);
        }
    }

    pub(super) fn edit(&mut self, edit: NewEdit, now: Now) {
        self.edit_instead(edit, None, now);
    }

    /// An edit, perhaps made of one that was set aside.
    fn edit_instead(&mut self, mut edit: NewEdit, instead_of: Option<EditId>, now: Now) {
        match self.phase {
            Phase::Loading => return self.early.push(edit),
            Phase::Superseded | Phase::Unusable => {
                let detail = match self.phase {
                    Phase::Superseded => "this board is open elsewhere; use it here first",
                    _ => "this device's storage cannot be used by this build",
                };
                return self.refuse_edit(&edit, Code::Unavailable, detail.to_owned());
            }
            Phase::Claiming | Phase::Leading | Phase::Following => {}
        }
        if let Some(reason) = self.not_theirs.clone() {
            return self.refuse_edit(&edit, Code::WrongUser, reason);
        }
        let token = self.unvouched_mark();
        let board = self.board_mut(&edit.board);
        if is_planted(Bug::SeenAtTheEnd) {
            let version = board.state.version();
            let changes = edit.changes.iter_mut();
            changes.for_each(|change| change.seen.version = version);
        }
        let is_decision = instead_of.is_some();
        let outbox = &board.outbox;
        let mut saw = outbox.saw(&edit, is_decision, &board.state, now.epoch_ms);
        saw.token = token;
        let made = self.made(&edit, &saw, instead_of);
        self.add(edit, saw, made, now);
    }

    /// Adds an edit to the outbox.
    pub(super) fn add(&mut self, mut edit: NewEdit, saw: Saw, made: Option<What>, now: Now) {
        let (id, edit_id) = (edit.board.clone(), edit.id);
        self.board_mut(&id);
        let Some(board) = self.boards.get_mut(&id) else {
            return;
        };
        // What was on screen may not have been stored when another tab came between. A server that
        // was restored since need not have it: it counts as unseen.
        let version = board.state.version();
        for change in &mut edit.changes {
            change.seen.version = change.seen.version.min(version);
        }
        if let Err(full) = board.outbox.check_room() {
            return self.refuse_edit(&edit, Code::RateLimited, full.to_string());
        }
        let confirmed = board.state.confirmed();
        let (number, joined) = board.outbox.add(edit, saw, confirmed, &mut self.journal);
        // The edit may have pulled others with it into an entry that was set aside.
        let entry = board.outbox.entry(number);
        let touched = entry.map(Entry::records).unwrap_or_default();
        let ticket = entry.map(|entry| entry.ticket);
        self.unstored.insert(edit_id, ticket.unwrap_or_default());
        let mut step = Step {
            outbox_changed: true,
            touched,
            ..Step::default()
        };
        if !joined.is_empty() {
            board.set_aside(number, Some(&joined), &mut step);
        }
        if let Some(made) = made {
            self.note(&id, made);
        }
        self.finish(&id, step, now);
    }

    pub(super) fn refuse_edit(&mut self, edit: &NewEdit, code: Code, detail: String) {
        self.let_go(edit, Settlement::Refused { code, detail });
    }

    /// An edit is no more, or never was.
    pub(super) fn let_go(&mut self, edit: &NewEdit, settlement: Settlement) {
        self.tell_settled(&edit.board, edit.id, edit.label.clone(), settlement);
    }

    fn tell_settled(&mut self, board: &BoardId, id: EditId, label: String, settlement: Settlement) {
        self.outputs.push_back(Output::Notice(Notice::EditSettled {
            board: board.clone(),
            id,
            label,
            settlement,
        }));
    }

    pub(super) fn tell_all(&mut self, notices: Vec<Notice>) {
        self.outputs.extend(notices.into_iter().map(Output::Notice));
    }

    /// An entry is no more.
    pub(super) fn entry_gone(&mut self, id: &BoardId, row: &EntryRow, settlement: &Settlement) {
        self.processor.local(id, records_of(row));
        self.tell_all(settlements(id, row, settlement));
    }

    /// Whoever decided on an entry waits for the edit that it becomes.
    fn refuse_decision(&mut self, id: &BoardId, number: u64, edit: EditId, detail: String) {
        let board = self.boards.get(id);
        let entry = board.and_then(|board| board.outbox.entry(number));
        let label = entry.map(|entry| entry.row.label.clone());
        let settlement = Settlement::Refused {
            code: Code::WrongUser,
            detail,
        };
        self.tell_settled(id, edit, label.unwrap_or_default(), settlement);
    }

    pub(super) fn retry(&mut self, id: &BoardId, edit: EditId, edit_id: EditId, now: Now) {
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(entry) = board.outbox.as_shown(edit) else {
            return;
        };
        let number = entry.row.number;
        let EntryState::Quarantined { code, .. } = entry.row.state else {
            return self.hurry(id, now);
        };
        let resent = || {
            let state = &board.state;
            resent_changes(&entry.row, state.confirmed(), state.version())
        };
        let changes = (code == Code::Restored).then(resent);
        self.replace(id, number, changes, edit_id, now);
    }

    /// Does not wait any longer.
    pub(super) fn hurry(&mut self, id: &BoardId, now: Now) {
        if self.phase == Phase::Following {
            let board = id.clone();
            return self.tell(TabMessage::Hurry { board });
        }
        if let Some(board) = self.boards.get_mut(id) {
            board.hurry();
        }
        self.socket.hurry(now.mono_ms);
    }

    /// Settles an entry and adds the edit that a decision became, in one transaction.
    pub(super) fn replace(
        &mut self,
        id: &BoardId,
        number: u64,
        changes: Option<Vec<LocalChange>>,
        edit_id: EditId,
        now: Now,
    ) {
        if let Some(detail) = self.not_theirs.clone() {
            return self.refuse_decision(id, number, edit_id, detail);
        }
        if !self.may_write() {
            return;
        }
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(row) = board.outbox.discard(number, &mut self.journal) else {
            return;
        };
        let of = row.id;
        self.note(id, What::Discarded(Box::new(row.clone())));
        self.entry_gone(id, &row, &Settlement::Discarded);
        let ids: Vec<EditId> = row.ids().collect();
        let mut changes = changes.unwrap_or(row.changes);
        let board = &*self.board_mut(id);
        for change in &mut changes {
            let confirmed = board.state.confirmed();
            board.outbox.send_anew(change, &ids, confirmed);
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
            self.person_edit_instead(edit, Some(of), now);
        }
    }

    pub(super) fn roll_back(&mut self, id: &BoardId, edit: EditId, goes: &dyn Fn(&Entry) -> bool) {
        if !self.may_decide() {
            return;
        }
        let Some(board) = self.boards.get_mut(id) else {
            return;
        };
        let Some(entry) = board.outbox.as_shown(edit) else {
            return;
        };
        let (number, edit) = (entry.row.number, entry.row.id);
        let gone = board.outbox.roll_back(number, goes, &mut self.journal);
        let marked = board.outbox.entry(number);
        for row in gone.iter().chain(marked.map(|entry| &entry.row)) {
            board.history.forget(row);
        }
        let marked = marked.map(Entry::records).unwrap_or_default();
        self.processor.local(id, marked);
        self.note_rolled_back(id, edit, &gone);
        for row in gone {
            self.entry_gone(id, &row, &Settlement::RolledBack);
        }
    }

    pub(super) fn resolve(
        &mut self,
        id: &BoardId,
        (edit, edits): (EditId, usize),
        resolution: &Resolution,
        seen: Version,
        edit_id: EditId,
        now: Now,
    ) {
        let Some(board) = self.boards.get(id) else {
            return;
        };
        let Some(entry) = board.outbox.as_shown(edit) else {
            return;
        };
        let number = entry.row.number;
        if entry.is_set_aside() && entry.row.ids().count() == edits {
            let confirmed = board.state.confirmed();
            let changes = resolved_changes(&entry.row, resolution, seen, confirmed);
            self.replace(id, number, Some(changes), edit_id, now);
        }
    }
}
