//! On how many screens of others a version is: asked for by whoever made it, answered by those that
//! show it. Nothing of it is stored, and nothing happens with an edit that nobody asks about.

use std::collections::{BTreeMap, VecDeque};

use driftless_model::{BoardId, ClientId, Version, limits};
use driftless_protocol::message::{Screens, ServerMessage};

use crate::room::types::ConnectionId;

/// A message and who gets it.
pub type Letter = (ConnectionId, ServerMessage);

/// The last questions of each connection, and what was said to them.
#[derive(Debug, Default)]
pub struct Asked(BTreeMap<ConnectionId, VecDeque<Question>>);

#[derive(Debug)]
struct Question {
    version: Version,
    /// Of whom.
    by: ClientId,
    /// Who was asked: replicas, which may come back on another connection.
    others: BTreeMap<ClientId, Other>,
}

#[derive(Debug)]
struct Other {
    /// Where it was asked last.
    on: ConnectionId,
    has_answered: bool,
}

impl Asked {
    /// Somebody asks: these are asked, but for whoever it is, and it is told how many those are.
    /// Asking again is a new question.
    pub fn ask(
        &mut self,
        board: &BoardId,
        (by, client): (ConnectionId, ClientId),
        members: impl Iterator<Item = (ConnectionId, ClientId)>,
        version: Version,
    ) -> Vec<Letter> {
        let mut question = Question {
            version,
            by: client,
            others: BTreeMap::new(),
        };
        let mut letters: Vec<Letter> = members
            .filter(|(other, client)| question.takes(*other, *client))
            .map(|(other, _)| (other, look(board, version)))
            // No further than that: a board may have a thousand members.
            .take(limits::SCREENS_ASKED_MAX)
            .collect();
        letters.push((by, question.answer(board, None)));
        let waiting = self.0.entry(by).or_default();
        waiting.retain(|waiting| waiting.version != version);
        if waiting.len() >= limits::SCREENS_WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(question);
        letters
    }

    /// Somebody has the board from now on: they are asked as well, where they did not answer
    /// already.
    pub fn joined(
        &mut self,
        board: &BoardId,
        connection: ConnectionId,
        client: ClientId,
    ) -> Vec<Letter> {
        let mut letters = Vec::new();
        for (by, questions) in &mut self.0 {
            for question in questions {
                if question.takes(connection, client) {
                    letters.push((connection, look(board, question.version)));
                    letters.push((*by, question.answer(board, None)));
                }
            }
        }
        letters
    }

    /// A version is on the screen of somebody who was asked, perhaps. Each counts once.
    pub fn shown(
        &mut self,
        board: &BoardId,
        on: ClientId,
        version: Version,
        ago_ms: u64,
    ) -> Vec<Letter> {
        let mut letters = Vec::new();
        for (by, questions) in &mut self.0 {
            let mut about = questions.iter_mut();
            let question = about.find(|question| question.version == version);
            let Some(question) = question else { continue };
            let other = question.others.get_mut(&on);
            if let Some(other) = other.filter(|other| !other.has_answered) {
                other.has_answered = true;
                letters.push((*by, question.answer(board, Some(ago_ms))));
            }
        }
        letters
    }

    /// A connection does not follow any more: it hears no answers, and gives none. Its replica may
    /// have been asked again on a newer one.
    pub fn left(&mut self, connection: ConnectionId) {
        self.0.remove(&connection);
        for question in self.0.values_mut().flatten() {
            let others = &mut question.others;
            others.retain(|_, other| other.on != connection || other.has_answered);
        }
    }
}

impl Question {
    /// Whether this one is asked now: one of the others, who did not answer yet.
    fn takes(&mut self, on: ConnectionId, client: ClientId) -> bool {
        let has_room = self.others.len() < limits::SCREENS_ASKED_MAX;
        if client == self.by || !(has_room || self.others.contains_key(&client)) {
            return false;
        }
        let has_answered = false;
        let other = self.others.entry(client);
        let other = other.or_insert(Other { on, has_answered });
        other.on = on;
        !other.has_answered
    }

    fn answer(&self, board: &BoardId, ago_ms: Option<u64>) -> ServerMessage {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        ServerMessage::Screens(Screens {
            board: board.clone(),
            version: self.version,
            asked: count(self.others.len()),
            shown: count(self.others.values().filter(|it| it.has_answered).count()),
            ago_ms,
        })
    }
}

fn look(board: &BoardId, version: Version) -> ServerMessage {
    ServerMessage::Look {
        board: board.clone(),
        version,
    }
}
