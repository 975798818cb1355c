//! The end of a board's stream, for connections to read at their own pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::limits;

use crate::hub::item::Item;

/// The newest items of a board's stream, numbered from 0.
#[derive(Debug, Default)]
pub struct Ring {
    items: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The number of the oldest item.
    first: u64,
    items: VecDeque<Arc<Item>>,
    /// What they weigh together.
    bytes: usize,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub struct Portion {
    /// Most items.
    pub items_max: usize,
    /// The weight in bytes past which no further item is taken.
    pub bytes_max: usize,
}

impl Portion {
    /// Everything.
    #[cfg(test)]
    pub const ALL: Self = Self {
        items_max: usize::MAX,
        bytes_max: usize::MAX,
    };
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The number of the next item.
    pub next: u64,
    /// What the items weigh, in bytes.
    pub bytes: usize,
    /// Whether that is all there is.
    pub is_all: bool,
}

/// What a reader asked for is no longer there: it has to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lagged;

impl Ring {
    /// The number of the next item.
    pub fn end(&self) -> u64 {
        self.lock().end()
    }

    /// Puts items at the end, and drops those below `read`, which every reader has, and those past
    /// [`limits::RING_ITEMS_MAX`] and [`limits::RING_BYTES_MAX`].
    pub fn extend(&self, items: impl IntoIterator<Item = Arc<Item>>, read: u64) {
        let mut ring = self.lock();
        for item in items {
            ring.bytes += item.weight_bytes;
            ring.items.push_back(item);
        }
        while ring.first < read.min(ring.end()) || ring.is_over() {
            ring.drop_oldest();
        }
    }

    /// Forgets everything. Numbers go on.
    pub fn clear(&self) {
        let mut ring = self.lock();
        ring.first = ring.end();
        ring.items.clear();
        ring.bytes = 0;
    }

    /// Hands the items from `from` up to before `until` to `take`, as many of them as the portion
    /// has; one at least, however heavy it is.
    pub fn read(
        &self,
        from: u64,
        until: u64,
        portion: Portion,
        mut take: impl FnMut(&Arc<Item>),
    ) -> Result<Taken, Lagged> {
        let ring = self.lock();
        if from < ring.first {
            return Err(Lagged);
        }
        let index = |number: u64| {
            let offset = number.min(ring.end()).saturating_sub(ring.first);
            usize::try_from(offset).expect("an offset within the ring")
        };
        let (start, end) = (index(from), index(until.max(from)));
        let (mut next, mut bytes) = (start, 0);
        for item in ring.items.range(start..end).take(portion.items_max) {
            if bytes >= portion.bytes_max {
                break;
            }
            take(item);
            bytes += item.weight_bytes;
            next += 1;
        }
        Ok(Taken {
            next: from.max(ring.first + next as u64),
            bytes,
            is_all: next == end,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it is held.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    fn is_over(&self) -> bool {
        self.items.len() > limits::RING_ITEMS_MAX || self.bytes > limits::RING_BYTES_MAX
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.items.pop_front() {
            self.bytes -= oldest.weight_bytes;
        }
        self.first += 1;
    }
}

#[cfg(test)]
mod tests {
    use driftless_model::{
        BoardId, ClientId, EditId, LeafRef, RecordId, StaleLeaf, Value, Version,
    };
    use driftless_protocol::message::{Outcome, Settled};
    use driftless_sync::room::StreamItem;

    use super::*;

    /// An item with a text of so many bytes in it.
    fn item(bytes: usize) -> Arc<Item> {
        let stale = StaleLeaf {
            at: LeafRef {
                record: RecordId::new("cpu").expect("an id"),
                leaf: None,
            },
            theirs: Some(Value::Text("x".repeat(bytes))),
            version: Version(1),
            author: None,
        };
        let outcome = Settled {
            board: BoardId::new("home").expect("an id"),
            seq: 1,
            id: EditId(1),
            outcome: Outcome::Conflict {
                at: Version(1),
                stale: vec![stale],
            },
        };
        let client = ClientId(1);
        Arc::new(Item::new(StreamItem::Private { client, outcome }, None))
    }

    /// An item of this weight.
    fn weighing(bytes: usize) -> Arc<Item> {
        let item = item(bytes - item(0).weight_bytes);
        assert_eq!(item.weight_bytes, bytes);
        item
    }

    fn read(ring: &Ring, from: u64, portion: Portion) -> Result<(usize, bool), Lagged> {
        let mut count = 0;
        let taken = ring.read(from, u64::MAX, portion, |_| count += 1)?;
        assert_eq!(taken.next, from + count as u64);
        Ok((count, taken.is_all))
    }

    #[test]
    fn a_ring_holds_as_many_bytes_as_it_may_and_not_one_more() {
        let ring = Ring::default();
        let sixteenth = weighing(limits::RING_BYTES_MAX / 16);
        ring.extend(vec![sixteenth.clone(); 16], 0);
        assert_eq!(read(&ring, 0, Portion::ALL), Ok((16, true)));
        ring.extend([item(0)], 0);
        assert_eq!(read(&ring, 0, Portion::ALL), Err(Lagged));
        assert_eq!(read(&ring, 1, Portion::ALL), Ok((16, true)));
        ring.clear();
        ring.extend(vec![sixteenth; 16], 0);
        assert_eq!(read(&ring, 17, Portion::ALL), Ok((16, true)));
    }

    #[test]
    fn a_portion_ends_with_the_item_that_fills_it() {
        let ring = Ring::default();
        ring.extend(vec![weighing(1_000); 5], 0);
        let portion = |items_max, bytes_max| Portion {
            items_max,
            bytes_max,
        };
        assert_eq!(read(&ring, 0, portion(2, 10_000)), Ok((2, false)));
        assert_eq!(read(&ring, 0, portion(10, 1)), Ok((1, false)));
        assert_eq!(read(&ring, 0, portion(10, 2_000)), Ok((2, false)));
        assert_eq!(read(&ring, 0, portion(10, 2_001)), Ok((3, false)));
        assert_eq!(read(&ring, 3, portion(10, 2_000)), Ok((2, true)));
        assert_eq!(read(&ring, 0, portion(0, 1)), Ok((0, false)));
        assert_eq!(read(&ring, 5, portion(0, 0)), Ok((0, true)));
    }
}
