//! Which series a query asks for: `disk_used_ratio{mount="/",host!="old"}`.
//!
//! ```text
//! selector = name ["*"] ["{" [matcher {"," matcher} [","]] "}"] [group]  |  "*" …
//! matcher  = label ("=" | "!=" | "=~" | "!~") '"' text '"'        in text: \" \\ \n
//! group    = "by" "(" [label {"," label} [","]] ")"
//! ```
//!
//! Spaces may stand between the parts. A label that a series lacks counts as empty, so
//! `mount!=""` asks for the series that have it. The text of `=~` and `!~` is a regular expression
//! for the whole value. Series of one name that agree in the labels of the group count as one.
//!
//! What is read here is only the form: a browser does not know regular expressions, and
//! the module `matching` does.

use driftless_model::limits::{LABELS_PER_SERIES_MAX, SELECTOR_BYTES_MAX};
use driftless_protocol::SeriesName;
use driftless_protocol::feed::{is_label_character, is_name_character};

/// Why a text is not a selector. Positions are byte offsets into the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// Longer than its limit.
    #[error("a selector has at most {SELECTOR_BYTES_MAX} bytes; this one has {bytes}: shorten it")]
    TooLong {
        /// What it has.
        bytes: usize,
    },
    /// Something else was expected there.
    #[error(
        "expected {expected} at byte {at} of the selector, found {found:?}; write it like \
         name{{label=\"value\"}}"
    )]
    Unexpected {
        /// Where.
        at: usize,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there.
        found: char,
    },
    /// It ends too early.
    #[error(
        "expected {expected} at byte {at} of the selector, but it ends; write it like \
         name{{label=\"value\"}}"
    )]
    Ends {
        /// Where.
        at: usize,
        /// What could have followed.
        expected: &'static str,
    },
    /// More labels to group by than a series can have.
    #[error(
        "a selector groups by at most {LABELS_PER_SERIES_MAX} labels; this one by {labels}: leave \
         some out"
    )]
    TooManyLabels {
        /// What it has.
        labels: usize,
    },
    /// The text of `=~` or `!~` is no regular expression, or too large a one.
    #[error("{text:?} is no pattern that can be used: {reason}; simplify it")]
    Pattern {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern where the name of one series was expected.
    #[error("{text:?} selects many series; a series is named like name{{label=\"value\"}}")]
    NotOneSeries {
        /// The selector.
        text: String,
    },
}

impl SelectorError {
    /// The byte offset of the trouble.
    pub fn at(&self) -> usize {
        match self {
            Self::TooLong { .. } => SELECTOR_BYTES_MAX,
            Self::Unexpected { at, .. } | Self::Ends { at, .. } => *at,
            Self::TooManyLabels { .. } | Self::Pattern { .. } | Self::NotOneSeries { .. } => 0,
        }
    }
}

/// Which names a selector asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamePattern {
    Exact(String),
    Prefix(String),
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) comparison: Comparison,
    pub(crate) text: String,
}

/// A parsed selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub(crate) name: NamePattern,
    pub(crate) matchers: Vec<Matcher>,
    /// The labels by which series are grouped; each stands for itself without.
    pub(crate) group: Option<Vec<String>>,
}

impl Selector {
    /// Reads a selector; the error says where and what was expected.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.len() > SELECTOR_BYTES_MAX {
            return Err(SelectorError::TooLong { bytes: text.len() });
        }
        let mut reader = Reader { text, at: 0 };
        let name = reader.name()?;
        let matchers = if reader.take('{') {
            reader.matchers()?
        } else {
            Vec::new()
        };
        let has_braces = !matchers.is_empty();
        let group = reader.group()?;
        match reader.peek() {
            None => Ok(Self {
                name,
                matchers,
                group,
            }),
            Some(_) if group.is_some() => Err(reader.unexpected("the end")),
            Some(_) if has_braces => Err(reader.unexpected("'by' or the end")),
            Some(_) => Err(reader.unexpected("'{', 'by' or the end")),
        }
    }
}

