//! Seals: replicas whose rights stand for good, and what has been counted since.
//!
//! Invariant: a replica is sealed once, at one entry; only the hub's word makes
//! a row.

use std::collections::{BTreeMap, BTreeSet};

use evertill_domain::{Event, LocationId, ReplicaId, Seq, Sku};
use rusqlite::{Connection, params};

use crate::duties;
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// Where a replica was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// The last entry whose rights count.
    pub seq: Seq,
    /// Whether what it sold last is unknown.
    pub recount: bool,
}

/// Notes what an event says of seals and counts; true for a seal. Pairs and
/// orders of the location are then to be looked at again.
pub(crate) fn note(conn: &Connection, writer: ReplicaId, event: &Event) -> TableResult<bool> {
    match event {
        Event::ReplicaSealed(seal) => {
            conn.prepare_cached("INSERT OR IGNORE INTO seal VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| {
                    insert.execute(params![
                        int(seal.replica.0),
                        seal.location.as_str(),
                        int(seal.seq),
                        seal.recount
                    ])
                })
                .doing("note a seal")?;
            if seal.recount {
                conn.prepare_cached("DELETE FROM counted WHERE location = ?1")
                    .and_then(|mut delete| delete.execute([seal.location.as_str()]))
                    .doing("forget what was counted before a seal")?;
            }
            duties::note_location(conn, &seal.location)?;
            duties::note_orders_of(conn, &seal.location)?;
            Ok(true)
        }
        Event::CountPosted(posted) => {
            // A sealed replica's count is older than what it sold last.
            if !is_recounting(conn, &posted.location)? || of(conn, writer)?.is_some() {
                return Ok(false);
            }
            for line in &posted.lines {
                conn.prepare_cached("INSERT OR IGNORE INTO counted VALUES (?1, ?2)")
                    .and_then(|mut insert| {
                        insert.execute([posted.location.as_str(), line.sku.as_str()])
                    })
                    .doing("note what was counted")?;
                duties::note_pair(conn, &posted.location, &line.sku)?;
            }
            Ok(false)
        }
        Event::Receipt(_)
        | Event::Movements(_)
        | Event::CountRequested(_)
        | Event::Order(_)
        | Event::Unknown { .. } => Ok(false),
    }
}

/// Where a replica was sealed; `None` for one that lives.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, replica: ReplicaId) -> TableResult<Option<Sealed>> {
    conn.prepare_cached("SELECT seq, recount FROM seal WHERE replica = ?1")
        .and_then(|mut select| {
            optional(select.query_row([int(replica.0)], |row| {
                Ok(Sealed {
                    seq: uint(row, 0)?,
                    recount: row.get(1)?,
                })
            }))
        })
        .doing("look whether a replica is sealed")
}

/// Every sealed replica with the last entry whose rights count.
///
/// # Errors
/// The table could not be read.
pub fn all(conn: &Connection) -> TableResult<BTreeMap<ReplicaId, Seq>> {
    conn.prepare_cached("SELECT replica, seq FROM seal")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| Ok((ReplicaId(uint(row, 0)?), uint(row, 1)?)))?;
            rows.collect()
        })
        .doing("list the sealed replicas")
}

/// The sealed replicas of a location.
///
/// # Errors
/// The table could not be read.
pub fn of_location(conn: &Connection, location: &LocationId) -> TableResult<Vec<ReplicaId>> {
    conn.prepare_cached("SELECT replica FROM seal WHERE location = ?1 ORDER BY replica")
        .and_then(|mut select| {
            let rows = select.query_map([location.as_str()], |row| uint(row, 0).map(ReplicaId))?;
            rows.collect()
        })
        .doing("list the sealed replicas of a location")
}

/// The locations of which each product is to be counted before rights are made
/// for it.
///
/// # Errors
/// The table could not be read.
pub fn recounting(conn: &Connection) -> TableResult<BTreeSet<LocationId>> {
    conn.prepare_cached("SELECT DISTINCT location FROM seal WHERE recount = 1")
        .and_then(|mut select| select.query_map([], |row| text(row, 0))?.collect())
        .doing("list the locations that are counted anew")
}

fn is_recounting(conn: &Connection, location: &LocationId) -> TableResult<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM seal WHERE location = ?1 AND recount = 1)")
        .and_then(|mut select| select.query_row([location.as_str()], |row| row.get(0)))
        .doing("look whether a location is counted anew")
}

/// Whether a product has to be counted before rights are made for it.
///
/// # Errors
/// The tables could not be read.
pub fn awaits_count(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<bool> {
    if !is_recounting(conn, location)? {
        return Ok(false);
    }
    conn.prepare_cached(
        "SELECT NOT EXISTS (SELECT 1 FROM counted WHERE location = ?1 AND sku = ?2)",
    )
    .and_then(|mut select| select.query_row([location.as_str(), sku.as_str()], |row| row.get(0)))
    .doing("look whether a product was counted")
}
