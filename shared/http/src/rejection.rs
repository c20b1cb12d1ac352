//! The one file that says which refusal answers with which status.
//!
//! Invariant: a status code is chosen here and nowhere else; services speak of
//! classes, never of HTTP.

use std::error::Error;

use axum::http::StatusCode;
use evertill_domain::rejection::{RejectionClass, Rejections};
use evertill_storage::reference::ReferenceError;
use evertill_storage::{ReadError, TableError, WriteError};

use crate::service::draining;
use crate::{FieldError, Problem};

/// Seconds after which a client may try again when a queue was full or the
/// process is going down.
const RETRY_SOON_S: u32 = 1;

/// Seconds after which a client may try again when somebody must free space first.
const RETRY_WHEN_FREED_S: u32 = 30;

/// 503 for a bounded queue that had no room; nothing was stored.
#[must_use]
pub fn busy() -> Problem {
    Problem::unavailable(
        "busy",
        "more requests wait than the store accepts; nothing was stored; send the same request again",
        RETRY_SOON_S,
    )
}

/// 503 for a disk, or a database limit, that is reached; nothing was stored.
fn disk_full() -> Problem {
    Problem::unavailable(
        "disk_full",
        "the disk of this machine is full; nothing was stored; free some space or raise the limit, \
         then send the same request again",
        RETRY_WHEN_FREED_S,
    )
}

/// 500 after the one log line that says why.
fn internal(cause: &dyn Error) -> Problem {
    tracing::error!(error = %cause, "a request failed for a reason of ours");
    Problem::internal()
}

/// What a write was refused for, or why the store could not take it.
impl<E: Error + Into<Problem> + 'static> From<WriteError<E>> for Problem {
    fn from(error: WriteError<E>) -> Self {
        match error {
            WriteError::Rejected(refused) => refused.into(),
            WriteError::Busy { .. } => busy(),
            WriteError::Full { .. } => {
                tracing::error!(error = %error, "a request was refused");
                disk_full()
            }
            WriteError::Closed { .. } => draining(),
            // The panic itself is in the log already.
            WriteError::Panicked { .. } => Self::internal(),
            WriteError::Storage(cause) => internal(&cause),
        }
    }
}

/// What a read was refused for, or why the store could not answer.
impl<E: Error + Into<Problem> + 'static> From<ReadError<E>> for Problem {
    fn from(error: ReadError<E>) -> Self {
        match error {
            ReadError::Failed(refused) => refused.into(),
            ReadError::Busy { .. } => busy(),
            ReadError::Closed => draining(),
            ReadError::Panicked => Self::internal(),
            ReadError::Storage(cause) => internal(&cause),
        }
    }
}

/// A table that could not be read or written.
impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        if error.is_disk_full() {
            tracing::error!(error = %error, "a request was refused");
            disk_full()
        } else {
            internal(&error)
        }
    }
}

/// Reference data that could not be read or changed.
impl From<ReferenceError> for Problem {
    fn from(error: ReferenceError) -> Self {
        match &error {
            ReferenceError::Full { .. } => disk_full(),
            ReferenceError::Policy { detail, .. } => {
                let field = FieldError::new("", "invalid_policy", detail.as_str());
                Self::unprocessable("invalid_policy", error.to_string()).field(field)
            }
            ReferenceError::BarcodeTaken { .. } => {
                Self::conflict("barcode_taken", error.to_string())
            }
            ReferenceError::Moved { .. } => Self::conflict("moved", error.to_string()),
            ReferenceError::Open { .. }
            | ReferenceError::Pragma { .. }
            | ReferenceError::Storage { .. }
            | ReferenceError::Unreadable { .. }
            | ReferenceError::Gap { .. }
            | ReferenceError::Page(_)
            | ReferenceError::Role { .. }
            | ReferenceError::Panicked { .. } => internal(&error),
        }
    }
}

/// 422, 409 or 404 by class, with one entry per refused field. The problem's
/// code is the rule that every field broke, `refused` if they differ.
impl From<Rejections> for Problem {
    fn from(refused: Rejections) -> Self {
        let fields = refused.fields();
        let rule = fields.first().map(|field| field.code);
        let rule = rule.filter(|rule| fields.iter().all(|field| field.code == *rule));
        let status = match refused.class() {
            RejectionClass::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            RejectionClass::Conflict => StatusCode::CONFLICT,
            RejectionClass::NotFound => StatusCode::NOT_FOUND,
        };
        let problem = Self::new(status, rule.unwrap_or("refused"), refused.to_string());
        problem.fields(
            fields
                .iter()
                .map(|field| FieldError::new(&*field.pointer, field.code, &*field.detail)),
        )
    }
}

#[cfg(test)]
mod tests {
    use evertill_domain::rejection::Rejection;

    use super::*;

    #[test]
    fn a_refusal_keeps_its_fields() {
        let refused = Rejection::new("/lines/0/sku", "unknown_sku", "no product X is known here");
        let problem = Problem::from(Rejections::from(refused));
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (422, "unknown_sku")
        );
        assert_eq!(problem.errors()[0].pointer, "/lines/0/sku");
        assert_eq!(problem.errors()[0].code, "unknown_sku");
    }

    #[test]
    fn the_class_chooses_the_status() {
        let refused = || Rejection::new("", "already_voided", "it is void already");
        let status = |refused: Rejection| Problem::from(Rejections::from(refused)).status();
        assert_eq!(status(refused()), 422);
        assert_eq!(status(refused().as_conflict()), 409);
        assert_eq!(status(refused().as_not_found()), 404);
    }
}
