//! Sorting without one copy of the sort per type.

use std::cmp::Ordering;

/// Sorts as `slice::sort_by` does (stable), with the one sort of positions that all callers
/// share: a copy of the standard library's per type is 4 KB of WebAssembly.
///
/// ```
/// use driftless_model::sorted::sort_by;
///
/// let mut widgets = vec![("disk", 2), ("load", 0), ("cpu", 2)];
/// sort_by(&mut widgets, |one, other| other.1.cmp(&one.1));
/// assert_eq!(widgets, [("disk", 2), ("cpu", 2), ("load", 0)]);
/// ```
pub fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let sorted = items.is_sorted_by(|one, next| compare(one, next).is_le());
    if sorted {
        return;
    }
    let order = order(items.len(), &|one, other| {
        compare(&items[one], &items[other])
    });
    let mut taken: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| taken[place].take()));
}

/// Sorts as `slice::sort_by_key` does; see [`sort_by`].
///
/// ```
/// use driftless_model::sorted::sort_by_key;
///
/// let mut widgets = vec![("disk", 2), ("load", 0), ("cpu", 2)];
/// sort_by_key(&mut widgets, |(_, row)| *row);
/// assert_eq!(widgets, [("load", 0), ("disk", 2), ("cpu", 2)]);
/// ```
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |one, other| key(one).cmp(&key(other)));
}

/// The positions `0..length` in ascending order of what stands there, equals as they were.
fn order(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..length).collect();
    order.sort_by(|one, other| compare(*one, *other));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(
            mut items in proptest::collection::vec((0..5_u8, any::<u16>()), 0..40)
        ) {
            let mut reference = items.clone();
            reference.sort_by_key(|(key, _)| *key);
            sort_by_key(&mut items, |(key, _)| *key);
            prop_assert_eq!(items, reference);
        }
    }
}
