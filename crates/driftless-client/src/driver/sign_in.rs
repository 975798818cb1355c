//! With whose token the tabs of a replica talk to the server. A replica is one user's, and the tab
//! that leads signs in for all: so a tab that was given another token than the leader's takes the
//! lead, once, and the profile is the new user's.

use driftless_protocol::TabMessage;

/// The offset and the prime of FNV-1a with 64 bits.
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0100_0000_01b3);
const MARK_BYTES: usize = 8;

/// Equal for equal tokens. It never leaves the origin, whose pages have the tokens themselves.
type Mark = [u8; MARK_BYTES];

/// This tab's token beside the leader's.
#[derive(Debug)]
pub(super) struct SignIn {
    own: Mark,
    leaders: Option<Mark>,
    /// Whether it was given since this tab, or another one with a newer token, began to lead.
    is_new: bool,
}

impl SignIn {
    pub(super) fn new(token: Option<&str>) -> Self {
        Self {
            own: mark(token),
            leaders: None,
            is_new: true,
        }
    }

    /// This tab was given a token.
    pub(super) fn renew(&mut self, token: Option<&str>) {
        let own = mark(token);
        self.is_new |= own != self.own;
        self.own = own;
    }

    /// This tab begins to lead, or ends: the token was used.
    pub(super) fn used(&mut self) {
        self.is_new = false;
        self.leaders = None;
    }

    /// Whether this tab has to lead for its token to count. Answers so once.
    pub(super) fn has_to_lead(&mut self) -> bool {
        let is_other = self.leaders.is_some_and(|leaders| leaders != self.own);
        is_other && std::mem::take(&mut self.is_new)
    }

    /// A message as it goes to other tabs: the mark, then the message.
    pub(super) fn frame(&self, message: &TabMessage) -> Vec<u8> {
        let mut frame = self.own.to_vec();
        frame.extend(message.encode());
        frame
    }

    /// What another tab said; nothing where it is of another build, or no tab's.
    pub(super) fn read(&mut self, frame: &[u8]) -> Option<TabMessage> {
        let (mark, message) = frame.split_first_chunk()?;
        let message = TabMessage::decode(message).ok()?;
        if matches!(message, TabMessage::Leads(_)) {
            self.leaders = Some(*mark);
            self.is_new &= *mark != self.own;
        }
        Some(message)
    }
}

fn mark(token: Option<&str>) -> Mark {
    let bytes = token.unwrap_or_default().bytes();
    let hash = bytes.fold(FNV.0, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV.1)
    });
    hash.to_be_bytes()
}
