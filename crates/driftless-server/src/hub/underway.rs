//! Edits that came off a socket and whose answer is not published yet: since when, and the span
//! that everything about them is logged in.

use std::collections::BTreeMap;
use std::time::Instant;

use driftless_model::{ClientId, limits};
use driftless_protocol::message::{Outcome, Push, Settled};
use tracing::Span;
use tracing::field::Empty;

/// Most edits that are remembered. A room holds no more; past it, those that were never answered
/// because their connection was gone are forgotten with all others.
const EDITS_MAX: usize = limits::ROOM_QUEUE_MAX + limits::BATCH_EDITS_MAX;

/// An edit that came off a socket.
#[derive(Debug)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// From here to its publication. At level debug, with the edit's id.
    pub span: Span,
}

impl Received {
    /// It came just now.
    pub fn now(push: &Push, client: ClientId) -> Self {
        let span = tracing::debug_span!(
            "edit",
            id = %push.id,
            board = %push.board,
            %client,
            seq = push.seq,
            outcome = Empty,
            version = Empty,
        );
        span.in_scope(|| tracing::debug!("received"));
        Self {
            at: Instant::now(),
            span,
        }
    }

    /// What became of it is published.
    fn publish(&self, settled: &Settled) {
        if self.span.is_disabled() {
            return;
        }
        let (outcome, version) = match &settled.outcome {
            Outcome::Applied { version, .. } => ("applied", *version),
            Outcome::Conflict { at, .. } => ("conflict", *at),
            Outcome::Rejected { code, .. } => {
                self.span.record("outcome", code.as_str());
                self.span.in_scope(|| tracing::debug!("published"));
                return;
            }
            _ => return,
        };
        self.span.record("outcome", outcome);
        self.span.record("version", version.0);
        self.span.in_scope(|| tracing::debug!("published"));
    }
}

/// The edits of one room that are under way.
#[derive(Debug, Default)]
pub struct Underway {
    edits: BTreeMap<(ClientId, u64), Received>,
}

impl Underway {
    /// One more.
    pub fn add(&mut self, client: ClientId, seq: u64, received: Received) {
        if self.edits.len() >= EDITS_MAX {
            self.edits.clear();
        }
        self.edits.insert((client, seq), received);
    }

    /// What became of one is published; since when it was under way, where that is known.
    pub fn settle(&mut self, client: ClientId, settled: &Settled) -> Option<Instant> {
        let received = self.edits.remove(&(client, settled.seq))?;
        received.publish(settled);
        Some(received.at)
    }

    /// A client is told `why` its edits from `seq` on are not taken.
    pub fn refuse(&mut self, client: ClientId, seq: u64, why: &str) {
        let end = (client, u64::MAX);
        while let Some((key, _)) = self.edits.range((client, seq)..=end).next() {
            let key = *key;
            if let Some(received) = self.edits.remove(&key) {
                received.span.record("outcome", why);
                received.span.in_scope(|| tracing::debug!("not taken"));
            }
        }
    }

    /// Nobody waits for an answer any more.
    pub fn clear(&mut self) {
        self.edits.clear();
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{BoardId, EditId, Version};
    use driftless_protocol::Payload;

    use super::*;

    const ANN: ClientId = ClientId(1);
    const BO: ClientId = ClientId(2);

    fn add(underway: &mut Underway, client: ClientId, seq: u64) {
        let push = Push {
            board: BoardId::new("home").expect("a board id"),
            seq,
            id: EditId(seq.into()),
            settled: 0,
            payload: Payload::from_text("{}"),
            again: None,
        };
        underway.add(client, seq, Received::now(&push, client));
    }

    fn settled(seq: u64) -> Settled {
        Settled {
            board: BoardId::new("home").expect("a board id"),
            seq,
            id: EditId(seq.into()),
            outcome: Outcome::Conflict {
                at: Version(1),
                stale: vec![],
            },
        }
    }

    #[test]
    fn a_refusal_ends_that_edit_and_those_after_it_and_nobody_elses() {
        let mut underway = Underway::default();
        (1..=4).for_each(|seq| add(&mut underway, ANN, seq));
        add(&mut underway, BO, 3);
        underway.refuse(ANN, 3, "unavailable");
        assert!(underway.settle(ANN, &settled(2)).is_some());
        assert!(underway.settle(ANN, &settled(3)).is_none());
        assert!(underway.settle(ANN, &settled(4)).is_none());
        assert!(underway.settle(BO, &settled(3)).is_some());
    }

    #[test]
    fn no_more_is_remembered_than_a_room_can_hold() {
        let mut underway = Underway::default();
        for seq in 0..=EDITS_MAX as u64 {
            add(&mut underway, ANN, seq);
        }
        assert_eq!(underway.edits.len(), 1, "what nobody answers is let go");
    }
}
