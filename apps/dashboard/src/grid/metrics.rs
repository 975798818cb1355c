//! From cells to pixels and back: the grid's measures, and what a hand does to a place.

use driftless_model::layout::Place;

/// Height of a row, in pixels.
pub const ROW_PX: f64 = 32.0;

/// Space between cells, in pixels.
pub const GAP_PX: f64 = 12.0;

/// Columns of the layout that people arrange.
pub const COLUMNS_WIDE: u32 = 12;

/// Least size of a widget, in cells.
const LEAST: (u32, u32) = (2, 2);

/// Columns for a container of this width, in pixels.
pub fn columns_for(width_px: f64) -> u32 {
    if width_px >= 1024.0 {
        COLUMNS_WIDE
    } else if width_px >= 640.0 {
        6
    } else {
        1
    }
}

/// A rectangle on the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rect {
    /// From the grid's left edge.
    pub left: f64,
    /// From the grid's upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// How large cells are now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// How many columns.
    pub columns: u32,
    /// Width of a column, in pixels.
    pub column_px: f64,
}

impl Metrics {
    /// For a container of this width, in pixels.
    pub fn of(width_px: f64) -> Self {
        let columns = columns_for(width_px);
        let gaps = f64::from(columns - 1) * GAP_PX;
        Self {
            columns,
            column_px: ((width_px - gaps) / f64::from(columns)).max(1.0),
        }
    }

    /// Where a place is.
    pub fn rect(&self, place: Place) -> Rect {
        Rect {
            left: f64::from(place.x) * (self.column_px + GAP_PX),
            top: f64::from(place.y) * (ROW_PX + GAP_PX),
            width: f64::from(place.w) * (self.column_px + GAP_PX) - GAP_PX,
            height: f64::from(place.h) * (ROW_PX + GAP_PX) - GAP_PX,
        }
    }

    /// How many whole columns and rows a distance in pixels comes closest to.
    fn cells(&self, by_px: (f64, f64)) -> (i64, i64) {
        #[allow(clippy::cast_possible_truncation, reason = "a distance on a screen")]
        let round = |cells: f64| cells.round() as i64;
        (
            round(by_px.0 / (self.column_px + GAP_PX)),
            round(by_px.1 / (ROW_PX + GAP_PX)),
        )
    }
}

/// What a gesture changes of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grip {
    /// All of it moves.
    Header,
    /// Some edges move: horizontal −1 (left), 0, 1 (right); vertical −1 (top), 0, 1 (bottom).
    Edge {
        /// Which vertical edge.
        across: i8,
        /// Which horizontal edge.
        down: i8,
    },
}

