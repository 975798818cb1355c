//! What follows from every input: edits go out, changes are shown, rows are stored.

use driftless_model::BoardId;
use driftless_protocol::message::ClientMessage;

use crate::planted::{Bug, is_planted};
use crate::replica::board::{Step, Stream};
use crate::replica::machine::{Phase, Replica};
use crate::replica::types::{Notice, Now, Output};
use crate::replica::update_processor::Cadence;
use crate::replica::websocket_manager::Action;

impl Replica {
    pub(super) fn pump(&mut self, now: Now) {
        self.socket
            .tick(now.mono_ms, &self.config, &mut self.actions);
        self.carry_out(now);
        self.watch_leader(now);
        self.settle_conflicts(now);
        self.stream_edits(now);
        self.flush(now);
        self.note_shown(now);
        self.send_question(now);
        self.store(now);
        if is_planted(Bug::SaidSavedTooEarly) {
            self.tell_stored();
        }
        self.tell_status(now);
        self.wake();
    }

    pub(super) fn carry_out(&mut self, now: Now) {
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
    pub(super) fn detach_after_close(&mut self) {
        if !self.socket.is_online() {
            self.detach();
        }
    }

    /// Seals what may go and sends what is durable.
    pub(super) fn stream_edits(&mut self, now: Now) {
        if !self.socket.is_online() || self.phase != Phase::Leading {
            return;
        }
        let ids: Vec<BoardId> = self.boards.keys().cloned().collect();
        for id in ids {
            self.stream_board(&id, now);
        }
    }

    pub(super) fn stream_board(&mut self, id: &BoardId, now: Now) {
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
        let mut step = Step::default();
        let token = self.row.as_ref().and_then(|row| row.token);
        while board.seal_next(token, &mut self.journal, &mut step) {
            is_sealed = true;
        }
        if is_sealed {
            board.store_board(&mut self.journal);
            self.processor.outbox(id);
        }
        let pushes = board.outbox.pushes_from(next, &self.journal);
        for (number, push) in pushes {
            board.outbox.sent(number);
            board.stream = Stream::Live { next: push.seq + 1 };
            let bytes = push.payload.as_str().len();
            self.socket.pushed(bytes, now.mono_ms);
            self.outputs
                .push_back(Output::Send(Box::new(ClientMessage::Push(push))));
        }
        if step.outbox_changed {
            self.finish(id, step, now);
        }
    }

    pub(super) fn flush(&mut self, now: Now) {
        let cadence = self.cadence();
        let is_due = self
            .processor
            .due_at_ms(cadence)
            .is_some_and(|due| due <= now.mono_ms);
        if !is_due {
            return;
        }
        let flush = self.processor.flush(now.mono_ms, cadence);
        for (id, flush) in flush.boards {
            let Some(board) = self.boards.get_mut(&id) else {
                continue;
            };
            let changed = board.refresh(&flush);
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

    pub(super) fn cadence(&self) -> Cadence {
        let frame_ms = if self.is_visible {
            self.config.flush_interval_ms()
        } else {
            self.config.flush_interval_hidden_ms()
        };
        Cadence {
            frame_ms,
            unseen_ms: self.config.flush_interval_unseen_ms(),
            feed_ms: self.config.feed_interval_ms(),
        }
    }

    pub(super) fn store(&mut self, now: Now) {
        if self.tabs.is_some() {
            return self.take_turns(now);
        }
        if self.is_leading() && self.may_write_at(now) {
            self.commit();
        }
    }

    /// Whether a write that failed has rested.
    pub(super) fn may_write_at(&self, now: Now) -> bool {
        self.storage_retry_at_ms
            .is_none_or(|at_ms| now.mono_ms >= at_ms)
    }

    /// When a write that failed is tried again. Where tabs share the storage, not while it is read:
    /// what follows from that comes first.
    fn retry_due_at_ms(&self) -> Option<u64> {
        let is_free = self.tabs.as_ref().is_none_or(|tabs| {
            let is_read = tabs.is_reading() || tabs.is_outdated;
            !is_read && self.may_write() && self.journal.is_wanted()
        });
        self.storage_retry_at_ms.filter(|_| is_free)
    }

    pub(super) fn commit(&mut self) {
        if let Some((ticket, transaction)) = self.journal.next_transaction() {
            self.storage_retry_at_ms = None;
            self.outputs.push_back(Output::Commit {
                ticket,
                transaction,
            });
        }
    }

    pub(super) fn tell_status(&mut self, now: Now) {
        let status = self.status();
        if self.told.as_ref() != Some(&status) {
            self.told = Some(status);
            self.outputs.push_back(Output::Notice(Notice::Status));
            self.announce(now);
        }
    }

    pub(super) fn wake(&mut self) {
        let streams = self.boards.values().filter_map(|board| match board.stream {
            Stream::Paused { until_ms, .. } => Some(until_ms),
            Stream::Retrying { at_ms } => Some(at_ms),
            _ => None,
        });
        let due = streams
            .chain(self.socket.due_at_ms())
            .chain(self.processor.due_at_ms(self.cadence()))
            .chain(self.retry_due_at_ms())
            .chain(self.tabs_due_at_ms())
            .chain(self.questions.due_at_ms())
            .min();
        if let Some(mono_ms) = due.filter(|_| due != self.woken_for_ms) {
            self.outputs.push_back(Output::WakeAt { mono_ms });
        }
        self.woken_for_ms = due;
    }
}
