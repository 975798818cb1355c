//! A list of samples in JSON.

use driftless_model::SortedMap;
use serde::Deserialize;

use super::Pushed;
use super::error::PushFormatError;
use crate::feed::SeriesName;

/// A sample as it is written. A field of another name is an error, so that no time is lost by a
/// slip of the pen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    labels: SortedMap<String, String>,
    #[serde(default)]
    time_ms: Option<u64>,
    value: f64,
}

pub(super) fn read(body: &[u8], samples_max: usize) -> Result<Vec<Pushed>, PushFormatError> {
    let written: Vec<Written> = serde_json::from_slice(body).map_err(|error| {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        PushFormatError::new(line.max(1), error.to_string())
    })?;
    if written.len() > samples_max {
        return Err(PushFormatError::TooMany { samples_max });
    }
    let samples = (1..).zip(written).map(|(line, written)| Pushed {
        line,
        name: SeriesName {
            name: written.name,
            labels: written.labels,
        },
        time_ms: written.time_ms,
        value: written.value,
    });
    Ok(samples.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_and_without_labels_and_times() {
        let body = br#"[
            {"name":"load","value":1.5},
            {"name":"disk","labels":{"mount":"/"},"time_ms":1700000000000,"value":-2}
        ]"#;
        let samples = read(body, 2).expect("reads");
        assert_eq!(samples[0].time_ms, None);
        assert_eq!(
            (samples[1].line, samples[1].time_ms),
            (2, Some(1_700_000_000_000))
        );
        let mount = samples[1].name.labels.get(&"mount".to_owned());
        assert_eq!(mount.map(String::as_str), Some("/"));
        assert_eq!(
            read(body, 1),
            Err(PushFormatError::TooMany { samples_max: 1 })
        );
    }

    #[test]
    fn errors_name_the_line() {
        for (body, line) in [
            ("[\n{\"name\":\"a\",\"value\":1},\n{\"name\":\"a\"}]", 3),
            ("[{\"name\":\"a\",\"value\":1,\n\"timestamp\":1}]", 2),
            ("[{\"name\":\"a\",\"value\":NaN}]", 1),
            ("{}", 1),
            ("", 1),
        ] {
            let error = read(body.as_bytes(), 9).expect_err(body);
            assert_eq!(error.line(), Some(line), "{body}: {error}");
        }
    }
}
