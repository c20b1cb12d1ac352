//! Answers that are recorded and repeated, as responses.

use std::error::Error;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use evertill_http::Problem;
use serde::Serialize;

use crate::services::once::{Answer, OnceError};

/// A view as an answer.
///
/// # Panics
/// Never: a view is plain JSON.
pub(super) fn answer(status: u16, view: &impl Serialize) -> Answer {
    Answer {
        status,
        body: serde_json::to_vec(view).expect("invariant: a view is plain JSON"),
    }
}

/// An answer as a response.
pub(super) fn response(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    (status, [(CONTENT_TYPE, "application/json")], answer.body).into_response()
}

/// 422 for a key that was used for another body.
pub(super) fn other_body() -> Problem {
    Problem::unprocessable(
        "idempotency_key_reused",
        "this Idempotency-Key was used for another request; send a new key",
    )
}

impl<E: Error + Into<Problem> + 'static> From<OnceError<E>> for Problem {
    fn from(error: OnceError<E>) -> Self {
        match error {
            OnceError::OtherBody => other_body(),
            OnceError::Table(error) => error.into(),
            OnceError::Refused(error) => error.into(),
        }
    }
}
