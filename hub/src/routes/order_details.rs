//! `/orders/{id}/decisions` and `/orders/{id}/pickup-codes`: why an order's goods
//! come from where they do, and what its customer shows there.

use axum::extract::State;
use evertill_http::{List, Page, Path, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Principal;
use super::orders::{named, unknown};
use crate::services::orders;
use crate::state::Hub;

/// A routing decision: what was known, the policy, and the plan.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionView {
    /// Its number.
    id: i64,
    /// When it was made.
    at: String,
    /// Why: `placed`, `changed`, `paid`, `assigned` or `re-sourced`.
    cause: String,
    /// Everything that was known of every candidate.
    #[schema(value_type = Object)]
    snapshot: serde_json::Value,
    /// The policy that decided.
    #[schema(value_type = Object)]
    policy: serde_json::Value,
    /// What was decided, with the verdict on every rule for every candidate.
    #[schema(value_type = Object)]
    plan: serde_json::Value,
}

/// Why an order's goods come from where they do.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/decisions", tag = "orders",
    params(("id" = String, Path, description = "The order's id"), super::PageParameters),
    responses(
        (status = 200, description = "Every decision, the first one first", body = List<DecisionView>),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn decisions(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    page: Page,
) -> Result<List<DecisionView>, Problem> {
    let found = orders::decisions_of(&hub, named(&id)?).await?;
    let found = found.ok_or_else(|| unknown(&id))?;
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let list = page.of(found, |decision| decision.id.to_string())?;
    Ok(list.map(|decision| DecisionView {
        id: decision.id,
        at: decision.at.to_string(),
        cause: decision.cause,
        snapshot: json(&decision.snapshot),
        policy: json(&decision.policy),
        plan: json(&decision.plan),
    }))
}

/// A pickup code, for the message to the customer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeView {
    /// Where it is collected.
    location: String,
    /// What the customer shows there: six digits.
    #[schema(example = "042137")]
    code: String,
}

/// The codes that the customer of an order shows, one for each place where
/// something of it is to be collected.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/pickup-codes", tag = "orders",
    params(("id" = String, Path, description = "The order's id"), super::PageParameters),
    responses(
        (status = 200, description = "By location", body = List<CodeView>),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn pickup_codes(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    page: Page,
) -> Result<List<CodeView>, Problem> {
    let found = orders::pickup_codes(&hub, named(&id)?).await?;
    let found = found.ok_or_else(|| unknown(&id))?;
    let list = page.of(found, |(location, _)| location.to_string())?;
    Ok(list.map(|(location, code)| CodeView {
        location: location.to_string(),
        code,
    }))
}
