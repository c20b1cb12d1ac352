//! `/orders/{id}/decisions`, `/pickup-codes` and `/messages`: why an order's goods
//! come from where they do, what its customer shows there, and what they were
//! told.

use axum::extract::State;
use evertill_http::{List, Page, Path, Problem};
use evertill_storage::messages::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Principal;
use super::orders::{named, unknown};
use crate::outgoing::messages::{kept, parts};
use crate::services::orders;
use crate::state::Hub;

/// A routing decision: what was known, the policy, and the plan.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionView {
    /// Its number.
    id: i64,
    /// When it was made.
    at: String,
    /// Why: `placed`, `changed`, `paid`, `assigned` or `re-sourced`; `unsourced`
    /// where nobody could take the order on.
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
    /// The facts behind the figures, which drafts of policies are tried on; null
    /// for decisions of earlier releases.
    #[schema(value_type = Option<Object>)]
    basis: Option<serde_json::Value>,
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
        basis: decision.basis.as_deref().map(json),
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

/// Something that the customer of an order is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageView {
    /// Its name among all messages.
    id: String,
    /// `confirmed`, `ready`, `shipped`, `delayed`, `cancelled`, `refunded` or
    /// `not_collected`.
    notice: String,
    /// A location, a line, an amount; empty for the whole order.
    about: String,
    /// `pending` or `sent`.
    state: &'static str,
    /// When it became due.
    due_since: String,
    /// When it was sent.
    sent_at: Option<String>,
}

/// What the customer of an order was told, and is to be told.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/messages", tag = "orders",
    params(("id" = String, Path, description = "The order's id"), super::PageParameters),
    responses(
        (status = 200, description = "Each once, the first one first", body = List<MessageView>),
        (status = 404, description = "No such order", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn messages(
    _: Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    page: Page,
) -> Result<List<MessageView>, Problem> {
    let document = named(&id)?;
    let found = orders::show(&hub, document).await?;
    found.ok_or_else(|| unknown(&id))?;
    let found = kept(&hub, document).await?;
    let place = |message: &Message| {
        format!(
            "{:020}/{}",
            message.created_at.as_millis(),
            message.obligation
        )
    };
    let list = page.of(found, place)?;
    Ok(list.map(|message| {
        let (notice, about) = parts(&message.obligation);
        MessageView {
            id: message.id(),
            notice: notice.to_owned(),
            about: about.to_owned(),
            state: if message.sent_at.is_some() {
                "sent"
            } else {
                "pending"
            },
            due_since: message.created_at.to_string(),
            sent_at: message.sent_at.map(|at| at.to_string()),
        }
    }))
}
