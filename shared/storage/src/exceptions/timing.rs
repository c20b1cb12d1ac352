//! How long problems took.
//!
//! Invariant: nothing is written here.

use evertill_domain::{DocumentId, LocationId, Timestamp};
use rusqlite::Connection;

use crate::sql::{Doing, TableResult};

/// How long a problem has been one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// What sort, by name.
    pub kind: String,
    /// Where.
    pub location: Option<LocationId>,
    /// Which order.
    pub document: Option<DocumentId>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// By when it was due.
    pub due_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// How long the problems took that were opened since a time, the newest first.
///
/// # Errors
/// The table could not be read.
pub fn timings(
    conn: &Connection,
    since: Option<Timestamp>,
    limit: usize,
) -> TableResult<Vec<Timing>> {
    conn.prepare_cached(
        "SELECT kind, location, document, opened_at, due_at, resolved_at FROM exception
         WHERE opened_at >= ?1 ORDER BY id DESC LIMIT ?2",
    )
    .and_then(|mut select| {
        let since = since.map_or(i64::MIN, Timestamp::as_millis);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([since, limit], |row| {
            let location: Option<String> = row.get(1)?;
            Ok(Timing {
                kind: row.get(0)?,
                location: location.and_then(|text| text.parse().ok()),
                document: row.get::<_, Option<_>>(2)?.map(DocumentId::from_bytes),
                opened_at: Timestamp::from_millis(row.get(3)?),
                due_at: Timestamp::from_millis(row.get(4)?),
                resolved_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            })
        })?;
        rows.collect()
    })
    .doing("read how long exceptions took")
}
