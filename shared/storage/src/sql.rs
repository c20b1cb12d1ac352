//! What every table module needs to speak to SQLite: the error of a table
//! operation, and the conversions between domain values and columns.
//!
//! Unsigned 64-bit ids are stored as the signed integer of the same bits. A
//! column that does not hold what its table promises is reported as damage,
//! with the table's name, and never guessed at.
//!
//! Invariant: reading back a value that was written gives the same value.

use std::str::FromStr;

use rusqlite::Row;
use rusqlite::types::Type;

/// A table operation that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// SQLite refused a statement: disk full, database busy or damaged.
    #[error("could not {doing}: {source}")]
    Sql {
        /// What was being done, in words that follow "could not".
        doing: &'static str,
        /// SQLite's own error.
        source: rusqlite::Error,
    },
    /// A row contradicts what was checked when it was written.
    #[error("{what} is damaged: {detail}; run verify, then restore this database from a backup")]
    Damaged {
        /// Which row, in words.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A figure would leave the range of 64 bits.
    #[error(
        "{figure} would become larger than this system can hold; correct the entries behind it"
    )]
    Overflow {
        /// Which figure, in words.
        figure: String,
    },
    /// A local entry was about to break a rule that every entry must keep.
    #[error("could not append a local entry: {reason}")]
    Unfit {
        /// The rule and how it was broken.
        reason: String,
    },
}

impl TableError {
    /// Whether the disk is full: the request is answered with 503.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Sql { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Self::Damaged { .. } | Self::Overflow { .. } | Self::Unfit { .. } => false,
        }
    }
}

impl From<rusqlite::Error> for TableError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sql {
            doing: "use the database",
            source,
        }
    }
}

/// The result of a table operation.
pub type TableResult<T> = Result<T, TableError>;

/// Adds to a SQLite error what was being done.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> TableResult<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> TableResult<T> {
        self.map_err(|source| TableError::Sql {
            doing: what,
            source,
        })
    }
}

/// A 64-bit id, sequence number or count as a column.
pub(crate) const fn int(value: u64) -> i64 {
    value.cast_signed()
}

/// Reads back what [`int`] wrote.
pub(crate) fn uint(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// Reads a text column as the type that wrote it.
pub(crate) fn text<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let value = row.get_ref(column)?.as_str()?;
    value.parse().map_err(|error: T::Err| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// Turns "no such row" into `None`.
pub(crate) fn optional<T>(result: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
        Err(error) => Err(error),
    }
}
