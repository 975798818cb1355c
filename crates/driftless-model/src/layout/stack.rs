//! What is shown: widgets in order, each as far up as the ones before it allow.

use super::place::{CELL_MAX, Place};
use crate::sorted::{SortedMap, sort_by, sort_by_key};

/// A widget on a grid.
///
/// ```
/// use driftless_model::layout::{Item, Place, arrange};
///
/// let place = Place { x: 0, y: 7, w: 4, h: 2 };
/// let shown = |is_pinned| arrange(&[Item { id: "cpu", place, is_pinned }], 12)["cpu"];
/// assert_eq!(shown(true), place);
/// assert_eq!(shown(false), Place { y: 0, ..place });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<K> {
    /// Which one; no two items have the same id.
    pub id: K,
    /// Its stored place.
    pub place: Place,
    /// Whether it stays where it is stored, and others make way.
    pub is_pinned: bool,
}

/// Where the items are shown on a grid of this many columns, by their stored places.
///
/// No two collide and none reaches over the right edge. Pinned items stay in their places (of two
/// that collide the later one moves down); each other item, in order of stored rows, ties by id,
/// moves up to what is above it and does not pass it. The order of `items` does not matter, and
/// arranging what is shown changes nothing.
///
/// ```
/// use driftless_model::layout::{Item, Place, arrange};
///
/// let item = |id, y| Item { id, place: Place { x: 0, y, w: 4, h: 2 }, is_pinned: false };
/// let shown = arrange(&[item("disk", 7), item("cpu", 0), item("load", 1)], 12);
/// assert_eq!((shown["cpu"].y, shown["load"].y, shown["disk"].y), (0, 2, 4));
/// ```
pub fn arrange<K: Ord + Clone>(items: &[Item<K>], columns: u32) -> SortedMap<K, Place> {
    let columns = columns_in_range(columns);
    let items = fitted(items, columns);
    let queue = items
        .into_iter()
        .map(|item| (u64::from(item.place.y), item));
    stack(queue.collect(), columns)
}

/// How many rows the places take.
///
/// ```
/// use driftless_model::layout::{Place, rows};
///
/// let place = Place { x: 0, y: 0, w: 4, h: 2 };
/// assert_eq!(rows([&place, &Place { y: 5, ..place }]), 7);
/// assert_eq!(rows([]), 0);
/// ```
pub fn rows<'a>(places: impl IntoIterator<Item = &'a Place>) -> u32 {
    let bottoms = places.into_iter().map(|place| place.bottom());
    bottoms.max().unwrap_or(0)
}

/// The ids in the order in which the shown places are read: by row, then by column.
///
/// ```
/// use driftless_model::layout::{Place, reading_order};
///
/// let place = |x, y| Place { x, y, w: 4, h: 2 };
/// let shown = [("disk", place(0, 0)), ("cpu", place(4, 0)), ("load", place(0, 2))].into();
/// assert_eq!(reading_order(&shown), ["disk", "cpu", "load"]);
/// ```
pub fn reading_order<K: Ord + Clone>(places: &SortedMap<K, Place>) -> Vec<K> {
    let mut ids: Vec<_> = places.iter().collect();
    sort_by_key(&mut ids, |(id, place)| (place.y, place.x, *id));
    ids.into_iter().map(|(id, _)| id.clone()).collect()
}

/// A number of columns that a grid can have.
pub(super) fn columns_in_range(columns: u32) -> u32 {
    columns.clamp(1, CELL_MAX)
}

/// The items within the columns, and the pinned ones apart from one another.
pub(super) fn fitted<K: Ord + Clone>(items: &[Item<K>], columns: u32) -> Vec<Item<K>> {
    let mut items = items.to_vec();
    sort_by(&mut items, |one, other| {
        (one.place.y, &one.id).cmp(&(other.place.y, &other.id))
    });
    let mut pinned = Vec::new();
    for item in &mut items {
        item.place = item.place.within(columns);
        if item.is_pinned {
            item.place.y = first_free_row(item.place, &pinned);
            insert_by_row(&mut pinned, item.place);
        }
    }
    items
}

/// Places fitted items in the order of their ranks, ties by id; pinned ones have theirs already.
pub(super) fn stack<K: Ord + Clone>(
    mut queue: Vec<(u64, Item<K>)>,
    columns: u32,
) -> SortedMap<K, Place> {
    sort_by(&mut queue, |one, other| {
        (one.0, &one.1.id).cmp(&(other.0, &other.1.id))
    });
    let mut pinned = Vec::new();
    for (_, item) in queue.iter().filter(|(_, item)| item.is_pinned) {
        insert_by_row(&mut pinned, item.place);
    }
    // Below these rows nothing has been placed yet, column by column.
    let mut skyline = vec![0; columns as usize];
    let mut places = SortedMap::new();
    for (_, item) in queue {
        let mut place = item.place;
        let below = &mut skyline[place.x as usize..place.right() as usize];
        if !item.is_pinned {
            place.y = below.iter().copied().max().unwrap_or(0);
            place.y = first_free_row(place, &pinned);
        }
        for row in below {
            *row = place.bottom().max(*row);
        }
        places.insert(item.id, place);
    }
    places
}

/// The first row from the place's own on in which it collides with none of the obstacles, which
/// are in order of their rows.
fn first_free_row(mut place: Place, obstacles: &[Place]) -> u32 {
    for obstacle in obstacles {
        if place.collides(*obstacle) {
            place.y = obstacle.bottom();
        }
    }
    place.y
}

fn insert_by_row(places: &mut Vec<Place>, place: Place) {
    let at = places.partition_point(|other| other.y <= place.y);
    places.insert(at, place);
}
