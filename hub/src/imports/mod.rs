//! Imports: CSV files of products, stock and locations.
//!
//! Reading and checking is pure: bytes in, typed rows and rejected rows out.
//! What is then written goes through the same doors as everything else: master
//! data as one batch of the reference data, stock as documents of the hub's
//! journal. Good rows stay when others are refused, and every refused row is
//! handed back with its line, field, reason and remedy.
//!
//! Invariant: `rows = accepted + unchanged + rejected`, and a dry run says what
//! the import would do and changes nothing.

use std::path::PathBuf;

use evertill_storage::reference::ReferenceError;
use evertill_storage::{ReadError, WriteError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::state::StartError;

pub use reject::RejectFile;
pub use row::Problem;
pub use table::{FILE_MAX_BYTES, TableError};

mod locations;
mod master;
mod posting;
mod products;
mod reject;
mod row;
mod stock;
mod table;

pub use master::{import_locations, import_products};
pub(crate) use posting::correct;
pub use stock::import_stock;

/// Refused rows that a summary repeats; the reject file has them all.
const SHOWN_REJECTIONS: usize = 20;
/// Rows between two reports of progress.
const PROGRESS_ROWS: u64 = 1_000;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// Products with prices and barcodes.
    Products,
    /// Stock by location.
    Stock,
    /// Stores, warehouses and suppliers.
    Locations,
}

impl ImportKind {
    /// The name in commands and routes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Locations => "locations",
        }
    }
}

/// A name that no import has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no import of \"{0}\": use products, stock or locations")]
pub struct UnknownImport(String);

impl std::str::FromStr for ImportKind {
    type Err = UnknownImport;

    fn from_str(text: &str) -> Result<Self, UnknownImport> {
        [Self::Products, Self::Stock, Self::Locations]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownImport(text.chars().take(80).collect()))
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows read so far.
    pub rows: u64,
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
}

/// How an import is run.
pub struct ImportOptions<'a> {
    /// Say what would happen and change nothing, not even a reject file.
    pub dry_run: bool,
    /// Where refused rows are written.
    pub reject_file: RejectFile,
    /// Called every now and then, and at the end.
    pub progress: &'a mut dyn FnMut(Progress),
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct Summary {
    /// Rows of the file, without its header.
    pub rows: u64,
    /// Rows that changed something.
    pub accepted: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    /// Rows that were refused.
    pub rejected: u64,
    /// Where the refused rows are.
    #[schema(value_type = Option<String>)]
    pub reject_file: Option<PathBuf>,
    /// The first refused rows.
    pub rejections: Vec<Rejection>,
    /// Version of the reference data after the import.
    pub version: u64,
    /// Whether nothing was changed on purpose.
    pub dry_run: bool,
}

/// One refused row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportRejection)]
pub struct Rejection {
    /// Line it starts on; the header is line 1.
    pub line: u64,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// An import that did not happen; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file as a whole cannot be read.
    #[error("could not import the {kind} file: {source}")]
    Table {
        /// Which kind.
        kind: &'static str,
        /// What is wrong with it.
        source: TableError,
    },
    /// The reference data could not be read or written.
    #[error("could not import the {kind} file: {source}")]
    Reference {
        /// Which kind.
        kind: &'static str,
        /// What failed.
        source: ReferenceError,
    },
    /// The hub's own journal could not be begun.
    #[error("could not import the stock file: {0}")]
    Start(#[from] StartError),
    /// The stock could not be read.
    #[error("could not import the stock file: {0}")]
    Read(#[from] ReadError<evertill_storage::TableError>),
    /// The stock could not be posted.
    #[error("could not import the stock file: {0}")]
    Post(#[from] WriteError<evertill_storage::TableError>),
    /// The reject file could not be written, so nothing was imported.
    #[error(
        "could not import the {kind} file: the reject file {path} cannot be written: {source}; free space or mend the folder's permissions"
    )]
    RejectFile {
        /// Which kind.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What failed.
        source: std::io::Error,
    },
}

impl ImportError {
    fn reference(kind: ImportKind, source: ReferenceError) -> Self {
        let kind = kind.as_str();
        Self::Reference { kind, source }
    }
}

/// A view that could not be opened; only stock is read over one.
impl From<ReferenceError> for ImportError {
    fn from(source: ReferenceError) -> Self {
        Self::reference(ImportKind::Stock, source)
    }
}
