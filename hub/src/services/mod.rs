//! What the hub does, apart from how it was asked: the command line, the
//! control socket and HTTP call the same functions.
//!
//! Invariant: a service loads, decides and commits; it knows neither flags nor
//! status codes.

pub mod availability;
pub mod commands;
pub mod days;
pub mod doctor;
pub mod drafts;
pub mod exceptions;
pub mod fleet;
pub mod grants;
pub mod ground;
pub mod import;
pub mod keys;
pub mod maintain;
pub mod once;
pub mod orders;
pub mod policies;
pub mod quarantine;
pub mod refused;
pub mod sales;
pub mod seals;
pub mod simulate;
pub mod stock;
pub mod supply;
pub mod webhooks;

use evertill_storage::reference::ReferenceError;
use evertill_storage::{ReadError, TableError};

/// A view that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// From the journal's database.
    #[error(transparent)]
    Store(#[from] ReadError<TableError>),
    /// From the reference data.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
