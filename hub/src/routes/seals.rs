//! `POST /replicas/{id}/seal`: a lost machine's rights stand for good.

use axum::extract::State;
use axum::response::Response;
use evertill_domain::ReplicaId;
use evertill_http::{Body, IdempotencyKey, Path, Problem};
use evertill_storage::rusqlite::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Principal;
use super::once::{answer, response};
use crate::services::once::{Repeatable, once};
use crate::services::orders::PrepareError;
use crate::services::seals::{self, Seal, SealRefusal, SucceedError};
use crate::state::Hub;

/// Why a replica is sealed; needed of the person who proposes it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SealBody {
    /// In words, such as `stolen` or `disk broken`.
    reason: Option<String>,
}

/// Where a seal stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SealView {
    /// The replica, 16 hexadecimal digits.
    replica: String,
    /// Where it stood.
    location: String,
    /// `proposed` or `sealed`.
    state: &'static str,
    /// The last entry whose rights count.
    seq: u64,
    /// Why.
    reason: String,
    /// Who proposed it.
    proposed_by: String,
    /// Who approved it; null while it is proposed.
    approved_by: Option<String>,
    /// Whether each product is to be counted before it is sold online again.
    recount: bool,
}

/// Propose that a replica is lost, or agree with who proposed it.
///
/// The first key holder proposes, a second one seals. Rights that the lost
/// machine held are free again; promises at its location stay, and each opens an
/// exception. The location's next machine gets its history and its place.
#[utoipa::path(
    post, path = "/api/v1/replicas/{id}/seal", tag = "fleet",
    params(("id" = String, Path, description = "The replica, as GET /fleet lists it")),
    request_body = SealBody,
    responses(
        (status = 200, description = "It is sealed", body = SealView),
        (status = 202, description = "It is proposed; another key holder repeats the call", body = SealView),
        (status = 404, description = "No such replica", body = evertill_http::ProblemDocument),
        (status = 409, description = "It is connected, sealed already, or proposed with this key", body = evertill_http::ProblemDocument),
        (status = 422, description = "The reason is missing", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(id): Path<String>,
    key: IdempotencyKey,
    body: Body<SealBody>,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found(format!("no replica {id} is known; GET /fleet lists them"));
    let replica: ReplicaId = id.parse().map_err(|_| unknown())?;
    let author = hub.author().map_err(PrepareError::from)?;
    let request = Repeatable {
        principal: principal.clone(),
        key,
        digest: body.digest,
    };
    let (state, own) = (hub.clone(), author.clone());
    let work = move |conn: &Connection, now| {
        let who = (principal.as_str(), body.value.reason.as_deref());
        let sealed = seals::seal(conn, (&state, &own), replica, who, now)?;
        let status = if sealed.approved_by.is_some() {
            200
        } else {
            202
        };
        Ok::<_, SealRefusal>(answer(status, &view(sealed)))
    };
    let done = once(&hub, "seal a replica", request, work).await?;
    seals::succeed_due(&hub, &author).await?;
    Ok(response(done))
}

fn view(seal: Seal) -> SealView {
    SealView {
        replica: seal.replica.to_string(),
        location: seal.location.to_string(),
        state: if seal.approved_by.is_some() {
            "sealed"
        } else {
            "proposed"
        },
        seq: seal.seq,
        reason: seal.reason,
        proposed_by: seal.proposed_by,
        approved_by: seal.approved_by,
        recount: seal.recount,
    }
}

impl From<SealRefusal> for Problem {
    fn from(refusal: SealRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            SealRefusal::Unknown(_) => Self::not_found(detail),
            SealRefusal::OwnJournal(_) => Self::conflict("own_journal", detail),
            SealRefusal::Sealed(_) => Self::conflict("already_sealed", detail),
            SealRefusal::Alive(_) => Self::conflict("replica_connected", detail),
            SealRefusal::SameKey { .. } => Self::conflict("same_key", detail),
            SealRefusal::Rejected(refused) => refused.into(),
            SealRefusal::Table(error) => error.into(),
        }
    }
}

impl From<SucceedError> for Problem {
    fn from(error: SucceedError) -> Self {
        match error {
            SucceedError::Read(error) => error.into(),
            SucceedError::Write(error) => error.into(),
        }
    }
}
