//! The text format of Prometheus: `name{label="value"} 1.5 1700000000000`.
//!
//! What begins with `#` is no sample. An exemplar behind a value is left out.

use driftless_model::SortedMap;

use super::Pushed;
use super::error::PushFormatError;
use super::labels::Labels;
use crate::feed::SeriesName;

pub(super) fn read_line(
    line: &str,
    number: u32,
    samples: &mut Vec<Pushed>,
) -> Result<(), PushFormatError> {
    let line = line.trim_matches([' ', '\t']);
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let failed = |reason: &str| PushFormatError::new(number, reason);
    let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return Err(failed("it does not begin with a name"));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest).map_err(failed)?,
        None => (SortedMap::new(), rest),
    };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().and_then(value);
    let value = value.ok_or_else(|| failed("a number comes after the name and its labels"))?;
    let time_ms = match words.next() {
        None => None,
        Some(word) => {
            let time_ms = word.parse::<u64>().ok();
            let reason = "the time after the value is in whole milliseconds since 1970";
            Some(time_ms.ok_or_else(|| failed(reason))?)
        }
    };
    if words.next().is_some() {
        return Err(failed("nothing comes after the time"));
    }
    samples.push(Pushed {
        line: number,
        name: SeriesName {
            name: name.to_owned(),
            labels,
        },
        time_ms,
        value,
    });
    Ok(())
}

fn value(word: &str) -> Option<f64> {
    // What Rust reads besides, such as `infinity`, does no harm: it is not finite either way.
    word.parse().ok()
}

/// The labels and what comes after the closing brace.
fn labels(text: &str) -> Result<(SortedMap<String, String>, &str), &'static str> {
    let mut labels = Labels::default();
    let mut rest = text.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels.into_map(), after));
        }
        let (label, after) = rest
            .split_once('=')
            .ok_or("a label is written label=\"value\"")?;
        let after = after.trim_start().strip_prefix('"');
        let (value, after) = quoted(after.ok_or("a label's value stands in double quotes")?)?;
        labels.add(label.trim().to_owned(), value);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with('}') => {}
            None => return Err("',' or '}' comes after a label's value"),
        }
    }
}

/// The text up to the closing quote, and what comes after it.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                _ => return Err("after a backslash comes one of \\ \" n"),
            },
            _ => value.push(character),
        }
    }
    Err("a label's value has no closing quote")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<Pushed>, PushFormatError> {
        let mut samples = Vec::new();
        read_line(line, 3, &mut samples).map(|()| samples)
    }

    fn one(line: &str) -> Pushed {
        let mut samples = read(line).expect(line);
        assert_eq!(samples.len(), 1, "{line}");
        samples.remove(0)
    }

    #[test]
    fn a_line_is_a_sample_with_or_without_labels_and_time() {
        let plain = one("up 1");
        assert_eq!((plain.name.name.as_str(), plain.time_ms), ("up", None));
        let full = one("http_requests_total{method=\"post\", code=\"200\",} 1027 1395066363000");
        assert_eq!(full.time_ms, Some(1_395_066_363_000));
        assert_eq!(full.value.to_bits(), 1_027_f64.to_bits());
        let labels: Vec<_> = full
            .name
            .labels
            .iter()
            .map(|(key, it)| (key.as_str(), it.as_str()))
            .collect();
        assert_eq!(labels, [("code", "200"), ("method", "post")]);
    }

    #[test]
    fn escapes_exemplars_and_numbers_that_are_none() {
        let sample = one(r#"msdos{path="C:\\DIR\n\"a\"}",le="+Inf"} 1.4e9 # {trace="1"} 0.5"#);
        let path = sample.name.labels.get(&"path".to_owned());
        assert_eq!(path.map(String::as_str), Some("C:\\DIR\n\"a\"}"));
        assert!(one("a NaN").value.is_nan());
        assert!(one("a +Inf").value.is_infinite());
    }

    #[test]
    fn comments_are_nothing() {
        for line in ["# HELP a b", "# TYPE a counter", "", " \t", "# EOF"] {
            assert_eq!(read(line), Ok(vec![]), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_line() {
        for line in [
            "a",
            "{} 1",
            "a{",
            "a{b} 1",
            "a{b=c} 1",
            "a{b=\"c} 1",
            "a{b=\"\\x\"} 1",
            "a{b=\"c\" d=\"e\"} 1",
            "a one",
            "a 1 later",
            "a 1 -5",
            "a 1 2 3",
        ] {
            let error = read(line).expect_err(line);
            assert_eq!(error.line(), Some(3), "{line}");
        }
    }
}
