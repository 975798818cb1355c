//! A map as one sorted vector.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Bound, Index, Range, RangeBounds};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::order::sort_by;

/// A map in ascending order of its keys; see [the module](super).
///
/// ```
/// use driftless_model::SortedMap;
///
/// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
/// rows.insert("load", 4);
/// assert!(rows.keys().eq(&["cpu", "disk", "load"]));
/// assert_eq!(rows["disk"], 2);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortedMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> SortedMap<K, V> {
    /// Without keys, and without memory.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// const NONE: SortedMap<&str, u32> = SortedMap::new();
    /// assert!(NONE.is_empty());
    /// ```
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// How many keys.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert_eq!(SortedMap::from([("cpu", 0), ("disk", 2), ("cpu", 4)]).len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert!(!SortedMap::from([("cpu", 0)]).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values, ascending.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// assert!(rows.iter().eq([(&"cpu", &0), (&"disk", &2)]));
    /// ```
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// Keys and values that can be changed, ascending.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// rows.iter_mut().for_each(|(_, row)| *row += 1);
    /// assert_eq!(rows, [("cpu", 1), ("disk", 3)].into());
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K, V> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// Ascending.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).keys().eq(&["cpu", "disk"]));
    /// ```
    pub fn keys(&self) -> Keys<'_, K, V> {
        self.entries.iter().map(|(key, _)| key)
    }

    /// In ascending order of their keys.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).values().eq(&[0, 2]));
    /// ```
    pub fn values(&self) -> Values<'_, K, V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// In ascending order of their keys, to be changed.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// rows.values_mut().for_each(|row| *row += 1);
    /// assert!(rows.values().eq(&[1, 3]));
    /// ```
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> + ExactSizeIterator {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// The keys alone, ascending.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).into_keys().eq(["cpu", "disk"]));
    /// ```
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator {
        self.entries.into_iter().map(|(key, _)| key)
    }

    /// The values alone, in ascending order of their keys.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).into_values().eq([0, 2]));
    /// ```
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> + ExactSizeIterator {
        self.entries.into_iter().map(|(_, value)| value)
    }

    /// Takes every key out.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 0)]);
    /// rows.clear();
    /// assert_eq!(rows, SortedMap::new());
    /// ```
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Keeps the keys for which `keep` holds.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// rows.retain(|_, row| *row > 0);
    /// assert_eq!(rows, [("disk", 2)].into());
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| keep(key, value));
    }

    /// The least key.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// assert_eq!(rows.first_key_value(), Some((&"cpu", &0)));
    /// ```
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.entries.first().map(|(key, value)| (key, value))
    }

    /// The greatest key.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// assert_eq!(rows.last_key_value(), Some((&"disk", &2)));
    /// ```
    pub fn last_key_value(&self) -> Option<(&K, &V)> {
        self.entries.last().map(|(key, value)| (key, value))
    }

    /// Takes the least key out; every other key moves.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
    /// assert_eq!((rows.pop_first(), rows.len()), (Some(("cpu", 0)), 1));
    /// ```
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        (!self.entries.is_empty()).then(|| self.entries.remove(0))
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    /// Sorted once, so that many keys in the worst order cost no more than `n log n`. As when
    /// inserted one by one, the last of equal keys counts.
    fn from_unsorted(mut entries: Vec<(K, V)>) -> Self {
        sort_by(&mut entries, |(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                mem::swap(later, kept);
            }
            same
        });
        Self { entries }
    }

    /// The key's value.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let rows = SortedMap::from([("cpu", 0)]);
    /// assert_eq!((rows.get("cpu"), rows.get("disk")), (Some(&0), None));
    /// ```
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(&self.entries[place].1)
    }

    /// The key's value, to be changed.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 0)]);
    /// *rows.get_mut("cpu").expect("it is there") += 3;
    /// assert_eq!(rows["cpu"], 3);
    /// ```
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(&mut self.entries[place].1)
    }

    /// Whether the key is there.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let rows = SortedMap::from([("cpu", 0)]);
    /// assert!(rows.contains_key("cpu") && !rows.contains_key("disk"));
    /// ```
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// Sets the key's value and returns the one before.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 0)]);
    /// assert_eq!((rows.insert("cpu", 3), rows.insert("disk", 2)), (Some(0), None));
    /// assert_eq!(rows["cpu"], 3);
    /// ```
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(place) => Some(mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes the key out and returns its value.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 0)]);
    /// assert_eq!((rows.remove("cpu"), rows.remove("cpu")), (Some(0), None));
    /// ```
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let place = self.place(key).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// The key's place, to look at and to fill.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut seen = SortedMap::new();
    /// ["cpu", "disk", "cpu"].into_iter().for_each(|id| *seen.entry(id).or_insert(0) += 1);
    /// assert_eq!(seen, [("cpu", 2), ("disk", 1)].into());
    /// ```
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        match self.place(&key) {
            Ok(place) => Entry::Occupied(&mut self.entries[place].1),
            Err(place) => Entry::Vacant(Vacant {
                map: self,
                place,
                key,
            }),
        }
    }

    /// The keys between two bounds and their values, ascending.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let names = SortedMap::from([(1, "one"), (5, "five"), (9, "nine")]);
    /// assert!(names.range(1..9).eq([(&1, &"one"), (&5, &"five")]));
    /// ```
    pub fn range<Q: Ord + ?Sized>(&self, range: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let places = self.places(&range);
        self.entries[places].iter().map(|(key, value)| (key, value))
    }

    fn places<Q: Ord + ?Sized>(&self, range: &impl RangeBounds<Q>) -> Range<usize>
    where
        K: Borrow<Q>,
    {
        let start = match range.start_bound() {
            Bound::Included(key) => self.place(key).unwrap_or_else(|place| place),
            Bound::Excluded(key) => self.place(key).map_or_else(|place| place, |at| at + 1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(key) => self.place(key).map_or_else(|place| place, |at| at + 1),
            Bound::Excluded(key) => self.place(key).unwrap_or_else(|place| place),
            Bound::Unbounded => self.len(),
        };
        start..end.max(start)
    }

    /// Where the key is, or where it would be. Keys often come in order: the end is tried first.
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        match self.entries.last() {
            Some((last, _)) if last.borrow() >= key => self
                .entries
                .binary_search_by(|(present, _)| present.borrow().cmp(key)),
            _ => Err(self.entries.len()),
        }
    }
}

