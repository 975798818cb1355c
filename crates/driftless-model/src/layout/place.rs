//! A rectangle of cells.

use crate::value::Value;

/// A place on the grid, in cells: column, row, width, height.
///
/// ```
/// use driftless_model::layout::Place;
///
/// let place = Place { x: 8, y: 0, w: 4, h: 2 };
/// assert_eq!((place.right(), place.bottom()), (12, 2));
/// assert!(!place.collides(Place { y: 2, ..place }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The left column, from 0.
    pub x: u32,
    /// The top row, from 0.
    pub y: u32,
    /// How many columns, at least 1.
    pub w: u32,
    /// How many rows, at least 1.
    pub h: u32,
}

/// Furthest cell of a stored place, and its greatest width and height.
///
/// ```
/// use driftless_model::layout::{CELL_MAX, Place};
///
/// let place = Place { x: CELL_MAX, y: 0, w: 1, h: 1 };
/// assert_eq!(Place::from_value(&place.to_value()), Some(place));
/// let beyond = Place { x: CELL_MAX + 1, ..place };
/// assert_eq!(Place::from_value(&beyond.to_value()), None);
/// ```
pub const CELL_MAX: u32 = 10_000;

impl Place {
    /// Reads `[x, y, w, h]`; `None` where it is not four whole numbers of at most [`CELL_MAX`], the
    /// last two at least 1.
    ///
    /// ```
    /// use driftless_model::Value;
    /// use driftless_model::layout::Place;
    ///
    /// let value = Value::from(vec![0.into(), 3.into(), 4.into(), 2.into()]);
    /// assert_eq!(Place::from_value(&value), Some(Place { x: 0, y: 3, w: 4, h: 2 }));
    /// assert_eq!(Place::from_value(&"0 3 4 2".into()), None);
    /// ```
    pub fn from_value(value: &Value) -> Option<Self> {
        let [x, y, w, h] = value.as_list()? else {
            return None;
        };
        let place = Self {
            x: cell(x)?,
            y: cell(y)?,
            w: cell(w)?,
            h: cell(h)?,
        };
        (place.w >= 1 && place.h >= 1).then_some(place)
    }

    /// As `[x, y, w, h]`.
    ///
    /// ```
    /// use driftless_model::Value;
    /// use driftless_model::layout::Place;
    ///
    /// let value = Place { x: 0, y: 3, w: 4, h: 2 }.to_value();
    /// assert_eq!(value, Value::from(vec![0.into(), 3.into(), 4.into(), 2.into()]));
    /// ```
    pub fn to_value(self) -> Value {
        Value::List([self.x, self.y, self.w, self.h].map(Value::from).to_vec())
    }

    /// The first column to the right of it.
    ///
    /// ```
    /// use driftless_model::layout::Place;
    ///
    /// assert_eq!(Place { x: 2, y: 0, w: 4, h: 1 }.right(), 6);
    /// ```
    pub fn right(self) -> u32 {
        self.x.saturating_add(self.w)
    }

    /// The first row below it.
    ///
    /// ```
    /// use driftless_model::layout::Place;
    ///
    /// assert_eq!(Place { x: 0, y: 3, w: 1, h: 2 }.bottom(), 5);
    /// ```
    pub fn bottom(self) -> u32 {
        self.y.saturating_add(self.h)
    }

    /// Whether some column is in both.
    ///
    /// ```
    /// use driftless_model::layout::Place;
    ///
    /// let place = Place { x: 0, y: 0, w: 4, h: 2 };
    /// assert!(place.shares_columns(Place { x: 3, y: 9, ..place }));
    /// assert!(!place.shares_columns(Place { x: 4, ..place }));
    /// ```
    pub fn shares_columns(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right()
    }

    /// Whether some cell is in both.
    ///
    /// ```
    /// use driftless_model::layout::Place;
    ///
    /// let place = Place { x: 0, y: 0, w: 4, h: 2 };
    /// assert!(place.collides(Place { x: 3, y: 1, ..place }));
    /// assert!(!place.collides(Place { x: 3, y: 2, ..place }));
    /// ```
    pub fn collides(self, other: Self) -> bool {
        self.shares_columns(other) && self.y < other.bottom() && other.y < self.bottom()
    }

    /// The place that is as near to it as a grid of this many columns allows: narrowed, then moved
    /// to the left, until it fits.
    ///
    /// ```
    /// use driftless_model::layout::Place;
    ///
    /// let place = Place { x: 10, y: 0, w: 4, h: 2 };
    /// assert_eq!(place.within(12), Place { x: 8, ..place });
    /// assert_eq!(place.within(3), Place { x: 0, w: 3, ..place });
    /// ```
    #[must_use]
    pub fn within(self, columns: u32) -> Self {
        let columns = columns.max(1);
        let w = self.w.clamp(1, columns);
        Self {
            x: self.x.min(columns - w),
            y: self.y.min(CELL_MAX),
            w,
            h: self.h.clamp(1, CELL_MAX),
        }
    }
}

fn cell(value: &Value) -> Option<u32> {
    let number = value
        .as_f64()
        .filter(|number| (0.0..=f64::from(CELL_MAX)).contains(number))?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range"
    )]
    (number.fract() == 0.0).then_some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: [f64; 4]) -> Option<Place> {
        let cells = cells.map(|cell| Value::number(cell).expect("finite"));
        Place::from_value(&Value::List(cells.to_vec()))
    }

    #[test]
    fn a_place_is_four_whole_numbers_in_range() {
        let limit = f64::from(CELL_MAX);
        let place = read([limit, 0.0, 1.0, limit]).expect("at the bounds");
        assert_eq!(Place::from_value(&place.to_value()), Some(place));
        for cells in [
            [limit + 1.0, 0.0, 1.0, 1.0],
            [-1.0, 0.0, 1.0, 1.0],
            [0.5, 0.0, 1.0, 1.0],
            [0.0, 0.0, 0.0, 1.0],
            [0.0, 0.0, 1.0, 0.0],
        ] {
            assert_eq!(read(cells), None);
        }
        assert_eq!(Place::from_value(&Value::List(vec![])), None);
    }

    #[test]
    fn places_collide_where_they_have_a_cell_in_common() {
        let place = |x, y, w, h| Place { x, y, w, h };
        let middle = place(2, 2, 2, 2);
        for beside in [
            place(0, 2, 2, 2),
            place(4, 2, 2, 2),
            place(2, 0, 2, 2),
            place(2, 4, 2, 2),
        ] {
            assert!(!middle.collides(beside) && !beside.collides(middle));
        }
        for over in [place(0, 0, 3, 3), place(3, 3, 1, 1), place(0, 3, 9, 1)] {
            assert!(middle.collides(over) && over.collides(middle));
        }
    }
}
