//! `GET /stock`: stock of the whole chain.

use axum::extract::State;
use evertill_domain::{LocationId, Sku};
use evertill_http::api::{HubStockView, Pledged};
use evertill_http::{List, Page, Problem, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Principal;
use crate::services::stock::{self, Stock, StockPosition};
use crate::state::Hub;

/// Which stock is asked for; all of it without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Of one product
    #[param(value_type = Option<String>)]
    sku: Option<Sku>,
    /// At one location
    #[param(value_type = Option<String>)]
    location: Option<LocationId>,
}

/// Stock that ever moved, by location and SKU.
#[utoipa::path(
    get, path = "/api/v1/stock", tag = "stock",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of stock", body = List<HubStockView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<HubStockView>, Problem> {
    let after: Option<StockPosition> = page.after()?;
    let found = stock::page(&hub, filter.location, filter.sku, after, page.limit + 1).await?;
    Ok(List::page(found, page.limit, StockPosition::of).map(|stock| view(&stock)))
}

fn view(stock: &Stock) -> HubStockView {
    let item = &stock.item;
    let figures = &item.figures.buckets;
    HubStockView::of(
        &item.location,
        &item.sku,
        stock.unit,
        figures,
        Pledged {
            promised: stock.promised,
            safety_stock: stock.safety_stock,
            ..Pledged::default()
        },
        stock.complete,
    )
}
