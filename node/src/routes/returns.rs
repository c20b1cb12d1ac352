//! `/returns` and `/sales/{id}/void`: what comes back.

use axum::extract::State;
use evertill_http::api::{ReceiptView, ReturnBody, VoidBody};
use evertill_http::{Body, IdempotencyKey, Path, Problem, ProblemDocument};

use super::auth::Till;
use super::once::request;
use crate::services::{Answer, returns};
use crate::state::Node;

/// Take goods of a sale back.
///
/// The customer gets what they paid for them: the tenders, sent above zero, must
/// be exactly that. The receipt shows every figure below zero.
#[utoipa::path(
    post, path = "/api/v1/returns", tag = "sales",
    params(("Idempotency-Key" = String, Header, description = "A new one for each new return")),
    request_body = ReturnBody,
    responses(
        (status = 201, description = "The return, a receipt of its own", body = ReceiptView),
        (status = 400, description = "No JSON, or no Idempotency-Key", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "The token is another register's", body = ProblemDocument),
        (status = 409, description = "It came back already, or the sale is void", body = ProblemDocument),
        (status = 422, description = "The return breaks a rule, or the key was used for another request", body = ProblemDocument),
        (status = 503, description = "The disk is full, or the node is going down", body = ProblemDocument),
    )
)]
pub(super) async fn give_back(
    till: Till,
    State(node): State<Node>,
    key: IdempotencyKey,
    body: Body<ReturnBody>,
) -> Result<Answer, Problem> {
    till.is(&body.value.register)?;
    let request = request(till, key, body.digest);
    Ok(returns::give_back(&node, request, body.value).await?)
}

/// Take a whole sale back.
#[utoipa::path(
    post, path = "/api/v1/sales/{id}/void", tag = "sales",
    params(
        ("id" = String, Path, description = "The sale's id or printed number"),
        ("Idempotency-Key" = String, Header, description = "A new one for each new request"),
    ),
    request_body = VoidBody,
    responses(
        (status = 201, description = "The void, a receipt of its own", body = ReceiptView),
        (status = 400, description = "No JSON, or no Idempotency-Key", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "No such receipt here", body = ProblemDocument),
        (status = 409, description = "It is void or partly returned already", body = ProblemDocument),
        (status = 422, description = "No reason, or the key was used for another request", body = ProblemDocument),
        (status = 503, description = "The disk is full, or the node is going down", body = ProblemDocument),
    )
)]
pub(super) async fn void(
    till: Till,
    State(node): State<Node>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<VoidBody>,
) -> Result<Answer, Problem> {
    let request = request(till, key, body.digest);
    Ok(returns::void(&node, request, id, body.value).await?)
}
