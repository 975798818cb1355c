//! Where widgets are shown: from their stored places, on a grid of so many columns.

use driftless_model::layout::{self, CELL_MAX, Item, Place};
use driftless_model::{LeafPath, RecordId, SortedMap};

use crate::grid::metrics::COLUMNS_WIDE;

/// The place of a widget that has none: below everything, in a size that shows something.
const UNPLACED: Place = Place {
    x: 0,
    y: CELL_MAX,
    w: 4,
    h: 4,
};

/// Where every widget is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The places.
    pub places: SortedMap<RecordId, Place>,
    /// The widgets in the order in which they are read.
    pub order: Vec<RecordId>,
}

impl Layout {
    /// How many rows it takes.
    pub fn rows(&self) -> u32 {
        layout::rows(self.places.values())
    }

    fn of(places: SortedMap<RecordId, Place>) -> Self {
        let order = layout::reading_order(&places);
        Self { places, order }
    }
}

/// The leaf with the place on the widest grid: the one that people arrange.
pub fn layout_leaf() -> LeafPath {
    LeafPath::new("layout/lg").expect("a constant path")
}

/// A widget for the grid.
pub fn item(id: RecordId, place: Option<Place>) -> Item<RecordId> {
    Item {
        id,
        place: place.unwrap_or(UNPLACED),
        is_pinned: false,
    }
}

/// The layout on a grid of so many columns; derived from the widest one where it is narrower:
/// scaled while things still fit beside each other, one below the other on a single column.
pub fn layout(items: &[Item<RecordId>], columns: u32) -> Layout {
    match columns {
        1 => Layout::of(layout::derive(items, COLUMNS_WIDE, 1)),
        COLUMNS_WIDE => Layout::of(layout::arrange(items, COLUMNS_WIDE)),
        _ => {
            let wide = layout::arrange(items, COLUMNS_WIDE);
            let scaled = wide.into_iter().map(|(id, place)| {
                let place = Some(scaled(place, columns));
                item(id, place)
            });
            Layout::of(layout::arrange(&scaled.collect::<Vec<_>>(), columns))
        }
    }
}

/// A place of the widest grid on a narrower one: both edges go to the nearest column, so that what
/// touched still touches.
fn scaled(place: Place, columns: u32) -> Place {
    let edge = |edge: u32| (edge * columns + COLUMNS_WIDE / 2) / COLUMNS_WIDE;
    let (left, right) = (edge(place.x), edge(place.right()));
    let x = left.min(columns - 1);
    Place {
        x,
        w: right.saturating_sub(x).max(1),
        ..place
    }
}

/// The items that a gesture goes by: those of its beginning, without what is gone and with what is
/// new. What else changed meanwhile waits for the drop.
pub fn frozen(began: &[Item<RecordId>], now: &[Item<RecordId>]) -> Vec<Item<RecordId>> {
    let began: SortedMap<_, _> = began.iter().map(|item| (&item.id, item)).collect();
    now.iter()
        .map(|item| (*began.get(&item.id).unwrap_or(&item)).clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RecordId {
        RecordId::new(name).expect("an id")
    }

    fn at(name: &str, x: u32, y: u32) -> Item<RecordId> {
        item(id(name), Some(Place { x, y, w: 6, h: 2 }))
    }

    #[test]
    fn a_widget_without_a_place_comes_last() {
        let items = [item(id("a"), None), at("b", 0, 5)];
        let shown = layout(&items, 12);
        assert_eq!(shown.order, [id("b"), id("a")]);
        assert_eq!(
            shown.places[&id("a")],
            Place {
                x: 0,
                y: 2,
                w: 4,
                h: 4
            }
        );
        assert_eq!(shown.rows(), 6);
    }

    #[test]
    fn what_is_side_by_side_on_the_wide_grid_is_so_on_half_of_it() {
        let wide = |name, x, y, w, h| item(id(name), Some(Place { x, y, w, h }));
        let items = [
            wide("a", 0, 0, 8, 8),
            wide("b", 8, 0, 4, 4),
            wide("c", 8, 4, 4, 4),
        ];
        let places = layout(&items, 6).places;
        assert_eq!(
            places[&id("a")],
            Place {
                x: 0,
                y: 0,
                w: 4,
                h: 8
            }
        );
        assert_eq!(
            places[&id("b")],
            Place {
                x: 4,
                y: 0,
                w: 2,
                h: 4
            }
        );
        assert_eq!(
            places[&id("c")],
            Place {
                x: 4,
                y: 4,
                w: 2,
                h: 4
            }
        );
    }

    #[test]
    fn one_column_reads_like_the_wide_grid() {
        let items = [at("a", 6, 0), at("b", 0, 0), at("c", 0, 2)];
        assert_eq!(layout(&items, 1).order, [id("b"), id("a"), id("c")]);
        assert!(layout(&items, 1).places.values().all(|place| place.w == 1));
    }

    #[test]
    fn what_others_move_waits_and_what_they_add_or_remove_does_not() {
        let began = [at("a", 0, 0), at("b", 6, 0)];
        let now = [at("a", 0, 7), at("c", 6, 0)];
        assert_eq!(frozen(&began, &now), [at("a", 0, 0), at("c", 6, 0)]);
    }
}
