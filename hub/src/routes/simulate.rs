//! `POST /policies/{name}/simulate`: what a draft would have decided otherwise.

use axum::Json;
use axum::extract::State;
use evertill_domain::Timestamp;
use evertill_domain::policy::RoutingPolicy;
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_domain::routing::Assignment;
use evertill_http::api::thousandths_text;
use evertill_http::{Body, IdempotencyKey, Path, Problem};
use evertill_storage::reference::PolicyName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Principal;
use super::policies::named;
use crate::services::simulate::{self, Difference, Trial};
use crate::state::Hub;

/// Differences that are shown without a limit.
const SHOWN: usize = 100;
/// Most differences that are shown.
const MOST: usize = 1_000;

/// A draft to try.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialBody {
    /// The draft; settings left out have their defaults.
    #[schema(value_type = Object)]
    policy: RoutingPolicy,
    /// Decisions since this time; all that are kept if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Most differences to show, 1 to 1,000; 100 if left out.
    limit: Option<u16>,
}

/// What a draft would have decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TrialView {
    /// How many decisions were made again.
    decisions: usize,
    /// How many would have come out otherwise.
    changed: usize,
    /// Orders that only the policy in force sourced in full.
    lost: usize,
    /// Orders that only the draft would have sourced in full.
    won: usize,
    /// Orders that would have come from more places.
    more_places: usize,
    /// Orders that would have come from fewer places.
    fewer_places: usize,
    /// What would have been decided otherwise, the first ones.
    differences: Vec<DifferenceView>,
}

/// One decision that would have come out otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DifferenceView {
    /// The order.
    order: String,
    /// When it was decided.
    at: String,
    /// From where the goods came.
    was: Vec<PartView>,
    /// From where they would have come.
    would_be: Vec<PartView>,
}

/// A part of a line from one place.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartView {
    /// The order's line.
    line: u32,
    /// From where.
    location: String,
    /// How much.
    quantity: String,
}

/// Try a draft of the routing policy on the decisions that were made.
#[utoipa::path(
    post, path = "/api/v1/policies/{name}/simulate", tag = "policies",
    params(("name" = String, Path, description = "`routing`: its decisions are kept")),
    request_body = TrialBody,
    responses(
        (status = 200, description = "What would have been decided otherwise; nothing is changed", body = TrialView),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
        (status = 422, description = "A policy whose decisions are not kept, or a draft that cannot be used", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    _: Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    _: IdempotencyKey,
    body: Body<TrialBody>,
) -> Result<Json<TrialView>, Problem> {
    let name = named(&name)?;
    if name != PolicyName::Routing {
        let detail = "only routing can be tried: of other policies no decisions are kept";
        return Err(Problem::unprocessable("not_simulated", detail));
    }
    let TrialBody {
        policy,
        since,
        limit,
    } = body.value;
    let wrong = policy.validate().into_iter().map(|error| {
        let pointer = format!("/policy{}", error.pointer);
        Rejection::new(pointer, "policy_invalid", error.detail)
    });
    Rejections::unless_empty(wrong.collect())?;
    let limit = limit.map_or(SHOWN, usize::from).min(MOST);
    let trial = simulate::routing(&hub, policy, since, limit).await?;
    Ok(Json(view(trial)))
}

fn view(trial: Trial) -> TrialView {
    TrialView {
        decisions: trial.decisions,
        changed: trial.changed,
        lost: trial.lost,
        won: trial.won,
        more_places: trial.more_places,
        fewer_places: trial.fewer_places,
        differences: trial.differences.into_iter().map(difference).collect(),
    }
}

fn difference(found: Difference) -> DifferenceView {
    let parts = |parts: Vec<Assignment>| parts.iter().map(part).collect();
    DifferenceView {
        order: found.order.to_string(),
        at: found.at.to_string(),
        was: parts(found.was),
        would_be: parts(found.would_be),
    }
}

fn part(part: &Assignment) -> PartView {
    PartView {
        line: part.line,
        location: part.location.to_string(),
        quantity: thousandths_text(part.quantity),
    }
}
