//! Requests that have an effect once: their scope, and their committed answer.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use evertill_http::IdempotencyKey;

use super::auth::Till;
use crate::services::{Answer, Request};

/// What tells this request from others.
pub(super) fn request(till: Till, key: IdempotencyKey, digest: [u8; 32]) -> Request {
    Request {
        till: till.0,
        method: key.method.to_string(),
        path: key.path,
        key: key.key,
        digest,
    }
}

/// The committed bytes, as they were answered first.
impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.status).expect("invariant: only valid statuses are recorded");
        (status, [(CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}
