use proptest::prelude::*;

use super::{
    Gesture, Item, Place, arrange, derive, move_item, place_new, reading_order, resize_item, rows,
};
use crate::sorted::SortedMap;

const COLUMNS: u32 = 12;

fn place(x: u32, y: u32, w: u32, h: u32) -> Place {
    Place { x, y, w, h }
}

fn item(id: u32, place: Place) -> Item<u32> {
    Item {
        id,
        place,
        is_pinned: false,
    }
}

fn pinned(id: u32, place: Place) -> Item<u32> {
    Item {
        id,
        place,
        is_pinned: true,
    }
}

fn any_place() -> impl Strategy<Value = Place> {
    (0..14_u32, 0..20_u32, 1..14_u32, 1..6_u32).prop_map(|(x, y, w, h)| place(x, y, w, h))
}

/// Items in an order that says nothing, of which some are pinned.
fn any_items(pinned_percent: u32) -> impl Strategy<Value = Vec<Item<u32>>> {
    let item = (any_place(), 0..100_u32);
    prop::collection::vec(item, 1..14)
        .prop_map(move |items| {
            let items = (0..).zip(items).map(|(id, (place, chance))| Item {
                id,
                place,
                is_pinned: chance < pinned_percent,
            });
            items.collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn written(items: &[Item<u32>], gesture: &Gesture<u32>) -> Vec<Item<u32>> {
    let mut items = items.to_vec();
    for (id, place) in &gesture.writes {
        match items.iter_mut().find(|item| item.id == *id) {
            Some(item) => item.place = *place,
            None => items.push(item(*id, *place)),
        }
    }
    items
}

fn as_items(places: &SortedMap<u32, Place>, like: &[Item<u32>]) -> Vec<Item<u32>> {
    let items = like.iter().map(|item| Item {
        place: places[&item.id],
        ..*item
    });
    items.collect()
}

fn assert_apart_and_inside(places: &SortedMap<u32, Place>, columns: u32) {
    for (id, place) in places {
        assert!(
            place.w >= 1 && place.h >= 1 && place.right() <= columns,
            "{id}: {place:?}"
        );
        for (other_id, other) in places.range(id + 1..) {
            assert!(
                !place.collides(*other),
                "{id}: {place:?}, {other_id}: {other:?}"
            );
        }
    }
}

/// That a gesture shows a proper arrangement, and writes what will show it.
fn assert_sound(items: &[Item<u32>], gesture: &Gesture<u32>) {
    assert_apart_and_inside(&gesture.places, COLUMNS);
    let after = written(items, gesture);
    assert_eq!(arrange(&after, COLUMNS), gesture.places);
    for (id, place) in &gesture.writes {
        assert_eq!(Place::from_value(&place.to_value()), Some(*place));
        assert!(
            items
                .iter()
                .all(|item| item.id != *id || item.place != *place)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_shown_is_apart_inside_and_compact(items in any_items(20), columns in 1..14_u32) {
        let shown = arrange(&items, columns);
        prop_assert_eq!(shown.len(), items.len());
        assert_apart_and_inside(&shown, columns);
        for item in items.iter().filter(|item| !item.is_pinned) {
            let place = shown[&item.id];
            let rests = shown.values().any(|above| {
                above.shares_columns(place) && above.bottom() == place.y
            });
            prop_assert!(place.y == 0 || rests, "{:?} hangs in the air", place);
        }
    }

    #[test]
    fn arranging_what_is_shown_changes_nothing(items in any_items(20), columns in 1..14_u32) {
        let shown = arrange(&items, columns);
        prop_assert_eq!(arrange(&as_items(&shown, &items), columns), shown);
    }

    #[test]
    fn the_order_of_the_items_does_not_matter(
        items in any_items(20),
        (x, y) in (0..14_u32, 0..24_u32),
        to in any_place(),
    ) {
        let mut sorted = items.clone();
        sorted.sort_by_key(|item| item.id);
        let ordered = |gesture: Option<Gesture<u32>>| {
            gesture.map(|mut gesture| {
                gesture.writes.sort();
                gesture
            })
        };
        prop_assert_eq!(arrange(&items, COLUMNS), arrange(&sorted, COLUMNS));
        prop_assert_eq!(
            ordered(move_item(&items, COLUMNS, &0, x, y)),
            ordered(move_item(&sorted, COLUMNS, &0, x, y))
        );
        prop_assert_eq!(
            ordered(resize_item(&items, COLUMNS, &0, to)),
            ordered(resize_item(&sorted, COLUMNS, &0, to))
        );
    }

    #[test]
    fn pinned_items_stay_when_others_move(
        items in any_items(0),
        there in any_place(),
        (x, y) in (0..14_u32, 0..24_u32),
        to in any_place(),
    ) {
        let mut items = items;
        items.push(pinned(99, there));
        let stays = there.within(COLUMNS);
        prop_assert_eq!(arrange(&items, COLUMNS)[&99], stays);
        for gesture in [
            move_item(&items, COLUMNS, &0, x, y),
            resize_item(&items, COLUMNS, &0, to),
            Some(place_new(&items, COLUMNS, &100, to.w, to.h)),
        ] {
            let gesture = gesture.expect("it is there");
            prop_assert_eq!(gesture.places[&99], stays);
            prop_assert!(gesture.writes.iter().all(|(id, _)| *id != 99));
        }
    }

    #[test]
    fn a_move_shows_what_its_writes_will_show(
        items in any_items(15),
        (x, y) in (0..14_u32, 0..24_u32),
    ) {
        let gesture = move_item(&items, COLUMNS, &0, x, y).expect("it is there");
        assert_sound(&items, &gesture);
        let w = arrange(&items, COLUMNS)[&0].w;
        prop_assert_eq!(gesture.places[&0].x, x.min(COLUMNS - w));
    }

    #[test]
    fn a_resize_shows_what_its_writes_will_show(items in any_items(15), to in any_place()) {
        let gesture = resize_item(&items, COLUMNS, &0, to).expect("it is there");
        assert_sound(&items, &gesture);
        let (got, wanted) = (gesture.places[&0], to.within(COLUMNS));
        prop_assert_eq!((got.x, got.w, got.h), (wanted.x, wanted.w, wanted.h));
    }

    #[test]
    fn moving_away_and_back_restores(
        items in any_items(0),
        first in (0..14_u32, 0..24_u32),
        between in prop::collection::vec((0..14_u32, 0..24_u32), 0..5),
    ) {
        let dropped = |items: &[Item<u32>], (x, y)| {
            let gesture = move_item(items, COLUMNS, &0, x, y).expect("it is there");
            (written(items, &gesture), gesture.places)
        };
        // Where a gesture begins, it changes nothing, however the others came to be there.
        let is_at_first = |items: &[Item<u32>]| {
            let place = arrange(items, COLUMNS)[&0];
            place == Place { x: first.0, y: first.1, ..place }.within(COLUMNS)
        };
        prop_assume!(!is_at_first(&items));
        let (mut items, there) = dropped(&items, first);
        for cell in between {
            items = dropped(&items, cell).0;
        }
        if !is_at_first(&items) {
            prop_assert_eq!(dropped(&items, first).1, there);
        }
    }

    #[test]
    fn a_gesture_that_ends_where_it_began_writes_nothing(items in any_items(15)) {
        let shown = arrange(&items, COLUMNS);
        let place = shown[&0];
        let nothing = Gesture { places: shown, writes: vec![] };
        let moved = move_item(&items, COLUMNS, &0, place.x, place.y);
        prop_assert_eq!(moved.as_ref(), Some(&nothing));
        prop_assert_eq!(resize_item(&items, COLUMNS, &0, place), Some(nothing));
    }

    #[test]
    fn a_new_item_moves_nothing_and_takes_the_first_free_spot(
        items in any_items(15),
        (w, h) in (1..14_u32, 1..6_u32),
    ) {
        let shown = arrange(&items, COLUMNS);
        let gesture = place_new(&items, COLUMNS, &100, w, h);
        assert_sound(&items, &gesture);
        let mut others = gesture.places.clone();
        let spot = others.remove(&100).expect("it is shown");
        prop_assert_eq!(&others, &shown);
        let w = w.min(COLUMNS);
        let cells = (0..=rows(shown.values())).flat_map(|y| (0..=COLUMNS - w).map(move |x| (x, y)));
        let first = cells.map(|(x, y)| place(x, y, w, h)).find(|place| {
            shown.values().all(|other| !other.collides(*place))
        });
        prop_assert_eq!(Some(spot), first);
    }

    #[test]
    fn a_narrower_grid_keeps_the_reading_order_of_what_is_beside_or_above(
        items in any_items(15),
        columns in 1..12_u32,
    ) {
        let order = reading_order(&arrange(&items, COLUMNS));
        let derived = derive(&items, COLUMNS, columns);
        assert_apart_and_inside(&derived, columns);
        for (position, id) in order.iter().enumerate() {
            for later in &order[position + 1..] {
                let (one, other) = (derived[id], derived[later]);
                prop_assert!(!one.shares_columns(other) || one.bottom() <= other.y);
            }
        }
    }
}

#[test]
fn ties_of_stored_places_go_by_id() {
    let same = place(0, 3, 4, 2);
    let shown = arrange(&[item(2, same), item(1, same), item(3, same)], COLUMNS);
    assert_eq!([1, 2, 3].map(|id| shown[&id].y), [0, 2, 4]);
}

#[test]
fn a_widget_does_not_fall_through_a_pinned_one() {
    let items = [
        pinned(1, place(0, 4, 12, 2)),
        item(2, place(0, 9, 4, 2)),
        item(3, place(0, 1, 4, 5)),
        item(4, place(4, 1, 4, 4)),
    ];
    let shown = arrange(&items, COLUMNS);
    assert_eq!([2, 3, 4].map(|id| shown[&id].y), [11, 6, 0]);
}

#[test]
fn of_two_pinned_in_one_place_the_later_one_gives_way() {
    let items = [pinned(2, place(0, 4, 4, 2)), pinned(1, place(2, 4, 4, 2))];
    let shown = arrange(&items, COLUMNS);
    assert_eq!([1, 2].map(|id| shown[&id].y), [4, 6]);
}

#[test]
fn a_drag_past_the_middle_of_the_next_one_swaps_them_and_writes_one() {
    let stacked = [
        item(1, place(0, 0, 4, 2)),
        item(2, place(0, 2, 4, 4)),
        item(3, place(0, 6, 4, 2)),
    ];
    let shown_at = |y| move_item(&stacked, COLUMNS, &1, 0, y).expect("it is there");
    assert_eq!(shown_at(1).places[&1].y, 0);
    let swapped = shown_at(2);
    assert_eq!([1, 2, 3].map(|id| swapped.places[&id].y), [4, 0, 6]);
    assert_eq!(swapped.writes, [(1, place(0, 4, 4, 2))]);
    assert_eq!(shown_at(5).places[&1].y, 6);
}

#[test]
fn a_drag_to_the_top_writes_another_only_where_ids_would_put_it_first() {
    let stacked = [
        item(2, place(0, 0, 4, 2)),
        item(1, place(0, 2, 4, 2)),
        item(3, place(0, 4, 4, 2)),
    ];
    let first = |id| move_item(&stacked, COLUMNS, &id, 0, 0).expect("it is there");
    assert_eq!(first(1).writes, [(1, place(0, 0, 4, 2))]);
    assert_eq!(
        first(3).writes,
        [(2, place(0, 1, 4, 2)), (3, place(0, 0, 4, 2))]
    );
    assert_eq!([3, 2, 1].map(|id| first(3).places[&id].y), [0, 2, 4]);
}

#[test]
fn a_wider_item_pushes_the_one_beside_it_down() {
    let items = [
        item(1, place(0, 0, 4, 2)),
        item(2, place(4, 0, 4, 3)),
        item(3, place(4, 3, 4, 1)),
    ];
    let resized = resize_item(&items, COLUMNS, &1, place(0, 0, 6, 2)).expect("it is there");
    assert_eq!([1, 2, 3].map(|id| resized.places[&id].y), [0, 2, 5]);
    assert_eq!(resized.writes, [(1, place(0, 0, 6, 2))]);
}

#[test]
fn what_a_pinned_item_pushes_down_is_written_only_where_that_says_more() {
    let items = [
        pinned(1, place(0, 4, 4, 2)),
        item(2, place(0, 1, 4, 5)),
        item(3, place(8, 0, 4, 2)),
        item(4, place(4, 9, 4, 2)),
    ];
    let moved = |y| move_item(&items, COLUMNS, &3, 0, y).expect("it is there");
    assert_eq!(arrange(&items, COLUMNS)[&2].y, 6);
    assert_eq!(moved(20).writes, [(3, place(0, 11, 4, 2))]);

    let between = moved(6);
    assert_eq!([1, 3, 2].map(|id| between.places[&id].y), [4, 6, 8]);
    let writes = [(2, place(0, 8, 4, 5)), (3, place(0, 4, 4, 2))];
    assert_eq!(between.writes, writes);
}

#[test]
fn a_pinned_item_moves_where_it_is_put() {
    let items = [pinned(1, place(0, 0, 4, 2)), item(2, place(0, 2, 4, 2))];
    let moved = move_item(&items, COLUMNS, &1, 2, 7).expect("it is there");
    assert_eq!(moved.places[&1], place(2, 7, 4, 2));
    assert_eq!(moved.places[&2], place(0, 0, 4, 2));
    assert_eq!(moved.writes, [(1, place(2, 7, 4, 2))]);
}

#[test]
fn one_column_shows_everything_in_reading_order() {
    let items = [
        item(1, place(6, 0, 6, 2)),
        item(2, place(0, 0, 6, 3)),
        item(3, place(0, 3, 12, 4)),
    ];
    let derived = derive(&items, COLUMNS, 1);
    assert_eq!(derived[&2], place(0, 0, 1, 3));
    assert_eq!(derived[&1], place(0, 3, 1, 2));
    assert_eq!(derived[&3], place(0, 5, 1, 4));
    let six = derive(&items, COLUMNS, 6);
    assert_eq!(six[&1], place(0, 3, 6, 2));
    assert_eq!(six[&3].w, 6);
    let halves = [item(1, place(0, 0, 3, 2)), item(2, place(9, 0, 3, 2))];
    assert_eq!(derive(&halves, COLUMNS, 6)[&2], place(3, 0, 3, 2));
}

#[test]
fn what_is_not_there_cannot_be_moved() {
    let items = [item(1, place(0, 0, 4, 2))];
    assert_eq!(move_item(&items, COLUMNS, &2, 0, 0), None);
    assert_eq!(resize_item(&items, COLUMNS, &2, place(0, 0, 1, 1)), None);
    assert_eq!(arrange::<u32>(&[], COLUMNS), SortedMap::new());
    assert_eq!(rows([]), 0);
}

#[test]
fn the_widest_numbers_do_no_harm() {
    let vast = place(u32::MAX, u32::MAX, u32::MAX, u32::MAX);
    let items = [item(1, vast), pinned(2, vast), item(3, vast)];
    for columns in [0, 1, u32::MAX] {
        let shown = arrange(&items, columns);
        assert_apart_and_inside(&shown, columns.clamp(1, super::CELL_MAX));
    }
}

#[test]
fn a_pinned_item_that_gave_way_writes_nothing_when_it_is_dropped_where_it_is_stored() {
    let pinned = |id, place| Item {
        id,
        place,
        is_pinned: true,
    };
    let at = |x, y, w, h| Place { x, y, w, h };
    let items = [pinned(0, at(1, 5, 11, 1)), pinned(1, at(0, 3, 2, 3))];
    let gesture = move_item(&items, COLUMNS, &0, 1, 5).expect("it is there");
    assert_sound(&items, &gesture);
    assert_eq!(gesture.writes, vec![]);
}
