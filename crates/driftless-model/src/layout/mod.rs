//! Grid geometry: places, and how widgets push and fall.
//!
//! A widget's *stored* place is what people wrote, edit by edit, each of one widget; stored places
//! of different widgets may overlap. What is *shown* is derived from them by [`arrange`]: the
//! widgets stay in order of their stored rows (ties by id) and fall upwards until they meet
//! something. So two people who move different widgets at once need not agree on anything.
//!
//! [`move_item`], [`resize_item`] and [`place_new`] say what a gesture shows and what it writes:
//! as a rule, the place of that one widget. Where that cannot say what is shown they write a few
//! others with it: two widgets that are both stored in row 0 are ordered by their ids, and only a
//! write to the first lets the second be put above it.
//!
//! ```
//! use driftless_model::layout::{Item, Place, arrange, move_item};
//!
//! let item = |id, y| Item { id, place: Place { x: 0, y, w: 4, h: 2 }, is_pinned: false };
//! let items = [item("cpu", 0), item("disk", 7)];
//! assert_eq!(arrange(&items, 12)["disk"].y, 2);
//!
//! let moved = move_item(&items, 12, &"cpu", 0, 3).expect("it is there");
//! assert_eq!(moved.places["cpu"].y, 2);
//! assert_eq!(moved.writes.len(), 1);
//! ```

mod place;
mod stack;
mod derive;
mod writes;
mod gesture;

pub use self::derive::derive;
pub use self::gesture::{Gesture, move_item, place_new, resize_item};
pub use self::place::{CELL_MAX, Place};
pub use self::stack::{Item, arrange, reading_order, rows};

#[cfg(test)]
mod tests;
