//! `POST /policies/{name}/simulate`: what a draft would have decided otherwise.

use axum::Json;
use axum::extract::State;
use evertill_domain::Timestamp;
use evertill_domain::policy::{
    ChannelPolicy, OnlinePolicy, PolicyError, RoutingPolicy, SafetyStockPolicy, TimerPolicy,
};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_http::extract::from_json;
use evertill_http::{IdempotencyKey, Path, Problem, Upload};
use evertill_storage::reference::PolicyName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::auth::Principal;
use super::policies::{POLICY_MAX, named};
use super::trial_view::{TrialView, view};
use crate::services::simulate::{self, Draft, TrialError};
use crate::state::Hub;

/// Differences that are shown without a limit.
const SHOWN: usize = 100;
/// Most differences that are shown.
const MOST: usize = 1_000;

/// A draft to try.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialBody<P> {
    /// The draft; settings left out have their defaults.
    #[schema(value_type = Object)]
    policy: P,
    /// Decisions since this time; all that are kept if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Most differences to show, 1 to 1,000; 100 if left out.
    limit: Option<u16>,
}

/// Try a draft of a policy on what was decided before.
///
/// Each of the last 10,000 decisions, and each order that was refused for a lack
/// of goods in the last 30 days, is made again under the draft, by itself. What is
/// an estimate is said to be one. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/policies/{name}/simulate", tag = "policies",
    params(("name" = String, Path, description = "`safety_stock`, `channels`, `online`, `routing` or `timers`")),
    request_body = TrialBody<serde_json::Value>,
    responses(
        (status = 200, description = "What would have been decided otherwise, and why", body = TrialView),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
        (status = 422, description = "A policy that decides nothing about orders, or a draft that cannot be used", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    _: Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    _: IdempotencyKey,
    upload: Upload<POLICY_MAX>,
) -> Result<Json<TrialView>, Problem> {
    let name = named(&name)?;
    if upload.media_type != "application/json" {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    let asked = read(name, &upload.bytes)?;
    let limit = match asked.limit {
        Some(0) => return Err(no_limit()),
        Some(limit) => usize::from(limit).min(MOST),
        None => SHOWN,
    };
    let trial = simulate::run(&hub, asked.policy, asked.since, limit).await?;
    Ok(Json(view(name, trial)))
}

fn no_limit() -> Problem {
    let detail = format!("show at least 1 and at most {MOST} differences, or leave it out");
    Rejections::from(Rejection::new("/limit", "out_of_range", detail)).into()
}

/// The body with the draft as a policy of its name.
fn read(name: PolicyName, bytes: &[u8]) -> Result<TrialBody<Draft>, Problem> {
    match name {
        PolicyName::SafetyStock => read_as(bytes, SafetyStockPolicy::validate, Draft::SafetyStock),
        PolicyName::Channels => read_as(bytes, ChannelPolicy::validate, Draft::Channels),
        PolicyName::Online => read_as(bytes, OnlinePolicy::validate, Draft::Online),
        PolicyName::Timers => read_as(bytes, TimerPolicy::validate, Draft::Timers),
        PolicyName::Routing => read_as(bytes, RoutingPolicy::validate, Draft::Routing),
        PolicyName::Tax | PolicyName::Rounding | PolicyName::Movements | PolicyName::Barcode => {
            // What cannot be read is told first, as on every route.
            from_json::<TrialBody<serde_json::Value>>(bytes)?;
            let detail = format!(
                "{name} decides nothing about orders, so no decision can be made again with it; \
                 try safety_stock, channels, online, routing or timers"
            );
            Err(Problem::unprocessable("not_simulated", detail))
        }
    }
}

fn read_as<P: DeserializeOwned>(
    bytes: &[u8],
    validate: fn(&P) -> Vec<PolicyError>,
    draft: fn(P) -> Draft,
) -> Result<TrialBody<Draft>, Problem> {
    let body: TrialBody<P> = from_json(bytes)?;
    let wrong = validate(&body.policy).into_iter().map(|error| {
        let pointer = format!("/policy{}", error.pointer);
        Rejection::new(pointer, "policy_invalid", error.detail)
    });
    Rejections::unless_empty(wrong.collect())?;
    Ok(TrialBody {
        policy: draft(body.policy),
        since: body.since,
        limit: body.limit,
    })
}

impl From<TrialError> for Problem {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Read(error) => error.into(),
            TrialError::Write(error) => error.into(),
            TrialError::Reference(error) => error.into(),
        }
    }
}
