//! Names and labels as they are read: no more of them than it takes to see that it is too much.

use driftless_model::SortedMap;
use driftless_model::limits::{LABELS_PER_SERIES_MAX, SERIES_NAME_BYTES_MAX};

/// Labels of a series. Past the bounds of a series's name the rest is left out: one that is over
/// them stays over them, is refused by whoever takes samples, and costs little until then, however
/// many samples of a line bear it.
#[derive(Debug, Default)]
pub(super) struct Labels {
    map: SortedMap<String, String>,
}

impl Labels {
    /// A label; the last of a name counts.
    pub fn add(&mut self, label: String, value: String) {
        if !self.is_over() {
            self.map.insert(cut(label), cut(value));
        }
    }

    /// All of them.
    pub fn into_map(self) -> SortedMap<String, String> {
        self.map
    }

    fn is_over(&self) -> bool {
        let labels = self.map.iter();
        let bytes: usize = labels.map(|(label, value)| label.len() + value.len()).sum();
        self.map.len() > LABELS_PER_SERIES_MAX || bytes > SERIES_NAME_BYTES_MAX
    }
}

/// A text that is not much longer than a series's name may be: one that is too long stays so.
pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.ceil_char_boundary(SERIES_NAME_BYTES_MAX + 1));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_than_may_be_is_kept_and_what_is_over_the_bounds_stays_over_them() {
        let mut many = Labels::default();
        for number in 0..1_000 {
            many.add(number.to_string(), String::new());
        }
        assert_eq!(many.into_map().len(), LABELS_PER_SERIES_MAX + 1);
        let mut long = Labels::default();
        for value in ["ä".repeat(10_000), String::new()] {
            long.add("a".to_owned(), value);
        }
        let map = long.into_map();
        let bytes = map.get(&"a".to_owned()).map_or(0, String::len);
        assert_eq!(bytes, SERIES_NAME_BYTES_MAX + 2);
    }

    #[test]
    fn what_is_within_the_bounds_is_whole_and_the_last_of_a_name_counts() {
        let mut labels = Labels::default();
        for value in ["one", "two"].repeat(1_000) {
            labels.add("a".to_owned(), value.to_owned());
        }
        assert_eq!(
            labels.into_map(),
            [("a".to_owned(), "two".to_owned())].into()
        );
        let most = "x".repeat(SERIES_NAME_BYTES_MAX);
        assert_eq!(cut(most.clone()), most);
    }
}
