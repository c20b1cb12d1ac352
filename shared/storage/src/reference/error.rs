//! What can go wrong with reference data, in words that name the subject and
//! the remedy.

use std::path::PathBuf;

use super::row::{Cursor, Kind};

/// An operation on the reference data that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// The database file could not be opened or brought up to date.
    #[error(
        "could not open the reference data {path}: {detail}; check the folder's permissions and free space"
    )]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite or the migrations said.
        detail: String,
    },
    /// SQLite refused to keep a setting that durability depends on.
    #[error(
        "the reference data {path} runs with {pragma} = {found} instead of {wanted}; put the data folder on a local disk"
    )]
    Pragma {
        /// The database file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
        /// What was asked for.
        wanted: &'static str,
        /// What SQLite reports.
        found: String,
    },
    /// The disk is full; nothing of the operation was kept.
    #[error("could not {operation}: the disk is full; free some space, nothing was changed")]
    Full {
        /// What was being done.
        operation: &'static str,
    },
    /// SQLite failed; nothing of the operation was kept.
    #[error("could not {operation}: {source}")]
    Storage {
        /// What was being done.
        operation: &'static str,
        /// SQLite's own words.
        source: rusqlite::Error,
    },
    /// A stored row cannot be read by this release.
    #[error(
        "reference row {kind} {key} cannot be read: {detail}; update this machine, or remove its reference.db and let it fetch the data again"
    )]
    Unreadable {
        /// What the row describes.
        kind: Kind,
        /// Its key.
        key: String,
        /// Why it cannot be read.
        detail: String,
    },
    /// A page does not start where the last one ended.
    #[error(
        "a page of reference data starts after {found}, but this store is at {expected}; ask again from its position"
    )]
    Gap {
        /// Where this store is.
        expected: String,
        /// Where the page starts.
        found: String,
    },
    /// The bytes of a page cannot be decoded.
    #[error("a page of reference data cannot be decoded: {0}")]
    Page(String),
    /// The operation belongs to the other role.
    #[error("could not {operation}: only a {role} does that")]
    Role {
        /// What was being done.
        operation: &'static str,
        /// Who may do it.
        role: &'static str,
    },
    /// A barcode can name one product only.
    #[error(
        "barcode {barcode} of product {sku} already belongs to product {owner}; remove it there first"
    )]
    BarcodeTaken {
        /// The barcode.
        barcode: String,
        /// The product that asked for it.
        sku: String,
        /// The product that has it.
        owner: String,
    },
    /// A policy's body is refused.
    #[error("the {name} policy is not valid: {detail}")]
    Policy {
        /// Which policy.
        name: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Somebody else changed the reference data since it was read.
    #[error(
        "the reference data moved from version {expected} to {found} meanwhile; read it again and retry"
    )]
    Moved {
        /// The version the decision was made on.
        expected: u64,
        /// The version now.
        found: u64,
    },
    /// The operation panicked; its transaction was rolled back.
    #[error("could not {operation}: it stopped unexpectedly and was undone; see the log")]
    Panicked {
        /// What was being done.
        operation: &'static str,
    },
}

impl ReferenceError {
    /// Says which operation SQLite failed in, and tells a full disk apart.
    pub(super) fn storage(operation: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { operation },
            _ => Self::Storage { operation, source },
        }
    }

    /// A page that does not continue at `expected`.
    pub(super) fn gap(expected: Option<&Cursor>, found: Option<&Cursor>) -> Self {
        let words = |cursor: Option<&Cursor>| {
            cursor.map_or_else(|| "the start".to_owned(), ToString::to_string)
        };
        Self::Gap {
            expected: words(expected),
            found: words(found),
        }
    }
}
