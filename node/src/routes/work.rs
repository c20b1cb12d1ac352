//! `/pickups` and `/fulfilments`: what customers collect here, and what is
//! shipped from here.

use axum::Json;
use axum::extract::State;
use evertill_domain::order::{FulfilmentStep, PickupStep};
use evertill_http::api::{LabelView, StepBody, WorkView};
use evertill_http::{Body, IdempotencyKey, List, Page, Path, Problem, ProblemDocument, Query};
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Till;
use super::once::request;
use crate::services::Answer;
use crate::services::work::{self, Kind, Step};
use crate::state::Node;

/// Which are asked for; all that are open without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Where they stand, such as `requested` or `ready`
    state: Option<String>,
}

/// What customers collect here, the earliest promise first.
#[utoipa::path(
    get, path = "/api/v1/pickups", tag = "pickups",
    params(Filter,
        ("limit" = Option<u16>, Query, description = "Most items to return, 1 to 1,000; 100 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "A page of pickups", body = List<WorkView>),
        (status = 401, description = "No valid token", body = ProblemDocument),
    )
)]
pub(super) async fn pickups(
    _: Till,
    State(node): State<Node>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<WorkView>, Problem> {
    let found = work::list(&node, Kind::Pickup, filter.state).await?;
    let list = page.of(found, |(place, _)| place.clone())?;
    Ok(list.map(|(_, view)| view))
}

/// One pickup.
#[utoipa::path(
    get, path = "/api/v1/pickups/{id}", tag = "pickups",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The pickup", body = WorkView),
        (status = 404, description = "No such order here", body = ProblemDocument),
    )
)]
pub(super) async fn pickup(
    _: Till,
    State(node): State<Node>,
    Path(id): Path<String>,
) -> Result<Json<WorkView>, Problem> {
    Ok(Json(work::show(&node, Kind::Pickup, id).await?))
}

/// Record what happened to a pickup.
///
/// Events: `accept`, `reject`, `start_pick`, `pick`, `short_pick`, `ready`,
/// `arrive`, `leave`, `hand_over`, `hand_over_part`, `extend`, `no_show`,
/// `expire`, `put_back`.
#[utoipa::path(
    post, path = "/api/v1/pickups/{id}/{event}", tag = "pickups",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("event" = String, Path, description = "What happened"),
        ("Idempotency-Key" = String, Header, description = "A new one for each new event"),
    ),
    request_body = StepBody,
    responses(
        (status = 200, description = "The pickup afterwards", body = WorkView),
        (status = 404, description = "No such order here, or no such event", body = ProblemDocument),
        (status = 409, description = "Its state does not allow that, or the code is locked", body = ProblemDocument),
        (status = 422, description = "A wrong code, or another rule", body = ProblemDocument),
    )
)]
pub(super) async fn pickup_step(
    till: Till,
    State(node): State<Node>,
    Path((id, event)): Path<(String, String)>,
    key: IdempotencyKey,
    body: Body<StepBody>,
) -> Result<Answer, Problem> {
    let known = PickupStep::ALL.iter().copied();
    let known = known.filter(|step| *step != PickupStep::Cancel);
    let step = named(&event, known, PickupStep::as_str)?;
    let request = request(till, key, body.digest);
    Ok(work::step(&node, request, (id, Step::Pickup(step)), body.value).await?)
}

/// What is shipped from here, the earliest promise first.
#[utoipa::path(
    get, path = "/api/v1/fulfilments", tag = "fulfilments",
    params(Filter,
        ("limit" = Option<u16>, Query, description = "Most items to return, 1 to 1,000; 100 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses(
        (status = 200, description = "A page of shipments", body = List<WorkView>),
        (status = 401, description = "No valid token", body = ProblemDocument),
    )
)]
pub(super) async fn fulfilments(
    _: Till,
    State(node): State<Node>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<WorkView>, Problem> {
    let found = work::list(&node, Kind::Shipment, filter.state).await?;
    let list = page.of(found, |(place, _)| place.clone())?;
    Ok(list.map(|(_, view)| view))
}

/// One shipment.
#[utoipa::path(
    get, path = "/api/v1/fulfilments/{id}", tag = "fulfilments",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The shipment", body = WorkView),
        (status = 404, description = "No such order here", body = ProblemDocument),
    )
)]
pub(super) async fn fulfilment(
    _: Till,
    State(node): State<Node>,
    Path(id): Path<String>,
) -> Result<Json<WorkView>, Problem> {
    Ok(Json(work::show(&node, Kind::Shipment, id).await?))
}

/// What a carrier's label says: sender, recipient and parcels.
///
/// What is packed or sent under one parcel name is one parcel.
#[utoipa::path(
    get, path = "/api/v1/fulfilments/{id}/label", tag = "fulfilments",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The label data", body = LabelView),
        (status = 404, description = "No such order here", body = ProblemDocument),
        (status = 409, description = "Nothing is packed, or the address is not known", body = ProblemDocument),
    )
)]
pub(super) async fn label(
    _: Till,
    State(node): State<Node>,
    Path(id): Path<String>,
) -> Result<Json<LabelView>, Problem> {
    Ok(Json(work::label(&node, id).await?))
}

/// Record what happened to a shipment.
///
/// Events: `accept`, `reject`, `hold`, `resume`, `start_pick`, `pick`,
/// `short_pick`, `pack`, `unpack`, `ship`, `ship_part`, `deliver`,
/// `fail_delivery`, `return_to_sender`, `put_back`.
#[utoipa::path(
    post, path = "/api/v1/fulfilments/{id}/{event}", tag = "fulfilments",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("event" = String, Path, description = "What happened"),
        ("Idempotency-Key" = String, Header, description = "A new one for each new event"),
    ),
    request_body = StepBody,
    responses(
        (status = 200, description = "The shipment afterwards", body = WorkView),
        (status = 404, description = "No such order here, or no such event", body = ProblemDocument),
        (status = 409, description = "Its state does not allow that", body = ProblemDocument),
        (status = 422, description = "It breaks a rule", body = ProblemDocument),
    )
)]
pub(super) async fn fulfilment_step(
    till: Till,
    State(node): State<Node>,
    Path((id, event)): Path<(String, String)>,
    key: IdempotencyKey,
    body: Body<StepBody>,
) -> Result<Answer, Problem> {
    let hubs = [
        FulfilmentStep::Offer,
        FulfilmentStep::ExpireClaim,
        FulfilmentStep::Cancel,
    ];
    let known = FulfilmentStep::ALL.iter().copied();
    let known = known.filter(|step| !hubs.contains(step));
    let step = named(&event, known, FulfilmentStep::as_str)?;
    let request = request(till, key, body.digest);
    Ok(work::step(&node, request, (id, Step::Shipment(step)), body.value).await?)
}

/// The step of a name, or a problem that lists the names.
fn named<S: Copy>(
    event: &str,
    known: impl Iterator<Item = S> + Clone,
    name: impl Fn(S) -> &'static str,
) -> Result<S, Problem> {
    known
        .clone()
        .find(|step| name(*step) == event)
        .ok_or_else(|| {
            let names: Vec<&str> = known.map(&name).collect();
            Problem::not_found(format!(
                "there is no event {event}; use one of {}",
                names.join(", ")
            ))
        })
}
