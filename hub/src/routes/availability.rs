//! `/availability`, `/supply`, `/reservations` and `/locations/{id}/selling`.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use evertill_domain::order::ChannelId;
use evertill_domain::{LocationId, Sku, Timestamp};
use evertill_http::api::{
    AvailabilityView, IncomingView, LocationAvailabilityView, ReservationBody, ReservationView,
    SellingBody, SellingView, ShortLineView, thousandths_text,
};
use evertill_http::{Body, EmptyBody, FieldError, IdempotencyKey, Path, Problem, Query};
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::soft_holds;
use evertill_storage::{TableError, WriteError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::availability::{self, Availability, ReserveRefusal};
use crate::services::once::{Repeatable, once};
use crate::services::orders::{self, PrepareError};
use crate::state::Hub;

/// Most products of one question.
const MOST: usize = 100;

/// What is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// The products, with commas between them
    #[param(example = "A,B")]
    sku: String,
    /// Who sells them
    #[param(value_type = Option<String>)]
    channel: Option<ChannelId>,
    /// At one location only
    #[param(value_type = Option<String>)]
    location: Option<LocationId>,
    /// By when, RFC 3339; now if left out
    #[param(value_type = Option<String>)]
    at: Option<Timestamp>,
}

/// What can be promised.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AvailabilityPage {
    /// When it was asked.
    as_of: String,
    /// By product, in the order asked for.
    items: Vec<AvailabilityView>,
    /// Always null: all products of a question are answered at once.
    next_cursor: Option<String>,
}

/// What can be promised of some products, and why not more.
#[utoipa::path(
    get, path = "/api/v1/availability", tag = "availability",
    params(Filter),
    responses(
        (status = 200, description = "Each product that is known", body = AvailabilityPage),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
) -> Result<axum::Json<AvailabilityPage>, Problem> {
    let skus = skus(&filter.sku)?;
    let channel = filter.channel.as_ref().map(ChannelId::to_string);
    let query = availability::Query {
        skus,
        channel: filter.channel,
        location: filter.location,
        at: filter.at,
    };
    let found = availability::ask(&hub, query).await?;
    let items = found.iter().map(|found| view(found, channel.clone()));
    Ok(axum::Json(AvailabilityPage {
        as_of: hub.now().to_string(),
        items: items.collect(),
        next_cursor: None,
    }))
}

fn skus(text: &str) -> Result<Vec<Sku>, Problem> {
    let wrong = |detail: String| {
        Problem::malformed("invalid_parameter", "a parameter cannot be read")
            .field(FieldError::new("/sku", "invalid", detail))
    };
    let mut seen = BTreeSet::new();
    let mut skus = Vec::new();
    for part in text.split(',').map(str::trim) {
        let sku: Sku = part.parse().map_err(|error| wrong(format!("{error}")))?;
        if seen.insert(sku.clone()) {
            skus.push(sku);
        }
    }
    if skus.len() > MOST {
        return Err(wrong(format!("ask for at most {MOST} products at once")));
    }
    Ok(skus)
}

pub(super) fn view(found: &Availability, channel: Option<String>) -> AvailabilityView {
    let locations = found.locations.iter();
    AvailabilityView {
        sku: found.product.sku.to_string(),
        channel,
        unit: found.product.unit.as_str(),
        atp: thousandths_text(found.atp),
        locations: locations
            .map(|(location, age)| LocationAvailabilityView::of(location, *age))
            .collect(),
        incoming: found.incoming.iter().map(IncomingView::of).collect(),
    }
}

