//! Enrolment: a token for a certificate.
//!
//! Invariant: a token is used up in the transaction that records its
//! certificate; who fails leaves the token as it was.

use evertill_domain::{NodeId, Timestamp};
use evertill_storage::enrolments::{self, Certificate, Redeemed};
use evertill_storage::{TableError, secret};
use evertill_transport::{EnrolmentRequest, IdentityError, Issued};

use crate::state::Hub;

/// Why a machine was not enrolled.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("this token was never issued here; issue one with evertill-hub enrol-token")]
    Unknown,
    #[error(
        "this token was used at {0}, and works once; issue another with evertill-hub enrol-token"
    )]
    Used(Timestamp),
    #[error("this token expired at {0}; issue another with evertill-hub enrol-token")]
    Expired(Timestamp),
    #[error("the signing request is not one: {0}")]
    Request(IdentityError),
    #[error("the hub could not record the enrolment: {0}")]
    Table(#[from] TableError),
    #[error("the hub could not draw an id: {0}")]
    NoRandomness(#[from] secret::NoRandomness),
    #[error("the hub's own keys do not work: {0}")]
    Identity(IdentityError),
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Used(_) => "token_used",
            Self::Expired(_) => "token_expired",
            Self::Request(_) => "request_malformed",
            Self::Table(_) | Self::NoRandomness(_) | Self::Identity(_) => "hub_failed",
        }
    }
}

/// Answers one machine.
pub(super) async fn answer(hub: Hub, request: EnrolmentRequest) {
    match enrol(&hub, &request).await {
        Ok((issued, authority)) => request.accept(&issued, &authority).await,
        Err((code, detail)) => {
            tracing::warn!(code, detail, "a machine was not enrolled");
            request.refuse(code, &detail).await;
        }
    }
}

async fn enrol(
    hub: &Hub,
    request: &EnrolmentRequest,
) -> Result<(Issued, Vec<u8>), (&'static str, String)> {
    let failed = |refused: Refused| (refused.code(), refused.to_string());
    let identity = hub.identity().map_err(Refused::Identity).map_err(failed)?;
    let authority = identity.authority().to_vec();
    let (token, csr, now) = (request.secret, request.request.clone(), hub.now());
    let drawn = hub.surroundings().clone();
    let issued = hub
        .store()
        .write("enrol a node", move |tx| {
            let node = NodeId(u64::from_be_bytes(drawn.draw_bytes()?).max(1));
            let location = match enrolments::redeem(tx, &token, node, now)? {
                Redeemed::Accepted(location) => location,
                Redeemed::Unknown => return Err(Refused::Unknown),
                Redeemed::Used(at) => return Err(Refused::Used(at)),
                Redeemed::Expired(at) => return Err(Refused::Expired(at)),
            };
            let issued = identity
                .issue(&csr, node, &location, now)
                .map_err(Refused::Request)?;
            let certificate = Certificate {
                fingerprint: issued.fingerprint,
                node,
                location: location.clone(),
                issued_at: now,
                expires_at: issued.expires_at,
                revoked: None,
            };
            enrolments::record_certificate(tx, &certificate)?;
            Ok((issued, node, location))
        })
        .await;
    match issued {
        Ok((issued, node, location)) => {
            tracing::info!(%node, %location, "a node was enrolled");
            Ok((issued, authority))
        }
        Err(evertill_storage::WriteError::Rejected(refused)) => Err(failed(refused)),
        Err(error) => Err(("hub_failed", error.to_string())),
    }
}
