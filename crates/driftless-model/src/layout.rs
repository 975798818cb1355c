//! Grid geometry: places, and how widgets push and fall.

use crate::value::Value;

/// A place on the grid, in cells: column, row, width, height.
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

impl Place {
    /// Reads `[x, y, w, h]`; `None` where it is not four whole numbers in range.
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
    pub fn to_value(self) -> Value {
        Value::List([self.x, self.y, self.w, self.h].map(Value::from).to_vec())
    }
}

/// Furthest cell of the grid in either direction.
const CELL_MAX: f64 = 10_000.0;

fn cell(value: &Value) -> Option<u32> {
    let number = value
        .as_f64()
        .filter(|number| (0.0..=CELL_MAX).contains(number))?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range"
    )]
    (number.fract() == 0.0).then_some(number as u32)
}
