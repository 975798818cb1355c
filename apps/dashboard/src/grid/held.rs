//! A widget in somebody's hand, or under their arrow keys. Pure.

use driftless_model::RecordId;
use driftless_model::layout::{Gesture, Item, Place, move_item, resize_item};

use crate::grid::metrics::{COLUMNS_WIDE, Grip, Metrics, Rect};

/// A gesture that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The widget.
    pub record: RecordId,
    /// What it is held by.
    pub grip: Grip,
    /// Where it was shown when the gesture began.
    pub start: Place,
    /// The cell or size that is asked for; what is shown may differ, since widgets fall upwards.
    pub target: Place,
    /// What is shown and what would be written.
    pub gesture: Gesture<RecordId>,
    /// How far the hand went, in pixels; `None` under the keyboard.
    pub by_px: Option<(f64, f64)>,
}

impl Held {
    /// Takes a widget; `None` if it is not on the grid.
    pub fn begin(
        items: &[Item<RecordId>],
        record: &RecordId,
        grip: Grip,
        by_px: Option<(f64, f64)>,
    ) -> Option<Self> {
        let places = driftless_model::layout::arrange(items, COLUMNS_WIDE);
        let start = *places.get(record)?;
        Some(Self {
            record: record.clone(),
            grip,
            start,
            target: start,
            gesture: Gesture {
                places,
                writes: Vec::new(),
            },
            by_px,
        })
    }

    /// Where the widget is shown.
    pub fn place(&self) -> Place {
        self.gesture
            .places
            .get(&self.record)
            .copied()
            .unwrap_or(self.start)
    }

    /// The rectangle under the hand; `None` under the keyboard.
    pub fn rect(&self, metrics: &Metrics) -> Option<Rect> {
        self.by_px
            .map(|by_px| self.grip.held_rect(metrics.rect(self.start), by_px))
    }

    /// The hand has gone so far from where it began. `false` if the widget is gone.
    #[must_use]
    pub fn drag(&mut self, items: &[Item<RecordId>], by_px: (f64, f64), metrics: &Metrics) -> bool {
        self.by_px = Some(by_px);
        self.aim(items, self.grip.target(self.start, by_px, metrics))
    }

    /// An arrow key moves it by a cell. A widget falls upwards, so the key goes on until something
    /// changes. `false` if the widget is gone.
    #[must_use]
    pub fn step(&mut self, items: &[Item<RecordId>], by: (i64, i64)) -> bool {
        self.grip = Grip::Header;
        let shown = self.place();
        let furthest = i64::from(driftless_model::layout::rows(self.gesture.places.values())) + 1;
        let began = self.target;
        for distance in 1..=furthest {
            let by = (by.0 * distance, by.1 * distance);
            if !self.aim(items, Grip::Header.shifted(began, by, COLUMNS_WIDE)) {
                return false;
            }
            if self.place() != shown {
                return true;
            }
        }
        self.aim(items, began)
    }

    /// Shift and an arrow key make it larger or smaller by a cell. `false` if the widget is gone.
    #[must_use]
    pub fn stretch(&mut self, items: &[Item<RecordId>], by: (i64, i64)) -> bool {
        let corner = Grip::Edge { across: 1, down: 1 };
        self.grip = corner;
        self.aim(items, corner.shifted(self.place(), by, COLUMNS_WIDE))
    }

    fn aim(&mut self, items: &[Item<RecordId>], target: Place) -> bool {
        self.target = target;
        let gesture = match self.grip {
            Grip::Header => move_item(items, COLUMNS_WIDE, &self.record, target.x, target.y),
            Grip::Edge { .. } => resize_item(items, COLUMNS_WIDE, &self.record, target),
        };
        let Some(gesture) = gesture else { return false };
        self.gesture = gesture;
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::grid::layout::item;

    use super::*;

    fn id(name: &str) -> RecordId {
        RecordId::new(name).expect("an id")
    }

    fn items() -> Vec<Item<RecordId>> {
        let at = |name, x, y, h| item(id(name), Some(Place { x, y, w: 4, h }));
        vec![at("a", 0, 0, 3), at("b", 0, 3, 5), at("c", 4, 0, 3)]
    }

    fn held(name: &str) -> Held {
        Held::begin(&items(), &id(name), Grip::Header, None).expect("it is there")
    }

    #[test]
    fn one_key_press_down_goes_past_a_tall_neighbour() {
        let mut held = held("a");
        assert!(held.step(&items(), (0, 1)));
        assert_eq!(
            held.place(),
            Place {
                x: 0,
                y: 5,
                w: 4,
                h: 3
            }
        );
        assert!(held.step(&items(), (0, -1)));
        assert_eq!(held.place(), held.start);
    }

    #[test]
    fn a_key_at_the_edge_changes_nothing() {
        let mut held = held("a");
        assert!(held.step(&items(), (-1, 0)));
        assert!(held.step(&items(), (0, -1)));
        assert_eq!(held.place(), held.start);
        assert!(held.gesture.writes.is_empty());
    }

    #[test]
    fn growing_writes_the_held_widget_only() {
        let mut held = held("a");
        assert!(held.stretch(&items(), (1, 1)));
        assert_eq!(
            held.place(),
            Place {
                x: 0,
                y: 0,
                w: 5,
                h: 4
            }
        );
        assert_eq!(held.gesture.writes, [(id("a"), held.place())]);
    }

    #[test]
    fn a_hand_that_comes_back_writes_nothing() {
        let metrics = Metrics::of(1188.0);
        let mut held = held("c");
        assert!(held.drag(&items(), (400.0, 0.0), &metrics));
        assert!(!held.gesture.writes.is_empty());
        assert!(held.drag(&items(), (3.0, -2.0), &metrics));
        assert!(held.gesture.writes.is_empty());
    }

    #[test]
    fn a_widget_that_is_gone_is_not_held_any_more() {
        let mut held = held("a");
        assert!(!held.step(&items()[1..], (1, 0)));
        assert!(Held::begin(&items()[1..], &id("a"), Grip::Header, None).is_none());
    }
}
