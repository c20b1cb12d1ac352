//! Failures of the databases as problems.
//!
//! Invariant: a failure that is ours is logged here, once, and shown to the
//! client without its cause.

use std::error::Error;

use evertill_http::{Problem, busy};
use evertill_storage::reference::ReferenceError;
use evertill_storage::{ReadError, WriteError};

/// Seconds after which a client may try again when the disk is full.
const RETRY_FULL_S: u32 = 30;

/// A read that gave no result.
pub(super) fn reading<E: Error + 'static>(error: &ReadError<E>) -> Problem {
    match error {
        ReadError::Busy { .. } | ReadError::Closed => busy(),
        ReadError::Failed(_) | ReadError::Storage(_) | ReadError::Panicked => ours(error),
    }
}

/// A write that did not happen.
pub(super) fn writing<E: Error + 'static>(error: &WriteError<E>) -> Problem {
    match error {
        WriteError::Busy { .. } | WriteError::Closed { .. } => busy(),
        WriteError::Full { .. } => full(error),
        WriteError::Rejected(_) | WriteError::Storage(_) | WriteError::Panicked { .. } => {
            ours(error)
        }
    }
}

/// Reference data that could not be read or written.
pub(super) fn reference(error: &ReferenceError) -> Problem {
    ours(error)
}

fn full(error: &dyn Error) -> Problem {
    tracing::error!(%error, "a request was refused");
    Problem::unavailable(
        "disk_full",
        "the hub's disk or its size limit is full; nothing was stored",
        RETRY_FULL_S,
    )
}

pub(super) fn ours(error: &dyn Error) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::internal()
}
