//! What a room published, encoded once for each sub-protocol that somebody speaks.

use std::sync::OnceLock;
use std::time::Instant;

use driftless_model::{ClientId, Cursor, Effect, Replaced, Value};
use driftless_protocol::message::{Event, Outcome};
use driftless_protocol::{Codec, ServerMessage};
use driftless_sync::room::StreamItem;

use crate::hub::outbound::Outbound;

/// A message for many connections. Its frames share their bytes.
#[derive(Debug)]
pub struct Shared {
    message: ServerMessage,
    message_pack: OnceLock<Outbound>,
    json: OnceLock<Outbound>,
}

impl Shared {
    fn new(message: ServerMessage) -> Self {
        Self {
            message,
            message_pack: OnceLock::new(),
            json: OnceLock::new(),
        }
    }

    /// The message.
    #[cfg(any(test, feature = "host-metrics"))]
    pub fn message(&self) -> &ServerMessage {
        &self.message
    }

    /// The frame, encoded by whoever asks first.
    pub fn frame(&self, codec: Codec) -> Outbound {
        let frames = match codec {
            Codec::MessagePack => &self.message_pack,
            Codec::Json => &self.json,
        };
        frames
            .get_or_init(|| Outbound::message(codec, &self.message))
            .clone()
    }
}

/// What an item weighs beside its values, in bytes: ids, names, the message around it.
pub const ENVELOPE_BYTES: usize = 256;

/// One item of a board's stream.
#[derive(Debug)]
pub struct Item {
    author: ClientId,
    /// For the author's connections.
    outcome: Shared,
    /// For everybody else's, where the board changed.
    event: Option<(Shared, Cursor)>,
    /// About what it takes as one message, in bytes.
    pub weight_bytes: usize,
    /// Present where its way to the connections is measured.
    pub watch: Option<Watch>,
}

/// What is known of an item whose way to the connections is measured.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    /// When it was published.
    pub published_at: Instant,
    /// When its edit came off a socket, where this server took it.
    pub received_at: Option<Instant>,
}

impl Item {
    /// The item as it is shared.
    pub fn new(item: StreamItem, watch: Option<Watch>) -> Self {
        let cursor = item.cursor();
        let weight_bytes = weight_bytes(&item);
        match item {
            StreamItem::Applied {
                client,
                event,
                outcome,
            } => Self {
                author: client,
                outcome: Shared::new(ServerMessage::Outcome(outcome)),
                event: cursor.map(|cursor| (Shared::new(ServerMessage::Event(event)), cursor)),
                weight_bytes,
                watch,
            },
            StreamItem::Private { client, outcome } => Self {
                author: client,
                outcome: Shared::new(ServerMessage::Outcome(outcome)),
                event: None,
                weight_bytes,
                watch,
            },
        }
    }

    /// Where the board stands after it, if it changed the board.
    pub fn cursor(&self) -> Option<Cursor> {
        self.event.as_ref().map(|(_, cursor)| *cursor)
    }

    /// Whether it is what became of an edit of this client's.
    pub fn is_outcome_for(&self, client: ClientId) -> bool {
        self.author == client
    }

    /// What this client gets of it: its own outcome, or somebody else's event.
    pub fn of(&self, client: ClientId) -> Option<&Shared> {
        if self.author == client {
            Some(&self.outcome)
        } else {
            self.event.as_ref().map(|(event, _)| event)
        }
    }
}

fn weight_bytes(item: &StreamItem) -> usize {
    let values = match item {
        StreamItem::Applied { event, .. } => of_event(event),
        StreamItem::Private { outcome, .. } => of_outcome(&outcome.outcome),
    };
    ENVELOPE_BYTES + values
}

fn of_event(event: &Event) -> usize {
    event.label.len() + of_effects(&event.effects) + of_replaced(&event.replaced)
}

fn of_outcome(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Applied {
            replaced, effects, ..
        } => of_replaced(replaced) + effects.as_deref().map_or(0, of_effects),
        Outcome::Conflict { stale, .. } => {
            let values = stale.iter().filter_map(|stale| stale.theirs.as_ref());
            values.map(Value::weight_bytes).sum()
        }
        _ => 0,
    }
}

fn of_effects(effects: &[Effect]) -> usize {
    let writes = effects.iter().flat_map(|effect| effect.op.writes());
    writes
        .map(|(leaf, value)| leaf.as_str().len() + value.map_or(0, Value::weight_bytes))
        .sum()
}

fn of_replaced(replaced: &[Replaced]) -> usize {
    let values = replaced
        .iter()
        .filter_map(|replaced| replaced.value.as_ref());
    values.map(Value::weight_bytes).sum()
}
