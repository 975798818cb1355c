//! The line protocol of `InfluxDB`: `measurement,tag=value field=1.5,other=2i 1700000000000000000`.
//!
//! Each field is a series `measurement_field`, one called `value` is `measurement`; tags are
//! labels. What a series or a label may not contain becomes `_`. Texts are no samples and are left
//! out; `true` is 1.

use super::Pushed;
use super::error::PushFormatError;
use super::labels::{Labels, cut};
use crate::feed::{SeriesName, is_label_character, is_name_character};

/// What the timestamps of the line protocol count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Nanoseconds, as it is without being said.
    #[default]
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Precision {
    /// By the names `ns`, `us`, `ms` and `s`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ns" => Some(Self::Nanoseconds),
            "us" => Some(Self::Microseconds),
            "ms" => Some(Self::Milliseconds),
            "s" => Some(Self::Seconds),
            _ => None,
        }
    }

    /// In milliseconds; `None` before 1970.
    fn milliseconds(self, timestamp: i64) -> Option<u64> {
        let timestamp = u64::try_from(timestamp).ok()?;
        match self {
            Self::Nanoseconds => Some(timestamp / 1_000_000),
            Self::Microseconds => Some(timestamp / 1_000),
            Self::Milliseconds => Some(timestamp),
            Self::Seconds => timestamp.checked_mul(1_000),
        }
    }
}

pub(super) fn read_line(
    line: &str,
    number: u32,
    precision: Precision,
    samples_max: usize,
    samples: &mut Vec<Pushed>,
) -> Result<(), PushFormatError> {
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let failed = |reason: &str| PushFormatError::new(number, reason);
    let mut reader = Reader { rest: line };
    let measurement = cut(reader.until(&[',', ' ']));
    if measurement.is_empty() {
        return Err(failed("it does not begin with a measurement"));
    }
    let mut labels = Labels::default();
    while reader.take(',') {
        let tag = reader.until(&['=', ',', ' ']);
        if tag.is_empty() || !reader.take('=') {
            return Err(failed("a tag is written tag=value"));
        }
        let value = reader.until(&[',', ' ']);
        labels.add(allowed(&tag, is_label_character), value);
    }
    let labels = labels.into_map();
    let mut fields = Vec::new();
    if !reader.take(' ') {
        return Err(failed(
            "a space and fields come after the measurement and its tags",
        ));
    }
    reader.rest = reader.rest.trim_start_matches(' ');
    loop {
        let field = reader.until(&['=', ',', ' ']);
        if field.is_empty() || !reader.take('=') {
            return Err(failed("a field is written field=number"));
        }
        if let Some(value) = reader.value().map_err(failed)? {
            // Before anything is made for each of them.
            if samples.len() + fields.len() >= samples_max {
                return Err(PushFormatError::TooMany { samples_max });
            }
            fields.push((cut(field), value));
        }
        if !reader.take(',') {
            break;
        }
    }
    let time_ms = timestamp(reader.rest, precision).map_err(failed)?;
    samples.extend(fields.into_iter().map(|(field, value)| Pushed {
        line: number,
        name: SeriesName {
            name: series(&measurement, &field),
            labels: labels.clone(),
        },
        time_ms,
        value,
    }));
    Ok(())
}

fn timestamp(text: &str, precision: Precision) -> Result<Option<u64>, &'static str> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(None);
    }
    let timestamp = text.parse::<i64>();
    let timestamp =
        timestamp.map_err(|_| "a whole number, the timestamp, comes after the fields")?;
    let time_ms = precision.milliseconds(timestamp);
    time_ms
        .map(Some)
        .ok_or("the timestamp is before 1970, or too late; check the precision")
}

fn series(measurement: &str, field: &str) -> String {
    let measurement = allowed(measurement, is_name_character);
    if field == "value" {
        return measurement;
    }
    format!("{measurement}_{}", allowed(field, is_name_character))
}

/// The text with `_` for what may not be in it.
fn allowed(text: &str, is_allowed: fn(char) -> bool) -> String {
    let characters = text.chars();
    characters
        .map(|character| {
            if is_allowed(character) {
                character
            } else {
                '_'
            }
        })
        .collect()
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// Whether a character stands next; then it is passed.
    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Up to one of these, which a backslash makes part of the text, as it does with itself.
    fn until(&mut self, ends: &[char]) -> String {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            if ends.contains(&character) {
                self.rest = &self.rest[at..];
                return text;
            }
            let escaped = |next: &char| matches!(next, ',' | ' ' | '=' | '\\');
            let next = self.rest[at + character.len_utf8()..].chars().next();
            match next.filter(escaped) {
                Some(next) if character == '\\' => {
                    characters.next();
                    text.push(next);
                }
                _ => text.push(character),
            }
        }
        self.rest = "";
        text
    }

    /// The value of a field; `None` for a text.
    fn value(&mut self) -> Result<Option<f64>, &'static str> {
        if self.take('"') {
            return self.text().map(|()| None);
        }
        let end = self.rest.find([',', ' ']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        number(word)
            .map(Some)
            .ok_or("a field's value is a number, a truth value or a \"text\"")
    }

    /// The rest of a text, its closing quote included.
    fn text(&mut self) -> Result<(), &'static str> {
        let mut is_escaped = false;
        for (at, character) in self.rest.char_indices() {
            if character == '"' && !is_escaped {
                self.rest = &self.rest[at + 1..];
                return Ok(());
            }
            is_escaped = character == '\\' && !is_escaped;
        }
        Err("a text has no closing quote")
    }
}

