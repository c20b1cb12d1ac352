//! `/stock`: what is in the building.

use axum::Json;
use axum::extract::State;
use evertill_http::api::StockView;
use evertill_http::{Path, Problem, ProblemDocument};

use super::auth::Till;
use crate::services::stock;
use crate::state::Node;

/// The stock of a product at this location.
#[utoipa::path(
    get, path = "/api/v1/stock/{sku}", tag = "stock",
    params(("sku" = String, Path, description = "The product's SKU")),
    responses(
        (status = 200, description = "The figures", body = StockView),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Till,
    State(node): State<Node>,
    Path(sku): Path<String>,
) -> Result<Json<StockView>, Problem> {
    Ok(Json(stock::of(&node, sku).await?))
}