/// Keys and values, ascending.
///
/// ```
/// # use driftless_model::SortedMap;
/// let rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
/// assert_eq!((rows.iter().len(), rows.iter().next_back()), (2, Some((&"disk", &2))));
/// ```
pub type Iter<'a, K, V> =
    std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

/// Keys, ascending.
///
/// ```
/// # use driftless_model::SortedMap;
/// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).keys().rev().eq(&["disk", "cpu"]));
/// ```
pub type Keys<'a, K, V> = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> &'a K>;

/// Values, in ascending order of their keys.
///
/// ```
/// # use driftless_model::SortedMap;
/// assert!(SortedMap::from([("disk", 2), ("cpu", 0)]).values().rev().eq(&[2, 0]));
/// ```
pub type Values<'a, K, V> = std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> &'a V>;

/// Keys and values that can be changed, ascending.
///
/// ```
/// # use driftless_model::SortedMap;
/// let mut rows = SortedMap::from([("disk", 2), ("cpu", 0)]);
/// rows.iter_mut().zip(5..).for_each(|((_, row), new)| *row = new);
/// assert_eq!(rows, [("cpu", 5), ("disk", 6)].into());
/// ```
pub type IterMut<'a, K, V> =
    std::iter::Map<std::slice::IterMut<'a, (K, V)>, fn(&'a mut (K, V)) -> (&'a K, &'a mut V)>;

/// A key's place.
///
/// ```
/// # use driftless_model::SortedMap;
/// let mut rows = SortedMap::from([("cpu", 7)]);
/// assert_eq!((*rows.entry("cpu").or_default(), *rows.entry("disk").or_default()), (7, 0));
/// ```
pub enum Entry<'a, K, V> {
    /// With the value that is there.
    Occupied(&'a mut V),
    /// Nothing there yet.
    Vacant(Vacant<'a, K, V>),
}

/// A place without a value.
///
/// ```
/// # use driftless_model::SortedMap;
/// let mut rows = SortedMap::from([("disk", 2)]);
/// rows.entry("cpu"); // looked at, and left as it is
/// assert!(!rows.contains_key("cpu"));
/// ```
pub struct Vacant<'a, K, V> {
    map: &'a mut SortedMap<K, V>,
    place: usize,
    key: K,
}

impl<'a, K, V> Vacant<'a, K, V> {
    /// Fills it.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("disk", 2)]);
    /// *rows.entry("cpu").or_insert(1) += 1;
    /// assert!(rows.iter().eq([(&"cpu", &2), (&"disk", &2)]));
    /// ```
    pub fn insert(self, value: V) -> &'a mut V {
        self.map.entries.insert(self.place, (self.key, value));
        &mut self.map.entries[self.place].1
    }
}

impl<'a, K, V> Entry<'a, K, V> {
    /// The value, made if there is none.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 7)]);
    /// assert_eq!(*rows.entry("cpu").or_insert_with(|| unreachable!("there is one")), 7);
    /// ```
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        match self {
            Self::Occupied(value) => value,
            Self::Vacant(vacant) => vacant.insert(make()),
        }
    }

    /// The value, or this one if there is none.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut rows = SortedMap::from([("cpu", 7)]);
    /// assert_eq!((*rows.entry("cpu").or_insert(1), *rows.entry("disk").or_insert(1)), (7, 1));
    /// ```
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value, or the default if there is none.
    ///
    /// ```
    /// # use driftless_model::SortedMap;
    /// let mut tags: SortedMap<_, Vec<_>> = SortedMap::new();
    /// tags.entry("cpu").or_default().push("busy");
    /// assert_eq!(tags["cpu"], ["busy"]);
    /// ```
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for SortedMap<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Borrow<Q> + Ord, Q: Ord + ?Sized, V> Index<&Q> for SortedMap<K, V> {
    type Output = V;

    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the key is there")
    }
}

impl<K: Ord, V> Extend<(K, V)> for SortedMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::from_unsorted(entries.into_iter().collect())
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for SortedMap<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K, V> IntoIterator for SortedMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a SortedMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, K, V> IntoIterator for &'a mut SortedMap<K, V> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<K: Serialize, V: Serialize> Serialize for SortedMap<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for SortedMap<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = SortedMap<K, V>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(SortedMap::from_unsorted(entries))
    }
}
