//! Imports, from a file on this machine or from a request.
//!
//! Invariant: one import runs at a time.

use std::convert::Infallible;
use std::io;

use evertill_storage::kernel::control::Failed;
use evertill_storage::{ReadError, TableError, WriteError};
use serde_json::Value;

use super::commands::ImportFile;
use super::once::{Answer, OnceError, Repeatable};
use crate::imports::{
    self, FILE_MAX_BYTES, ImportError, ImportKind, ImportOptions, Progress, RejectFile, Summary,
};
use crate::state::Hub;

/// Imports a file of this machine.
///
/// # Errors
/// The file cannot be read or does not fit as a whole, or the database failed.
pub fn file(
    hub: &Hub,
    wanted: &ImportFile,
    progress: &mut dyn FnMut(Value),
) -> Result<Summary, Failed> {
    let bytes = read(wanted)?;
    let mut options = ImportOptions {
        dry_run: wanted.dry_run,
        reject_file: RejectFile::for_file(&wanted.file, hub.dir()),
        progress: &mut |step: Progress| {
            progress(serde_json::to_value(step).unwrap_or_default());
        },
    };
    let _alone = hub.import_alone();
    run(hub, wanted.kind, &bytes, &mut options).map_err(Failed::new)
}

/// Rows that came in a request.
#[derive(Debug)]
pub struct Uploaded {
    /// What they are.
    pub kind: ImportKind,
    /// Whether to change nothing.
    pub dry_run: bool,
    /// The CSV file.
    pub bytes: Vec<u8>,
}

/// An upload that was not imported.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Earlier answers could not be read.
    #[error(transparent)]
    Lookup(ReadError<OnceError<Infallible>>),
    /// The rows were imported, but the answer could not be recorded; the same
    /// request again finds them unchanged.
    #[error(transparent)]
    Record(WriteError<TableError>),
    /// The rows do not fit as a whole, or the database failed.
    #[error(transparent)]
    Import(ImportError),
}

/// Imports rows that came in a request, or repeats the answer to it. Products
/// and locations are written to another database than the answer; a crash in
/// between leaves rows that the same request then finds unchanged.
///
/// # Errors
/// See [`UploadError`].
///
/// # Panics
/// Never: a summary is plain JSON.
pub fn upload(hub: &Hub, wanted: &Uploaded, request: &Repeatable) -> Result<Answer, UploadError> {
    let _alone = hub.import_alone();
    let asked = request.clone();
    let earlier = hub
        .store()
        .read_blocking(move |conn| asked.earlier(conn))
        .map_err(UploadError::Lookup)?;
    if let Some(answer) = earlier {
        return Ok(answer);
    }
    let mut options = ImportOptions {
        dry_run: wanted.dry_run,
        reject_file: RejectFile::for_upload(wanted.kind.as_str(), hub.dir()),
        progress: &mut |_| {},
    };
    let summary =
        run(hub, wanted.kind, &wanted.bytes, &mut options).map_err(UploadError::Import)?;
    let answer = Answer {
        status: 200,
        body: serde_json::to_vec(&summary).expect("invariant: a summary is plain JSON"),
    };
    if !wanted.dry_run {
        let (request, answer, now) = (request.clone(), answer.clone(), hub.now());
        hub.store()
            .write_blocking("record an import's answer", move |tx| {
                request.record(tx, &answer, now)
            })
            .map_err(UploadError::Record)?;
    }
    Ok(answer)
}

fn run(
    hub: &Hub,
    kind: ImportKind,
    bytes: &[u8],
    options: &mut ImportOptions<'_>,
) -> Result<Summary, ImportError> {
    let summary = match kind {
        ImportKind::Products => imports::import_products(hub.reference(), bytes, options),
        ImportKind::Locations => imports::import_locations(hub.reference(), bytes, options),
        ImportKind::Stock => imports::import_stock(hub, bytes, options),
    }?;
    tracing::info!(
        import.kind = kind.as_str(),
        import.rows = summary.rows,
        import.accepted = summary.accepted,
        import.rejected = summary.rejected,
        import.dry_run = summary.dry_run,
        "a file was imported"
    );
    Ok(summary)
}

fn read(wanted: &ImportFile) -> Result<Vec<u8>, Failed> {
    let path = wanted.file.display();
    let unreadable = |error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            _ => "make it a file that the hub's user can read",
        };
        Failed::new(format!("could not read {path}: {error}; {remedy}"))
    };
    let size = std::fs::metadata(&wanted.file).map_err(unreadable)?.len();
    if size > FILE_MAX_BYTES as u64 {
        return Err(Failed::new(format!(
            "could not read {path}: it has {size} bytes, the limit is {FILE_MAX_BYTES}; split it"
        )));
    }
    std::fs::read(&wanted.file).map_err(unreadable)
}
