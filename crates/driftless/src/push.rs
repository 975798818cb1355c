//! `driftless push`: samples into a running server, over HTTP.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;

use crate::http_get::{CaError, Server};

/// Lines that are sent at once: fewer samples than a push may have, also where a line has several.
const LINES_AT_ONCE: usize = 5_000;
/// How often a batch is sent before it is given up. The server takes it once however often it
/// comes.
const TRIES: u32 = 5;
/// How long the first pause between two tries is; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What to push, and where to.
#[derive(Debug, Args)]
pub struct PushOptions {
    /// The file with the samples; standard input where it is missing or `-`.
    #[arg(value_name = "FILE", conflicts_with = "series")]
    pub file: Option<PathBuf>,
    /// One sample instead of a file: the series, such as `orders{shop="north"}`.
    #[arg(long, value_name = "SERIES", requires = "value")]
    pub series: Option<String>,
    /// The value of that sample. Its time is now.
    #[arg(
        long,
        value_name = "NUMBER",
        requires = "series",
        allow_negative_numbers = true
    )]
    pub value: Option<f64>,
    /// How the samples are written.
    #[arg(long, value_enum, default_value = "prometheus")]
    pub format: Format,
    /// What the timestamps of the line protocol count.
    #[arg(long, value_enum, default_value = "ns")]
    pub precision: Precision,
    /// The server.
    #[command(flatten)]
    pub server: Server,
    /// A file with the token of somebody who may edit every board. `DRIFTLESS_TOKEN` can hold the
    /// token itself.
    #[arg(long, value_name = "FILE", env = "DRIFTLESS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// What this push is called, so that the server takes it once, should you send it again. A
    /// random one where it is missing.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Answer in JSON.
    #[arg(long)]
    pub json: bool,
}

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The text format of Prometheus: `name{label="value"} 1.5 1700000000000`.
    Prometheus,
    /// The line protocol of `InfluxDB`: `name,label=value field=1.5 1700000000000000000`.
    Influx,
    /// A list: `[{"name":"a","labels":{"b":"c"},"time_ms":1700000000000,"value":1.5}]`.
    Json,
}

/// What timestamps count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Nanoseconds.
    Ns,
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

/// Why samples are not pushed, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The certificates to trust cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The server cannot be reached.
    #[error("{url} does not answer: {reason}; check --url, and that the server runs")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server refuses it.
    #[error("the server refuses it ({status}): {detail}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// What it says, the line of the file included.
        detail: String,
    },
    /// Some samples were not taken.
    #[error("{refused} of {of} samples were not taken; the first: {first}")]
    SomeRefused {
        /// How many.
        refused: u64,
        /// Of how many.
        of: u64,
        /// Why the first was not.
        first: String,
    },
    /// The answer cannot be written.
    #[error("the answer cannot be written: {0}")]
    Output(#[from] io::Error),
}

impl PushError {
    /// 2 for what the caller can put right on the command line, 3 where some samples were not
    /// taken, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File { .. } | Self::Ca(_) => 2,
            Self::SomeRefused { .. } => 3,
            _ => 1,
        }
    }
}

/// What the server answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    accepted: u64,
    refused: u64,
    refusals: Vec<Refusal>,
    detail: String,
    line: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    line: usize,
    detail: String,
}

/// A part of what is pushed.
struct Part<'a> {
    body: &'a [u8],
    /// How many lines come before it.
    lines_before: usize,
    id: String,
}

/// Where to, and as whom.
struct Target {
    agent: ureq::Agent,
    address: String,
    token: Option<String>,
}

/// Pushes.
pub fn run(options: &PushOptions) -> Result<(), PushError> {
    let body = body(options)?;
    let target = Target {
        agent: options.server.agent()?,
        address: address(options),
        token: token(options.token_file.as_deref())?,
    };
    let id = options.id.clone().unwrap_or_else(random_id);
    let mut total = Answer::default();
    for part in parts(&body, options, &id) {
        let answer = target.send_until_taken(&part)?;
        total.accepted += answer.accepted;
        total.refused += answer.refused;
        let refusals = answer.refusals.into_iter().map(|mut refusal| {
            refusal.line += part.lines_before;
            refusal
        });
        total.refusals.extend(refusals);
    }
    tell(&total, options.json)
}

fn body(options: &PushOptions) -> Result<Vec<u8>, PushError> {
    if let (Some(series), Some(value)) = (&options.series, options.value) {
        return Ok(format!("{series} {value}\n").into_bytes());
    }
    let file = options
        .file
        .as_deref()
        .filter(|file| *file != Path::new("-"));
    let Some(file) = file else {
        let mut body = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut body);
        return read.map(|_| body).map_err(|reason| PushError::File {
            file: "standard input".to_owned(),
            reason,
        });
    };
    read(file)
}

fn read(file: &Path) -> Result<Vec<u8>, PushError> {
    fs::read(file).map_err(|reason| PushError::File {
        file: file.display().to_string(),
        reason,
    })
}

/// The token of a file, or of the environment.
pub fn token(file: Option<&Path>) -> Result<Option<String>, PushError> {
    let Some(file) = file else {
        return Ok(std::env::var("DRIFTLESS_TOKEN").ok());
    };
    let text = read(file)?;
    Ok(Some(String::from_utf8_lossy(&text).trim().to_owned()))
}

