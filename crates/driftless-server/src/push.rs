//! Samples over HTTP: `/api/push/json`, `/api/push/influx` and `/api/push/prometheus`.

use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::post;
use driftless_model::UserId;
use driftless_model::limits::{PUSH_BYTES_MAX, PUSH_ID_BYTES_MAX, PUSH_SAMPLES_MAX};
use driftless_protocol::Code;
use driftless_protocol::push::{Precision, PushFormat, PushFormatError, Pushed};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

use crate::clock::now_ms;
use crate::driftless::Driftless;
use crate::feeds::Batch;
use crate::http::{caller, no_sign_in};
use crate::proxies::Remote;
use crate::refusal::Refused;

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(20);
/// How long a body that has come waits to be read.
const TURN_TIME: Duration = Duration::from_secs(5);
/// What a client calls its batch, so that it is taken once.
const ID_HEADER: &str = "idempotency-key";

/// `/api/push/json`, `/api/push/influx` and `/api/push/prometheus` (docs/http.md): samples into the
/// feeds, for whom [`crate::Authenticator::may_push`] allows.
pub fn push_router<S: Clone + Send + Sync + 'static>(driftless: Driftless) -> Router<S> {
    Router::new()
        .route("/api/push/json", post(json))
        .route("/api/push/influx", post(influx))
        .route("/api/push/prometheus", post(prometheus))
        .with_state(driftless)
}

/// What is asked for in the address of a push of the line protocol.
#[derive(Deserialize)]
struct InfluxOptions {
    precision: Option<String>,
}

async fn json(
    State(driftless): State<Driftless>,
    remote: Remote,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(push(&driftless, remote, &headers, body, PushFormat::Json).await)
}

async fn influx(
    State(driftless): State<Driftless>,
    remote: Remote,
    Query(options): Query<InfluxOptions>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let name = options.precision.as_deref().unwrap_or("ns");
    let Some(precision) = Precision::named(name) else {
        let detail = format!("there is no precision {name:?}; use ns, us, ms or s");
        return Refused::new(Code::Malformed, detail).into_response();
    };
    let format = PushFormat::Influx(precision);
    answer(push(&driftless, remote, &headers, body, format).await)
}

async fn prometheus(
    State(driftless): State<Driftless>,
    remote: Remote,
    headers: HeaderMap,
    body: Body,
) -> Response {
    answer(push(&driftless, remote, &headers, body, PushFormat::Prometheus).await)
}

fn answer(outcome: Result<Response, Box<Response>>) -> Response {
    outcome.unwrap_or_else(|refusal| *refusal)
}

async fn push(
    driftless: &Driftless,
    remote: Remote,
    headers: &HeaderMap,
    body: Body,
    format: PushFormat,
) -> Result<Response, Box<Response>> {
    let user = pusher(driftless, remote, headers).await?;
    let feeds = driftless.feeds();
    let _underway = feeds
        .bodies()
        .begin(&user)
        .ok_or_else(|| too_many().boxed())?;
    let id = batch_id(headers)?;
    let is_packed = is_packed(headers)?;
    let body = whole(body).await?;
    // Only once the body is there: slow ones must not keep others from being read.
    let turn = feeds.reading().clone().acquire_owned();
    let turn = tokio::time::timeout(TURN_TIME, turn).await;
    let Ok(Ok(turn)) = turn else {
        return Err(too_many().boxed());
    };
    // Unpacking and reading takes some milliseconds of a processor. It has the turn: it goes on
    // when whoever pushed is gone.
    let reading = move || read(body, is_packed, format).map(|samples| (samples, turn));
    let samples = tokio::task::spawn_blocking(reading).await;
    let (samples, _turn) = samples.map_err(|_| {
        let detail = "reading the push failed; tell the operator";
        Refused::new(Code::Internal, detail).boxed()
    })??;
    let batch = Batch { user, id, samples };
    let taken = feeds.take(&batch, now_ms()).await;
    let receipt = taken.ok_or_else(|| {
        let detail = "the samples could not be stored; send them again with the same \
                      Idempotency-Key";
        Refused::new(Code::Unavailable, detail).boxed()
    })?;
    let is_refused = receipt.accepted == 0 && receipt.refused > 0;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, Json(receipt)).into_response())
}

/// Who pushes, if they may.
async fn pusher(
    driftless: &Driftless,
    remote: Remote,
    headers: &HeaderMap,
) -> Result<UserId, Box<Response>> {
    let user = caller(driftless, remote, headers).await?.user;
    let may_push = driftless.auth().may_push(&user).await;
    if may_push.map_err(|error| Box::new(no_sign_in(&error)))? {
        return Ok(user);
    }
    let detail = format!("{user} may not push samples; use the token of an editor of all boards");
    Err(Refused::new(Code::Forbidden, detail).boxed())
}

fn batch_id(headers: &HeaderMap) -> Result<Option<String>, Box<Response>> {
    let Some(id) = headers.get(ID_HEADER) else {
        return Ok(None);
    };
    let id = id.to_str().ok();
    let is_allowed = |id: &&str| (1..=PUSH_ID_BYTES_MAX).contains(&id.len());
    let id = id.filter(is_allowed).ok_or_else(|| {
        let detail = format!("an Idempotency-Key has 1 to {PUSH_ID_BYTES_MAX} ASCII characters");
        Refused::new(Code::Malformed, detail).boxed()
    })?;
    Ok(Some(id.to_owned()))
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Box<Response>> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    match encoding.map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(false),
        Some(b"gzip") => Ok(true),
        Some(_) => {
            let detail = "a body is plain or packed with gzip";
            Err(Refused::new(Code::Malformed, detail).boxed())
        }
    }
}

/// The body, once it is there.
async fn whole(body: Body) -> Result<Bytes, Box<Response>> {
    let reading = axum::body::to_bytes(body, PUSH_BYTES_MAX);
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Box::new(too_large())),
        Err(_) => {
            let seconds = BODY_TIME.as_secs();
            let detail = format!("the body did not come within {seconds} s; send it in parts");
            Err(Refused::new(Code::Malformed, detail).boxed())
        }
    }
}

fn too_many() -> Refused {
    let detail = "too many pushes come at once; send it again in a second";
    Refused::new(Code::RateLimited, detail)
}

fn too_large() -> Response {
    let mebibytes = PUSH_BYTES_MAX / 1024 / 1024;
    let detail = format!("a push has at most {mebibytes} MiB, unpacked too; send it in parts");
    Refused::new(Code::TooLarge, detail).into_response()
}

fn read(body: Bytes, is_packed: bool, format: PushFormat) -> Result<Vec<Pushed>, Box<Response>> {
    let body = if is_packed { unpacked(&body)? } else { body };
    format.read(&body, PUSH_SAMPLES_MAX).map_err(|error| {
        let code = match error {
            PushFormatError::TooMany { .. } => Code::TooLarge,
            _ => Code::Malformed,
        };
        let refused = Refused::new(code, error.to_string());
        refused.at(error.line()).boxed()
    })
}

/// What was packed, of which no more is unpacked than may be in it.
fn unpacked(body: &[u8]) -> Result<Bytes, Box<Response>> {
    let mut unpacked = Vec::new();
    let most = PUSH_BYTES_MAX as u64 + 1;
    let read = MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut unpacked);
    if let Err(error) = read {
        let detail = format!("the body is no gzip: {error}; pack it again");
        return Err(Refused::new(Code::Malformed, detail).boxed());
    }
    if unpacked.len() > PUSH_BYTES_MAX {
        return Err(Box::new(too_large()));
    }
    Ok(unpacked.into())
}
