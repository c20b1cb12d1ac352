//! `/products`: what the store can sell.

use axum::Json;
use axum::extract::State;
use evertill_domain::Sku;
use evertill_http::api::{ProductView, ScanView};
use evertill_http::{List, Page, Path, Problem, ProblemDocument, Query};
use evertill_storage::reference::PRODUCTS_MAX;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Till;
use crate::services::products;
use crate::state::Node;

/// Parameters of a product list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// What somebody typed: beginnings of names, SKUs and barcodes.
    query: Option<String>,
}

/// Products for what somebody typed, best first; without `query` all of them in
/// the order of their SKUs.
#[utoipa::path(
    get, path = "/api/v1/products", tag = "products",
    params(
        Parameters,
        ("limit" = Option<u32>, Query, description = "Most items, 1 to 1,000; 100 if left out"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
    ),
    responses(
        (status = 200, description = "The products; a search has one page", body = List<ProductView>),
        (status = 400, description = "A parameter cannot be read", body = ProblemDocument),
        (status = 401, description = "No valid token", body = ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Till,
    State(node): State<Node>,
    Query(parameters): Query<Parameters>,
    page: Page,
) -> Result<List<ProductView>, Problem> {
    let found = if let Some(query) = parameters.query {
        List {
            items: products::search(&node, query, page.limit).await?,
            next_cursor: None,
        }
    } else {
        let after: Option<Sku> = page.after()?;
        // One row more than is shown tells whether there is more.
        let limit = page.limit.min(PRODUCTS_MAX - 1);
        let found = products::page(&node, after, limit + 1).await?;
        List::page(found, limit, |product| product.sku.clone())
    };
    Ok(found.map(|product| ProductView::of(&product)))
}

/// One product.
#[utoipa::path(
    get, path = "/api/v1/products/{sku}", tag = "products",
    params(("sku" = String, Path, description = "The product's SKU")),
    responses(
        (status = 200, description = "The product", body = ProductView),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "No such product", body = ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Till,
    State(node): State<Node>,
    Path(sku): Path<String>,
) -> Result<Json<ProductView>, Problem> {
    Ok(Json(products::one(&node, sku).await?))
}

/// The product behind a scanned code, with the quantity and amount of a price or
/// weight label.
#[utoipa::path(
    get, path = "/api/v1/products/by-barcode/{code}", tag = "products",
    params(("code" = String, Path, description = "The code as scanned")),
    responses(
        (status = 200, description = "The product, and what its label says", body = ScanView),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 404, description = "The code names no product", body = ProblemDocument),
    )
)]
pub(super) async fn by_barcode(
    _: Till,
    State(node): State<Node>,
    Path(code): Path<String>,
) -> Result<Json<ScanView>, Problem> {
    Ok(Json(products::scan(&node, code).await?))
}
