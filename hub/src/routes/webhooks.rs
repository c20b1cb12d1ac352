//! `/webhooks`: who is told of changes by HTTP, signed as Standard Webhooks are.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use evertill_domain::Timestamp;
use evertill_http::{
    Body, EmptyBody, FieldError, IdempotencyKey, List, Page, Path, Problem, Query,
};
use evertill_storage::rusqlite::Connection;
use evertill_storage::webhooks::{Delivery, DeliveryState, Webhook, remove};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::once::{Answer, Repeatable, once};
use crate::services::webhooks::{self, NewWebhook, WebhookRefusal};
use crate::state::Hub;

/// Who is to be told of what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookBody {
    /// Where to: http or https.
    url: String,
    /// `availability`, `order`, `exception`, `message`.
    types: Vec<String>,
    /// What it is for.
    description: Option<String>,
    /// How often one delivery is tried, 1 to 100; 16 without it.
    max_attempts: Option<u32>,
    /// The change to begin behind; 0 for every subject as it is now. What
    /// happens from now on without it.
    after: Option<i64>,
}

/// From where changes are sent again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplayBody {
    /// The last change that is not sent again; 0 for all.
    after: i64,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookView {
    /// Its number.
    id: i64,
    /// Where to.
    url: String,
    /// Of what.
    types: Vec<&'static str>,
    /// What it is for.
    description: String,
    /// `active` or `paused`.
    state: &'static str,
    /// How often one delivery is tried.
    max_attempts: u32,
    /// The last change that went into a delivery.
    position: i64,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: String,
    /// What its deliveries are signed with; only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What was, or is to be, sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryView {
    /// Its number; `webhook-id` is `dlv_` and this.
    id: i64,
    /// `pending`, `delivered` or `dead`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// The status of the last answer; null if there was none.
    status: Option<u16>,
    /// Why there was none.
    error: Option<String>,
    /// The last change in it.
    position: i64,
    /// When it was made.
    created_at: String,
    /// When it is tried next; null when it is done.
    next_at: Option<String>,
    /// When it was taken or given up.
    done_at: Option<String>,
}

/// Which deliveries are asked for; all of them without it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `pending`, `delivered` or `dead`
    state: Option<String>,
}

/// Have changes told to a URL.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "events",
    request_body = WebhookBody,
    responses(
        (status = 201, description = "The webhook, with its secret this once", body = WebhookView),
        (status = 409, description = "There are too many", body = evertill_http::ProblemDocument),
        (status = 422, description = "A field does not fit", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    key: IdempotencyKey,
    body: Body<WebhookBody>,
) -> Result<Response, Problem> {
    let by = principal.clone();
    let request = repeatable(principal, key, body.digest);
    let WebhookBody {
        url,
        types,
        description,
        max_attempts,
        after,
    } = body.value;
    let new = NewWebhook {
        url,
        types,
        description,
        max_attempts,
        after,
    };
    let work = move |conn: &Connection, now| {
        let made = webhooks::create(conn, &new, &by, now)?;
        let secret = Some(made.secret.clone());
        let view = WebhookView {
            secret,
            ..view(made)
        };
        Ok::<_, WebhookRefusal>(answer(201, &view))
    };
    Ok(response(once(&hub, "make a webhook", request, work).await?))
}

/// Every webhook.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "events",
    params(super::PageParameters),
    responses((status = 200, description = "A page of webhooks", body = List<WebhookView>))
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    page: Page,
) -> Result<List<WebhookView>, Problem> {
    let found = webhooks::list(&hub).await?;
    Ok(page
        .of(found, |webhook| format!("{:020}", webhook.id))?
        .map(view))
}

/// One webhook.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "events",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 404, description = "No such webhook", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
) -> Result<axum::Json<WebhookView>, Problem> {
    Ok(axum::Json(view(webhooks::show(&hub, number(&id)?).await?)))
}

