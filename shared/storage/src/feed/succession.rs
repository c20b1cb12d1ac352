//! Succession: a location's next machine gets the history of a sealed one, and
//! then its place.
//!
//! The sealed journal goes onto the location's feed entry by entry, whole and in
//! its order, so the successor derives the same stock, promises and rights from
//! it. Only behind the last entry the feed names the successor as minter. What
//! the hub hears of a sealed journal later follows the same way.
//!
//! Invariant: a successor is named behind everything that the hub holds of the
//! journals before it.

use std::collections::BTreeSet;

use evertill_domain::{LocationId, ReplicaId, Seq};
use rusqlite::{Connection, params};

use super::append;
use super::publish::{item, name_minter};
use crate::journal::{self, Author};
use crate::projection::{minters, seals};
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// Bytes of entries that are read at a time.
const MAX_BYTES: u64 = 4 << 20;

/// What came of a step of a succession.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    /// There is nothing to do, or nobody to take the place.
    Rests,
    /// Some of the history went onto the feed, and there is more.
    Returning,
    /// The place went to this replica.
    Named(ReplicaId),
}

/// The locations where a sealed journal is not on the feed yet, or a sealed
/// replica still has its place.
///
/// # Errors
/// The tables could not be read.
pub fn due(conn: &Connection) -> TableResult<Vec<LocationId>> {
    conn.prepare_cached(
        "SELECT DISTINCT s.location FROM seal AS s JOIN journal AS j ON j.replica = s.replica
         LEFT JOIN returned AS r ON r.replica = s.replica
         WHERE j.head_seq > ifnull(r.seq, 0)
            OR EXISTS (SELECT 1 FROM minter AS m WHERE m.replica = s.replica)",
    )
    .and_then(|mut select| select.query_map([], |row| text(row, 0))?.collect())
    .doing("look for places to be taken over")
}

/// Takes one step at a location, in a write of the hub: at most `limit` entries
/// go onto its feed.
///
/// # Errors
/// The tables could not be used.
pub fn succeed(
    conn: &Connection,
    hub: &Author,
    location: &LocationId,
    limit: usize,
) -> TableResult<Succession> {
    let living = minters::living(conn, location)?;
    let Some(successor) = living.map_or_else(|| newest(conn, location), |own| Ok(Some(own)))?
    else {
        return Ok(Succession::Rests);
    };
    for replica in seals::of_location(conn, location)? {
        if give_back(conn, hub, location, replica, limit)? {
            return Ok(Succession::Returning);
        }
    }
    if living.is_some() || minters::of(conn, location)?.is_none() {
        return Ok(Succession::Rests);
    }
    name_minter(conn, hub, location, successor)?;
    Ok(Succession::Named(successor))
}

/// The living journal of a location that was heard last.
fn newest(conn: &Connection, location: &LocationId) -> TableResult<Option<ReplicaId>> {
    conn.prepare_cached(
        "SELECT replica FROM journal
         WHERE location = ?1 AND stopped = 0 AND replica NOT IN (SELECT replica FROM seal)
           AND node NOT IN (SELECT node FROM certificate GROUP BY node
                            HAVING min(revoked_at) > 0)
         ORDER BY heard_at DESC, replica LIMIT 1",
    )
    .and_then(|mut select| {
        optional(select.query_row([location.as_str()], |row| uint(row, 0).map(ReplicaId)))
    })
    .doing("look for who takes a place over")
}

/// Puts the next entries of a sealed journal onto the feed; true if there may be
/// more.
fn give_back(
    conn: &Connection,
    hub: &Author,
    location: &LocationId,
    replica: ReplicaId,
    limit: usize,
) -> TableResult<bool> {
    let after = returned(conn, replica)?;
    let entries = journal::entries_after(conn, replica, after, limit, MAX_BYTES)?;
    let Some(last) = entries.last().map(|sealed| sealed.entry.seq) else {
        return Ok(false);
    };
    let mut items = Vec::new();
    for sealed in entries {
        let entry = sealed.entry;
        let documents: BTreeSet<_> = entry.parts.iter().map(|part| part.document).collect();
        let said = entry.rights().is_ok_and(|cells| !cells.is_empty());
        if documents.is_empty() && !said {
            continue;
        }
        let mut item = item(conn, &entry, &documents)?;
        item.cells = if said { entry.cells } else { Vec::new() };
        item.returned = true;
        items.push(item);
    }
    append(conn, hub.replica, location, &items)?;
    conn.prepare_cached(
        "INSERT INTO returned VALUES (?1, ?2) ON CONFLICT (replica) DO UPDATE SET seq = ?2",
    )
    .and_then(|mut upsert| upsert.execute(params![int(replica.0), int(last)]))
    .doing("note how far a journal is given back")?;
    Ok(true)
}

fn returned(conn: &Connection, replica: ReplicaId) -> TableResult<Seq> {
    conn.prepare_cached("SELECT seq FROM returned WHERE replica = ?1")
        .and_then(|mut select| optional(select.query_row([int(replica.0)], |row| uint(row, 0))))
        .doing("read how far a journal is given back")
        .map(Option::unwrap_or_default)
}
