//! What a gesture of one person leads to.

use super::place::Place;
use super::stack::{Item, arrange, columns_in_range, rows, stack};
use super::writes::writes;
use crate::sorted::{SortedMap, SortedSet};

/// What a gesture shows, and the stored places to write for it. Whoever writes them shows exactly
/// these places.
///
/// ```
/// use driftless_model::layout::{Gesture, Place, place_new};
///
/// let Gesture { places, writes } = place_new(&[], 12, &"cpu", 4, 2);
/// assert_eq!(places["cpu"], Place { x: 0, y: 0, w: 4, h: 2 });
/// assert_eq!(writes, [("cpu", places["cpu"])]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gesture<K> {
    /// Where every item is shown.
    pub places: SortedMap<K, Place>,
    /// What to write: nothing where nothing changes, as a rule one place.
    pub writes: Vec<(K, Place)>,
}

/// Moves an item so that it is dropped at a cell of the grid as it is shown; `None` if there is no
/// such item. `items` are those at the beginning of the gesture, however far it has come.
///
/// Where the item began, nothing changes. Elsewhere it is taken out, the others close up, and it
/// goes below each of them whose middle is at or above its own top, and above the rest. So the
/// result depends only on the others and on the cell: moving it away and back brings back what
/// was there after it had been dropped there first.
///
/// ```
/// use driftless_model::layout::{Item, Place, move_item};
///
/// let item = |id, y| Item { id, place: Place { x: 0, y, w: 4, h: 2 }, is_pinned: false };
/// let items = [item("cpu", 0), item("disk", 2)];
/// let moved = move_item(&items, 12, &"disk", 0, 0).expect("it is there");
/// assert_eq!((moved.places["disk"].y, moved.places["cpu"].y), (0, 2));
/// assert_eq!(move_item(&items, 12, &"load", 0, 0), None);
/// ```
pub fn move_item<K: Ord + Clone>(
    items: &[Item<K>],
    columns: u32,
    id: &K,
    x: u32,
    y: u32,
) -> Option<Gesture<K>> {
    let shown = arrange(items, columns);
    let place = Place {
        x,
        y,
        ..*shown.get(id)?
    };
    let others: Vec<_> = items
        .iter()
        .filter(|item| item.id != *id)
        .cloned()
        .collect();
    let closed = arrange(&others, columns);
    Some(dropped(items, columns, id, place, &shown, &closed))
}

/// Gives an item another size, or with a left or upper handle another place too; `None` if there
/// is no such item. `items` are those at the beginning of the gesture. What it comes to cover
/// moves down.
///
/// ```
/// use driftless_model::layout::{Item, Place, resize_item};
///
/// let item = |id, y| Item { id, place: Place { x: 0, y, w: 4, h: 2 }, is_pinned: false };
/// let taller = Place { x: 0, y: 0, w: 4, h: 5 };
/// let resized = resize_item(&[item("cpu", 0), item("disk", 2)], 12, &"cpu", taller);
/// let resized = resized.expect("it is there");
/// assert_eq!(resized.places["disk"].y, 5);
/// assert_eq!(resized.writes, [("cpu", taller)]);
/// ```
pub fn resize_item<K: Ord + Clone>(
    items: &[Item<K>],
    columns: u32,
    id: &K,
    place: Place,
) -> Option<Gesture<K>> {
    let shown = arrange(items, columns);
    shown.get(id)?;
    Some(dropped(items, columns, id, place, &shown, &shown))
}

/// Puts a new item of this size at the first free spot as the grid is read, where it moves nothing.
///
/// ```
/// use driftless_model::layout::{Item, Place, place_new};
///
/// let place = Place { x: 0, y: 0, w: 4, h: 2 };
/// let gesture = place_new(&[Item { id: "cpu", place, is_pinned: false }], 12, &"disk", 4, 2);
/// assert_eq!(gesture.places["cpu"], place);
/// assert_eq!(gesture.writes, [("disk", Place { x: 4, ..place })]);
/// ```
pub fn place_new<K: Ord + Clone>(
    items: &[Item<K>],
    columns: u32,
    id: &K,
    w: u32,
    h: u32,
) -> Gesture<K> {
    let columns = columns_in_range(columns);
    let mut places = arrange(items, columns);
    let size = Place { x: 0, y: 0, w, h }.within(columns);
    let spot = first_free_spot(&places, columns, size);
    places.insert(id.clone(), spot);
    // Not its spot, so that it is among the writes.
    let nowhere = Place { w: 0, ..spot };
    let mut items = items.to_vec();
    items.push(Item {
        id: id.clone(),
        place: nowhere,
        is_pinned: false,
    });
    let writes = writes(&items, &places, id, columns);
    Gesture { places, writes }
}

/// The items with one dropped at a place, the others being where `others` has them.
fn dropped<K: Ord + Clone>(
    items: &[Item<K>],
    columns: u32,
    id: &K,
    place: Place,
    shown: &SortedMap<K, Place>,
    others: &SortedMap<K, Place>,
) -> Gesture<K> {
    let columns = columns_in_range(columns);
    let place = place.within(columns);
    let mut after = items.to_vec();
    let item = after.iter_mut().find(|item| item.id == *id);
    let Some(item) = item.filter(|_| shown.get(id) != Some(&place)) else {
        let (places, writes) = (shown.clone(), Vec::new());
        return Gesture { places, writes };
    };
    let stored = std::mem::replace(&mut item.place, place);
    if item.is_pinned {
        let places = arrange(&after, columns);
        // A pinned item that gave way to another one is shown elsewhere than it is stored.
        let writes = if stored == place {
            Vec::new()
        } else {
            vec![(id.clone(), place)]
        };
        return Gesture { places, writes };
    }
    let queue = after.into_iter().map(|mut item| {
        // In quarters of a row, so that the item comes after those whose middle is at its top.
        let top = |place: Place| 4 * u64::from(place.y);
        if item.id == *id {
            return (top(place) + 1, item);
        }
        item.place = others[&item.id];
        (top(item.place) + 2 * u64::from(item.place.h), item)
    });
    let places = stack(queue.collect(), columns);
    let writes = writes(items, &places, id, columns);
    Gesture { places, writes }
}

fn first_free_spot<K>(places: &SortedMap<K, Place>, columns: u32, size: Place) -> Place {
    let mut candidates: SortedSet<u32> = places.values().map(|place| place.bottom()).collect();
    candidates.insert(0);
    let mut spots = candidates.into_iter().filter_map(|y| {
        let x = first_free_column(places, columns, Place { y, ..size })?;
        Some(Place { x, y, ..size })
    });
    let below = Place {
        y: rows(places.values()),
        ..size
    };
    spots.next().unwrap_or(below)
}

/// The first column from which a place of this row, width and height collides with nothing.
fn first_free_column<K>(places: &SortedMap<K, Place>, columns: u32, row: Place) -> Option<u32> {
    let whole_row = Place {
        x: 0,
        w: columns,
        ..row
    };
    let mut is_taken = vec![false; columns as usize];
    for place in places.values().filter(|place| place.collides(whole_row)) {
        is_taken[place.x as usize..place.right() as usize].fill(true);
    }
    let mut free = 0;
    (0..columns).find_map(|column| {
        free = if is_taken[column as usize] {
            0
        } else {
            free + 1
        };
        (free == row.w).then(|| column + 1 - row.w)
    })
}
