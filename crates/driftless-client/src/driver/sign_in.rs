//! With whose token the tabs of a replica talk to the server. A replica is one user's, and the tab
//! that leads signs in for all: so a tab that somebody signs in at with another token than the
//! leader's takes the lead, once, and the profile is the new user's. A tab that only brought what
//! it had stays with the leader's, and is told of it, so that it can lead with it later.

use driftless_protocol::TabMessage;
use driftless_protocol::tab::TabConnection;
use driftless_sync::replica::{Command, token_mark};

const MARK_BYTES: usize = 8;

/// See [`token_mark`].
type Mark = [u8; MARK_BYTES];

/// Before a token, where other frames have their message: `MessagePack` never begins so.
const TOKEN: u8 = 0xc1;

/// What another tab said.
pub(super) enum Said {
    /// Something for the machine.
    Message(TabMessage),
    /// The token that the server took from the tab that leads; this one has no newer.
    Token(String),
}

/// This tab's token beside the leader's.
pub(super) struct SignIn {
    token: Option<String>,
    own: Mark,
    leaders: Option<Mark>,
    /// Whether it was given since this tab, or another one with a newer token, began to lead.
    is_new: bool,
    /// What the server said to this tab's token, since it has it.
    verdict: Verdict,
    role: Role,
    /// Whether a tab follows that may not have the token.
    is_strange: bool,
    /// Whether the tab that leads is not let in.
    is_leader_refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Follows,
    /// Has asked for the lead.
    Claims,
    Leads,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    None,
    Taken,
    Refused,
}

impl SignIn {
    /// `is_new`: whether somebody signs in with it now.
    pub(super) fn new(token: Option<String>, is_new: bool) -> Self {
        Self {
            own: mark(token.as_deref()),
            token,
            leaders: None,
            is_new,
            verdict: Verdict::None,
            role: Role::Follows,
            is_strange: true,
            is_leader_refused: false,
        }
    }

    /// This tab was given a token: what that is for the machine.
    pub(super) fn renew(&mut self, token: Option<String>) -> Command {
        let own = mark(token.as_deref());
        if own != self.own {
            // Whoever leads uses it at once; where the leader has it, nobody signs in.
            self.is_new = self.role != Role::Leads && self.leaders != Some(own);
            self.verdict = Verdict::None;
            self.is_strange = true;
        }
        (self.own, self.token) = (own, token.clone());
        if self.is_new || self.role != Role::Follows {
            Command::SetToken(token)
        } else {
            Command::AdoptToken(token)
        }
    }

    /// This tab begins to lead, or ends: the token was used.
    pub(super) fn used(&mut self, leads: bool) {
        self.is_new = false;
        self.leaders = None;
        self.left();
        if leads {
            self.role = Role::Leads;
            self.is_strange = true;
        }
    }

    /// This tab left the others.
    pub(super) fn left(&mut self) {
        self.role = Role::Follows;
    }

    /// This tab's token.
    pub(super) fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Whether somebody signs in with it who was not heard yet.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether this tab was elected.
    pub(super) fn leads(&self) -> bool {
        self.role == Role::Leads
    }

    /// Whether this tab has to lead for its token to count, or since the leader's does not. Answers
    /// so once.
    pub(super) fn has_to_lead(&mut self) -> bool {
        let is_other = self.leaders.is_some_and(|leaders| leaders != self.own);
        let is_rescue = self.is_leader_refused && self.verdict != Verdict::Refused;
        if !is_other || self.role != Role::Follows || !(self.is_new || is_rescue) {
            return false;
        }
        self.is_new = false;
        self.role = Role::Claims;
        true
    }

    /// A message as it goes to other tabs: the mark, then the message.
    pub(super) fn frame(&mut self, message: &TabMessage) -> Vec<u8> {
        if let TabMessage::Leads(leads) = message {
            match leads.connection {
                TabConnection::Online { .. } => self.verdict = Verdict::Taken,
                TabConnection::Unauthorised { .. } => self.verdict = Verdict::Refused,
                _ => {}
            }
        }
        let mut frame = self.own.to_vec();
        frame.extend(message.encode());
        frame
    }

    /// What tabs that follow have to be told, once the server has let this one in: its token.
    pub(super) fn hand_over(&mut self) -> Option<Vec<u8>> {
        let is_due = self.role == Role::Leads && self.verdict == Verdict::Taken && self.is_strange;
        let token = self.token.as_ref().filter(|_| is_due)?;
        self.is_strange = false;
        let mut frame = self.own.to_vec();
        frame.push(TOKEN);
        frame.extend(token.as_bytes());
        Some(frame)
    }

    /// What another tab said; nothing where it is of another build, or no tab's.
    pub(super) fn read(&mut self, frame: &[u8]) -> Option<Said> {
        let (mark, message) = frame.split_first_chunk()?;
        if let Some((&TOKEN, token)) = message.split_first() {
            return self.adopt(std::str::from_utf8(token).ok()?);
        }
        let message = TabMessage::decode(message).ok()?;
        match &message {
            TabMessage::Leads(leads) => {
                let connection = &leads.connection;
                self.is_leader_refused = matches!(connection, TabConnection::Unauthorised { .. });
                self.leaders = Some(*mark);
                self.is_new &= *mark != self.own;
            }
            _ => self.is_strange |= *mark != self.own,
        }
        Some(Said::Message(message))
    }

    fn adopt(&mut self, token: &str) -> Option<Said> {
        let is_known = self.token.as_deref() == Some(token);
        if self.role != Role::Follows || self.is_new || is_known {
            return None;
        }
        self.own = mark(Some(token));
        self.token = Some(token.to_owned());
        self.verdict = Verdict::None;
        Some(Said::Token(token.to_owned()))
    }
}

fn mark(token: Option<&str>) -> Mark {
    token_mark(token.unwrap_or_default()).to_be_bytes()
}
