//! `/exceptions`: problems that a person owns.

use axum::extract::State;
use axum::response::Response;
use evertill_domain::{DocumentId, LocationId, Money, Timestamp};
use evertill_http::api::{AmountText, QuantityText};
use evertill_http::{Body, IdempotencyKey, List, Page, Path, Problem, Query};
use evertill_storage::exceptions::{Action, Exception, Filter as Wanted};
use evertill_storage::rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::exceptions::{self, Asked, Shown};
use crate::services::once::{Repeatable, once};
use crate::services::orders::{At, OrderRefusal, PrepareError};
use crate::state::Hub;

/// Which are asked for; all of them without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `open`, `acknowledged` or `resolved`
    state: Option<String>,
    /// Such as `suspected_breach` or `no_candidate`
    kind: Option<String>,
    /// At one location
    location: Option<String>,
    /// Of one role, such as `store` or `operator`
    owner: Option<String>,
}

/// A problem.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExceptionView {
    /// Its number.
    id: i64,
    /// What sort.
    kind: &'static str,
    /// `open`, `acknowledged` or `resolved`.
    state: String,
    /// The role that owns it.
    owner: String,
    /// The person who looks after it.
    assigned_to: Option<String>,
    /// Where.
    location: Option<String>,
    /// Which product.
    sku: Option<String>,
    /// Which order.
    order: Option<String>,
    /// What is wrong, in words.
    detail: String,
    /// What to do, in words.
    suggestion: &'static str,
    /// The actions that can be posted now; in a list, those that its kind has.
    actions: Vec<&'static str>,
    /// When it was opened.
    opened_at: String,
    /// For how long it has been open, in seconds.
    age_s: i64,
    /// By when it is due.
    due_at: String,
    /// Whether that time is over.
    overdue: bool,
    /// Whether it went to the next role.
    escalated: bool,
    /// How often it did.
    level: usize,
    /// When it was resolved.
    resolved_at: Option<String>,
    /// By whom.
    resolved_by: Option<String>,
    /// How.
    resolution: Option<String>,
    /// Money that its order owes to the customer (`refund`), or the customer for
    /// it (`recollect`); only when one is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owed: Vec<OwedView>,
    /// What was done about it; only when one is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<ActionView>,
}

/// Money that is owed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwedView {
    /// `refund` or `recollect`.
    what: &'static str,
    /// How much, as a decimal string.
    amount: String,
    /// In which currency.
    currency: String,
}

/// One thing that was done about a problem.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActionView {
    /// When.
    at: String,
    /// By whom.
    by: String,
    /// What.
    action: String,
    /// In words.
    note: Option<String>,
}

/// An action on a problem.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActionBody {
    /// Who is to look after it; for `assign`.
    to: Option<String>,
    /// In words; `resolve` needs it.
    note: Option<String>,
    /// How many are on the shelf, what is put aside for customers not among them;
    /// `found` and `count` need it.
    counted: Option<QuantityText>,
    /// The location that takes it on; `source_from` needs it, `re_source` may name
    /// it.
    #[schema(value_type = Option<String>)]
    to_location: Option<LocationId>,
    /// Until when a customer may collect; for `extend`, instead of the policy's time.
    #[schema(value_type = Option<String>)]
    until: Option<Timestamp>,
    /// How much went back; for `refunded`, instead of all that is owed.
    amount: Option<AmountText>,
    /// Proof of the payment; for `refunded`.
    reference: Option<String>,
}

/// Problems in the order in which they were opened.
#[utoipa::path(
    get, path = "/api/v1/exceptions", tag = "exceptions",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of problems", body = List<ExceptionView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<ExceptionView>, Problem> {
    let after: Option<i64> = page.after()?;
    let wanted = Wanted {
        state: filter.state,
        kind: filter.kind,
        location: filter.location,
        owner: filter.owner,
    };
    let found = exceptions::page(&hub, wanted, after, page.limit + 1).await?;
    let now = hub.now();
    let found = List::page(found, page.limit, |shown| shown.found.id);
    Ok(found.map(|shown| view(shown, now)))
}

