//! `/policies`: the rule sets of the chain.
//!
//! Invariant: what `GET` shows as `policy` can be sent back as the body of
//! `PUT`.

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use evertill_domain::policy::{
    BarcodePolicy, ChannelPolicy, MovementPolicy, OnlinePolicy, PolicyError, RoundingPolicy,
    RoutingPolicy, SafetyStockPolicy, TaxPolicy, TimerPolicy,
};
use evertill_domain::rejection::{Rejection, Rejections};
use evertill_http::extract::from_json;
use evertill_http::{List, Page, Path, Problem, Query, Upload};
use evertill_storage::reference::{PolicyName, UnknownPolicy};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::auth::Principal;
use super::drafts::{Proposal, propose};
use crate::services::policies::{self, InForce, PutError};
use crate::state::Hub;

/// Largest policy, in bytes.
pub(super) const POLICY_MAX: usize = 1 << 20;

/// A policy in force, or a revision of one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyView {
    /// Which policy.
    #[schema(example = "tax")]
    pub name: &'static str,
    /// How often it was put; 0 for the default.
    pub revision: u64,
    /// The version of the reference data that brought it; 0 for the default.
    pub version: u64,
    /// The policy, every field written out.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// When it was put; absent for what is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The API key that put it; absent for what is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

impl From<InForce> for PolicyView {
    fn from(held: InForce) -> Self {
        Self {
            name: held.name.as_str(),
            revision: held.revision,
            version: held.version,
            policy: held.policy,
            at: None,
            author: None,
        }
    }
}

/// All policies in force.
#[utoipa::path(
    get, path = "/api/v1/policies", tag = "policies",
    params(super::PageParameters),
    responses(
        (status = 200, description = "One of each name", body = List<PolicyView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    page: Page,
) -> Result<List<PolicyView>, Problem> {
    let held = page.of(policies::list(&hub).await?, |held| held.name.to_string())?;
    Ok(held.map(PolicyView::from))
}

/// One policy in force; its revision is also the `ETag`.
#[utoipa::path(
    get, path = "/api/v1/policies/{name}", tag = "policies",
    params(("name" = String, Path, description = "The policy's name")),
    responses(
        (status = 200, description = "The policy", body = PolicyView),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn show(
    _: Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let held = policies::show(&hub, named(&name)?).await?;
    Ok(tagged(held))
}

/// Put a policy in force for the whole chain.
///
/// With `If-Match` the policy is only put over that revision. A policy about
/// promises (safety stock, channels, online, routing, timers) becomes a draft
/// instead, which another key holder approves.
#[utoipa::path(
    put, path = "/api/v1/policies/{name}", tag = "policies",
    params(("name" = String, Path, description = "The policy's name"), Proposal),
    request_body(content = Object, description = "The policy, as GET shows it"),
    responses(
        (status = 200, description = "The policy in force now", body = PolicyView),
        (status = 202, description = "A draft that another key holder approves", body = super::drafts::DraftView),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
        (status = 409, description = "Another revision is in force", body = evertill_http::ProblemDocument),
        (status = 422, description = "The policy contradicts its rules", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn put(
    Principal(author): Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    Query(how): Query<Proposal>,
    headers: HeaderMap,
    upload: Upload<POLICY_MAX>,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    if upload.media_type != "application/json" {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    let body = checked(name, &upload.bytes)?;
    let expected = expected(&headers)?;
    if name.is_selling() {
        return propose(&hub, name, body, author, (how, expected)).await;
    }
    if how.effective_from.is_some() {
        let detail = "this policy holds as soon as it is put; leave effective_from out";
        let field = evertill_http::FieldError::new("/effective_from", "not_scheduled", detail);
        return Err(Problem::unprocessable("not_scheduled", detail).field(field));
    }
    policies::put(&hub, name, body, expected, author)
        .await
        .map(tagged)
        .map_err(refused)
}

/// Every revision of a policy, the newest first.
#[utoipa::path(
    get, path = "/api/v1/policies/{name}/history", tag = "policies",
    params(("name" = String, Path, description = "The policy's name"), super::PageParameters),
    responses(
        (status = 200, description = "A page of revisions", body = List<PolicyView>),
        (status = 400, description = "A parameter cannot be read", body = evertill_http::ProblemDocument),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn history(
    _: Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    page: Page,
) -> Result<List<PolicyView>, Problem> {
    let revisions = policies::history(&hub, named(&name)?).await?;
    let newest_first = |held: &InForce| format!("{:020}", u64::MAX - held.revision);
    let page = page.of(revisions, |(held, ..)| newest_first(held))?;
    Ok(page.map(|(held, at, author)| PolicyView {
        at: Some(at.to_string()),
        author: Some(author),
        ..PolicyView::from(held)
    }))
}

pub(super) fn named(name: &str) -> Result<PolicyName, Problem> {
    name.parse()
        .map_err(|error: UnknownPolicy| Problem::not_found(error.to_string()))
}

pub(super) fn tagged(held: InForce) -> Response {
    let tag = format!("\"{}\"", held.revision);
    let mut response = Json(PolicyView::from(held)).into_response();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// The body with every field written out, if it reads as the policy and the
/// policy finds nothing wrong with itself.
fn checked(name: PolicyName, bytes: &[u8]) -> Result<String, Problem> {
    match name {
        PolicyName::Tax => read(bytes, TaxPolicy::validate),
        PolicyName::Rounding => read(bytes, RoundingPolicy::validate),
        PolicyName::Movements => read(bytes, MovementPolicy::validate),
        PolicyName::Barcode => read(bytes, BarcodePolicy::validate),
        PolicyName::SafetyStock => read(bytes, SafetyStockPolicy::validate),
        PolicyName::Channels => read(bytes, ChannelPolicy::validate),
        PolicyName::Online => read(bytes, OnlinePolicy::validate),
        PolicyName::Routing => read(bytes, RoutingPolicy::validate),
        PolicyName::Timers => read(bytes, TimerPolicy::validate),
    }
}

fn read<P: DeserializeOwned + Serialize>(
    bytes: &[u8],
    validate: fn(&P) -> Vec<PolicyError>,
) -> Result<String, Problem> {
    let policy: P = from_json(bytes)?;
    let wrong = validate(&policy).into_iter();
    let wrong = wrong.map(|error| Rejection::new(error.pointer, "policy_invalid", error.detail));
    Rejections::unless_empty(wrong.collect()).map_err(Problem::from)?;
    serde_json::to_string(&policy).map_err(|_| Problem::internal())
}

/// The revision of an `If-Match` header.
fn expected(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'))
        .and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            Problem::malformed(
                "if_match_invalid",
                "If-Match carries the ETag that GET gave, such as \"3\"; leave it out to put \
                 the policy over whatever is in force",
            )
        })
}

pub(super) fn refused(error: PutError) -> Problem {
    match error {
        PutError::Moved { .. } => Problem::conflict(
            "policy_moved",
            format!("{error}; read it again and decide anew"),
        ),
        PutError::Reference(error) => error.into(),
    }
}
