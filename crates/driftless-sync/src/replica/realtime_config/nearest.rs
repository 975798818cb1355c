//! The known name that a mistyped one is most like.

/// The name with the fewest letters to change, the first of equals.
pub(super) fn nearest(name: &str, known: impl IntoIterator<Item = &'static str>) -> &'static str {
    let distances = known
        .into_iter()
        .map(|known| (distance(name, known), known));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    nearest.map_or("", |(_, known)| known)
}

/// How many letters have to be put in, taken out or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_too_few_too_many_or_wrong_counts_one() {
        assert_eq!(distance("flush", "flush"), 0);
        assert_eq!(distance("flsh", "flush"), 1);
        assert_eq!(distance("flussh", "flush"), 1);
        assert_eq!(distance("slush", "flush"), 1);
        assert_eq!(distance("", "flush"), 5);
    }

    #[test]
    fn the_most_similar_name_is_found() {
        assert_eq!(nearest("kisok", ["default", "kiosk"]), "kiosk");
    }
}
