//! `/sales`: selling, and what was sold.

use axum::Json;
use axum::extract::State;
use evertill_http::api::{ReceiptView, SaleBody};
use evertill_http::{Body, IdempotencyKey, List, Page, Path, Problem, ProblemDocument};

use super::auth::Till;
use super::once::request;
use crate::services::{Answer, receipts, sales};
use crate::state::Node;

/// Sell a basket.
///
/// The receipt is on stable storage before the answer leaves. The same request
/// under the same key is answered the same and sells nothing more. Stock is not
/// asked: what the customer holds can be sold.
#[utoipa::path(
    post, path = "/api/v1/sales", tag = "sales",
    params(("Idempotency-Key" = String, Header, description = "A new one for each new sale")),
    request_body = SaleBody,
    responses(
        (status = 201, description = "The receipt", body = ReceiptView),
        (status = 400, description = "No JSON, or no Idempotency-Key", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "The token is another register's", body = ProblemDocument),
        (status = 409, description = "The node is not enrolled", body = ProblemDocument),
        (status = 413, description = "Larger than 1 MiB", body = ProblemDocument),
        (status = 415, description = "The body is not JSON", body = ProblemDocument),
        (status = 422, description = "The basket breaks a rule, or the key was used for another request", body = ProblemDocument),
        (status = 503, description = "The disk is full, or the node is going down", body = ProblemDocument),
    )
)]
pub(super) async fn sell(
    till: Till,
    State(node): State<Node>,
    key: IdempotencyKey,
    body: Body<SaleBody>,
) -> Result<Answer, Problem> {
    till.is(&body.value.register)?;
    let request = request(till, key, body.digest);
    Ok(sales::sell(&node, request, body.value).await?)
}

/// Receipts of this location in journal order: sales, returns and voids.
#[utoipa::path(
    get, path = "/api/v1/sales", tag = "sales",
    params(
        ("limit" = Option<u32>, Query, description = "Most items, 1 to 1,000; 100 if left out"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "The receipts", body = List<ReceiptView>),
        (status = 400, description = "A parameter cannot be read", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Till,
    State(node): State<Node>,
    page: Page,
) -> Result<List<ReceiptView>, Problem> {
    Ok(receipts::list(&node, page.after()?, page.limit).await?)
}

/// One receipt, by its id or its printed number.
#[utoipa::path(
    get, path = "/api/v1/sales/{id}", tag = "sales",
    params(("id" = String, Path, description = "The receipt's id or printed number")),
    responses(
        (status = 200, description = "The receipt", body = ReceiptView),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "No such receipt here", body = ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Till,
    State(node): State<Node>,
    Path(id): Path<String>,
) -> Result<Json<ReceiptView>, Problem> {
    Ok(Json(receipts::one(&node, id).await?))
}
