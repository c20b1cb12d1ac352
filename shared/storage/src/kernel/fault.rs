//! Telling a full or failing disk from an ordinary error.
//!
//! A closure's error type is its own, so a full disk arrives here wrapped in
//! it. The chain of `source()` ends in SQLite's code whenever SQLite was the
//! cause, transparent wrappers included.
//!
//! Invariant: a constraint or a wrong statement is never called a disk fault.

use std::error::Error;
use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use super::disk;
use super::error::{StorageError, WriteError};

/// Free bytes below which an I/O error counts as a full disk: syncing or
/// growing the shared-memory index reports "I/O error" where the cause is
/// "no space".
const NO_ROOM_BYTES: u64 = 1 << 20;

/// A failure of the disk or the database file, not of the command.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// No room, on the disk or below the size limit.
    Full(String),
    /// Everything else that the command is not to blame for.
    Storage(String),
}

impl Fault {
    /// Finds a fault in an error's chain; `None` when the error is the
    /// command's own business.
    pub(crate) fn find(error: &(dyn Error + 'static), dir: &Path) -> Option<Self> {
        let mut next = Some(error);
        while let Some(current) = next {
            let code = current
                .downcast_ref::<ffi::Error>()
                .map(|found| found.code)
                .or_else(|| {
                    current
                        .downcast_ref::<rusqlite::Error>()
                        .and_then(rusqlite::Error::sqlite_error_code)
                });
            if let Some(code) = code {
                return Self::classify(code, current, dir);
            }
            next = current.source();
        }
        None
    }

    /// The fault behind a failure of the kernel's own statements, where
    /// everything is a fault.
    pub(crate) fn of_own(error: &rusqlite::Error, dir: &Path) -> Self {
        Self::find(error, dir).unwrap_or_else(|| Self::Storage(error.to_string()))
    }

    fn classify(code: ErrorCode, error: &dyn Error, dir: &Path) -> Option<Self> {
        let detail = error.to_string();
        match code {
            ErrorCode::DiskFull => Some(Self::Full(detail)),
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                let room = disk::free_bytes(dir).unwrap_or(u64::MAX);
                Some(if room < NO_ROOM_BYTES {
                    Self::Full(detail)
                } else {
                    Self::Storage(detail)
                })
            }
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::NoLargeFileSupport => Some(Self::Storage(detail)),
            _ => None,
        }
    }

    /// The same fault as the answer to one write.
    pub(crate) fn into_write_error<E: Error + 'static>(self, name: &'static str) -> WriteError<E> {
        match self {
            Self::Full(detail) => WriteError::Full { name, detail },
            Self::Storage(detail) => WriteError::Storage(StorageError {
                operation: format!("commit {name}"),
                detail,
            }),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(detail) | Self::Storage(detail) => f.write_str(detail),
        }
    }
}
