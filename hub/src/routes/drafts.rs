//! `/policies/{name}/drafts`, `/approve` and `/rollback`: two key holders for
//! what is sold to whom.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use evertill_domain::Timestamp;
use evertill_http::{Body, EmptyBody, FieldError, IdempotencyKey, List, Page, Path, Problem};
use evertill_storage::drafts::Draft;
use evertill_storage::reference::PolicyName;
use evertill_storage::rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::once::{answer, response};
use super::policies::named;
use crate::services::drafts::{self, ApproveError, DueError};
use crate::services::once::{Repeatable, once};
use crate::services::policies::{self, PutError};
use crate::state::Hub;

/// How a proposed policy is to hold; for policies about promises.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Proposal {
    /// From when it is to hold, RFC 3339; as soon as it is approved if left out
    #[param(value_type = Option<String>)]
    pub(super) effective_from: Option<Timestamp>,
    /// Why, in words
    pub(super) reason: Option<String>,
}

/// A proposed policy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DraftView {
    /// Its number.
    draft: i64,
    /// Which policy.
    name: &'static str,
    /// The policy.
    #[schema(value_type = Object)]
    policy: serde_json::Value,
    /// `draft`, `approved`, `in_force` or `withdrawn`.
    state: String,
    /// Who proposed it.
    author: String,
    /// Why.
    reason: Option<String>,
    /// When.
    created_at: String,
    /// From when it is to hold.
    effective_from: String,
    /// The revision in force when it was proposed.
    base_revision: u64,
    /// Who approved it.
    approved_by: Option<String>,
    /// When.
    approved_at: Option<String>,
    /// Names in its rules that nothing has, so that these rules match nothing:
    /// in the answer to whoever proposes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<WarningView>>,
}

/// Something in a policy that is likely a slip.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WarningView {
    /// Where, as a JSON pointer into the policy.
    #[schema(example = "/rules/3/scope/sku")]
    pointer: String,
    /// What, and what to do.
    detail: String,
}

/// Which proposal is approved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApproveBody {
    /// Its number.
    draft: i64,
}

/// Which revision comes back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackBody {
    /// The revision that is to hold again.
    revision: u64,
    /// Why, in words.
    reason: Option<String>,
}

