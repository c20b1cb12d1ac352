//! `/movements`: goods that move without a sale.

use axum::extract::State;
use evertill_http::api::{MovementBody, MovementView};
use evertill_http::{Body, IdempotencyKey, Problem, ProblemDocument};

use super::auth::Till;
use super::once::request;
use crate::services::{Answer, movements};
use crate::state::Node;

/// Record a delivery, a correction, breakage or any other movement of goods that
/// policy allows.
#[utoipa::path(
    post, path = "/api/v1/movements", tag = "stock",
    params(("Idempotency-Key" = String, Header, description = "A new one for each new record")),
    request_body = MovementBody,
    responses(
        (status = 201, description = "The record", body = MovementView),
        (status = 400, description = "No JSON, or no Idempotency-Key", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 409, description = "The node is not enrolled", body = ProblemDocument),
        (status = 422, description = "Not allowed by policy, or the key was used for another request", body = ProblemDocument),
        (status = 503, description = "The disk is full, or the node is going down", body = ProblemDocument),
    )
)]
pub(super) async fn post(
    till: Till,
    State(node): State<Node>,
    key: IdempotencyKey,
    body: Body<MovementBody>,
) -> Result<Answer, Problem> {
    let request = request(till, key, body.digest);
    Ok(movements::record(&node, request, body.value).await?)
}