/// Reads the name of one series, as [`crate::name::Shown`] writes it. It may still break the bounds
/// of [`crate::name::check`].
pub fn series_name(text: &str) -> Result<SeriesName, SelectorError> {
    let many = || SelectorError::NotOneSeries {
        text: text.to_owned(),
    };
    let selector = Selector::parse(text)?;
    let (NamePattern::Exact(name), None) = (selector.name, selector.group) else {
        return Err(many());
    };
    let mut series = SeriesName {
        name,
        labels: driftless_model::SortedMap::new(),
    };
    for matcher in selector.matchers {
        let earlier = series.labels.insert(matcher.label, matcher.text);
        if matcher.comparison != Comparison::Equal || earlier.is_some() {
            return Err(many());
        }
    }
    Ok(series)
}

struct Reader<'a> {
    text: &'a str,
    /// Always on a character's boundary.
    at: usize,
}

impl<'a> Reader<'a> {
    fn name(&mut self) -> Result<NamePattern, SelectorError> {
        self.skip_spaces();
        let name = self.word(is_name_character).to_owned();
        if self.text[self.at..].starts_with('*') {
            self.at += 1;
            Ok(NamePattern::Prefix(name))
        } else if name.is_empty() {
            Err(self.unexpected("the name of a series"))
        } else {
            Ok(NamePattern::Exact(name))
        }
    }

    /// The rest after the opening brace, the closing one included.
    fn matchers(&mut self) -> Result<Vec<Matcher>, SelectorError> {
        let mut matchers = Vec::new();
        loop {
            if self.take('}') {
                return Ok(matchers);
            }
            matchers.push(self.matcher()?);
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.unexpected("',' or '}'"));
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        self.skip_spaces();
        let label = self.word(is_label_character).to_owned();
        if label.is_empty() {
            return Err(self.unexpected("a label or '}'"));
        }
        let comparison = self.comparison()?;
        if !self.take('"') {
            return Err(self.unexpected("a value in double quotes"));
        }
        Ok(Matcher {
            label,
            comparison,
            text: self.quoted()?,
        })
    }

    fn comparison(&mut self) -> Result<Comparison, SelectorError> {
        let is_negated = self.take('!');
        // `!~` is short for what would be `!=~`.
        let is_pattern = match self.peek() {
            Some('~') => is_negated,
            Some('=') => self.text[self.at..].starts_with("=~"),
            _ => false,
        };
        let has_sign = if is_negated && is_pattern {
            self.take('~')
        } else {
            self.take('=') && (!is_pattern || self.take('~'))
        };
        match (has_sign, is_negated, is_pattern) {
            (false, ..) => Err(self.unexpected("one of = != =~ !~")),
            (_, false, false) => Ok(Comparison::Equal),
            (_, true, false) => Ok(Comparison::NotEqual),
            (_, false, true) => Ok(Comparison::Matches),
            (_, true, true) => Ok(Comparison::MatchesNot),
        }
    }

    /// `by (label, …)`, if it stands there.
    fn group(&mut self) -> Result<Option<Vec<String>>, SelectorError> {
        self.skip_spaces();
        let rest = &self.text[self.at..];
        let Some(after) = rest.strip_prefix("by") else {
            return Ok(None);
        };
        if after.starts_with(is_name_character) {
            return Ok(None);
        }
        self.at += "by".len();
        if !self.take('(') {
            return Err(self.unexpected("'(' and labels"));
        }
        let mut labels = Vec::new();
        while !self.take(')') {
            self.skip_spaces();
            let label = self.word(is_label_character);
            if label.is_empty() {
                return Err(self.unexpected("a label or ')'"));
            }
            labels.push(label.to_owned());
            if !self.take(',') && self.peek() != Some(')') {
                return Err(self.unexpected("',' or ')'"));
            }
        }
        labels.sort_unstable();
        labels.dedup();
        if labels.len() > LABELS_PER_SERIES_MAX {
            let labels = labels.len();
            return Err(SelectorError::TooManyLabels { labels });
        }
        Ok(Some(labels))
    }

    /// The rest of a quoted text, the closing quote included.
    fn quoted(&mut self) -> Result<String, SelectorError> {
        let mut value = String::new();
        loop {
            let rest = &self.text[self.at..];
            let mut characters = rest.chars();
            let (character, bytes) = match (characters.next(), characters.next()) {
                (Some('"'), _) => {
                    self.at += 1;
                    return Ok(value);
                }
                (Some('\\'), Some(escaped @ ('"' | '\\'))) => (escaped, 2),
                (Some('\\'), Some('n')) => ('\n', 2),
                (Some('\\'), Some(_)) => {
                    self.at += 1;
                    return Err(self.unexpected("one of \\\" \\\\ \\n"));
                }
                (Some(character), _) => (character, character.len_utf8()),
                (None, _) => return Err(self.unexpected("a closing quote")),
            };
            value.push(character);
            self.at += bytes;
        }
    }

