//! The comparison itself: pure.

use driftless_model::SortedMap;
use driftless_model::Value;

/// How a part of a value relates to the value that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The same there.
    Same,
    /// Different, or not there.
    Changed,
    /// There, and not here.
    Removed,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// JSON, or a piece of it.
    pub text: String,
    /// How it relates.
    pub mark: Mark,
}

/// A line of indented JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// How deep it lies.
    pub depth: usize,
    /// Its pieces, in order; neighbours have different marks.
    pub parts: Vec<Part>,
}

/// A value as lines of JSON, marked against `reference`. Maps are compared by key and lists by
/// place; of two different texts only the middle is marked, between what they begin and end with
/// alike. Without a reference, everything is marked.
pub fn compare(value: &Value, reference: Option<&Value>) -> Vec<Line> {
    let mut writer = Writer {
        lines: vec![Line::default()],
    };
    writer.value(value, reference);
    writer.lines
}

struct Writer {
    lines: Vec<Line>,
}

impl Writer {
    fn push(&mut self, text: &str, mark: Mark) {
        if text.is_empty() {
            return;
        }
        let line = self.lines.last_mut().expect("there is always a line");
        match line.parts.last_mut() {
            Some(part) if part.mark == mark => part.text.push_str(text),
            _ => line.parts.push(Part {
                text: text.to_owned(),
                mark,
            }),
        }
    }

    fn line(&mut self, depth: usize) {
        self.lines.push(Line {
            depth,
            parts: Vec::new(),
        });
    }

    fn depth(&self) -> usize {
        self.lines.last().map_or(0, |line| line.depth)
    }

    fn value(&mut self, value: &Value, reference: Option<&Value>) {
        match (value, reference) {
            (value, Some(reference)) if value == reference => self.whole(value, Mark::Same),
            (Value::Map(map), Some(Value::Map(reference))) => self.map(map, reference),
            (Value::List(list), Some(Value::List(reference))) => self.list(list, reference),
            (Value::Text(text), Some(Value::Text(reference))) => self.text(text, reference),
            (value, _) => self.whole(value, Mark::Changed),
        }
    }

    /// A value with one mark.
    fn whole(&mut self, value: &Value, mark: Mark) {
        match value {
            Value::Map(map) if !map.is_empty() => {
                let items = map.iter().map(|(key, value)| Item {
                    key: Some(key),
                    value,
                    reference: Reference::Marked(mark),
                });
                self.block(('{', '}'), items.collect(), mark);
            }
            Value::List(list) if !is_short(list) => {
                let items = list.iter().map(|value| Item {
                    key: None,
                    value,
                    reference: Reference::Marked(mark),
                });
                self.block(('[', ']'), items.collect(), mark);
            }
            _ => self.push(&json(value), mark),
        }
    }

    fn map(&mut self, map: &SortedMap<String, Value>, reference: &SortedMap<String, Value>) {
        let here = map.iter().map(|(key, value)| Item {
            key: Some(key),
            value,
            reference: Reference::of(reference.get(key)),
        });
        let gone = reference.iter().filter(|(key, _)| !map.contains_key(*key));
        let gone = gone.map(|(key, value)| Item {
            key: Some(key),
            value,
            reference: Reference::Marked(Mark::Removed),
        });
        self.block(('{', '}'), here.chain(gone).collect(), Mark::Same);
    }

    fn list(&mut self, list: &[Value], reference: &[Value]) {
        let here = list.iter().enumerate().map(|(place, value)| Item {
            key: None,
            value,
            reference: Reference::of(reference.get(place)),
        });
        let gone = reference.iter().skip(list.len()).map(|value| Item {
            key: None,
            value,
            reference: Reference::Marked(Mark::Removed),
        });
        let items: Vec<_> = here.chain(gone).collect();
        if is_short(list) && is_short(reference) {
            self.row(&items);
        } else {
            self.block(('[', ']'), items, Mark::Same);
        }
    }

    /// The items on lines of their own, between brackets.
    fn block(&mut self, brackets: (char, char), items: Vec<Item<'_>>, mark: Mark) {
        let depth = self.depth();
        self.push(&brackets.0.to_string(), mark);
        let count = items.len();
        for (place, item) in items.into_iter().enumerate() {
            self.line(depth + 1);
            self.item(&item);
            if place + 1 < count {
                self.push(",", mark);
            }
        }
        self.line(depth);
        self.push(&brackets.1.to_string(), mark);
    }

