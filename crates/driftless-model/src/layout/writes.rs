//! Which stored places have to change so that a certain arrangement is shown.

use super::place::{CELL_MAX, Place};
use super::stack::{Item, arrange};
use crate::sorted::{SortedMap, sort_by_key};

/// The stored places to write so that `shown` is what [`arrange`] shows; `shown` is arranged, and
/// `changed` the item that a person moved. Others are written only where their stored rows would
/// put them into another order than the one shown.
pub(super) fn writes<K: Ord + Clone>(
    items: &[Item<K>],
    shown: &SortedMap<K, Place>,
    changed: &K,
    columns: u32,
) -> Vec<(K, Place)> {
    // What pinned items push down need not be stored below them, but sometimes that is what helps.
    let attempts = [false, true].into_iter().map(|heeds_pinned| {
        let order = Order::new(items, shown, columns, heeds_pinned);
        order.reordered(items, changed)
    });
    for wanted in attempts {
        if arrange(&wanted, columns) == *shown {
            return differing(items, wanted);
        }
    }
    // A pinned item may stand between two stored rows that would have to be swapped.
    let all = items.iter().cloned().map(|mut item| {
        if !item.is_pinned {
            item.place = shown[&item.id];
        }
        item
    });
    differing(items, all.collect())
}

fn differing<K: Ord + Clone>(items: &[Item<K>], wanted: Vec<Item<K>>) -> Vec<(K, Place)> {
    let pairs = items.iter().zip(wanted);
    let changed = pairs.filter(|(item, wanted)| item.place != wanted.place);
    changed
        .map(|(_, wanted)| (wanted.id, wanted.place))
        .collect()
}

/// The items whose order matters, from top to bottom as they are shown.
struct Order {
    columns: usize,
    /// Each one's position among the items, and where it is shown.
    shown: Vec<(usize, Place)>,
}

/// What decides the order: the stored row, then the id.
type Key<'a, K> = (u32, &'a K);

impl Order {
    fn new<K: Ord>(
        items: &[Item<K>],
        shown: &SortedMap<K, Place>,
        columns: u32,
        heeds_pinned: bool,
    ) -> Self {
        let places = items.iter().map(|item| shown[&item.id]).enumerate();
        let mut shown: Vec<_> = places
            .filter(|(at, _)| heeds_pinned || !items[*at].is_pinned)
            .collect();
        sort_by_key(&mut shown, |(at, place)| (place.y, &items[*at].id));
        let columns = columns as usize;
        Self { columns, shown }
    }

    /// The items with rows that order them so: from top to bottom, each keeps its stored row if
    /// that is behind what is shown above it, and else gets one that is, and if possible one that
    /// is before what is shown below it.
    fn reordered<K: Ord + Clone>(&self, items: &[Item<K>], changed: &K) -> Vec<Item<K>> {
        let highest = self.highest_rows(items);
        let mut wanted = items.to_vec();
        let mut above: Vec<Option<Key<K>>> = vec![None; self.columns];
        for ((at, place), highest) in self.shown.iter().zip(highest) {
            let item = &items[*at];
            let above = &mut above[place.x as usize..place.right() as usize];
            let last = above.iter().copied().max().flatten();
            let lowest = last.map_or(0, |(row, id)| row + u32::from(item.id < *id));
            let mut row = if item.is_pinned {
                place.y
            } else {
                item.place.y
            };
            if !item.is_pinned && (item.id == *changed || row < lowest) {
                row = place.y.min(highest).max(lowest).min(CELL_MAX);
                wanted[*at].place.y = row;
            }
            if item.id == *changed {
                wanted[*at].place = Place { y: row, ..*place };
            }
            above.fill(Some((row, &item.id)).max(last));
        }
        wanted
    }

    /// For each in order, the last row that orders it before what is shown below it; 0 where there
    /// is none.
    fn highest_rows<K: Ord>(&self, items: &[Item<K>]) -> Vec<u32> {
        let mut below: Vec<Option<Key<K>>> = vec![None; self.columns];
        let rows = self.shown.iter().rev().map(|(at, place)| {
            let item = &items[*at];
            let below = &mut below[place.x as usize..place.right() as usize];
            let first = below.iter().flatten().copied().min();
            let row = if item.is_pinned {
                place.y
            } else {
                item.place.y
            };
            let own = (row, &item.id);
            below.fill(Some(first.map_or(own, |first| first.min(own))));
            first.map_or(u32::MAX, |(row, id)| {
                row.saturating_sub(u32::from(item.id > *id))
            })
        });
        let mut rows: Vec<_> = rows.collect();
        rows.reverse();
        rows
    }
}