    fn word(&mut self, is_part: fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|character| !is_part(character));
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_spaces();
        self.text[self.at..].chars().next()
    }

    /// Whether the wanted character stands next, after spaces; then it is passed.
    fn take(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.at += wanted.len_utf8();
        }
        is_there
    }

    fn unexpected(&self, expected: &'static str) -> SelectorError {
        let at = self.at;
        match self.text[at..].chars().next() {
            Some(found) => SelectorError::Unexpected {
                at,
                expected,
                found,
            },
            None => SelectorError::Ends { at, expected },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::matching::Matching;
    use crate::name::{Shown, check};

    #[test]
    fn errors_say_where_and_what_was_expected() {
        for (text, at, expected) in [
            ("", 0, "the name of a series"),
            (" {", 1, "the name of a series"),
            ("a b", 2, "'{', 'by' or the end"),
            ("a*b", 2, "'{', 'by' or the end"),
            ("a{b=\"c\"} d", 9, "'by' or the end"),
            ("a by", 4, "'(' and labels"),
            ("a by (", 6, "a label or ')'"),
            ("a by (b c)", 8, "',' or ')'"),
            ("a by (b) c", 9, "the end"),
            ("a bya (b)", 2, "the end"),
            ("a{", 2, "a label or '}'"),
            ("a{b", 3, "one of = != =~ !~"),
            ("a{b!\"", 4, "one of = != =~ !~"),
            ("a{b=c}", 4, "a value in double quotes"),
            ("a{b=\"c", 6, "a closing quote"),
            ("a{b=\"\\x\"}", 6, "one of \\\" \\\\ \\n"),
            ("a{b=\"c\" d", 8, "',' or '}'"),
            ("ä", 0, "the name of a series"),
        ] {
            let error = Selector::parse(text).expect_err(text);
            assert_eq!(error.at(), at, "{text}: {error}");
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_length_of_a_selector_is_bounded() {
        assert!(Selector::parse(&"a".repeat(SELECTOR_BYTES_MAX)).is_ok());
        let bytes = SELECTOR_BYTES_MAX + 1;
        let error = Selector::parse(&"a".repeat(bytes)).expect_err("too long");
        assert_eq!(error, SelectorError::TooLong { bytes });
    }

    #[test]
    fn a_pattern_is_not_the_name_of_a_series() {
        for text in [
            "a*",
            "a{b!=\"c\"}",
            "a{b=~\"c\"}",
            "a{b=\"c\",b=\"c\"}",
            "a by (b)",
        ] {
            let error = series_name(text).expect_err(text);
            assert!(matches!(error, SelectorError::NotOneSeries { .. }));
        }
    }

    #[test]
    fn the_labels_of_a_group_are_bounded() {
        let by = |count: usize| {
            let labels = (0..count).map(|label| format!("l{label:02},"));
            Selector::parse(&format!("a by ({})", labels.collect::<String>()))
        };
        assert!(by(LABELS_PER_SERIES_MAX).is_ok());
        let labels = LABELS_PER_SERIES_MAX + 1;
        assert_eq!(by(labels), Err(SelectorError::TooManyLabels { labels }));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_within_it(text in "[a-z{}()=!~\",*\\\\ä ]{0,24}") {
            if let Err(error) = Selector::parse(&text) {
                prop_assert!(error.at() <= text.len());
            }
        }

        #[test]
        fn a_name_is_read_as_it_is_shown(
            name in "[a-z_:./-]{1,8}",
            labels in prop::collection::btree_map("[a-z_]{1,4}", any::<String>(), 0..4),
        ) {
            let labels = labels.into_iter().collect();
            let name = SeriesName { name, labels };
            let text = Shown(&name).to_string();
            prop_assume!(text.len() <= SELECTOR_BYTES_MAX && check(&name).is_ok());
            prop_assert_eq!(series_name(&text), Ok(name.clone()));
            let matching = Selector::parse(&text).and_then(|it| Matching::new(&it));
            prop_assert!(matching.is_ok_and(|matching| matching.matches(&name)));
        }
    }
}
