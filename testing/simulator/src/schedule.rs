//! What happens when: events in virtual time, equal times in the order of asking.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use driftless_model::{BoardId, EditId, Version};
use driftless_sync::replica::journal::Ticket;
use driftless_sync::replica::storage::Transaction;
use driftless_sync::room::{Append, ConnectionId};

/// Something that happens.
#[derive(Debug)]
pub enum Event {
    /// A person does something.
    Person { tab: usize },
    /// A person ends the gesture that they began.
    EndGesture { tab: usize, life: u64 },
    /// A crashed device comes back.
    DeviceStart { device: usize },
    /// A closed tab is opened again.
    TabStart { tab: usize },
    /// The storage was read for a tab.
    TabLoaded { tab: usize, life: u64 },
    /// A tab gets the lock.
    TabElected { tab: usize, life: u64 },
    /// A message of another tab arrives.
    TabTold {
        tab: usize,
        life: u64,
        bytes: Vec<u8>,
    },
    /// The storage is done with a transaction of a tab.
    TabStored {
        tab: usize,
        life: u64,
        ticket: Ticket,
        transaction: Box<Transaction>,
    },
    /// A timer of a tab fires.
    TabWake { tab: usize, life: u64, mono_ms: u64 },
    /// The device's network comes back.
    NetworkBack { tab: usize, life: u64 },
    /// A socket opens, or does not.
    LinkOpens { link: u64 },
    /// Bytes reach the server.
    ToServer { link: u64, bytes: Vec<u8> },
    /// Bytes reach the device.
    ToDevice { link: u64, bytes: Vec<u8> },
    /// The device notices that a link is gone.
    LinkLost { link: u64, code: Option<u16> },
    /// The server notices that a link is gone.
    LinkGone { link: u64 },
    /// A connection reads on in the stream of a board.
    ReadStream { link: u64, board: BoardId },
    /// A connection hears that a newer one of its client came.
    Replaced { link: u64 },
    /// The server comes back.
    ServerStart,
    /// A board was read.
    BoardLoaded { life: u64, board: BoardId },
    /// A check was looked up.
    CheckFound {
        life: u64,
        board: BoardId,
        connection: ConnectionId,
        version: Version,
    },
    /// An edit was looked for in the log.
    EditFound {
        life: u64,
        board: BoardId,
        number: u64,
        id: EditId,
        above: Version,
    },
    /// The application has a new token.
    RenewToken { device: usize },
    /// A batch was written.
    BoardStored { life: u64, append: Box<Append> },
}

struct At {
    due_ms: u64,
    order: u64,
    event: Event,
}

impl Event {
    /// The tab in which it happens, if it happens in one.
    pub fn tab(&self) -> Option<usize> {
        match self {
            Self::EndGesture { tab, .. }
            | Self::TabLoaded { tab, .. }
            | Self::TabElected { tab, .. }
            | Self::TabTold { tab, .. }
            | Self::TabStored { tab, .. }
            | Self::TabWake { tab, .. }
            | Self::NetworkBack { tab, .. } => Some(*tab),
            _ => None,
        }
    }
}

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        (self.due_ms, self.order) == (other.due_ms, other.order)
    }
}

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due_ms, self.order).cmp(&(other.due_ms, other.order))
    }
}

/// Events in virtual time.
#[derive(Default)]
pub struct Schedule {
    heap: BinaryHeap<Reverse<At>>,
    order: u64,
    now_ms: u64,
}

impl Schedule {
    /// The time.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Puts an event at a time, never in the past.
    pub fn at(&mut self, at_ms: u64, event: Event) {
        self.order += 1;
        let at_ms = at_ms.max(self.now_ms);
        self.heap.push(Reverse(At {
            due_ms: at_ms,
            order: self.order,
            event,
        }));
    }

    /// Puts an event after a delay.
    pub fn after(&mut self, delay_ms: u64, event: Event) {
        self.at(self.now_ms + delay_ms, event);
    }

    /// Moves to the next event.
    pub fn next(&mut self) -> Option<Event> {
        let Reverse(at) = self.heap.pop()?;
        self.now_ms = at.due_ms;
        Some(at.event)
    }
}
