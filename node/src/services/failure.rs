//! Why a service did not do what it was asked.
//!
//! Invariant: a [`Refusal`] is the command's fault or the node's state and is
//! told to the caller; every other failure is the machine's.

use evertill_domain::rejection::{Rejection, Rejections};
use evertill_storage::reference::ReferenceError;
use evertill_storage::{ReadError, TableError, WriteError};

/// Why a command was refused, or a closure could not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The command breaks rules of the trade.
    #[error(transparent)]
    Rejected(#[from] Rejections),
    /// The idempotency key was used for another request body.
    #[error("the idempotency key was used for another body")]
    OtherBody,
    /// The node does not know where it stands.
    #[error("this node is not enrolled")]
    NotEnrolled,
    /// Nothing here has that name.
    #[error("{0}")]
    Unknown(String),
    /// A table could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The reference data could not be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection.into())
    }
}

/// Why a service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store could not be read.
    #[error(transparent)]
    Read(ReadError<Refusal>),
    /// The store could not be written; nothing was changed.
    #[error(transparent)]
    Write(WriteError<Refusal>),
}

impl From<ReadError<Refusal>> for Failure {
    fn from(error: ReadError<Refusal>) -> Self {
        match error {
            ReadError::Failed(refusal) => Self::Refused(refusal),
            error => Self::Read(error),
        }
    }
}

impl From<WriteError<Refusal>> for Failure {
    fn from(error: WriteError<Refusal>) -> Self {
        match error {
            WriteError::Rejected(refusal) => Self::Refused(refusal),
            error => Self::Write(error),
        }
    }
}

impl From<Rejections> for Failure {
    fn from(refused: Rejections) -> Self {
        Self::Refused(refused.into())
    }
}
