//! Which stored places have to change so that a certain arrangement is shown.

use std::collections::BTreeMap;

use super::place::{CELL_MAX, Place};
use super::stack::{Item, arrange};

/// The stored places to write so that `shown` is what [`arrange`] shows; `shown` is arranged, and
/// `changed` the item that a person moved. Others are written only where their stored rows would
/// put them into another order than the one shown.
pub(super) fn writes<K: Ord + Clone>(
    items: &[Item<K>],
    shown: &BTreeMap<K, Place>,
    changed: &K,
    columns: u32,
) -> Vec<(K, Place)> {
    let wanted = reordered(items, shown, changed);
    if arrange(&wanted, columns) == *shown {
        return differing(items, wanted);
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

/// The items with rows that order them as shown, in the order of `items`: from top to bottom, each
/// keeps its stored row if that is below what is shown above it, and else gets one that is.
fn reordered<K: Ord + Clone>(
    items: &[Item<K>],
    shown: &BTreeMap<K, Place>,
    changed: &K,
) -> Vec<Item<K>> {
    let mut wanted = items.to_vec();
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|at| (shown[&items[*at].id].y, &items[*at].id));
    for (position, at) in order.iter().copied().enumerate() {
        let (id, place) = (&items[at].id, shown[&items[at].id]);
        if items[at].is_pinned {
            wanted[at].place.y = place.y;
            continue;
        }
        let is_changed = id == changed;
        let beside = |other: &&usize| shown[&items[**other].id].shares_columns(place);
        let above = order[..position].iter().filter(beside);
        let lowest = above.map(|other| row_after(id, &wanted[*other])).max();
        let lowest = lowest.unwrap_or(0);
        if is_changed || wanted[at].place.y < lowest {
            let below = order[position + 1..].iter().filter(beside);
            let highest = below.map(|other| row_before(id, &wanted[*other])).min();
            let row = place.y.min(highest.unwrap_or(u32::MAX)).max(lowest);
            wanted[at].place.y = row.min(CELL_MAX);
        }
        if is_changed {
            let y = wanted[at].place.y;
            wanted[at].place = Place { y, ..place };
        }
    }
    for (item, wanted) in items.iter().zip(&mut wanted) {
        if item.is_pinned {
            wanted.place = item.place;
        }
    }
    wanted
}

/// The first row that orders an id behind the item.
fn row_after<K: Ord>(id: &K, item: &Item<K>) -> u32 {
    item.place.y + u32::from(*id < item.id)
}

/// The last row that orders an id before the item; 0 where there is none.
fn row_before<K: Ord>(id: &K, item: &Item<K>) -> u32 {
    item.place.y.saturating_sub(u32::from(*id > item.id))
}
