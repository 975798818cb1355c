//! One request to a server, for `healthcheck` and `doctor`.

use std::path::Path;
use std::time::Duration;

use crate::push::{PushError, agent};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// What is read of an answer, in bytes: health checks are short.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The certificates to trust cannot be used.
    #[error(transparent)]
    Ca(#[from] PushError),
    /// Nobody there, or no answer.
    #[error("{url} does not answer: {reason}; is the server running there?")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

/// The status and the text of `GET path`.
pub fn get(url: &str, path: &str, ca_file: Option<&Path>) -> Result<(u16, String), GetError> {
    let address = format!("{}{path}", url.trim_end_matches('/'));
    let request = agent(ca_file)?.get(&address).config();
    let answer = request.timeout_global(Some(PATIENCE)).build().call();
    let mut answer = answer.map_err(|error| GetError::Unreachable {
        url: url.to_owned(),
        reason: error.to_string(),
    })?;
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    let said = body.read_to_string().unwrap_or_default();
    Ok((answer.status().as_u16(), said.trim().to_owned()))
}