fn address(options: &PushOptions) -> String {
    let base = options.server.url.trim_end_matches('/');
    let path = match (options.series.is_some(), options.format) {
        (true, _) | (_, Format::Prometheus) => "prometheus",
        (_, Format::Json) => "json",
        (_, Format::Influx) => {
            let precision = options.precision.to_possible_value();
            let precision = precision.expect("each can be given");
            return format!("{base}/api/push/influx?precision={}", precision.get_name());
        }
    };
    format!("{base}/api/push/{path}")
}

/// What is sent at once. A list in JSON is not divided.
fn parts<'a>(body: &'a [u8], options: &PushOptions, id: &str) -> Vec<Part<'a>> {
    if options.format == Format::Json {
        return vec![Part {
            body,
            lines_before: 0,
            id: id.to_owned(),
        }];
    }
    let lines: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    let mut end = 0;
    let chunks = lines.chunks(LINES_AT_ONCE).enumerate();
    let part = |(number, lines): (usize, &[&[u8]])| {
        let start = end;
        end += lines.iter().map(|line| line.len()).sum::<usize>();
        Part {
            body: &body[start..end],
            lines_before: number * LINES_AT_ONCE,
            id: format!("{id}-{number}"),
        }
    };
    chunks.map(part).collect()
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:032x}", u128::from_be_bytes(bytes))
}

impl Target {
    /// Sends a part again while the server does not answer, or says that it passes.
    fn send_until_taken(&self, part: &Part<'_>) -> Result<Answer, PushError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.send(part) {
                Err(
                    PushError::Unreachable { .. }
                    | PushError::Refused {
                        status: 429 | 503, ..
                    },
                ) => {}
                answered => return answered,
            }
            thread::sleep(pause);
            pause *= 2;
        }
        self.send(part)
    }

    fn send(&self, part: &Part<'_>) -> Result<Answer, PushError> {
        let failed = |error: ureq::Error| PushError::Unreachable {
            url: self.address.clone(),
            reason: error.to_string(),
        };
        let request = self.agent.post(&self.address);
        let request = request.header("idempotency-key", &part.id);
        let request = match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let mut response = request.send(part.body).map_err(failed)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().map_err(failed)?;
        let answer = serde_json::from_str::<Answer>(&text).unwrap_or_else(|_| Answer {
            detail: text.trim().to_owned(),
            ..Answer::default()
        });
        // 422 is an answer as well: nothing of it could be taken.
        if matches!(status, 200 | 422) && answer.detail.is_empty() {
            return Ok(answer);
        }
        let line = answer.line.map(|line| line + part.lines_before);
        let detail = match line.filter(|_| part.lines_before > 0) {
            Some(line) => format!("{} (line {line} of all)", answer.detail),
            None => answer.detail,
        };
        Err(PushError::Refused { status, detail })
    }
}

fn tell(total: &Answer, is_json: bool) -> Result<(), PushError> {
    let accepted = total.accepted;
    let mut out = io::stdout();
    if is_json {
        let refusals = total.refusals.iter();
        let refusals = refusals.map(|it| json!({ "line": it.line, "detail": it.detail }));
        let refusals: Vec<_> = refusals.collect();
        let refused = total.refused;
        let told = json!({ "accepted": accepted, "refused": refused, "refusals": refusals });
        writeln!(out, "{told}")?;
    } else {
        writeln!(out, "taken: {accepted}")?;
    }
    match total.refusals.first() {
        None => Ok(()),
        Some(first) => Err(PushError::SomeRefused {
            refused: total.refused,
            of: total.refused + accepted,
            first: format!("line {}: {}", first.line, first.detail),
        }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: PushOptions,
    }

    fn options(arguments: &[&str]) -> PushOptions {
        let arguments = [&["push"], arguments].concat();
        Line::try_parse_from(arguments).expect("parses").options
    }

    #[test]
    fn a_long_file_is_sent_in_parts_that_know_their_place() {
        let body = "a 1\n".repeat(LINES_AT_ONCE + 1);
        let told = |format: &str| {
            let options = options(&["--format", format]);
            let parts = parts(body.as_bytes(), &options, "id");
            let part = |part: &Part<'_>| (part.body.len(), part.lines_before, part.id.clone());
            parts.iter().map(part).collect::<Vec<_>>()
        };
        let first = (4 * LINES_AT_ONCE, 0, "id-0".to_owned());
        let second = (4, LINES_AT_ONCE, "id-1".to_owned());
        assert_eq!(told("influx"), [first, second]);
        assert_eq!(told("json"), [(body.len(), 0, "id".to_owned())]);
    }

    #[test]
    fn one_sample_can_be_said_on_the_command_line() {
        let options = options(&["--series", "orders{shop=\"a\"}", "--value", "-1.5"]);
        assert_eq!(
            body(&options).expect("a body"),
            b"orders{shop=\"a\"} -1.5\n"
        );
        assert!(address(&options).ends_with(":4747/api/push/prometheus"));
    }

    #[test]
    fn what_timestamps_count_is_said_in_the_address() {
        let options = options(&["--format", "influx", "--precision", "us"]);
        assert!(address(&options).ends_with("/api/push/influx?precision=us"));
    }
}
