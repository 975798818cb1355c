//! How a request over HTTP is refused.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use driftless_protocol::access::HttpRefusal;
use driftless_protocol::{Blame, Code};

/// Why nothing was done.
pub struct Refused {
    said: HttpRefusal,
    /// When to try again, where it is worth it.
    retry_after_s: Option<u32>,
}

impl Refused {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let said = HttpRefusal {
            code,
            detail: detail.into(),
            line: None,
        };
        let is_transient = code.blame() == Blame::Transient;
        Self {
            said,
            retry_after_s: is_transient.then_some(1),
        }
    }

    /// Which line of the body it is about, from 1.
    pub fn at(mut self, line: Option<u32>) -> Self {
        self.said.line = line;
        self
    }

    /// Not worth another try before.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    pub fn boxed(self) -> Box<Response> {
        Box::new(self.into_response())
    }

    pub fn into_response(self) -> Response {
        let status = match self.said.code {
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        let later = self.retry_after_s.map(|seconds| seconds.to_string());
        let later = later.map(|seconds| [(header::RETRY_AFTER, seconds)]);
        let mut response = (status, later, Json(&self.said)).into_response();
        response.extensions_mut().insert(self.said);
        response
    }
}

impl From<Refused> for Box<Response> {
    fn from(refused: Refused) -> Self {
        refused.boxed()
    }
}
