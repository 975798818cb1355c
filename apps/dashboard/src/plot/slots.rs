//! Colours of series: the name's hash picks the slot, so that a series keeps its colour.

use driftless_protocol::feed::SeriesName;

use crate::plot::names;
use driftless_model::sorted::sort_by_key;

/// How many colours there are.
pub const SLOTS: usize = 8;

/// Colours that are hard to tell apart; the second is taken beside the first only when no other is
/// left.
const ALIKE: [(usize, usize); 4] = [(0, 7), (1, 6), (2, 4), (3, 5)];

/// How a series is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Which colour, from 0 to [`SLOTS`] − 1.
    pub color: usize,
    /// Whether it is dashed: colours that are used a second time.
    pub is_dashed: bool,
}

/// A slot for each series of a chart. On a collision the next free one is taken, in the order of
/// the full names: which series there are decides, not when they came.
pub fn assign(all: &[&SeriesName]) -> Vec<Slot> {
    let keys: Vec<String> = all.iter().map(|series| names::full(series)).collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    sort_by_key(&mut order, |series| &keys[*series]);
    let mut slots = vec![
        Slot {
            color: 0,
            is_dashed: false
        };
        all.len()
    ];
    let mut is_taken = [false; SLOTS];
    for (place, series) in order.into_iter().enumerate() {
        if place % SLOTS == 0 {
            is_taken = [false; SLOTS];
        }
        let color = free_slot(wanted_slot(&keys[series]), is_taken);
        is_taken[color] = true;
        slots[series] = Slot {
            color,
            is_dashed: place >= SLOTS,
        };
    }
    slots
}

/// The next free slot from the wanted one on; one whose like is taken comes last.
fn free_slot(wanted: usize, is_taken: [bool; SLOTS]) -> usize {
    let has_like = |slot: &usize| {
        let like = ALIKE.iter().find_map(|(a, b)| match slot {
            slot if slot == a => Some(*b),
            slot if slot == b => Some(*a),
            _ => None,
        });
        like.is_some_and(|like| is_taken[like])
    };
    let free = || {
        let slots = (0..SLOTS).map(|step| (wanted + step) % SLOTS);
        slots.filter(|slot| !is_taken[*slot])
    };
    let distinct = free().find(|slot| !has_like(slot));
    distinct.or_else(|| free().next()).unwrap_or(wanted)
}

/// FNV-1a, 32 bits: short, and the same everywhere.
fn wanted_slot(key: &str) -> usize {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 16) as usize % SLOTS
}

#[cfg(test)]
mod tests {

    use super::*;

    fn series(number: usize) -> SeriesName {
        SeriesName {
            name: format!("series_{number}"),
            labels: driftless_model::SortedMap::new(),
        }
    }

    #[test]
    fn eight_series_have_eight_colours_and_the_ninth_is_dashed() {
        let all: Vec<_> = (0..9).map(series).collect();
        let slots = assign(&all.iter().collect::<Vec<_>>());
        let plain: driftless_model::SortedSet<_> = slots
            .iter()
            .filter(|slot| !slot.is_dashed)
            .map(|slot| slot.color)
            .collect();
        assert_eq!(plain.len(), SLOTS);
        assert_eq!(slots.iter().filter(|slot| slot.is_dashed).count(), 1);
    }

    #[test]
    fn two_colours_that_look_alike_are_used_only_when_none_else_is_left() {
        for count in 2..=4 {
            let all: Vec<_> = (0..count).map(series).collect();
            let slots = assign(&all.iter().collect::<Vec<_>>());
            let has = |slot: usize| slots.iter().any(|taken| taken.color == slot);
            assert!(!ALIKE.iter().any(|(a, b)| has(*a) && has(*b)), "{slots:?}");
        }
    }

    #[test]
    fn colours_do_not_depend_on_the_order_of_arrival() {
        let (a, b, c) = (series(1), series(2), series(3));
        let forth = assign(&[&a, &b, &c]);
        let back = assign(&[&c, &b, &a]);
        assert_eq!(forth[0], back[2]);
        assert_eq!(forth[2], back[0]);
    }
}
