//! `/orders`: what remote customers asked for, and what becomes of it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use evertill_domain::order::{HoldId, OrderState, PaymentRecorded};
use evertill_domain::{DocumentId, Timestamp};
use evertill_http::api::{
    AssignBody, CancelBody, ChangeBody, HoldBody, OrderBody, OrderView, PaymentBody, ReasonBody,
    RefundBody, ShortLineView, order_view, thousandths_text,
};
use evertill_http::{Body, IdempotencyKey, List, Page, Path, Problem, Query};
use evertill_storage::projection::orders::OrderFilter;
use evertill_storage::rusqlite::Connection;
use evertill_storage::selling::contacts::Contact;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Principal;
use super::once::{answer, response};
use super::taking::Taking;
use crate::services::once::{Answer, Repeatable, once};
use crate::services::orders::{self, At, OrderRefusal, PrepareError, Revised};
use crate::state::Hub;

/// Which orders are asked for; all of them without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// The channel's name for it
    external_id: Option<String>,
    /// Where it stands, such as `released` or `on_hold`
    state: Option<String>,
    /// Changed at that time or later, RFC 3339
    #[param(value_type = Option<String>)]
    updated_since: Option<Timestamp>,
}

/// Takes an order in.
///
/// The same channel and `external_id` again get the order that is there, if the
/// body is the same.
#[utoipa::path(
    post, path = "/api/v1/orders", tag = "orders",
    request_body = OrderBody,
    responses(
        (status = 201, description = "The order with its promises", body = OrderView),
        (status = 200, description = "The order that is there already", body = OrderView),
        (status = 409, description = "It cannot be promised in full, or the name is taken", body = evertill_http::ProblemDocument),
        (status = 422, description = "It breaks a rule", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    key: IdempotencyKey,
    body: Body<OrderBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    let skus = body.value.skus().cloned().collect();
    let picture = orders::picture(&hub, skus).await?;
    let (command, contact) = match body.value.command(&picture.products) {
        Ok(read) => read,
        // An order that was taken in before stays so, whatever is true now.
        Err(refused) => return repeated(&hub, request, refused.into()).await,
    };
    let contact = Contact {
        name: contact.name,
        email: contact.email,
        phone: contact.phone,
        locale: contact.locale,
        address: contact.address,
    };
    let taking = Taking {
        author: hub.author().map_err(PrepareError::from)?,
        request,
        digest: body.digest,
        picture: Arc::new(picture),
        asked_for: Arc::new((command, contact)),
    };
    Ok(response(taking.place_or_ask(&hub).await?))
}

/// Orders in the order in which they came.
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "orders",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of orders", body = List<OrderView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<OrderView>, Problem> {
    let after: Option<i64> = page.after()?;
    let filter = OrderFilter {
        external_id: filter.external_id,
        state: filter.state,
        updated_since: filter.updated_since,
    };
    let found = orders::page(&hub, filter, after, page.limit + 1).await?;
    let list = List::page(found, page.limit, |(arrival, ..)| *arrival);
    Ok(list.map(|(_, document, order)| order_view(&document, &order)))
}

/// One order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
) -> Result<axum::Json<OrderView>, Problem> {
    let document = named(&id)?;
    let order: Option<OrderState> = orders::show(&hub, document).await?;
    let order = order.ok_or_else(|| unknown(&id))?;
    Ok(axum::Json(order_view(&document, &order)))
}

/// Cancels an order, or some of its lines.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = CancelBody,
    responses(
        (status = 200, description = "It is cancelled", body = OrderView),
        (status = 202, description = "A location has yet to say that it will not hand the goods over", body = OrderView),
        (status = 404, description = "No such order or line", body = evertill_http::ProblemDocument),
        (status = 409, description = "The order's state is against it", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn cancel(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<CancelBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 200, move |at| {
        orders::cancel(at, &body.value.lines, &body.value.reason)
    })
    .await
}

/// Changes how much is wanted of a line.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/change", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = ChangeBody,
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 202, description = "A location has yet to say that it will not hand the goods over", body = OrderView),
        (status = 404, description = "No such order or line", body = evertill_http::ProblemDocument),
        (status = 409, description = "The order's state is against it, or there is not enough", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn change(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<ChangeBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 200, move |at| {
        let unit = at.unit_of(body.value.line)?;
        let quantity = body.value.quantity.read("/quantity", unit);
        let quantity = quantity.map_err(evertill_domain::rejection::Rejections::from)?;
        orders::change(at, body.value.line, quantity, body.value.reason.as_deref())
    })
    .await
}

