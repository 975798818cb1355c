//! The grid: a gesture writes the place of its item, and of others only what is needed.

use driftless_model::layout::{Gesture, Item, Place, arrange, move_item, place_new, resize_item};
use proptest::prelude::*;

const COLUMNS: u32 = 12;

fn any_place() -> impl Strategy<Value = Place> {
    (0..12_u32, 0..12_u32, 1..6_u32, 1..4_u32).prop_map(|(x, y, w, h)| Place { x, y, w, h })
}

fn any_items() -> impl Strategy<Value = Vec<Item<usize>>> {
    prop::collection::vec(any_place(), 1..9).prop_map(|places| {
        let item = |(id, place)| Item {
            id,
            place,
            is_pinned: false,
        };
        places.into_iter().enumerate().map(item).collect()
    })
}

fn written(items: &[Item<usize>], writes: &[(usize, Place)]) -> Vec<Item<usize>> {
    let mut items = items.to_vec();
    for (id, place) in writes {
        items.retain(|item| item.id != *id);
        items.push(Item {
            id: *id,
            place: *place,
            is_pinned: false,
        });
    }
    items
}

fn assert_needed(items: &[Item<usize>], own: usize, gesture: &Gesture<usize>) {
    let shown = arrange(&written(items, &gesture.writes), COLUMNS);
    assert_eq!(
        shown, gesture.places,
        "what is written shows something else"
    );
    for left_out in 0..gesture.writes.len() {
        let mut fewer = gesture.writes.clone();
        let (id, _) = fewer.remove(left_out);
        if id == own {
            continue;
        }
        let shown = arrange(&written(items, &fewer), COLUMNS);
        assert_ne!(
            shown, gesture.places,
            "the place of {id} need not be written"
        );
    }
}

proptest! {
    #[test]
    fn what_is_shown_overlaps_nowhere_and_has_no_hole_above(items in any_items()) {
        let shown = arrange(&items, COLUMNS);
        for (id, place) in &shown {
            prop_assert!(place.right() <= COLUMNS);
            let others = || shown.iter().filter(|(other, _)| *other != id);
            prop_assert!(others().all(|(_, other)| !place.collides(*other)));
            if place.y > 0 {
                let above = Place { y: place.y - 1, ..*place };
                prop_assert!(others().any(|(_, other)| above.collides(*other)));
            }
        }
        let items: Vec<_> = shown
            .iter()
            .map(|(id, place)| Item { id: *id, place: *place, is_pinned: false })
            .collect();
        prop_assert_eq!(arrange(&items, COLUMNS), shown, "compacting again changes something");
    }

    #[test]
    fn a_move_writes_no_other_place_that_could_be_left_out(
        items in any_items(),
        which: prop::sample::Index,
        x in 0..12_u32,
        y in 0..16_u32,
    ) {
        let id = which.index(items.len());
        let gesture = move_item(&items, COLUMNS, &id, x, y).expect("it is there");
        assert_needed(&items, id, &gesture);
    }

    #[test]
    fn a_resize_writes_no_other_place_that_could_be_left_out(
        items in any_items(),
        which: prop::sample::Index,
        to in any_place(),
    ) {
        let id = which.index(items.len());
        let gesture = resize_item(&items, COLUMNS, &id, to).expect("it is there");
        assert_needed(&items, id, &gesture);
    }

    #[test]
    fn a_new_item_writes_its_own_place(items in any_items(), w in 1..6_u32, h in 1..4_u32) {
        let id = items.len();
        let gesture = place_new(&items, COLUMNS, &id, w, h);
        prop_assert!(gesture.writes.iter().any(|(written, _)| *written == id));
        assert_needed(&items, id, &gesture);
    }
}
