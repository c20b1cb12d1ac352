//! Failures of the services as problems.
//!
//! Invariant: each refusal of the node has its status here, and what several
//! binaries share in `evertill_http`.

use evertill_http::Problem;

use crate::services::{Failure, Refusal};

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(refused) => refused.into(),
            Refusal::OtherBody => Self::unprocessable(
                "idempotency_key_reused",
                "this Idempotency-Key was used for another request; send a new key",
            ),
            Refusal::NotEnrolled => Self::conflict(
                "not_enrolled",
                "this node does not know its location yet; stop it, run evertill-node enrol \
                 with a token of the hub, and start it again",
            ),
            Refusal::Unknown(what) => Self::not_found(what),
            Refusal::Table(error) => error.into(),
            Refusal::Reference(error) => error.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Read(error) => error.into(),
            Failure::Write(error) => error.into(),
        }
    }
}