/// Puts a hold on an order.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/holds", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = HoldBody,
    responses(
        (status = 201, description = "The order", body = OrderView),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
        (status = 409, description = "The order's state is against it", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn hold(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<HoldBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 201, move |at| {
        orders::hold(at, body.value.read())
    })
    .await
}

/// Releases one hold; the others stay.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/holds/{hold}/release", tag = "orders",
    params(
        ("id" = String, Path, description = "The order's id"),
        ("hold" = String, Path, description = "The hold's id"),
    ),
    request_body = ReasonBody,
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 404, description = "No such order or hold", body = evertill_http::ProblemDocument),
        (status = 409, description = "It was released before", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn release_hold(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path((id, hold)): Path<(String, String)>,
    key: IdempotencyKey,
    body: Body<ReasonBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    let hold: HoldId = hold
        .parse()
        .map_err(|_| Problem::not_found(format!("the order has no hold {hold}")))?;
    revise(&hub, &id, request, 200, move |at| {
        orders::release_hold(at, hold, body.value.reason.clone())
    })
    .await
}

/// Records what happened to the money.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/payments", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = PaymentBody,
    responses(
        (status = 201, description = "The order", body = OrderView),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
        (status = 409, description = "The payment's state is against it", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn pay(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<PaymentBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 201, move |at| {
        let body = &body.value;
        let amount = body.amount.read("/amount", at.currency()?);
        let payment = PaymentRecorded {
            step: body.step,
            amount: amount.map_err(evertill_domain::rejection::Rejections::from)?,
            method: body.method,
            reference: body.reference.clone(),
            expires_at: body.expires_at,
            receipt: None,
        };
        orders::pay(at, payment)
    })
    .await
}

/// Records that money went back, as is owed.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/refunds", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = RefundBody,
    responses(
        (status = 201, description = "The order", body = OrderView),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
        (status = 409, description = "So much is not owed", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn refund(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<RefundBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 201, move |at| {
        let amount = body.value.amount.read("/amount", at.currency()?);
        let amount = amount.map_err(evertill_domain::rejection::Rejections::from)?;
        orders::refund(at, amount, body.value.reference.clone())
    })
    .await
}

/// Has a location that a person chose take on what nobody has.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/assign", tag = "orders",
    params(("id" = String, Path, description = "The order's id")),
    request_body = AssignBody,
    responses(
        (status = 200, description = "The order", body = OrderView),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
        (status = 409, description = "Nothing is open, or the location cannot", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn assign(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<AssignBody>,
) -> Result<Response, Problem> {
    let request = repeatable(principal, key, body.digest);
    revise(&hub, &id, request, 200, move |at| {
        let body = &body.value;
        let unit = at.unit_of(body.line)?;
        let quantity = body.quantity.as_ref();
        let quantity = quantity
            .map(|text| text.read("/quantity", unit))
            .transpose()
            .map_err(evertill_domain::rejection::Rejections::from)?;
        orders::assign(at, body.line, &body.location, quantity)
    })
    .await
}

/// Changes an order in one write, once for each key.
pub(super) async fn revise(
    hub: &Hub,
    id: &str,
    request: Repeatable,
    status: u16,
    how: impl FnOnce(At<'_>) -> Result<Revised, OrderRefusal> + Send + 'static,
) -> Result<Response, Problem> {
    let document = named(id)?;
    let picture = orders::picture_of(hub, document).await?;
    let author = hub.author().map_err(PrepareError::from)?;
    let (state, by) = (hub.clone(), request.principal.clone());
    let work = move |conn: &Connection, now| {
        let revised = how(At {
            conn,
            hub: &state,
            author: &author,
            picture: &picture,
            document,
            by: Some(&by),
            now,
        })?;
        let status = if revised.waits { 202 } else { status };
        Ok::<Answer, OrderRefusal>(answer(status, &order_view(&document, &revised.order)))
    };
    Ok(response(once(hub, "change an order", request, work).await?))
}

/// The answer that was given before to a request that would be refused now.
async fn repeated(hub: &Hub, request: Repeatable, refusal: Problem) -> Result<Response, Problem> {
    let earlier = hub
        .store()
        .read(move |conn| request.earlier::<OrderRefusal>(conn))
        .await?;
    earlier.map(response).ok_or(refusal)
}

pub(super) fn repeatable(principal: String, key: IdempotencyKey, digest: [u8; 32]) -> Repeatable {
    Repeatable {
        principal,
        key,
        digest,
    }
}

pub(super) fn named(id: &str) -> Result<DocumentId, Problem> {
    id.parse().map_err(|_| unknown(id))
}

pub(super) fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("no order {id} is known"))
}

impl From<OrderRefusal> for Problem {
    fn from(refusal: OrderRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            OrderRefusal::Rejected(refused) => refused.into(),
            OrderRefusal::Insufficient(shortage) => {
                let lines = shortage.lines.into_iter().map(|line| ShortLineView {
                    sku: line.sku.to_string(),
                    available_now: thousandths_text(line.available_now),
                    next_date: line.next_date.map(|at| at.to_string()),
                });
                let lines: Vec<ShortLineView> = lines.collect();
                let shown = serde_json::to_value(lines).unwrap_or_default();
                Self::conflict("insufficient_stock", detail).member("lines", shown)
            }
            // Whoever says that stores may be asked asks them, and tries again.
            OrderRefusal::WorthAsking(_) => {
                tracing::error!(detail, "an order was not taken in");
                Self::internal()
            }
            OrderRefusal::NameTaken { .. } => Self::conflict(
                "external_id_taken",
                format!("{detail}; send a new external_id, or change the order that is there"),
            ),
            OrderRefusal::Unknown(_) => Self::not_found(detail),
            OrderRefusal::Table(error) => error.into(),
        }
    }
}

impl From<PrepareError> for Problem {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Reference(error) => error.into(),
            PrepareError::Read(error) => error.into(),
            PrepareError::Start(error) => {
                tracing::error!(%error, "the hub's journal could not be begun");
                Self::internal()
            }
        }
    }
}
