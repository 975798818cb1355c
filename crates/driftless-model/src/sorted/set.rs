//! A set as one sorted vector.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::map::{Keys, SortedMap};

/// A set in ascending order; see [the module](super).
///
/// ```
/// use driftless_model::SortedSet;
///
/// let mut ids = SortedSet::from(["disk", "cpu", "disk"]);
/// ids.insert("load");
/// assert!(ids.iter().eq(&["cpu", "disk", "load"]));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortedSet<T> {
    items: SortedMap<T, ()>,
}

impl<T> SortedSet<T> {
    /// Without items, and without memory.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// const NONE: SortedSet<&str> = SortedSet::new();
    /// assert!(NONE.is_empty());
    /// ```
    pub const fn new() -> Self {
        Self {
            items: SortedMap::new(),
        }
    }

    /// How many items.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// assert_eq!(SortedSet::from(["disk", "cpu", "disk"]).len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// assert!(!SortedSet::from(["cpu"]).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Ascending.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// assert!(SortedSet::from(["disk", "cpu"]).iter().eq(&["cpu", "disk"]));
    /// ```
    pub fn iter(&self) -> Keys<'_, T, ()> {
        self.items.keys()
    }

    /// Takes every item out.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let mut ids = SortedSet::from(["disk", "cpu"]);
    /// ids.clear();
    /// assert_eq!(ids, SortedSet::new());
    /// ```
    pub fn clear(&mut self) {
        self.items.clear();
    }

    /// Keeps the items for which `keep` holds.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let mut rows = SortedSet::from([4, 0, 2]);
    /// rows.retain(|row| *row > 0);
    /// assert_eq!(rows, [2, 4].into());
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.items.retain(|item, ()| keep(item));
    }

    /// The least item.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// assert_eq!(SortedSet::from([4, 0, 2]).first(), Some(&0));
    /// ```
    pub fn first(&self) -> Option<&T> {
        self.items.first_key_value().map(|(item, ())| item)
    }

    /// The greatest item.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// assert_eq!(SortedSet::from([4, 0, 2]).last(), Some(&4));
    /// ```
    pub fn last(&self) -> Option<&T> {
        self.items.last_key_value().map(|(item, ())| item)
    }
}

impl<T: Ord> SortedSet<T> {
    /// Adds an item; false if it was there.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let mut ids = SortedSet::new();
    /// assert_eq!((ids.insert("cpu"), ids.insert("cpu")), (true, false));
    /// ```
    pub fn insert(&mut self, item: T) -> bool {
        self.items.insert(item, ()).is_none()
    }

    /// Takes an item out; false if it was not there.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let mut ids = SortedSet::from(["cpu"]);
    /// assert_eq!((ids.remove("cpu"), ids.remove("cpu")), (true, false));
    /// ```
    pub fn remove<Q: Ord + ?Sized>(&mut self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.items.remove(item).is_some()
    }

    /// Whether the item is there.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let ids = SortedSet::from(["cpu"]);
    /// assert!(ids.contains("cpu") && !ids.contains("disk"));
    /// ```
    pub fn contains<Q: Ord + ?Sized>(&self, item: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.items.contains_key(item)
    }

    /// The items that are not in `other`, ascending.
    ///
    /// ```
    /// use driftless_model::SortedSet;
    ///
    /// let (before, after) = (SortedSet::from([0, 2, 4]), SortedSet::from([2, 6]));
    /// assert!(before.difference(&after).eq(&[0, 4]));
    /// ```
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> {
        self.iter().filter(|item| !other.contains(*item))
    }
}

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for SortedSet<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.items.extend(items.into_iter().map(|item| (item, ())));
    }
}

impl<'a, T: Ord + Copy> Extend<&'a T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = &'a T>>(&mut self, items: I) {
        self.extend(items.into_iter().copied());
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self {
            items: items.into_iter().map(|item| (item, ())).collect(),
        }
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SortedSet<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = std::iter::Map<std::vec::IntoIter<(T, ())>, fn((T, ())) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter().map(|(item, ())| item)
    }
}

impl<'a, T> IntoIterator for &'a SortedSet<T> {
    type Item = &'a T;
    type IntoIter = Keys<'a, T, ()>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Serialize> Serialize for SortedSet<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Deserialize<'de> + Ord> Deserialize<'de> for SortedSet<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}
