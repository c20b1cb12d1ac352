//! Who mints at each location.
//!
//! The hub names a replica on the location's feed. Where nobody is named the hub
//! itself mints.
//!
//! Invariant: hub and node read the name from the same feed item.

use std::collections::BTreeSet;

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

/// The replica that mints at a location and lives: not one that was sealed and
/// whose place nobody has taken yet.
///
/// # Errors
/// The tables could not be read.
pub fn living(conn: &Connection, location: &LocationId) -> TableResult<Option<ReplicaId>> {
    conn.prepare_cached(
        "SELECT replica FROM minter
         WHERE location = ?1 AND replica NOT IN (SELECT replica FROM seal)",
    )
    .and_then(|mut select| {
        optional(select.query_row([location.as_str()], |row| uint(row, 0).map(ReplicaId)))
    })
    .doing("read who mints at a location")
}

/// Every replica that mints somewhere.
///
/// # Errors
/// The table could not be read.
pub fn all(conn: &Connection) -> TableResult<BTreeSet<ReplicaId>> {
    conn.prepare_cached("SELECT replica FROM minter")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| uint(row, 0).map(ReplicaId))?;
            rows.collect()
        })
        .doing("list who mints")
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
