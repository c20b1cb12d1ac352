//! `POST /imports/{kind}`: the same imports as on the command line.
//!
//! Invariant: of two requests under one key at most one imports, and both get
//! its answer.

use axum::extract::State;
use axum::response::Response;
use evertill_http::{FieldError, IdempotencyKey, Path, Problem, Query, Upload};
use evertill_storage::ReadError;
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Principal;
use super::once::{other_body, response};
use crate::imports::{ImportError, ImportKind, Summary, TableError, UnknownImport};
use crate::services::import::{self, UploadError, Uploaded};
use crate::services::once::{OnceError, Repeatable};
use crate::state::Hub;

/// Largest upload, in bytes; import a larger file on the hub's own machine.
pub const UPLOAD_MAX: usize = 32 << 20;

/// Parameters of an import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Parameters {
    /// Say what would happen and change nothing
    #[serde(default)]
    dry_run: bool,
}

/// Import products, stock or locations.
///
/// The body is the CSV file. Good rows stay when others are refused; the
/// summary says how many were, and why. Opening hours of locations are written
/// such as `Mo-Fr 08:00-20:00; Sa 09:00-18:00; Su off` or `24/7`; an empty field
/// is always open.
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
        .map_err(|error: UnknownImport| Problem::not_found(error.to_string()))?;
    if upload.media_type != "text/csv" {
        return Err(Problem::unsupported_media_type("text/csv"));
    }
    let request = Repeatable {
        principal,
        key,
        digest: upload.digest,
    };
    let wanted = Uploaded {
        kind,
        dry_run: parameters.dry_run,
        bytes: upload.bytes,
    };
    let work = move || import::upload(&hub, &wanted, &request);
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Problem::internal())?;
    done.map(response).map_err(refused)
}

fn refused(error: UploadError) -> Problem {
    match error {
        UploadError::Lookup(ReadError::Failed(OnceError::OtherBody)) => other_body(),
        UploadError::Lookup(error) => internal(&error),
        UploadError::Record(error) | UploadError::Import(ImportError::Post(error)) => error.into(),
        UploadError::Import(ImportError::Table { source, .. }) => table_refused(&source),
        UploadError::Import(ImportError::Reference { source, .. }) => source.into(),
        UploadError::Import(ImportError::Read(error)) => error.into(),
        UploadError::Import(error) => internal(&error),
    }
}

/// 500 after the one log line that says why.
fn internal(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "an import failed");
    Problem::internal()
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