/// Remove a webhook with its deliveries.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "events",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 204, description = "It is gone, or was never there"),
    )
)]
pub(super) async fn delete(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = number(&id)?;
    hub.store()
        .write("remove a webhook", move |tx| remove(tx, id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send nothing to a webhook for now; what changes meanwhile is sent when it
/// resumes.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/pause", tag = "events",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 404, description = "No such webhook", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn pause(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    let id = number(&id)?;
    let request = repeatable(principal, key, body.digest);
    act(&hub, request, move |conn, _| {
        webhooks::pause(conn, id, true)
    })
    .await
}

/// Go on sending.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/resume", tag = "events",
    params(("id" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 404, description = "No such webhook", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn resume(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    let id = number(&id)?;
    let request = repeatable(principal, key, body.digest);
    act(&hub, request, move |conn, _| {
        webhooks::pause(conn, id, false)
    })
    .await
}

/// Send again what changed after a number, each subject as it is now.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/replay", tag = "events",
    params(("id" = i64, Path, description = "Its number")),
    request_body = ReplayBody,
    responses(
        (status = 200, description = "The webhook", body = WebhookView),
        (status = 404, description = "No such webhook", body = evertill_http::ProblemDocument),
        (status = 422, description = "No such change", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn replay(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<ReplayBody>,
) -> Result<Response, Problem> {
    let (id, after) = (number(&id)?, body.value.after);
    let request = repeatable(principal, key, body.digest);
    act(&hub, request, move |conn, _| {
        webhooks::replay(conn, id, after)
    })
    .await
}

/// What was sent to a webhook, and what is to be.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "events",
    params(("id" = i64, Path, description = "Its number"), Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of deliveries", body = List<DeliveryView>),
        (status = 404, description = "No such webhook", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn deliveries(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<DeliveryView>, Problem> {
    let state = filter.state.map(|name| {
        DeliveryState::named(&name).ok_or_else(|| {
            let detail = "send pending, delivered or dead";
            Problem::malformed("invalid_parameter", "a parameter cannot be read")
                .field(FieldError::new("/state", "invalid", detail))
        })
    });
    let (id, after) = (number(&id)?, page.after()?);
    let found = webhooks::deliveries(&hub, id, state.transpose()?, after, page.limit + 1).await?;
    let list = List::page(found, page.limit, |delivery| delivery.id);
    Ok(list.map(delivery_view))
}

/// Send a dead letter again.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{delivery}/retry", tag = "events",
    params(
        ("id" = i64, Path, description = "The webhook's number"),
        ("delivery" = i64, Path, description = "The delivery's number"),
    ),
    responses(
        (status = 200, description = "The delivery", body = DeliveryView),
        (status = 404, description = "No such delivery", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is not dead", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn retry(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path((id, delivery)): Path<(String, String)>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    let (id, delivery) = (number(&id)?, number(&delivery)?);
    let request = repeatable(principal, key, body.digest);
    let work = move |conn: &Connection, now| {
        let again = webhooks::retry(conn, id, delivery, now)?;
        Ok::<_, WebhookRefusal>(answer(200, &delivery_view(again)))
    };
    Ok(response(
        once(&hub, "retry a delivery", request, work).await?,
    ))
}

async fn act(
    hub: &Hub,
    request: Repeatable,
    work: impl FnOnce(&Connection, Timestamp) -> Result<Webhook, WebhookRefusal> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |conn: &Connection, now| -> Result<Answer, WebhookRefusal> {
        Ok(answer(200, &view(work(conn, now)?)))
    };
    Ok(response(
        once(hub, "change a webhook", request, work).await?,
    ))
}

fn repeatable(principal: String, key: IdempotencyKey, digest: [u8; 32]) -> Repeatable {
    Repeatable {
        principal,
        key,
        digest,
    }
}

fn number(text: &str) -> Result<i64, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found(format!("{text} is no number of a webhook or delivery")))
}

fn view(webhook: Webhook) -> WebhookView {
    WebhookView {
        id: webhook.id,
        url: webhook.url,
        types: webhook.types.iter().map(|kind| kind.as_str()).collect(),
        description: webhook.description,
        state: if webhook.paused { "paused" } else { "active" },
        max_attempts: webhook.max_attempts,
        position: webhook.position,
        created_by: webhook.created_by,
        created_at: webhook.created_at.to_string(),
        secret: None,
    }
}

fn delivery_view(delivery: Delivery) -> DeliveryView {
    let pending = delivery.state == DeliveryState::Pending;
    DeliveryView {
        id: delivery.id,
        state: delivery.state.as_str(),
        attempts: delivery.attempts,
        status: delivery.status,
        error: delivery.error,
        position: delivery.position,
        created_at: delivery.created_at.to_string(),
        next_at: pending.then(|| delivery.next_at.to_string()),
        done_at: delivery.done_at.map(|at| at.to_string()),
    }
}

impl From<WebhookRefusal> for Problem {
    fn from(refusal: WebhookRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            WebhookRefusal::Unknown(_) | WebhookRefusal::UnknownDelivery { .. } => {
                Self::not_found(detail)
            }
            WebhookRefusal::NotDead { .. } => Self::conflict("not_dead", detail),
            WebhookRefusal::TooMany => Self::conflict("too_many_webhooks", detail),
            WebhookRefusal::Rejected(refused) => refused.into(),
            WebhookRefusal::NoRandomness(_) => Self::internal(),
            WebhookRefusal::Table(error) => error.into(),
        }
    }
}
