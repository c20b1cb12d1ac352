//! What is seen of every request: an id, one log sentence, two metrics.
//!
//! Invariant: neither bodies, queries, tokens nor customer data are logged;
//! metric labels come from the routes, never from what a client sent. Answers
//! that a library wrote in plain text leave here as problems.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::leftover::Leftover;
use crate::problem::PROBLEM_JSON;
use crate::service::{Health, Phase, draining};
use crate::{FieldError, Problem};

/// The id of one request, in its log lines and in the header `x-request-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Tells requests of one process from those of another; not a secret.
static PROCESS: LazyLock<u32> = LazyLock::new(|| {
    #[allow(clippy::cast_possible_truncation, reason = "any 32 bits do")]
    let mark = RandomState::new().hash_one(std::process::id()) as u32;
    mark
});

static COUNT: AtomicU64 = AtomicU64::new(1);

/// The outermost layer: sees each request first and each answer last.
pub(crate) async fn observe(
    State(health): State<Health>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = format!("{:08x}-{}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || "unmatched".to_owned(),
        |matched| matched.as_str().to_owned(),
    );
    request.extensions_mut().insert(RequestId(id.clone()));

    let own = matches!(route.as_str(), "/healthz" | "/metrics");
    let (leftover, request) = Leftover::of(request);
    let response = if health.phase() == Phase::Draining && !own {
        draining().into_response()
    } else {
        next.run(request).await
    };
    // Whoever asks for the connection to be closed has read enough.
    let closes = response.headers().contains_key(CONNECTION);
    if response.status().is_client_error() && !closes {
        leftover.read_on().await;
    }

    let mut response = as_problem(response);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), value);
    }
    record(
        &id,
        &method,
        route,
        response.status(),
        started.elapsed(),
        own,
    );
    response
}

fn record(
    id: &str,
    method: &Method,
    route: String,
    status: StatusCode,
    elapsed: Duration,
    quiet: bool,
) {
    let method = label(method);
    let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    if quiet {
        tracing::debug!(
            http.method = method,
            http.route = route,
            http.status = status.as_u16(),
            request.id = id,
            request.micros = micros,
            "answered {method} {route}"
        );
    } else {
        tracing::info!(
            http.method = method,
            http.route = route,
            http.status = status.as_u16(),
            request.id = id,
            request.micros = micros,
            "answered {method} {route}"
        );
    }
    metrics::counter!(
        "http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string()
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
        .record(elapsed.as_secs_f64());
}

/// A method as a metric label; whatever a client invents is one label.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// An error answer that is not a problem yet, such as axum's own 405.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    if kind == Some(PROBLEM_JSON.as_bytes()) {
        return response;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        return Problem::method_not_allowed().into_response();
    }
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::BAD_REQUEST => "malformed",
        StatusCode::UNPROCESSABLE_ENTITY => "unprocessable",
        _ => "failed",
    };
    let words = status.canonical_reason().unwrap_or("the request failed");
    Problem::new(status, code, words)
        .fields(Vec::<FieldError>::new())
        .into_response()
}
