//! On how many screens of others a version is: questions go out at a pace, and those of others are
//! answered once the version is on this screen. Tabs ask and answer through the one that leads.

use driftless_model::{BoardId, Version, limits};
use driftless_protocol::TabMessage;
use driftless_protocol::message::{ClientMessage, Screens};

use crate::replica::machine::Replica;
use crate::replica::types::{Notice, Now, Output};

/// The questions of this replica and its tabs that were not sent yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Whether the server takes any.
    pub(super) are_taken: bool,
    waiting: Vec<(BoardId, Version)>,
    /// When the next one may go.
    next_at_ms: u64,
}

impl Questions {
    /// When the next one is due, if any waits.
    pub(super) fn due_at_ms(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.next_at_ms)
    }

    fn add(&mut self, board: BoardId, version: Version) {
        self.waiting
            .retain(|(of, it)| (of, *it) != (&board, version));
        if self.waiting.len() >= limits::SCREENS_WAITING_MAX {
            self.waiting.remove(0);
        }
        self.waiting.push((board, version));
    }
}

impl Replica {
    /// Somebody here wants to know. Without a connection nobody can tell, and nothing waits for it.
    pub(super) fn ask_screens(&mut self, board: BoardId, version: Version) {
        if !self.is_leading() {
            self.tell(TabMessage::AskScreens { board, version });
        } else if self.socket.is_online() && self.questions.are_taken {
            self.questions.add(board, version);
        }
    }

    /// The newest question goes first: it is about what the person does now.
    pub(super) fn send_question(&mut self, now: Now) {
        if !self.socket.is_online() {
            self.questions = Questions::default();
        }
        if self.questions.next_at_ms > now.mono_ms {
            return;
        }
        if let Some((board, version)) = self.questions.waiting.pop() {
            self.questions.next_at_ms = now.mono_ms + limits::SCREENS_PACE_MS;
            self.send(ClientMessage::AskScreens { board, version });
        }
    }

    /// The answer: for whichever tab asked.
    pub(super) fn screens(&mut self, screens: Screens) {
        if self.is_leading() {
            self.tell(TabMessage::Screens(screens.clone()));
        }
        self.outputs
            .push_back(Output::Notice(Notice::Screens(screens)));
    }

    /// Somebody else asks: whichever tab shows it answers.
    pub(super) fn looked_for(&mut self, id: BoardId, version: Version, now: Now) {
        let board = self.boards.get_mut(&id);
        let since = board.and_then(|board| board.shown.since(version));
        if let Some(since) = since {
            let ago_ms = now.mono_ms.saturating_sub(since);
            self.say_shown(id, version, ago_ms);
        } else if self.is_leading() {
            self.tell(TabMessage::Look { board: id, version });
        }
    }

    /// What is on screen now, after a flush or since the page is seen. Where nobody ever said that
    /// it is, nobody looks.
    pub(super) fn note_shown(&mut self, now: Now) {
        if !(self.has_screen && self.is_visible) {
            return;
        }
        let mut came = Vec::new();
        for (id, board) in &mut self.boards {
            let is_known = board.is_followed && board.state.cursor().is_some();
            if is_known && !self.processor.is_waiting(id) {
                let versions = board.shown.note(board.state.version(), now.mono_ms);
                came.extend(versions.into_iter().map(|version| (id.clone(), version)));
            }
        }
        for (id, version) in came {
            self.say_shown(id, version, 0);
        }
    }

    /// This tab shows it, or another one of this replica.
    pub(super) fn say_shown(&mut self, board: BoardId, version: Version, ago_ms: u64) {
        if !self.is_leading() {
            self.tell(TabMessage::Shown {
                board,
                version,
                ago_ms,
            });
        } else if self.socket.is_online() {
            self.send(ClientMessage::Shown {
                board,
                version,
                ago_ms,
            });
        }
    }
}
