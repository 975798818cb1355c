//! A selector that is ready to be compared with names.

use driftless_model::SortedMap;
use driftless_model::limits::PATTERN_BYTES_MAX;
use driftless_protocol::SeriesName;
use regex_lite::{Regex, RegexBuilder};

use crate::selector::{Comparison, Matcher, NamePattern, Selector, SelectorError};

/// A selector with its regular expressions compiled. They take time in proportion to the value, and
/// each becomes at most [`PATTERN_BYTES_MAX`].
#[derive(Debug, Clone)]
pub struct Matching {
    name: NamePattern,
    tests: Vec<(String, Test)>,
    group: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
enum Test {
    Equal(String),
    NotEqual(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl Matching {
    /// Compiles a selector; the error says which pattern cannot be used.
    pub fn new(selector: &Selector) -> Result<Self, SelectorError> {
        let tests = selector.matchers.iter().map(|matcher| {
            let test = Test::new(matcher)?;
            Ok((matcher.label.clone(), test))
        });
        Ok(Self {
            name: selector.name.clone(),
            tests: tests.collect::<Result<_, SelectorError>>()?,
            group: selector.group.clone(),
        })
    }

    /// Whether it asks for the series.
    pub fn matches(&self, series: &SeriesName) -> bool {
        let is_named = match &self.name {
            NamePattern::Exact(name) => series.name == *name,
            NamePattern::Prefix(prefix) => series.name.starts_with(prefix),
        };
        let value = |label: &String| series.labels.get(label).map_or("", String::as_str);
        is_named
            && self
                .tests
                .iter()
                .all(|(label, test)| test.passes(value(label)))
    }

    /// What the series counts as: itself, or with the others of its group. A label that it lacks is
    /// left out, as is an empty one.
    pub fn group_of(&self, series: &SeriesName) -> SeriesName {
        let Some(group) = &self.group else {
            return series.clone();
        };
        let mut labels = SortedMap::new();
        for label in group {
            let value = series.labels.get(label).filter(|value| !value.is_empty());
            if let Some(value) = value {
                labels.insert(label.clone(), value.clone());
            }
        }
        let name = series.name.clone();
        SeriesName { name, labels }
    }
}

impl Test {
    fn new(matcher: &Matcher) -> Result<Self, SelectorError> {
        let text = &matcher.text;
        Ok(match matcher.comparison {
            Comparison::Equal => Self::Equal(text.clone()),
            Comparison::NotEqual => Self::NotEqual(text.clone()),
            Comparison::Matches => Self::Matches(pattern(text)?),
            Comparison::MatchesNot => Self::MatchesNot(pattern(text)?),
        })
    }

    fn passes(&self, value: &str) -> bool {
        match self {
            Self::Equal(text) => value == text,
            Self::NotEqual(text) => value != text,
            Self::Matches(pattern) => pattern.is_match(value),
            Self::MatchesNot(pattern) => !pattern.is_match(value),
        }
    }
}

fn pattern(text: &str) -> Result<Regex, SelectorError> {
    let compile = |text: &str| {
        let mut builder = RegexBuilder::new(text);
        builder.size_limit(PATTERN_BYTES_MAX).build()
    };
    // By itself first, so that no bracket of it can close the one around it.
    let compiled = compile(text).and_then(|_| compile(&format!("^(?:{text})$")));
    compiled.map_err(|error| SelectorError::Pattern {
        text: text.to_owned(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::selector::series_name;

    fn matching(selector: &str) -> Result<Matching, SelectorError> {
        Matching::new(&Selector::parse(selector)?)
    }

    fn matches(selector: &str, name: &str) -> bool {
        let matching = matching(selector).expect("a selector");
        matching.matches(&series_name(name).expect("a name"))
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
    fn patterns_are_for_the_whole_value() {
        assert!(matches("d{m=~\"/|/home\"}", "d{m=\"/home\"}"));
        assert!(!matches("d{m=~\"/\"}", "d{m=\"/home\"}"));
        assert!(matches("d{m=~\"/.*\"}", "d{m=\"/home\"}"));
        assert!(matches("d{m=~\"\"}", "d"));
        assert!(!matches("d{m!~\"/.*\"}", "d{m=\"/home\"}"));
        assert!(matches("d { m !~ \"a|b\" }", "d{m=\"c\"}"));
        assert!(matches("d{m=~\"\\\\d+\"}", "d{m=\"12\"}"));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused() {
        for text in ["(", ")(", "a)|(b", "*", "(?P<", "[z-a]"] {
            let refused = matching(&format!("a{{b=~\"{text}\"}}"));
            assert!(
                matches!(refused, Err(SelectorError::Pattern { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn the_size_of_a_pattern_is_bounded() {
        assert!(matching("a{b=~\"((a{9}){9}){9}\"}").is_ok());
        // Each repetition is written out: 100^3 states of more than a byte each.
        const { assert!(PATTERN_BYTES_MAX < 1_000_000) };
        let refused = matching("a{b=~\"((a{100}){100}){100}\"}");
        assert!(matches!(refused, Err(SelectorError::Pattern { .. })));
    }

    #[test]
    fn series_of_one_name_that_agree_in_the_labels_are_a_group() {
        let group = |selector: &str, name: &str| {
            let matching = matching(selector).expect("a selector");
            let name = series_name(name).expect("a name");
            crate::name::Shown(&matching.group_of(&name)).to_string()
        };
        let disk = "disk{host=\"a\",mount=\"/\"}";
        assert_eq!(group("disk", disk), disk);
        assert_eq!(group("disk by (host)", disk), "disk{host=\"a\"}");
        assert_eq!(group("d* by (zone, host)", disk), "disk{host=\"a\"}");
        assert_eq!(group("disk{mount!=\"\"} by ()", disk), "disk");
    }

    proptest! {
        #[test]
        fn any_pattern_is_used_or_refused(text in "[a-z|()*+?{}0-9\\[\\].^$]{0,24}", value: String) {
            if let Ok(matching) = matching(&format!("a{{b=~\"{text}\"}}")) {
                let mut name = series_name("a").expect("a name");
                name.labels.insert("b".to_owned(), value);
                let _ = matching.matches(&name);
            }
        }
    }
}
