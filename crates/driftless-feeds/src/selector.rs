//! Which series a query asks for: `disk_used_ratio{mount="/",host!="old"}`.
//!
//! ```text
//! selector = name ["*"] ["{" [matcher {"," matcher} [","]] "}"]  |  "*" …
//! matcher  = label ("=" | "!=") '"' text '"'        in text: \" \\ \n
//! ```
//!
//! Spaces may stand between the parts. A label that a series lacks counts as empty, so
//! `mount!=""` asks for the series that have it.

use driftless_model::limits::SELECTOR_BYTES_MAX;
use driftless_protocol::SeriesName;

use crate::name::{is_label_character, is_name_character};

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
            Self::NotOneSeries { .. } => 0,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePattern {
    Exact(String),
    Prefix(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Matcher {
    label: String,
    comparison: Comparison,
    value: String,
}

/// A parsed selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    name: NamePattern,
    matchers: Vec<Matcher>,
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
        match reader.peek() {
            None => Ok(Self { name, matchers }),
            Some(_) if matchers.is_empty() => Err(reader.unexpected("'{' or the end")),
            Some(_) => Err(reader.unexpected("the end")),
        }
    }

    /// Whether it asks for the series.
    pub fn matches(&self, series: &SeriesName) -> bool {
        let is_named = match &self.name {
            NamePattern::Exact(name) => series.name == *name,
            NamePattern::Prefix(prefix) => series.name.starts_with(prefix),
        };
        is_named && self.matchers.iter().all(|matcher| matcher.matches(series))
    }
}

impl Matcher {
    fn matches(&self, series: &SeriesName) -> bool {
        let value = series.labels.get(&self.label).map_or("", String::as_str);
        match self.comparison {
            Comparison::Equal => value == self.value,
            Comparison::NotEqual => value != self.value,
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
    let NamePattern::Exact(name) = selector.name else {
        return Err(many());
    };
    let mut series = SeriesName {
        name,
        labels: driftless_model::SortedMap::new(),
    };
    for matcher in selector.matchers {
        let earlier = series.labels.insert(matcher.label, matcher.value);
        if matcher.comparison == Comparison::NotEqual || earlier.is_some() {
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
        let comparison = if self.take('!') {
            Comparison::NotEqual
        } else {
            Comparison::Equal
        };
        if !self.take('=') {
            return Err(self.unexpected("'=' or '!='"));
        }
        if !self.take('"') {
            return Err(self.unexpected("a value in double quotes"));
        }
        Ok(Matcher {
            label,
            comparison,
            value: self.quoted()?,
        })
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
    use crate::name::{Shown, check};

    fn matches(selector: &str, name: &str) -> bool {
        let selector = Selector::parse(selector).expect("a selector");
        selector.matches(&series_name(name).expect("a name"))
    }

    #[test]
    fn a_plain_name_selects_it_with_any_labels() {
        assert!(matches("cpu", "cpu"));
        assert!(matches("cpu", "cpu{core=\"1\"}"));
        assert!(!matches("cpu", "cpu_ratio"));
    }

    #[test]
    fn a_star_selects_by_prefix() {
        assert!(matches("cpu_*", "cpu_"));
        assert!(matches("cpu_*{core=\"1\"}", "cpu_ratio{core=\"1\"}"));
        assert!(!matches("cpu_*", "cpu"));
        assert!(matches("*", "anything{at=\"all\"}"));
    }

    #[test]
    fn matchers_compare_labels_and_an_absent_one_is_empty() {
        assert!(matches("d{m=\"/\"}", "d{m=\"/\",h=\"a\"}"));
        assert!(!matches("d{m=\"/\"}", "d{m=\"/home\"}"));
        assert!(!matches("d{m=\"/\"}", "d"));
        assert!(matches("d{m!=\"/\"}", "d"));
        assert!(matches("d{ m != \"/\" , h=\"a\", } ", "d{h=\"a\"}"));
        assert!(!matches("d{m!=\"\"}", "d"));
        assert!(matches("d{m=\"\\\"\\\\\\n\"}", "d{m=\"\\\"\\\\\\n\"}"));
    }

    #[test]
    fn errors_say_where_and_what_was_expected() {
        for (text, at, expected) in [
            ("", 0, "the name of a series"),
            (" {", 1, "the name of a series"),
            ("a b", 2, "'{' or the end"),
            ("a*b", 2, "'{' or the end"),
            ("a{b=\"c\"} d", 9, "the end"),
            ("a{", 2, "a label or '}'"),
            ("a{b", 3, "'=' or '!='"),
            ("a{b!\"", 4, "'=' or '!='"),
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
        for text in ["a*", "a{b!=\"c\"}", "a{b=\"c\",b=\"c\"}"] {
            let error = series_name(text).expect_err(text);
            assert!(matches!(error, SelectorError::NotOneSeries { .. }));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_within_it(text in "[a-z{}=!\",*\\\\ä ]{0,24}") {
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
            prop_assert!(Selector::parse(&text).is_ok_and(|selector| selector.matches(&name)));
        }
    }
}
