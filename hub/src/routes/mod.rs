//! The hub's HTTP interface: one module for each noun.
//!
//! Invariant: a handler takes the request apart, calls one service and renders
//! what it returns; every route but the common ones asks for an API key.

mod auth;
mod availability;
mod days;
mod drafts;
mod events;
mod exceptions;
mod fleet;
mod imports;
mod once;
mod order_details;
mod orders;
mod policies;
mod products;
mod quarantine;
mod sales;
mod seals;
mod shipments;
mod simulate;
mod stock;
mod supply;
mod taking;
mod trial_view;
mod webhooks;

use axum::Router;
use axum::routing::{get, post};
use evertill_domain::Timestamp;
use evertill_http::Problem;
use serde::Serialize;
use utoipa::{IntoParams, OpenApi};

use crate::services::ViewError;
use crate::services::availability::Availability;
use crate::services::exceptions::Shown;
use crate::state::Hub;
use auth::BearerKey;

/// Every route of the hub under `/api/v1`.
pub fn router(hub: &Hub) -> Router {
    Router::new()
        .route("/api/v1/availability", get(availability::show))
        .route("/api/v1/days/{location}/{date}", get(days::show))
        .route("/api/v1/events", get(events::stream))
        .route("/api/v1/exceptions", get(exceptions::list))
        .route("/api/v1/exceptions/{id}", get(exceptions::show))
        .route("/api/v1/exceptions/{id}/{action}", post(exceptions::act))
        .route("/api/v1/fleet", get(fleet::list))
        .route("/api/v1/imports/{kind}", post(imports::post))
        .route(
            "/api/v1/locations/{id}/selling",
            axum::routing::put(availability::put_selling),
        )
        .route("/api/v1/orders", get(orders::list).post(orders::post))
        .route("/api/v1/orders/{id}", get(orders::show))
        .route("/api/v1/orders/{id}/assign", post(orders::assign))
        .route("/api/v1/orders/{id}/cancel", post(orders::cancel))
        .route("/api/v1/orders/{id}/change", post(orders::change))
        .route(
            "/api/v1/orders/{id}/decisions",
            get(order_details::decisions),
        )
        .route("/api/v1/orders/{id}/holds", post(orders::hold))
        .route(
            "/api/v1/orders/{id}/holds/{hold}/release",
            post(orders::release_hold),
        )
        .route("/api/v1/orders/{id}/messages", get(order_details::messages))
        .route("/api/v1/orders/{id}/payments", post(orders::pay))
        .route(
            "/api/v1/orders/{id}/pickup-codes",
            get(order_details::pickup_codes),
        )
        .route("/api/v1/orders/{id}/refunds", post(orders::refund))
        .route(
            "/api/v1/orders/{id}/contact",
            get(shipments::contact).delete(shipments::erase),
        )
        .route(
            "/api/v1/orders/{id}/shipments",
            get(shipments::list).post(shipments::post),
        )
        .route("/api/v1/policies", get(policies::list))
        .route(
            "/api/v1/policies/{name}",
            get(policies::show).put(policies::put),
        )
        .route("/api/v1/policies/{name}/history", get(policies::history))
        .route("/api/v1/policies/{name}/approve", post(drafts::approve))
        .route("/api/v1/policies/{name}/drafts", get(drafts::list))
        .route(
            "/api/v1/policies/{name}/drafts/{draft}/withdraw",
            post(drafts::withdraw),
        )
        .route("/api/v1/policies/{name}/rollback", post(drafts::rollback))
        .route("/api/v1/policies/{name}/simulate", post(simulate::post))
        .route("/api/v1/products", get(products::list))
        .route("/api/v1/products/{sku}", get(products::show))
        .route("/api/v1/quarantine", get(quarantine::list))
        .route("/api/v1/quarantine/{id}/retry", post(quarantine::retry))
        .route("/api/v1/quarantine/{id}/dismiss", post(quarantine::dismiss))
        .route("/api/v1/replicas/{id}/seal", post(seals::post))
        .route("/api/v1/reservations", post(availability::reserve))
        .route(
            "/api/v1/reservations/{id}/release",
            post(availability::release),
        )
        .route("/api/v1/sales", get(sales::list))
        .route("/api/v1/sales/{id}", get(sales::show))
        .route("/api/v1/stock", get(stock::list))
        .route("/api/v1/supply", get(supply::list).post(supply::post))
        .route("/api/v1/webhooks", get(webhooks::list).post(webhooks::post))
        .route(
            "/api/v1/webhooks/{id}",
            get(webhooks::show).delete(webhooks::delete),
        )
        .route(
            "/api/v1/webhooks/{id}/deliveries",
            get(webhooks::deliveries),
        )
        .route(
            "/api/v1/webhooks/{id}/deliveries/{delivery}/retry",
            post(webhooks::retry),
        )
        .route("/api/v1/webhooks/{id}/pause", post(webhooks::pause))
        .route("/api/v1/webhooks/{id}/replay", post(webhooks::replay))
        .route("/api/v1/webhooks/{id}/resume", post(webhooks::resume))
        .layer(axum::Extension(events::Streams::default()))
        .with_state(hub.clone())
}

/// What can be promised of a product, as `GET /availability` shows it.
pub(crate) fn availability_view(found: &Availability) -> impl Serialize + use<> {
    availability::view(found, None)
}

/// A problem, as `GET /exceptions/{id}` shows it.
pub(crate) fn exception_view(shown: Shown, now: Timestamp) -> impl Serialize + use<> {
    exceptions::view(shown, now)
}

/// The description of the interface.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Evertill hub",
        description = "What all stores have recorded, merged."
    ),
    paths(
        availability::show,
        availability::put_selling,
        availability::reserve,
        availability::release,
        orders::post,
        orders::list,
        orders::show,
        order_details::decisions,
        order_details::pickup_codes,
        order_details::messages,
        orders::cancel,
        orders::change,
        orders::hold,
        orders::release_hold,
        orders::pay,
        orders::refund,
        orders::assign,
        shipments::list,
        shipments::post,
        shipments::contact,
        shipments::erase,
        days::show,
        events::stream,
        exceptions::list,
        exceptions::show,
        exceptions::act,
        fleet::list,
        imports::post,
        policies::list,
        policies::show,
        policies::put,
        policies::history,
        drafts::list,
        drafts::approve,
        drafts::withdraw,
        drafts::rollback,
        simulate::post,
        products::list,
        products::show,
        quarantine::list,
        quarantine::retry,
        quarantine::dismiss,
        sales::list,
        sales::show,
        seals::post,
        stock::list,
        supply::list,
        supply::post,
        webhooks::post,
        webhooks::list,
        webhooks::show,
        webhooks::delete,
        webhooks::pause,
        webhooks::resume,
        webhooks::replay,
        webhooks::deliveries,
        webhooks::retry,
    ),
    components(schemas(evertill_http::ProblemDocument)),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
struct Api;

/// What every list takes; read by `evertill_http::Page`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described here")]
struct PageParameters {
    /// Most items to return, 1 to 1,000; 100 without it
    limit: Option<u16>,
    /// `next_cursor` of the page before; the first page without it
    cursor: Option<String>,
}

/// The status of a database failure is chosen at the HTTP edge.
impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Store(error) => error.into(),
            ViewError::Reference(error) => error.into(),
        }
    }
}
