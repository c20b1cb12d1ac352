//! The node's HTTP interface: one module for each noun.
//!
//! Invariant: a handler takes the request apart, calls one service and renders
//! what it returns; every route but the common ones asks for a till's token.

mod auth;
mod days;
mod failure;
mod movements;
mod once;
mod products;
mod returns;
mod sales;
mod status;
mod stock;
mod work;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::state::Node;

use auth::BearerToken;

/// Every route of the node under `/api/v1`.
pub fn router(node: &Node) -> Router {
    Router::new()
        .route("/api/v1/sales", post(sales::sell).get(sales::list))
        .route("/api/v1/sales/{id}", get(sales::show))
        .route("/api/v1/sales/{id}/void", post(returns::void))
        .route("/api/v1/returns", post(returns::give_back))
        .route("/api/v1/products", get(products::list))
        .route("/api/v1/products/{sku}", get(products::show))
        .route(
            "/api/v1/products/by-barcode/{code}",
            get(products::by_barcode),
        )
        .route("/api/v1/stock/{sku}", get(stock::show))
        .route("/api/v1/movements", post(movements::post))
        .route("/api/v1/pickups", get(work::pickups))
        .route("/api/v1/pickups/{id}", get(work::pickup))
        .route("/api/v1/pickups/{id}/{event}", post(work::pickup_step))
        .route("/api/v1/fulfilments", get(work::fulfilments))
        .route("/api/v1/fulfilments/{id}", get(work::fulfilment))
        .route("/api/v1/fulfilments/{id}/label", get(work::label))
        .route(
            "/api/v1/fulfilments/{id}/{event}",
            post(work::fulfilment_step),
        )
        .route("/api/v1/days/{location}/{date}", get(days::show))
        .route("/api/v1/status", get(status::show))
        .with_state(node.clone())
}

/// The description of the interface.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evertill node",
        description = "A store's machine: sells with or without the hub."
    ),
    paths(
        sales::sell,
        sales::list,
        sales::show,
        returns::give_back,
        returns::void,
        products::list,
        products::show,
        products::by_barcode,
        stock::show,
        movements::post,
        work::pickups,
        work::pickup,
        work::pickup_step,
        work::fulfilments,
        work::fulfilment,
        work::label,
        work::fulfilment_step,
        days::show,
        status::show,
    ),
    components(schemas(evertill_http::ProblemDocument)),
    modifiers(&BearerToken),
    security(("register_token" = []))
)]
struct Api;
