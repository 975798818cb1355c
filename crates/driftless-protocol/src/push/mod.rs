//! Samples as others send them over HTTP: JSON, `InfluxDB`'s line protocol, and the text format of
//! Prometheus. docs/http.md is about them.
//!
//! A body is read whole or refused with the line that cannot be read. What a name may contain and
//! how old a sample may be is for whoever takes the samples.

mod error;
mod json;
mod influx;
mod labels;
mod prometheus;

use crate::feed::SeriesName;

pub use error::PushFormatError;
pub use influx::Precision;

/// A sample with the line that it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushed {
    /// The line, from 1; in JSON the place in the list.
    pub line: u32,
    /// Which series.
    pub name: SeriesName,
    /// When, in milliseconds since 1970; absent where it is for the receiver to say.
    pub time_ms: Option<u64>,
    /// What; perhaps not finite.
    pub value: f64,
}

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFormat {
    /// `[{"name","labels"?,"time_ms"?,"value"}]`
    Json,
    /// `measurement,tag=value field=1.5 1700000000000000000`
    Influx(Precision),
    /// `name{label="value"} 1.5 1700000000000`
    Prometheus,
}

impl PushFormat {
    /// Reads a body of at most `samples_max` samples.
    pub fn read(self, body: &[u8], samples_max: usize) -> Result<Vec<Pushed>, PushFormatError> {
        match self {
            Self::Json => json::read(body, samples_max),
            Self::Influx(precision) => {
                let read = |line: &str, number, samples: &mut Vec<Pushed>| {
                    influx::read_line(line, number, precision, samples_max, samples)
                };
                by_line(body, samples_max, read)
            }
            Self::Prometheus => by_line(body, samples_max, prometheus::read_line),
        }
    }
}

fn by_line(
    body: &[u8],
    samples_max: usize,
    read: impl Fn(&str, u32, &mut Vec<Pushed>) -> Result<(), PushFormatError>,
) -> Result<Vec<Pushed>, PushFormatError> {
    let mut samples = Vec::new();
    for (number, line) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        let text = std::str::from_utf8(line);
        let text = text.map_err(|_| PushFormatError::new(number, "the line is not UTF-8"))?;
        read(text.trim_end_matches('\r'), number, &mut samples)?;
        if samples.len() > samples_max {
            return Err(PushFormatError::TooMany { samples_max });
        }
    }
    Ok(samples)
}