/// Closes or opens a location's online selling.
#[utoipa::path(
    put, path = "/api/v1/locations/{id}/selling", tag = "availability",
    params(("id" = String, Path, description = "The location")),
    request_body = SellingBody,
    responses(
        (status = 200, description = "How it is now", body = SellingView),
        (status = 404, description = "No such location", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn put_selling(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    body: Body<SellingBody>,
) -> Result<axum::Json<SellingView>, Problem> {
    let unknown = || Problem::not_found(format!("no location {id} is listed"));
    let location: LocationId = id.parse().map_err(|_| unknown())?;
    if !availability::is_listed(&hub, location.clone()).await? {
        return Err(unknown());
    }
    let (place, open, reason) = (location.clone(), body.value.open, body.value.reason.clone());
    let now = hub.now();
    let written: Result<(), WriteError<TableError>> = hub
        .store()
        .write("close or open selling", move |tx| {
            availability::set_selling(tx, &place, open, reason, (&principal, now))
        })
        .await;
    written?;
    Ok(axum::Json(SellingView {
        location: location.to_string(),
        open,
        reason: body.value.reason.filter(|_| !open),
    }))
}

/// Keeps goods for a cart.
#[utoipa::path(
    post, path = "/api/v1/reservations", tag = "availability",
    request_body = ReservationBody,
    responses(
        (status = 201, description = "What is kept, and until when", body = ReservationView),
        (status = 409, description = "There is not enough", body = evertill_http::ProblemDocument),
        (status = 422, description = "It breaks a rule", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn reserve(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    key: IdempotencyKey,
    body: Body<ReservationBody>,
) -> Result<Response, Problem> {
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    let body = body.value;
    let picture = orders::picture(&hub, vec![body.sku.clone()]).await?;
    let unit = picture.products.get(&body.sku).map(|product| product.unit);
    let quantity = body.quantity.read("/quantity", unit.unwrap_or_default());
    let quantity = quantity.map_err(evertill_domain::rejection::Rejections::from)?;
    let author = hub.author().map_err(PrepareError::from)?;
    let state = hub.clone();
    let work = move |conn: &Connection, _| {
        let asked = (&body.channel, &body.sku, quantity);
        let at = (&state, author.replica);
        let kept = availability::reserve(
            conn,
            at,
            &picture,
            asked,
            body.location.as_ref(),
            body.until,
        )?;
        let (id, hold) = kept;
        let view = ReservationView {
            id,
            location: hold.location.to_string(),
            sku: hold.sku.to_string(),
            quantity: thousandths_text(hold.quantity),
            until: hold.expires_at.to_string(),
        };
        Ok::<_, ReserveRefusal>(answer(201, &view))
    };
    let done = once(&hub, "keep goods for a cart", request, work).await?;
    Ok(response(done))
}

/// Gives goods back that were kept for a cart.
#[utoipa::path(
    post, path = "/api/v1/reservations/{id}/release", tag = "availability",
    params(("id" = i64, Path, description = "The reservation's number")),
    responses(
        (status = 200, description = "It is given back", body = ReleasedView),
        (status = 404, description = "No such reservation, or it ran out", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn release(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<i64>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    let work = move |conn: &Connection, _| {
        if soft_holds::end(conn, id)? {
            return Ok(answer(200, &ReleasedView { id }));
        }
        Err(NotKept::Unknown(id))
    };
    let done = once(&hub, "give back a cart", request, work).await?;
    Ok(response(done))
}

/// A reservation that was given back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReleasedView {
    /// Its number.
    id: i64,
}

/// Why a reservation was not given back.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("no reservation {0} is kept; it ran out or was given back")]
    Unknown(i64),
    #[error(transparent)]
    Table(#[from] TableError),
}

impl From<NotKept> for Problem {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Unknown(_) => Self::not_found(error.to_string()),
            NotKept::Table(error) => error.into(),
        }
    }
}

impl From<ReserveRefusal> for Problem {
    fn from(refusal: ReserveRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            ReserveRefusal::Rejected(refused) => refused.into(),
            ReserveRefusal::Insufficient(line) => {
                let line = ShortLineView {
                    sku: line.sku.to_string(),
                    available_now: thousandths_text(line.available_now),
                    next_date: line.next_date.map(|at| at.to_string()),
                };
                let shown = serde_json::to_value(vec![line]).unwrap_or_default();
                Self::conflict("insufficient_stock", detail).member("lines", shown)
            }
            ReserveRefusal::Table(error) => error.into(),
        }
    }
}
