//! Request bodies: JSON with a limit, uploads with their own, and none at all.
//!
//! A body that is too large is read to its end (within bounds) before the
//! answer, because a client that is still writing would otherwise see a reset
//! connection instead of the 413.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;

use super::json::from_json;
use crate::Problem;

/// Largest JSON body, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How much of an oversized body is read and thrown away before the answer.
const DRAIN_LIMIT: usize = 64 * 1024 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// A JSON body with the digest of its bytes, so that a repeated request can be
/// told from another one under the same idempotency key.
#[derive(Clone, Debug)]
pub struct Body<T> {
    /// The request as its type.
    pub value: T,
    /// BLAKE3 of the bytes as they arrived.
    pub digest: [u8; 32],
}

impl<T, S> FromRequest<S> for Body<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    /// # Errors
    /// 415 for another content type, 413 above [`BODY_LIMIT`], 400 for what is
    /// not JSON, 422 with a JSON pointer for JSON of another shape.
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = read(request, BODY_LIMIT).await?;
        if !json {
            return Err(Problem::unsupported_media_type("application/json"));
        }
        let value = from_json(&bytes)?;
        Ok(Self {
            value,
            digest: *blake3::hash(&bytes).as_bytes(),
        })
    }
}

/// The body of a POST that needs none: empty, or an empty JSON object.
#[derive(Clone, Copy, Debug)]
pub struct EmptyBody {
    /// BLAKE3 of no bytes, whatever form the nothing had.
    pub digest: [u8; 32],
}

impl<S: Send + Sync> FromRequest<S> for EmptyBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request, BODY_LIMIT).await?;
        let text = bytes.trim_ascii();
        if !text.is_empty() {
            let object: serde_json::Map<String, serde_json::Value> = from_json(text)?;
            if !object.is_empty() {
                return Err(Problem::unprocessable(
                    "unknown_field",
                    "this request takes no fields; send an empty body",
                ));
            }
        }
        Ok(Self {
            digest: *blake3::hash(&[]).as_bytes(),
        })
    }
}

/// A file sent as the raw body, at most `MAX` bytes; the handler looks at the
/// content type itself.
#[derive(Clone, Debug)]
pub struct Upload<const MAX: usize> {
    /// The file.
    pub bytes: Vec<u8>,
    /// BLAKE3 of the file.
    pub digest: [u8; 32],
    /// The media type without parameters, lower case; empty when not sent.
    pub media_type: String,
}

impl<S: Send + Sync, const MAX: usize> FromRequest<S> for Upload<MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media_type = media_type(request.headers());
        let bytes = read(request, MAX).await?;
        Ok(Self {
            digest: *blake3::hash(&bytes).as_bytes(),
            bytes,
            media_type,
        })
    }
}

/// Reads a body of at most `limit` bytes.
async fn read(request: Request, limit: usize) -> Result<Vec<u8>, Problem> {
    let announced = content_length(request.headers());
    // A client that asks first gets its answer without sending anything.
    let asks_first = request.headers().contains_key(EXPECT);
    if announced.is_some_and(|n| n > DRAIN_LIMIT || (n > limit && asks_first)) {
        return Err(closing(Problem::too_large(limit)));
    }
    let reading = collect(request.into_body(), limit, announced.unwrap_or(0));
    match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(closing(Problem::malformed(
            "body_timeout",
            format!(
                "the body did not arrive within {} seconds",
                BODY_TIMEOUT.as_secs()
            ),
        ))),
    }
}

async fn collect(
    mut body: axum::body::Body,
    limit: usize,
    announced: usize,
) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::with_capacity(announced.min(limit));
    let mut total = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            closing(Problem::malformed(
                "body_cut_off",
                "the body ended before it was complete",
            ))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        total = total.saturating_add(data.len());
        if total <= limit {
            bytes.extend_from_slice(&data);
        } else if total > DRAIN_LIMIT {
            return Err(closing(Problem::too_large(limit)));
        } else {
            bytes = Vec::new();
        }
    }
    if total > limit {
        Err(Problem::too_large(limit))
    } else {
        Ok(bytes)
    }
}

/// Asks for the connection to be closed: its body was not read to the end.
fn closing(problem: Problem) -> Problem {
    problem.header(
        axum::http::header::CONNECTION,
        HeaderValue::from_static("close"),
    )
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn media_type(headers: &HeaderMap) -> String {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split(';').next())
        .map(|text| text.trim().to_ascii_lowercase())
        .unwrap_or_default()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
