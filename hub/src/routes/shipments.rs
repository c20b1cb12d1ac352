//! `/orders/{id}/shipments` and `/contact`: the parcels of an order, and who they
//! are for.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use evertill_domain::Unit;
use evertill_domain::order::PromiseId;
use evertill_http::api::{AddressBody, OrderView, ParcelView, ShipmentBody, parcel_views};
use evertill_http::{Body, IdempotencyKey, List, Page, Path, Problem, Query};
use evertill_storage::selling::contacts::Contact;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::orders::{named, repeatable, revise, unknown};
use crate::services::orders;
use crate::state::Hub;

/// The parcels of an order, packed or sent, from every location.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/shipments", tag = "orders",
    params(("id" = String, Path, description = "The order's id"), super::PageParameters),
    responses(
        (status = 200, description = "Each parcel, with what is in it", body = List<ParcelView>),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    page: Page,
) -> Result<List<ParcelView>, Problem> {
    let order = orders::show(&hub, named(&id)?).await?;
    let order = order.ok_or_else(|| unknown(&id))?;
    let parcels = parcel_views(&order, None).enumerate().collect();
    let list = page.of(parcels, |(number, _)| format!("{number:06}"))?;
    Ok(list.map(|(_, parcel)| parcel))
}

/// Records what a location without a node did about its part of an order.
///
/// A dispatch brings the steps before it that were not recorded. Several parcels
/// are several dispatches: `ship_part` with the promises and quantities of each.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = ShipmentBody,
    responses(
        (status = 201, description = "The order", body = OrderView),
        (status = 404, description = "No such order, or nothing of it is shipped from there", body = evertill_http::ProblemDocument),
        (status = 409, description = "The location has a node, or the shipment's state is against it", body = evertill_http::ProblemDocument),
        (status = 422, description = "It breaks a rule", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<ShipmentBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 201, move |at| {
        // An order that cannot be read is refused below, with its reason.
        let unit = |promise: &PromiseId| at.unit_of_promise(*promise).unwrap_or(Unit::Each);
        let command = body.value.command(unit)?;
        orders::dispatch(at, &body.value.location, &command)
    })
    .await
}

/// Who made an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContactView {
    /// Their name.
    name: Option<String>,
    /// Where they can be written to.
    email: Option<String>,
    /// Where they can be called.
    phone: Option<String>,
    /// Their language.
    locale: Option<String>,
    /// Where it is shipped.
    address: Option<AddressBody>,
}

/// Who made an order. Nothing else shows it, but the messages to them.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/contact", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "Who made it", body = ContactView),
        (status = 404, description = "No such order, or nothing is kept of who made it", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn contact(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
) -> Result<axum::Json<ContactView>, Problem> {
    let document = named(&id)?;
    let found = hub
        .store()
        .read(move |conn| orders::contact(conn, &document))
        .await?;
    let Some(Contact {
        name,
        email,
        phone,
        locale,
        address,
    }) = found
    else {
        let detail = format!("nothing is kept of who made order {id}, or it was erased");
        return Err(Problem::not_found(detail));
    };
    let address = address.and_then(|text| serde_json::from_str(&text).ok());
    Ok(axum::Json(ContactView {
        name,
        email,
        phone,
        locale,
        address,
    }))
}

/// Whether open orders are erased too.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Erasure {
    /// `true` erases who made it although goods are still to come
    #[serde(default)]
    force: bool,
}

/// Erases who made an order, here and at the next contact at every location that
/// was told. The order stays.
#[utoipa::path(
    delete, path = "/api/v1/orders/{id}/contact", tag = "orders",
    params(("id" = String, Path, description = "The order's id"), Erasure),
    responses(
        (status = 204, description = "It is gone, or was never kept"),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
        (status = 409, description = "Goods are still to come", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn erase(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(erasure): Query<Erasure>,
) -> Result<StatusCode, Problem> {
    let document = named(&id)?;
    let forced = erasure.force;
    let erased = hub
        .store()
        .write("erase who made an order", move |tx| {
            orders::erase_contact(tx, &document, forced)
        })
        .await?;
    if erased {
        tracing::info!(
            order.id = %document,
            by = principal,
            forced,
            "who made an order was erased"
        );
    }
    Ok(StatusCode::NO_CONTENT)
}
