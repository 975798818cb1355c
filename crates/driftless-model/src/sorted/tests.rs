//! The laws: whatever is done, a sorted map and `BTreeMap` tell the same.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::prelude::*;

use super::{SortedMap, SortedSet};

#[derive(Debug, Clone)]
enum Deed {
    Insert(u8, u16),
    Remove(u8),
    AddTo(u8),
    Extend(Vec<(u8, u16)>),
    Retain(u8),
    PopFirst,
}

fn deed() -> impl Strategy<Value = Deed> {
    let key = 0..24_u8;
    prop_oneof![
        4 => (key.clone(), any::<u16>()).prop_map(|(key, value)| Deed::Insert(key, value)),
        3 => key.clone().prop_map(Deed::Remove),
        2 => key.clone().prop_map(Deed::AddTo),
        1 => proptest::collection::vec((key.clone(), any::<u16>()), 0..6).prop_map(Deed::Extend),
        1 => key.prop_map(Deed::Retain),
        1 => Just(Deed::PopFirst),
    ]
}

proptest! {
    #[test]
    fn a_map_is_told_apart_from_a_tree_by_nothing(
        start in proptest::collection::vec((0..24_u8, any::<u16>()), 0..20),
        deeds in proptest::collection::vec(deed(), 0..40),
        bounds in (0..26_u8, 0..26_u8),
    ) {
        let mut map: SortedMap<u8, u16> = start.iter().copied().collect();
        let mut tree: BTreeMap<u8, u16> = start.iter().copied().collect();
        for deed in deeds {
            match deed {
                Deed::Insert(key, value) => {
                    prop_assert_eq!(map.insert(key, value), tree.insert(key, value));
                }
                Deed::Remove(key) => prop_assert_eq!(map.remove(&key), tree.remove(&key)),
                Deed::AddTo(key) => {
                    let mine = map.entry(key).or_default();
                    *mine = mine.wrapping_add(1);
                    let theirs = tree.entry(key).or_default();
                    *theirs = theirs.wrapping_add(1);
                }
                Deed::Extend(more) => {
                    map.extend(more.clone());
                    tree.extend(more);
                }
                Deed::Retain(key) => {
                    map.retain(|present, _| *present % 7 != key % 7);
                    tree.retain(|present, _| *present % 7 != key % 7);
                }
                Deed::PopFirst => prop_assert_eq!(map.pop_first(), tree.pop_first()),
            }
        }
        prop_assert!(map.iter().eq(tree.iter()));
        prop_assert!(map.keys().rev().eq(tree.keys().rev()));
        prop_assert!(map.values().eq(tree.values()));
        prop_assert_eq!(map.first_key_value(), tree.first_key_value());
        prop_assert_eq!(map.last_key_value(), tree.last_key_value());
        for key in 0..26 {
            prop_assert_eq!(map.get(&key), tree.get(&key));
        }
        let (low, high) = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
        prop_assert!(map.range(low..high).eq(tree.range(low..high)));
        prop_assert!(map.range(low..=high).eq(tree.range(low..=high)));
        prop_assert!(map.range(..high).eq(tree.range(..high)));
        let after = (Bound::Excluded(low), Bound::Unbounded);
        prop_assert!(map.range(after).eq(tree.range(after)));
        prop_assert_eq!(format!("{map:?}"), format!("{tree:?}"));
        prop_assert!(map.into_iter().eq(tree));
    }

    #[test]
    fn a_set_is_told_apart_from_a_tree_by_nothing(
        mine in proptest::collection::vec(0..12_u8, 0..12),
        others in proptest::collection::vec(0..12_u8, 0..12),
    ) {
        let (set, tree) = both(&mine);
        let (other_set, other_tree) = both(&others);
        prop_assert!(set.iter().eq(tree.iter()));
        prop_assert!(set.difference(&other_set).eq(tree.difference(&other_tree)));
        prop_assert_eq!((set.first(), set.last()), (tree.first(), tree.last()));
        prop_assert_eq!(format!("{set:?}"), format!("{tree:?}"));
    }
}

fn both(items: &[u8]) -> (SortedSet<u8>, BTreeSet<u8>) {
    (
        items.iter().copied().collect(),
        items.iter().copied().collect(),
    )
}

#[test]
fn both_are_written_and_read_as_trees_are() {
    let map = SortedMap::from([("b", 2), ("a", 1)]);
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"a":1,"b":2}"#);
    let read: SortedMap<String, u8> = serde_json::from_str(r#"{"b":2,"a":1,"b":3}"#).unwrap();
    assert_eq!(read, SortedMap::from([("a".into(), 1), ("b".into(), 3)]));
    let set: SortedSet<u8> = serde_json::from_str("[3,1,3]").unwrap();
    assert_eq!(serde_json::to_string(&set).unwrap(), "[1,3]");
}

#[test]
fn many_keys_in_the_worst_order_are_sorted_once() {
    let map: SortedMap<u32, u32> = (0..100_000).rev().map(|key| (key, key)).collect();
    assert_eq!(map.len(), 100_000);
    assert_eq!(map.first_key_value(), Some((&0, &0)));
}