/// One problem, with what was done about it.
#[utoipa::path(
    get, path = "/api/v1/exceptions/{id}", tag = "exceptions",
    params(("id" = i64, Path, description = "The problem's number")),
    responses(
        (status = 200, description = "The problem", body = ExceptionView),
        (status = 404, description = "No such problem", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<i64>,
) -> Result<axum::Json<ExceptionView>, Problem> {
    let found = exceptions::show(&hub, id).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("there is no exception {id}")))?;
    Ok(axum::Json(view(found, hub.now())))
}

/// Act on a problem: `acknowledge`, `assign`, `resolve`, or what the problem
/// itself offers in `actions`.
#[utoipa::path(
    post, path = "/api/v1/exceptions/{id}/{action}", tag = "exceptions",
    params(
        ("id" = i64, Path, description = "The problem's number"),
        ("action" = String, Path, description = "What is done"),
    ),
    request_body = ActionBody,
    responses(
        (status = 200, description = "The problem afterwards", body = ExceptionView),
        (status = 404, description = "No such problem, or no such action", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is resolved already, or its state does not allow the action", body = evertill_http::ProblemDocument),
        (status = 422, description = "Something is missing", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn act(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path((id, action)): Path<(i64, String)>,
    key: IdempotencyKey,
    body: Body<ActionBody>,
) -> Result<Response, Problem> {
    let by = principal.clone();
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    exceptions::check_note(body.value.note.as_deref())?;
    let picture = exceptions::picture_of(&hub, id).await?;
    let author = hub.author().map_err(PrepareError::from)?;
    let (state, asked) = (hub.clone(), asked(body.value));
    let work = move |conn: &Connection, now| {
        let at = At {
            conn,
            hub: &state,
            author: &author,
            picture: &picture,
            document: DocumentId::from_bytes([0; 16]),
            by: Some(&by),
            now,
        };
        let shown = exceptions::act(at, id, &action, &asked)?;
        Ok::<_, OrderRefusal>(answer(200, &view(shown, now)))
    };
    Ok(response(
        once(&hub, "act on an exception", request, work).await?,
    ))
}

fn asked(body: ActionBody) -> Asked {
    Asked {
        to: body.to,
        note: body.note,
        counted: body.counted,
        to_location: body.to_location,
        until: body.until,
        amount: body.amount,
        reference: body.reference,
    }
}

pub(super) fn view(shown: Shown, now: Timestamp) -> ExceptionView {
    let Shown {
        found,
        history,
        actions,
        owed,
    } = shown;
    let Exception {
        opening, resolved, ..
    } = found;
    let (resolved_at, resolved_by, resolution) = match resolved {
        Some((at, by, how)) => (Some(at.to_string()), Some(by), Some(how)),
        None => (None, None, None),
    };
    ExceptionView {
        id: found.id,
        kind: opening.kind.as_str(),
        owner: found.owner,
        assigned_to: found.assigned_to,
        location: opening.location.map(|location| location.to_string()),
        sku: opening.sku.map(|sku| sku.to_string()),
        order: opening.document.map(|document| document.to_string()),
        detail: opening.detail,
        suggestion: opening.kind.meaning().suggestion,
        actions,
        opened_at: found.opened_at.to_string(),
        age_s: (now.as_millis() - found.opened_at.as_millis()) / 1_000,
        overdue: found.state != "resolved" && found.due_at < now,
        state: found.state,
        due_at: found.due_at.to_string(),
        escalated: found.level > 0,
        level: found.level,
        resolved_at,
        resolved_by,
        resolution,
        owed: owed.into_iter().map(owed_view).collect(),
        history: history.into_iter().map(action_view).collect(),
    }
}

fn owed_view((what, amount): (&'static str, Money)) -> OwedView {
    OwedView {
        what,
        amount: amount.to_decimal_string(),
        currency: amount.currency().to_string(),
    }
}

fn action_view(action: Action) -> ActionView {
    ActionView {
        at: action.at.to_string(),
        by: action.by,
        action: action.action,
        note: action.note,
    }
}
