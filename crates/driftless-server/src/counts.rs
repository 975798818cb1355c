//! How many of something each has, so that nobody has more than they may.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many each has. Who has none is not kept.
#[derive(Debug)]
pub struct Counts<K> {
    each: HashMap<K, usize>,
    all: usize,
}

/// Counts that are shared by what is counted.
pub type SharedCounts<K> = Arc<Mutex<Counts<K>>>;

/// One that is counted, until it is dropped.
#[derive(Debug)]
pub struct Counted<K: Eq + Hash> {
    counts: SharedCounts<K>,
    key: K,
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        let each = HashMap::new();
        Self { each, all: 0 }
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// One more; whether it was counted, which it is not where the key has `each_max`.
    pub fn add(&mut self, key: K, each_max: usize) -> bool {
        if self.each.get(&key).copied().unwrap_or(0) >= each_max {
            return false;
        }
        *self.each.entry(key).or_default() += 1;
        self.all += 1;
        true
    }

    /// One fewer.
    pub fn remove(&mut self, key: &K) {
        let Some(count) = self.each.get_mut(key) else {
            return;
        };
        *count -= 1;
        self.all -= 1;
        if *count == 0 {
            self.each.remove(key);
        }
    }

    /// How many all have together.
    pub fn all(&self) -> usize {
        self.all
    }
}

impl<K: Eq + Hash + Clone> Counted<K> {
    /// One more; `None` where the key has `each_max`, or all have `all_max` together.
    pub fn enter(
        counts: &SharedCounts<K>,
        key: K,
        each_max: usize,
        all_max: usize,
    ) -> Option<Self> {
        let mut locked = lock(counts);
        if locked.all() >= all_max || !locked.add(key.clone(), each_max) {
            return None;
        }
        let counts = counts.clone();
        Some(Self { counts, key })
    }
}

impl<K: Eq + Hash> Drop for Counted<K> {
    fn drop(&mut self) {
        lock(&self.counts).remove(&self.key);
    }
}

fn lock<K>(counts: &Mutex<Counts<K>>) -> MutexGuard<'_, Counts<K>> {
    // Nothing panics while it is held.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_as_many_as_it_may_and_who_has_none_is_not_kept() {
        let mut counts = Counts::default();
        assert!(counts.add("a", 2) && counts.add("a", 2) && counts.add("b", 2));
        assert!(!counts.add("a", 2));
        assert!(!counts.add("c", 0));
        assert_eq!(counts.all(), 3);
        counts.remove(&"a");
        assert!(counts.add("a", 2));
        for key in ["a", "a", "b", "c"] {
            counts.remove(&key);
        }
        assert_eq!((counts.each.len(), counts.all()), (0, 0));
    }

    #[test]
    fn all_have_as_many_together_as_they_may_and_what_is_dropped_makes_room() {
        let counts = SharedCounts::default();
        let enter = |key| Counted::enter(&counts, key, 2, 3);
        let first = enter("a").expect("has room");
        let _others = [enter("a").expect("has room"), enter("b").expect("has room")];
        assert!(enter("b").is_none(), "all have three");
        drop(first);
        let _again = enter("b").expect("has room again");
        assert_eq!(lock(&counts).all(), 3);
    }
}