fn number(word: &str) -> Option<f64> {
    match word {
        "t" | "T" | "true" | "True" | "TRUE" => return Some(1.0),
        "f" | "F" | "false" | "False" | "FALSE" => return Some(0.0),
        _ => {}
    }
    let whole = word.strip_suffix('i').or_else(|| word.strip_suffix('u'));
    let digits = whole.unwrap_or(word);
    let begins = digits.trim_start_matches(['-', '+']);
    let is_number = begins.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let is_whole =
        whole.is_none() || digits.parse::<i64>().is_ok() || digits.parse::<u64>().is_ok();
    (is_number && is_whole)
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, labels, value and time.
    type Read = (String, Vec<String>, f64, Option<u64>);

    fn read(line: &str) -> Result<Vec<Read>, PushFormatError> {
        let mut samples = Vec::new();
        read_line(line, 7, Precision::Nanoseconds, 9, &mut samples)?;
        let samples = samples.into_iter().map(|sample| {
            let labels = sample.name.labels.iter();
            let labels = labels.map(|(label, value)| format!("{label}={value}"));
            (
                sample.name.name,
                labels.collect(),
                sample.value,
                sample.time_ms,
            )
        });
        Ok(samples.collect())
    }

    fn one(line: &str) -> Read {
        let mut samples = read(line).expect(line);
        assert_eq!(samples.len(), 1, "{line}: {samples:?}");
        samples.remove(0)
    }

    #[test]
    fn a_field_is_a_series_and_tags_are_labels() {
        let line = "cpu,host=a,zone=b usage=0.5,idle=99i,up=true,state=\"a, b=\\\"\" \
                    1700000000123456789";
        let samples = read(line).expect("reads");
        let names: Vec<_> = samples.iter().map(|it| (it.0.as_str(), it.2)).collect();
        assert_eq!(
            names,
            [("cpu_usage", 0.5), ("cpu_idle", 99.0), ("cpu_up", 1.0)]
        );
        assert!(samples.iter().all(|it| it.1 == ["host=a", "zone=b"]));
        assert!(samples.iter().all(|it| it.3 == Some(1_700_000_000_123)));
    }

    #[test]
    fn a_field_called_value_and_no_timestamp() {
        assert_eq!(
            one("load value=-1e3"),
            ("load".into(), vec![], -1_000.0, None)
        );
        assert_eq!(one("load value=3u  ").2.to_bits(), 3_f64.to_bits());
    }

    #[test]
    fn escapes_are_text_and_what_a_name_may_not_have_is_an_underscore() {
        let (name, labels, ..) = one(r"my\ disk,mount\ point=/a\,b\=c,a-b=d used\=%=1");
        assert_eq!(name, "my_disk_used__");
        assert_eq!(labels, ["a_b=d", "mount_point=/a,b=c"]);
    }

    #[test]
    fn comments_and_empty_lines_are_nothing() {
        assert_eq!(read("# cpu usage=1"), Ok(vec![]));
        assert_eq!(read("  "), Ok(vec![]));
        assert_eq!(read("only text=\"a\""), Ok(vec![]));
    }

    #[test]
    fn one_field_more_than_is_taken_at_once_is_refused_before_the_line_is_read_on() {
        let fields = |count| vec!["a=1"; count].join(",");
        assert_eq!(
            read(&format!("cpu {}", fields(9))).map(|it| it.len()),
            Ok(9)
        );
        let error = read(&format!("cpu {},wrong", fields(10)));
        assert_eq!(error, Err(PushFormatError::TooMany { samples_max: 9 }));
    }

    #[test]
    fn a_name_that_is_too_long_is_not_repeated_whole_by_every_field() {
        let long = "x".repeat(1_000_000);
        let samples = read(&format!("{long},tag={long} one=1,{long}=2")).expect("reads");
        let bytes = |it: &Read| it.0.len() + it.1.iter().map(String::len).sum::<usize>();
        assert_eq!(samples.len(), 2);
        assert!(samples.iter().all(|it| (513..2_000).contains(&bytes(it))));
    }

    #[test]
    fn every_precision_is_read_and_what_cannot_be_is_refused() {
        for (name, timestamp) in [("ns", 5_000_000), ("us", 5_000), ("ms", 5), ("s", 0)] {
            let precision = Precision::named(name).expect("a precision");
            let expected = if name == "s" { 0 } else { 5 };
            assert_eq!(precision.milliseconds(timestamp), Some(expected));
            assert_eq!(precision.milliseconds(-1), None);
        }
        assert_eq!(Precision::named("h"), None);
        assert_eq!(Precision::Seconds.milliseconds(i64::MAX), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_line() {
        for line in [
            ",host=a value=1",
            "cpu,host value=1",
            "cpu,=a value=1",
            "cpu",
            "cpu value",
            "cpu value=",
            "cpu value=abc",
            "cpu value=NaN",
            "cpu value=1.5i",
            "cpu value=\"a",
            "cpu value=1 now",
            "cpu value=1 -5",
            "cpu value=1,",
        ] {
            let error = read(line).expect_err(line);
            assert_eq!(error.line(), Some(7), "{line}");
        }
    }
}
