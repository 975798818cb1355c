//! Small sorted collections: a map and a set that are one sorted vector each.
//!
//! A board's maps are small, mostly read in order, and many: a browser's module holds the code of
//! some forty of them. Each kind of `BTreeMap` is 5 KB of WebAssembly, each of these a fifth of
//! that, and up to some thousand keys they are no slower: a look-up is a binary search, a key
//! at the end is appended, any other moves what follows it. Queues that lose their first
//! key again and again, and maps of a hundred thousand keys, are for `BTreeMap`.
//!
//! What they share with `BTreeMap` has its name and its meaning, but that a range which ends before
//! it begins is empty.

mod map;
mod order;
mod set;

pub use map::SortedMap;
pub use order::{sort_by, sort_by_key};
pub use set::SortedSet;

#[cfg(test)]
mod tests;
