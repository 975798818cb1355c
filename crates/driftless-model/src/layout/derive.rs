//! The layout for a narrower grid that nobody has arranged by hand.

use super::place::Place;
use super::stack::{Item, arrange, columns_in_range, reading_order};
use crate::sorted::SortedMap;

/// Where the items of a layout with `from` columns go on a grid with `to` columns: in the order in
/// which they are read, side by side while there is room, then further down. Sizes stay as far as
/// they fit; on a single column everything is one below the other.
///
/// For a grid on which some items have stored places of their own, give those the stored ones and
/// [`arrange`] all of them.
///
/// ```
/// use driftless_model::layout::{Item, Place, derive};
///
/// let item = |id, x| Item { id, place: Place { x, y: 0, w: 4, h: 2 }, is_pinned: false };
/// let places = derive(&[item("cpu", 0), item("disk", 4)], 12, 1);
/// assert_eq!(places["cpu"], Place { x: 0, y: 0, w: 1, h: 2 });
/// assert_eq!(places["disk"], Place { x: 0, y: 2, w: 1, h: 2 });
/// ```
pub fn derive<K: Ord + Clone>(items: &[Item<K>], from: u32, to: u32) -> SortedMap<K, Place> {
    let shown = arrange(items, from);
    let to = columns_in_range(to);
    // Shelves of widgets side by side: their heights do not matter, arranging moves them up.
    let (mut shelf, mut taken) = (0, 0);
    let flowed = reading_order(&shown).into_iter().map(|id| {
        let size = shown[&id].within(to);
        if taken + size.w > to {
            (shelf, taken) = (shelf + 1, 0);
        }
        let place = Place {
            x: taken,
            y: shelf,
            ..size
        };
        taken += size.w;
        Item {
            id,
            place,
            is_pinned: false,
        }
    });
    arrange(&flowed.collect::<Vec<_>>(), to)
}
