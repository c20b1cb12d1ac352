//! Counts: which are asked for and not yet posted.
//!
//! Invariant: a count is open until its posting is applied, whatever came first.

use evertill_domain::{DocumentId, Event, LocationId};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult};

/// Notes what an event says about a count; other events say nothing.
pub(crate) fn note(conn: &Connection, document: &DocumentId, event: &Event) -> TableResult<()> {
    let (location, sql) = match event {
        Event::CountRequested(request) => (
            &request.location,
            "INSERT INTO count_task VALUES (?1, ?2, 'requested') ON CONFLICT DO NOTHING",
        ),
        Event::CountPosted(posted) => (
            &posted.location,
            "INSERT INTO count_task VALUES (?1, ?2, 'posted')
             ON CONFLICT DO UPDATE SET state = 'posted'",
        ),
        Event::Receipt(_)
        | Event::Movements(_)
        | Event::Order(_)
        | Event::ReplicaSealed(_)
        | Event::Unknown { .. } => return Ok(()),
    };
    conn.prepare_cached(sql)
        .and_then(|mut upsert| upsert.execute(params![document.as_bytes(), location.as_str()]))
        .doing("note a count")
        .map(drop)
}

/// The counts that a location has still to post, by document: at most `limit`.
///
/// # Errors
/// The table could not be read.
pub fn open(
    conn: &Connection,
    location: &LocationId,
    limit: usize,
) -> TableResult<Vec<DocumentId>> {
    conn.prepare_cached(
        "SELECT document FROM count_task WHERE location = ?1 AND state = 'requested'
         ORDER BY document LIMIT ?2",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map(params![location.as_str(), limit], |row| {
            row.get(0).map(DocumentId::from_bytes)
        })?;
        rows.collect()
    })
    .doing("list the open counts")
}
