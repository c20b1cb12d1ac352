//! The hub's HTTP interface: one module for each noun.
//!
//! Invariant: a handler takes the request apart, calls one service and renders
//! what it returns; every route but the common ones asks for an API key.

mod auth;
mod failure;
mod imports;
mod policies;

use axum::Router;
use axum::routing::{get, post};
use utoipa::OpenApi;

use crate::state::Hub;

use auth::BearerKey;

/// Every route of the hub under `/api/v1`.
pub fn router(hub: &Hub) -> Router {
    Router::new()
        .route("/api/v1/imports/{kind}", post(imports::post))
        .route("/api/v1/policies", get(policies::list))
        .route(
            "/api/v1/policies/{name}",
            get(policies::show).put(policies::put),
        )
        .route("/api/v1/policies/{name}/history", get(policies::history))
        .with_state(hub.clone())
}

/// The description of the interface.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Evertill hub", description = "What all stores have recorded, merged."),
    paths(
        imports::post,
        policies::list,
        policies::show,
        policies::put,
        policies::history,
    ),
    components(schemas(evertill_http::ProblemDocument)),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
struct Api;