    /// The items on the line that is there.
    fn row(&mut self, items: &[Item<'_>]) {
        self.push("[", Mark::Same);
        for (place, item) in items.iter().enumerate() {
            self.item(item);
            if place + 1 < items.len() {
                self.push(", ", Mark::Same);
            }
        }
        self.push("]", Mark::Same);
    }

    fn item(&mut self, item: &Item<'_>) {
        if let Some(key) = item.key {
            let key = format!("{}: ", json(&Value::Text(key.to_owned())));
            self.push(&key, item.reference.mark_of_key());
        }
        match item.reference {
            Reference::Value(reference) => self.value(item.value, Some(reference)),
            Reference::Marked(mark) => self.whole(item.value, mark),
        }
    }

    fn text(&mut self, text: &str, reference: &str) {
        let before = common_start(text, reference);
        let after = common_end(&text[before..], &reference[before..]);
        let middle = &text[before..text.len() - after];
        self.push("\"", Mark::Same);
        self.push(&escaped(&text[..before]), Mark::Same);
        if middle.is_empty() {
            // Something is missing here: without a mark the two would look alike.
            let gone = &reference[before..reference.len() - after];
            self.push(&escaped(gone), Mark::Removed);
        } else {
            self.push(&escaped(middle), Mark::Changed);
        }
        self.push(&escaped(&text[text.len() - after..]), Mark::Same);
        self.push("\"", Mark::Same);
    }
}

struct Item<'a> {
    key: Option<&'a str>,
    value: &'a Value,
    reference: Reference<'a>,
}

enum Reference<'a> {
    Value(&'a Value),
    Marked(Mark),
}

impl<'a> Reference<'a> {
    fn of(value: Option<&'a Value>) -> Self {
        value.map_or(Self::Marked(Mark::Changed), Self::Value)
    }

    fn mark_of_key(&self) -> Mark {
        match self {
            Self::Value(_) => Mark::Same,
            Self::Marked(mark) => *mark,
        }
    }
}

/// Few plain values: they stand on one line.
fn is_short(list: &[Value]) -> bool {
    list.len() <= 8
        && list
            .iter()
            .all(|value| value.depth() == 0 && value.weight_bytes() <= 24)
}

fn json(value: &Value) -> String {
    driftless_protocol::to_json(value)
}

/// A text as it stands between the quotes of JSON.
fn escaped(text: &str) -> String {
    let quoted = json(&Value::Text(text.to_owned()));
    quoted[1..quoted.len() - 1].to_owned()
}

fn common_start(a: &str, b: &str) -> usize {
    let pairs = a.chars().zip(b.chars());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

fn common_end(a: &str, b: &str) -> usize {
    let pairs = a.chars().rev().zip(b.chars().rev());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).expect("JSON")
    }

    /// Changed parts in `+…+`, removed ones in `-…-`, two spaces a level.
    fn show(here: &str, reference: Option<&str>) -> String {
        let reference = reference.map(value);
        let lines = compare(&value(here), reference.as_ref());
        let show = |line: &Line| {
            let parts = line.parts.iter().map(|part| match part.mark {
                Mark::Same => part.text.clone(),
                Mark::Changed => format!("+{}+", part.text),
                Mark::Removed => format!("-{}-", part.text),
            });
            "  ".repeat(line.depth) + &parts.collect::<String>()
        };
        lines.iter().map(show).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn equal_values_have_no_mark() {
        assert_eq!(show(r#"{"a": 1}"#, Some(r#"{"a": 1}"#)), "{\n  \"a\": 1\n}");
    }

    #[test]
    fn of_two_texts_only_the_middle_is_marked() {
        assert_eq!(
            show(r#""CPU load""#, Some(r#""CPU heat""#)),
            "\"CPU +load+\""
        );
        assert_eq!(show(r#""Zoë ä""#, Some(r#""Zoë ö""#)), "\"Zoë +ä+\"");
        assert_eq!(show(r#""a\nb""#, Some(r#""a\nc""#)), "\"a\\n+b+\"");
    }

    #[test]
    fn what_a_text_lost_is_marked_as_removed() {
        assert_eq!(show(r#""CPU""#, Some(r#""CPU load""#)), "\"CPU- load-\"");
    }

    #[test]
    fn a_repeated_letter_is_counted_once() {
        assert_eq!(show(r#""aaa""#, Some(r#""aa""#)), "\"aa+a+\"");
        assert_eq!(show(r#""aa""#, Some(r#""aaa""#)), "\"aa-a-\"");
    }

    #[test]
    fn maps_are_compared_by_key() {
        assert_eq!(
            show(
                r#"{"a": 1, "b": 2, "d": 4}"#,
                Some(r#"{"a": 1, "b": 3, "c": 5}"#)
            ),
            "{\n  \"a\": 1,\n  \"b\": +2+,\n  +\"d\": 4+,\n  -\"c\": 5-\n}"
        );
    }

    #[test]
    fn lists_are_compared_by_place_and_short_ones_stay_on_one_line() {
        assert_eq!(show("[0, 0, 4, 3]", Some("[0, 2, 4]")), "[0, +0+, 4, +3+]");
        assert_eq!(show("[1]", Some("[1, 2]")), "[1, -2-]");
        assert_eq!(
            show(r#"[{"a": 1}]"#, Some("[]")),
            "[\n  +{+\n    +\"a\": 1+\n  +}+\n]"
        );
    }

    #[test]
    fn without_a_reference_everything_is_marked() {
        assert_eq!(show("3", None), "+3+");
        assert_eq!(show("3", Some("\"3\"")), "+3+");
    }
}
