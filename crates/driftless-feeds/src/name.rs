//! Names of series: which are allowed, and how they are written.

use std::fmt;

use driftless_model::limits::{LABELS_PER_SERIES_MAX, SERIES_NAME_BYTES_MAX};
use driftless_protocol::SeriesName;
use driftless_protocol::feed::{is_label_character, is_name_character};

/// Why a name cannot be a series's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name or a label's name is empty.
    #[error("a series and each of its labels need a name; give them one")]
    Empty,
    /// A character that is not allowed there.
    #[error(
        "{text:?} may not contain {character:?}; names are letters, digits and _ : . - /, \
         labels letters, digits and _"
    )]
    Character {
        /// The name or the label's name.
        text: String,
        /// The first offender.
        character: char,
    },
    /// Longer than [`SERIES_NAME_BYTES_MAX`].
    #[error(
        "a series name with its labels has at most {SERIES_NAME_BYTES_MAX} bytes; this one has at \
         least {bytes}: shorten its labels"
    )]
    TooLong {
        /// What it has.
        bytes: usize,
    },
    /// More labels than [`LABELS_PER_SERIES_MAX`].
    #[error(
        "a series has at most {LABELS_PER_SERIES_MAX} labels; this one has at least {labels}: \
         leave some out"
    )]
    TooManyLabels {
        /// What it has.
        labels: usize,
    },
}

/// Checks that a series may bear the name. A label's value may be any text, the empty one included.
pub fn check(name: &SeriesName) -> Result<(), NameError> {
    let labels = name
        .labels
        .iter()
        .map(|(label, value)| label.len() + value.len());
    let bytes = name.name.len() + labels.sum::<usize>();
    if bytes > SERIES_NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes });
    }
    if name.labels.len() > LABELS_PER_SERIES_MAX {
        let labels = name.labels.len();
        return Err(NameError::TooManyLabels { labels });
    }
    check_text(&name.name, is_name_character)?;
    name.labels
        .keys()
        .try_for_each(|label| check_text(label, is_label_character))
}

fn check_text(text: &str, is_allowed: fn(char) -> bool) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    match text.chars().find(|character| !is_allowed(*character)) {
        None => Ok(()),
        Some(character) => Err(NameError::Character {
            text: text.to_owned(),
            character,
        }),
    }
}

/// Shows a series name as the selector of exactly its labels: `disk_used_ratio{mount="/"}`.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a SeriesName);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.name)?;
        for (position, (label, value)) in self.0.labels.iter().enumerate() {
            let opening = if position == 0 { "{" } else { "," };
            write!(formatter, "{opening}{label}=\"")?;
            for character in value.chars() {
                match character {
                    '\n' => formatter.write_str("\\n")?,
                    '"' | '\\' => write!(formatter, "\\{character}")?,
                    _ => write!(formatter, "{character}")?,
                }
            }
            formatter.write_str("\"")?;
        }
        formatter.write_str(if self.0.labels.is_empty() { "" } else { "}" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(name: &str, labels: &[(&str, &str)]) -> SeriesName {
        SeriesName {
            name: name.to_owned(),
            labels: labels
                .iter()
                .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_name_is_bounded_with_its_labels() {
        let value = "v".repeat(SERIES_NAME_BYTES_MAX - 2);
        assert_eq!(check(&labelled("a", &[("b", &value)])), Ok(()));
        assert_eq!(
            check(&labelled("aa", &[("b", &value)])),
            Err(NameError::TooLong {
                bytes: SERIES_NAME_BYTES_MAX + 1
            })
        );
    }

    #[test]
    fn the_number_of_labels_is_bounded() {
        let mut name = labelled("a", &[]);
        for label in 0..LABELS_PER_SERIES_MAX {
            name.labels.insert(format!("l{label}"), String::new());
        }
        assert_eq!(check(&name), Ok(()));
        name.labels.insert("more".into(), String::new());
        assert_eq!(check(&name), Err(NameError::TooManyLabels { labels: 17 }));
    }

    #[test]
    fn only_names_that_a_selector_can_say_are_allowed() {
        assert_eq!(check(&labelled("", &[])), Err(NameError::Empty));
        assert_eq!(check(&labelled("a", &[("", "x")])), Err(NameError::Empty));
        for (name, label) in [("a*", "b"), ("a b", "b"), ("a", "b-c"), ("a", "b\"")] {
            assert!(check(&labelled(name, &[(label, "any \"text\"")])).is_err());
        }
    }

    #[test]
    fn values_are_quoted_where_they_are_shown() {
        let name = labelled("a", &[("b", "1\"\\\n"), ("c", "")]);
        assert_eq!(Shown(&name).to_string(), r#"a{b="1\"\\\n",c=""}"#);
    }
}
