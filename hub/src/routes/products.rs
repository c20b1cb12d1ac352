//! `/products`: what the chain sells.

use axum::Json;
use axum::extract::State;
use evertill_domain::Sku;
use evertill_http::api::ProductView;
use evertill_http::{List, Page, Path, Problem, Query};
use evertill_storage::reference::ReferenceError;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Principal;
use crate::state::Hub;

/// Which products are asked for; all of them, by SKU, without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Words of the name, a SKU or a barcode; the best matches come on one page
    query: Option<String>,
}

/// Products, or those that a search finds.
#[utoipa::path(
    get, path = "/api/v1/products", tag = "products",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of products", body = List<ProductView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<ProductView>, Problem> {
    let after: Option<Sku> = page.after()?;
    let limit = page.limit;
    let found = hub
        .reference()
        .read(move |view| {
            if let Some(query) = filter.query {
                return Ok::<_, ReferenceError>(List {
                    items: view.search(&query, limit)?,
                    next_cursor: None,
                });
            }
            let mut products = view.page_products(after.as_ref(), limit)?;
            // One read gives at most a whole page, so the surplus product that
            // proves there is more is read for itself.
            if products.len() == limit {
                let last = products.last().map(|product| product.sku.clone());
                products.extend(view.page_products(last.as_ref(), 1)?);
            }
            Ok(List::page(products, limit, |product| product.sku.clone()))
        })
        .await?;
    Ok(found.map(|product| ProductView::of(&product)))
}

/// One product.
#[utoipa::path(
    get, path = "/api/v1/products/{sku}", tag = "products",
    params(("sku" = String, Path, description = "The product's SKU")),
    responses(
        (status = 200, description = "The product", body = ProductView),
        (status = 404, description = "No such product", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(sku): Path<Sku>,
) -> Result<Json<ProductView>, Problem> {
    let asked = sku.clone();
    let found = hub
        .reference()
        .read(move |view| view.product(&asked))
        .await?;
    found
        .map(|product| Json(ProductView::of(&product)))
        .ok_or_else(|| Problem::not_found(format!("no product {sku} is known; import it first")))
}