impl Grip {
    /// The eight handles, with their names by the compass.
    pub const HANDLES: [(&'static str, Self); 8] = [
        (
            "n",
            Self::Edge {
                across: 0,
                down: -1,
            },
        ),
        (
            "ne",
            Self::Edge {
                across: 1,
                down: -1,
            },
        ),
        ("e", Self::Edge { across: 1, down: 0 }),
        ("se", Self::Edge { across: 1, down: 1 }),
        ("s", Self::Edge { across: 0, down: 1 }),
        (
            "sw",
            Self::Edge {
                across: -1,
                down: 1,
            },
        ),
        (
            "w",
            Self::Edge {
                across: -1,
                down: 0,
            },
        ),
        (
            "nw",
            Self::Edge {
                across: -1,
                down: -1,
            },
        ),
    ];

    /// The place after the hand went so many pixels, snapped to cells and kept on the grid.
    pub fn target(self, start: Place, by_px: (f64, f64), metrics: &Metrics) -> Place {
        self.shifted(start, metrics.cells(by_px), metrics.columns)
    }

    /// The place after so many cells.
    pub fn shifted(self, start: Place, by: (i64, i64), columns: u32) -> Place {
        let columns = i64::from(columns);
        let (x, w) = self.axis(0, span(start.x, start.w), by.0, i64::from(LEAST.0), columns);
        let (y, h) = self.axis(
            1,
            span(start.y, start.h),
            by.1,
            i64::from(LEAST.1),
            i64::MAX,
        );
        Place {
            x: cell(x),
            y: cell(y),
            w: cell(w),
            h: cell(h),
        }
    }

    /// The rectangle under the hand, not snapped.
    pub fn held_rect(self, start: Rect, by_px: (f64, f64)) -> Rect {
        match self {
            Self::Header => Rect {
                left: start.left + by_px.0,
                top: start.top + by_px.1,
                ..start
            },
            Self::Edge { across, down } => {
                let (left, width) = stretched(across, start.left, start.width, by_px.0);
                let (top, height) = stretched(down, start.top, start.height, by_px.1);
                Rect {
                    left,
                    top,
                    width,
                    height,
                }
            }
        }
    }

    /// Start and length on one axis, kept within `0..end`.
    fn axis(
        self,
        which: usize,
        (from, length): (i64, i64),
        by: i64,
        least: i64,
        end: i64,
    ) -> (i64, i64) {
        let edge = match self {
            Self::Header => {
                let furthest = (end - length).max(0);
                return ((from + by).clamp(0, furthest), length);
            }
            Self::Edge { across, down } => [across, down][which],
        };
        let least = least.min(length);
        match edge {
            1 => (from, (length + by).clamp(least, (end - from).max(least))),
            -1 => {
                let start = (from + by).clamp(0, from + length - least);
                (start, from + length - start)
            }
            _ => (from, length),
        }
    }
}

fn span(from: u32, length: u32) -> (i64, i64) {
    (i64::from(from), i64::from(length))
}

fn cell(cells: i64) -> u32 {
    u32::try_from(cells.max(0)).unwrap_or(u32::MAX)
}

/// Least width and height of a rectangle under the hand, in pixels.
const HELD_PX_MIN: f64 = 48.0;

fn stretched(edge: i8, start: f64, length: f64, by: f64) -> (f64, f64) {
    match edge {
        1 => (start, (length + by).max(HELD_PX_MIN)),
        -1 => {
            let by = by.min(length - HELD_PX_MIN);
            (start + by, length - by)
        }
        _ => (start, length),
    }
}

/// "CPU, column 5, row 2, 4 by 3": what is said of a place. Counted from 1.
pub fn described(title: &str, place: Place) -> String {
    format!(
        "{title}, column {}, row {}, {} by {}",
        place.x + 1,
        place.y + 1,
        place.w,
        place.h
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Place = Place {
        x: 4,
        y: 2,
        w: 4,
        h: 3,
    };

    fn edge(across: i8, down: i8) -> Grip {
        Grip::Edge { across, down }
    }

    #[test]
    fn columns_depend_on_the_width_of_the_container() {
        let found = [1024.0, 1023.9, 640.0, 639.9].map(columns_for);
        assert_eq!(found, [12, 6, 6, 1]);
    }

    #[test]
    fn twelve_columns_fill_the_container() {
        let metrics = Metrics::of(1188.0);
        let whole = metrics.rect(Place {
            x: 0,
            y: 0,
            w: 12,
            h: 1,
        });
        assert!((whole.width - 1188.0).abs() < 1e-9);
        let second = metrics.rect(Place {
            x: 0,
            y: 1,
            w: 1,
            h: 2,
        });
        assert!((second.top - 44.0).abs() < 1e-9 && (second.height - 76.0).abs() < 1e-9);
    }

    #[test]
    fn the_header_moves_a_place_within_the_grid() {
        let metrics = Metrics::of(1188.0);
        let step = metrics.column_px + GAP_PX;
        let moved = Grip::Header.target(START, (1.4 * step, 60.0), &metrics);
        assert_eq!(
            moved,
            Place {
                x: 5,
                y: 3,
                ..START
            }
        );
        assert_eq!(
            Grip::Header.shifted(START, (99, -99), 12),
            Place {
                x: 8,
                y: 0,
                ..START
            }
        );
    }

    #[test]
    fn an_edge_stays_on_its_side_and_leaves_the_least_size() {
        assert_eq!(
            edge(1, 1).shifted(START, (1, 2), 12),
            Place {
                w: 5,
                h: 5,
                ..START
            }
        );
        assert_eq!(
            edge(1, 0).shifted(START, (99, 99), 12),
            Place { w: 8, ..START }
        );
        assert_eq!(
            edge(-1, 0).shifted(START, (99, 0), 12),
            Place {
                x: 6,
                w: 2,
                ..START
            }
        );
        assert_eq!(
            edge(0, -1).shifted(START, (0, -99), 12),
            Place {
                y: 0,
                h: 5,
                ..START
            }
        );
    }

    #[test]
    fn a_place_is_told_from_one_on() {
        assert_eq!(described("CPU", START), "CPU, column 5, row 3, 4 by 3");
    }

    proptest::proptest! {
        #[test]
        fn every_gesture_ends_on_the_grid(
            handle in 0_usize..9, across in -40_i64..40, down in -40_i64..40,
            x in 0_u32..10, w in 1_u32..12,
        ) {
            let grip = Grip::HANDLES.get(handle).map_or(Grip::Header, |(_, grip)| *grip);
            let start = Place { x: x.min(12 - w), y: 3, w, h: 4 };
            let end = grip.shifted(start, (across, down), 12);
            proptest::prop_assert!(end.w >= 1 && end.h >= 1 && end.x + end.w <= 12, "{end:?}");
            if matches!(grip, Grip::Header) {
                proptest::prop_assert_eq!((end.w, end.h), (start.w, start.h));
            }
        }
    }
}