/// Proposals of a policy, the newest first.
#[utoipa::path(
    get, path = "/api/v1/policies/{name}/drafts", tag = "policies",
    params(("name" = String, Path, description = "The policy's name"), super::PageParameters),
    responses(
        (status = 200, description = "A page of proposals", body = List<DraftView>),
        (status = 404, description = "No such policy", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn list(
    _: Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    page: Page,
) -> Result<List<DraftView>, Problem> {
    let found = drafts::list(&hub, named(&name)?).await?;
    let newest_first = |draft: &Draft| format!("{:020}", i64::MAX - draft.id);
    Ok(page.of(found, newest_first)?.map(view))
}

/// Approve a policy that another key holder proposed.
#[utoipa::path(
    post, path = "/api/v1/policies/{name}/approve", tag = "policies",
    params(("name" = String, Path, description = "The policy's name")),
    request_body = ApproveBody,
    responses(
        (status = 200, description = "The proposal; it is in force once its time has come", body = DraftView),
        (status = 404, description = "No such policy or proposal", body = evertill_http::ProblemDocument),
        (status = 409, description = "It waits no more, or was proposed with this key", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn approve(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    key: IdempotencyKey,
    body: Body<ApproveBody>,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    let by = principal.clone();
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    let id = body.value.draft;
    let work = move |conn: &Connection, now| {
        let draft = drafts::approve(conn, name, id, &by, now)?;
        Ok::<_, ApproveError>(answer(200, &view(draft)))
    };
    let done = once(&hub, "approve a policy", request, work).await?;
    drafts::put_due(&hub).await?;
    // It may be in force by now, and then that is the answer.
    Ok(match drafts::show(&hub, id).await? {
        Some(draft) => response(answer(done.status, &view(draft))),
        None => response(done),
    })
}

/// Withdraw a proposal, approved or not, that is not in force yet.
#[utoipa::path(
    post, path = "/api/v1/policies/{name}/drafts/{draft}/withdraw", tag = "policies",
    params(
        ("name" = String, Path, description = "The policy's name"),
        ("draft" = i64, Path, description = "The proposal's number"),
    ),
    responses(
        (status = 200, description = "The proposal", body = DraftView),
        (status = 404, description = "No such policy or proposal", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is in force or withdrawn already", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn withdraw(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path((name, draft)): Path<(String, String)>,
    key: IdempotencyKey,
    body: EmptyBody,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    let draft: i64 = draft
        .parse()
        .map_err(|_| Problem::not_found(format!("{draft} is no number of a draft")))?;
    let request = Repeatable {
        principal,
        key,
        digest: body.digest,
    };
    let work = move |conn: &Connection, _| {
        let withdrawn = drafts::withdraw(conn, name, draft)?;
        Ok::<_, ApproveError>(answer(200, &view(withdrawn)))
    };
    Ok(response(
        once(&hub, "withdraw a policy", request, work).await?,
    ))
}

/// Propose an earlier revision again.
#[utoipa::path(
    post, path = "/api/v1/policies/{name}/rollback", tag = "policies",
    params(("name" = String, Path, description = "The policy's name")),
    request_body = RollbackBody,
    responses(
        (status = 200, description = "It holds again, for a policy that needs no approval", body = super::policies::PolicyView),
        (status = 202, description = "A proposal that another key holder approves", body = DraftView),
        (status = 404, description = "No such policy or revision", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn rollback(
    Principal(author): Principal,
    State(hub): State<Hub>,
    Path(name): Path<String>,
    _: IdempotencyKey,
    body: Body<RollbackBody>,
) -> Result<Response, Problem> {
    let name = named(&name)?;
    let RollbackBody { revision, reason } = body.value;
    let earlier = drafts::earlier(&hub, name, revision).await?;
    let earlier = earlier.ok_or_else(|| {
        Problem::not_found(format!(
            "policy {name} has no revision {revision}; see its history"
        ))
    })?;
    if name.is_selling() {
        let how = Proposal {
            effective_from: None,
            reason,
        };
        return propose(&hub, name, earlier, author, (how, None)).await;
    }
    policies::put(&hub, name, earlier, None, author)
        .await
        .map(super::policies::tagged)
        .map_err(super::policies::refused)
}

/// Keeps a proposal and answers 202.
pub(super) async fn propose(
    hub: &Hub,
    name: PolicyName,
    body: String,
    author: String,
    (how, expected): (Proposal, Option<u64>),
) -> Result<Response, Problem> {
    let base = policies::show(hub, name).await?.revision;
    if let Some(expected) = expected.filter(|expected| *expected != base) {
        let moved = PutError::Moved {
            expected,
            found: base,
        };
        return Err(super::policies::refused(moved));
    }
    if how.reason.as_ref().is_some_and(|reason| reason.len() > 500) {
        let detail = "it is longer than 500 bytes; shorten it";
        let field = FieldError::new("/reason", "too_long", detail);
        return Err(Problem::unprocessable("too_long", detail).field(field));
    }
    let unknown = policies::unknown_names(hub, name, &body).await?;
    let warnings = unknown.into_iter().map(|warning| WarningView {
        pointer: warning.pointer,
        detail: warning.detail,
    });
    let times = (how.reason, how.effective_from);
    let draft = drafts::propose(hub, name, body, author, times, base).await?;
    let view = DraftView {
        warnings: Some(warnings.collect()),
        ..view(draft)
    };
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

fn view(draft: Draft) -> DraftView {
    let (approved_by, approved_at) = match draft.approved {
        Some((by, at)) => (Some(by), Some(at.to_string())),
        None => (None, None),
    };
    DraftView {
        draft: draft.id,
        name: draft.name.as_str(),
        policy: serde_json::from_str(&draft.body).unwrap_or_default(),
        state: draft.state,
        author: draft.author,
        reason: draft.reason,
        created_at: draft.created_at.to_string(),
        effective_from: draft.effective_from.to_string(),
        base_revision: draft.base_revision,
        approved_by,
        approved_at,
        warnings: None,
    }
}

impl From<ApproveError> for Problem {
    fn from(error: ApproveError) -> Self {
        let detail = error.to_string();
        match error {
            ApproveError::Unknown(_) => Self::not_found(detail),
            ApproveError::Over { state, .. } => {
                let code = match state.as_str() {
                    "withdrawn" => "withdrawn",
                    "in_force" => "already_in_force",
                    _ => "already_approved",
                };
                Self::conflict(code, detail)
            }
            ApproveError::SameKey { .. } => Self::conflict("same_key", detail),
            ApproveError::Table(error) => error.into(),
        }
    }
}

impl From<DueError> for Problem {
    fn from(error: DueError) -> Self {
        match error {
            DueError::Read(error) => error.into(),
            DueError::Write(error) => error.into(),
        }
    }
}
