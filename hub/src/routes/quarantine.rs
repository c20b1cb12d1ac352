//! `/quarantine`: what could not be taken, and settling it.

use axum::extract::State;
use axum::response::Response;
use evertill_http::{EmptyBody, IdempotencyKey, List, Page, Path, Problem, Query};
use evertill_storage::quarantine::{Case, CaseState, SettleError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::once::{Repeatable, once};
use crate::services::quarantine::{self, Settle, Settled};
use crate::state::Hub;

/// Which cases are asked for; all of them without any.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `open`, `released` or `dismissed`
    state: Option<StateFilter>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateFilter {
    Open,
    Released,
    Dismissed,
}

/// Something in quarantine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CaseView {
    /// Its number.
    id: i64,
    /// `entry`, `feed_item`, `replica` or `feed`.
    kind: &'static str,
    /// The journal that it belongs to.
    replica: String,
    /// Where it came from.
    location: String,
    /// The number of the entry or item.
    seq: u64,
    /// The rule that is broken, such as `gate.history`.
    rule: String,
    /// What is wrong, in words.
    reason: String,
    /// The document whose arrival lets it apply by itself.
    waits_for: Option<String>,
    /// `open`, `released` or `dismissed`.
    state: &'static str,
    /// When it was opened, RFC 3339.
    opened_at: String,
    /// When it was settled.
    resolved_at: Option<String>,
    /// Who settled it; `arrival` when what it waited for came.
    resolved_by: Option<String>,
}

/// A case after a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettledView {
    /// The case as it is now.
    case: CaseView,
    /// Cases that were released with it.
    released: Vec<i64>,
    /// Whether more that waited for it is left; retry those cases.
    more: bool,
}

/// Cases in the order in which they were opened.
#[utoipa::path(
    get, path = "/api/v1/quarantine", tag = "quarantine",
    params(Filter, super::PageParameters),
    responses(
        (status = 200, description = "A page of cases", body = List<CaseView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Query(filter): Query<Filter>,
    page: Page,
) -> Result<List<CaseView>, Problem> {
    let after: Option<i64> = page.after()?;
    let state = filter.state.map(|state| match state {
        StateFilter::Open => CaseState::Open,
        StateFilter::Released => CaseState::Released,
        StateFilter::Dismissed => CaseState::Dismissed,
    });
    let cases = quarantine::page(&hub, state, after, page.limit + 1).await?;
    Ok(List::page(cases, page.limit, |case| case.id).map(view))
}

/// Judge a case again and apply it if it passes now.
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/retry", tag = "quarantine",
    params(("id" = i64, Path, description = "The number of the case")),
    responses(
        (status = 200, description = "What became of it; an open case stays open with its reason", body = SettledView),
        (status = 404, description = "No such case", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is settled", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn retry(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<i64>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    settle(&hub, id, Settle::Retry, request(principal, key, body)).await
}

/// Leave a case out for good.
#[utoipa::path(
    post, path = "/api/v1/quarantine/{id}/dismiss", tag = "quarantine",
    params(("id" = i64, Path, description = "The number of the case")),
    responses(
        (status = 200, description = "The case", body = SettledView),
        (status = 404, description = "No such case", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is settled", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn dismiss(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<i64>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    settle(&hub, id, Settle::Dismiss, request(principal, key, body)).await
}

fn request(principal: String, key: IdempotencyKey, body: EmptyBody) -> Repeatable {
    Repeatable {
        principal,
        key,
        digest: body.digest,
    }
}

async fn settle(hub: &Hub, id: i64, how: Settle, request: Repeatable) -> Result<Response, Problem> {
    let by = request.principal.clone();
    let work = move |conn: &_, now| {
        let settled = quarantine::settle(conn, id, how, &by, now)?;
        Ok::<_, NotSettled>(answer(200, &settled_view(settled)))
    };
    let done = once(hub, "settle a quarantine case", request, work).await?;
    Ok(response(done))
}

/// Why a case was not settled, with its status.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct NotSettled(#[from] SettleError);

impl From<NotSettled> for Problem {
    fn from(NotSettled(error): NotSettled) -> Self {
        match error {
            SettleError::Unknown { .. } => Self::not_found(error.to_string()),
            SettleError::Settled { .. } => Self::conflict("case_settled", error.to_string()),
            SettleError::Table(error) => error.into(),
        }
    }
}

fn settled_view(settled: Settled) -> SettledView {
    SettledView {
        case: view(settled.case),
        released: settled.released,
        more: settled.more,
    }
}

fn view(case: Case) -> CaseView {
    CaseView {
        id: case.id,
        kind: case.kind.as_str(),
        replica: case.replica.to_string(),
        location: case.location.to_string(),
        seq: case.seq,
        rule: case.rule,
        reason: case.reason,
        waits_for: case.waits_for.map(|document| document.to_string()),
        state: case.state.as_str(),
        opened_at: case.opened_at.to_string(),
        resolved_at: case.resolved_at.map(|at| at.to_string()),
        resolved_by: case.resolved_by,
    }
}
