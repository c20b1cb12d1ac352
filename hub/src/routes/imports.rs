//! `POST /imports/{kind}`: the same imports as on the command line.
//!
//! Invariant: of two requests under one key at most one imports, and both get
//! its answer.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use evertill_http::{FieldError, IdempotencyKey, Path, Problem, Query, Upload};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Principal;
use super::failure;
use crate::imports::{ImportError, ImportKind, Summary, TableError};
use crate::services::import;
use crate::services::import::{Repeatable, Uploaded};
use crate::state::Hub;

/// Largest upload, in bytes; import a larger file on the hub's own machine.
pub const UPLOAD_MAX: usize = 32 << 20;

/// Parameters of an import.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Say what would happen and change nothing
    #[serde(default)]
    dry_run: bool,
}

/// Import products, stock or locations.
///
/// The body is the CSV file. Good rows stay when others are refused; the
/// summary says how many were, and why.
#[utoipa::path(
    post, path = "/api/v1/imports/{kind}", tag = "imports",
    params(("kind" = String, Path, description = "products, stock or locations"), Parameters),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "What became of the rows", body = Summary),
        (status = 400, description = "No CSV, or no Idempotency-Key", body = evertill_http::ProblemDocument),
        (status = 413, description = "Larger than 32 MiB", body = evertill_http::ProblemDocument),
        (status = 415, description = "The body is not text/csv", body = evertill_http::ProblemDocument),
        (status = 422, description = "The header does not fit, or the key was used for another file", body = evertill_http::ProblemDocument),
    )
)]
pub(super) async fn post(
    Principal(principal): Principal,
    State(hub): State<Hub>,
    Path(kind): Path<String>,
    Query(parameters): Query<Parameters>,
    key: IdempotencyKey,
    upload: Upload<UPLOAD_MAX>,
) -> Result<Response, Problem> {
    let kind: ImportKind = kind
        .parse()
        .map_err(|error: crate::imports::UnknownImport| Problem::not_found(error.to_string()))?;
    if upload.media_type != "text/csv" {
        return Err(Problem::unsupported_media_type("text/csv"));
    }
    let wanted = Uploaded {
        kind,
        dry_run: parameters.dry_run,
        bytes: upload.bytes,
        digest: upload.digest,
    };
    let request = Repeatable { principal, key };
    let work = move || import::upload(&hub, &wanted, &request);
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Problem::internal())?
        .map_err(|error| refused(&error))?;
    let status = StatusCode::from_u16(done.status).unwrap_or(StatusCode::OK);
    Ok((status, [(CONTENT_TYPE, "application/json")], done.body).into_response())
}

fn refused(error: &import::UploadError) -> Problem {
    match error {
        import::UploadError::OtherBody => Problem::unprocessable(
            "idempotency_key_reused",
            "this Idempotency-Key was used for another file; send a new key",
        ),
        import::UploadError::Lookup(error) => failure::reading(error),
        import::UploadError::Record(error) => failure::writing(error),
        import::UploadError::Import(error) => import_refused(error),
    }
}

fn import_refused(error: &ImportError) -> Problem {
    match error {
        ImportError::Table { source, .. } => table_refused(source),
        ImportError::Reference { source, .. } => failure::reference(source),
        ImportError::RejectFile { .. } | ImportError::NoJournal => failure::ours(error),
    }
}

fn table_refused(error: &TableError) -> Problem {
    let detail = error.to_string();
    let field = |code| FieldError::new("", code, detail.clone());
    match error {
        TableError::Empty { .. } | TableError::NotUtf8 { .. } | TableError::Csv(_) => {
            Problem::malformed("malformed_csv", &detail).field(field("malformed_csv"))
        }
        TableError::TooLarge { .. } => Problem::too_large(UPLOAD_MAX),
        TableError::UnknownColumn { .. }
        | TableError::MissingColumn { .. }
        | TableError::DuplicateColumn { .. }
        | TableError::Separator { .. } => {
            Problem::unprocessable("header_invalid", &detail).field(field("header_invalid"))
        }
    }
}
