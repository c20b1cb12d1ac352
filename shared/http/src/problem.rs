//! The one shape of an error answer: an RFC 9457 problem document.
//!
//! A problem names what went wrong and what mends it, carries a stable `code`
//! for programs, and one entry per offending field with a JSON pointer.
//! Invariant: a problem never repeats a secret or more than a short excerpt of
//! what the client sent.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error answer.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Longest excerpt of a client's own words that an answer repeats, in characters.
const EXCERPT: usize = 160;

/// One offending field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or `/name` of a query parameter.
    #[schema(example = "/lines/0/quantity")]
    pub pointer: String,
    /// Stable name of the broken rule.
    #[schema(example = "too_precise")]
    pub code: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl FieldError {
    /// A field error from its three parts.
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        }
    }
}

/// An error answer; converts into a response by itself.
///
/// The content is boxed so that `Result<T, Problem>` stays small.
#[derive(Clone, Debug)]
pub struct Problem(Box<ProblemDocument>);

/// The members of the problem document as the OpenAPI description names them,
/// and the headers that go with it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A URN that names the kind of problem: `urn:evertill:problem:CODE`.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status code, repeated.
    status: u16,
    /// Stable name of the problem, for programs.
    code: String,
    /// What happened and what mends it, for people.
    detail: String,
    /// The offending fields, in the order of the body; empty when none apply.
    errors: Vec<FieldError>,
    /// Further members, as RFC 9457 allows.
    #[serde(flatten)]
    #[schema(ignore)]
    members: serde_json::Map<String, serde_json::Value>,
    #[serde(skip)]
    #[schema(ignore)]
    headers: Vec<(axum::http::HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with this status, code and detail.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        let code = code.into();
        Self(Box::new(ProblemDocument {
            kind: format!("urn:evertill:problem:{code}"),
            title: title(status),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            members: serde_json::Map::new(),
            headers: Vec::new(),
        }))
    }

    /// 400: the request cannot be read.
    pub fn malformed(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401 with `WWW-Authenticate: Bearer`: no token, or one that is not valid here.
    pub fn unauthorized(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail).header(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"evertill\""),
        )
    }

    /// 403: the token is good, but not for this.
    pub fn forbidden(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: nothing of this name.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 405; the router names the methods in the header `Allow`, which it sets
    /// outside every layer and only if no other one did.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this path does not take that method; the header Allow names those it takes",
        )
    }

    /// 409: the request contradicts the present state.
    pub fn conflict(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is larger than {limit} bytes; send less in one request"),
        )
    }

    /// 415: the body is not of the media type that this route reads.
    #[must_use]
    pub fn unsupported_media_type(wanted: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("send the body as {wanted} and say so in the Content-Type header"),
        )
    }

    /// 422: readable, but against a rule of the trade.
    pub fn unprocessable(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 503 with `Retry-After` in seconds: the disk is full, or the process is draining.
    pub fn unavailable(
        code: impl Into<String>,
        detail: impl Into<String>,
        retry_after_s: u32,
    ) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .header(RETRY_AFTER, HeaderValue::from(retry_after_s))
    }

    /// 500: a broken invariant of ours. The cause is logged where it is caught,
    /// once, and never shown to the client.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server broke one of its own rules; nothing was stored; report the request id",
        )
    }

    /// The same problem with one more offending field.
    #[must_use]
    pub fn field(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// The same problem with these offending fields.
    #[must_use]
    pub fn fields(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.0.errors.extend(errors);
        self
    }

    /// The same problem with a further member, such as `lines` of a refused order.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same problem with a response header.
    #[must_use]
    pub fn header(mut self, name: axum::http::HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status this problem answers with.
    ///
    /// # Panics
    /// Never: the number came from a `StatusCode`.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).expect("invariant: built from a StatusCode")
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The offending fields.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let status = self.status();
        let body = serde_json::to_vec(&self.0)
            .expect("invariant: a problem holds only strings, numbers and JSON values");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        for (name, value) in self.0.headers {
            headers.append(name, value);
        }
        response
    }
}

/// A short, printable excerpt of a client's own words.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(EXCERPT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(EXCERPT).is_some() {
        short.push_str("...");
    }
    short
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}
