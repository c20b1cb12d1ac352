//! Who mints at each location.
//!
//! The hub names a replica on the location's feed. Where nobody is named the hub
//! itself mints.
//!
//! Invariant: hub and node read the name from the same feed item.

use evertill_domain::{LocationId, ReplicaId};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, int, optional, uint};

/// The replica that mints at a location; none where the hub does.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, location: &LocationId) -> TableResult<Option<ReplicaId>> {
    conn.prepare_cached("SELECT replica FROM minter WHERE location = ?1")
        .and_then(|mut select| {
            optional(select.query_row([location.as_str()], |row| uint(row, 0).map(ReplicaId)))
        })
        .doing("read who mints at a location")
}

/// Notes who mints at a location from now on.
pub(crate) fn name(conn: &Connection, location: &str, replica: ReplicaId) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO minter VALUES (?1, ?2)
         ON CONFLICT (location) DO UPDATE SET replica = ?2",
    )
    .and_then(|mut upsert| upsert.execute(params![location, int(replica.0)]))
    .doing("note who mints at a location")
    .map(drop)
}
