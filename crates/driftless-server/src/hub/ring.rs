//! The end of a board's stream, for connections to read at their own pace.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driftless_model::limits;

use crate::hub::item::Item;

/// The newest items of a board's stream, numbered from 0.
#[derive(Debug, Default)]
pub struct Ring {
    items: Mutex<Items>,
}

#[derive(Debug, Default)]
struct Items {
    /// The number of the oldest item.
    first: u64,
    items: VecDeque<Arc<Item>>,
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
    /// [`limits::RING_ITEMS_MAX`].
    pub fn extend(&self, items: impl IntoIterator<Item = Arc<Item>>, read: u64) {
        let mut ring = self.lock();
        ring.items.extend(items);
        while ring.first < read.min(ring.end()) || ring.items.len() > limits::RING_ITEMS_MAX {
            ring.items.pop_front();
            ring.first += 1;
        }
    }

    /// Forgets everything. Numbers go on.
    pub fn clear(&self) {
        let mut ring = self.lock();
        ring.first = ring.end();
        ring.items.clear();
    }

    /// Hands the items from `from` up to before `until` to `take`, at most `items_max` of them, and
    /// answers with the number of the next one.
    pub fn read(
        &self,
        from: u64,
        until: u64,
        items_max: usize,
        take: impl FnMut(&Arc<Item>),
    ) -> Result<u64, Lagged> {
        let ring = self.lock();
        if from < ring.first {
            return Err(Lagged);
        }
        let index = |number: u64| {
            let offset = number.min(ring.end()).saturating_sub(ring.first);
            usize::try_from(offset).expect("an offset within the ring")
        };
        let (start, end) = (index(from), index(until.max(from)));
        let end = end.min(start.saturating_add(items_max));
        ring.items.range(start..end).for_each(take);
        Ok(from.max(ring.first + end as u64))
    }

    fn lock(&self) -> MutexGuard<'_, Items> {
        // Nothing panics while it is held.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items {
    fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }
}
