//! Who writes for which journal: the actors that start entries named.
//!
//! Invariant: an actor belongs to one journal, for good.

use evertill_domain::{ActorId, LocationId, NodeId, ReplicaId, Seq};
use evertill_journal::Entry;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// The actor of a journal's entry: the one that its last start at or before
/// `seq` named.
///
/// # Errors
/// The table could not be read.
pub fn actor_at(conn: &Connection, replica: ReplicaId, seq: Seq) -> TableResult<Option<ActorId>> {
    conn.prepare_cached(
        "SELECT actor FROM actor WHERE replica = ?1 AND since <= ?2 ORDER BY since DESC LIMIT 1",
    )
    .and_then(|mut select| {
        optional(select.query_row(params![int(replica.0), int(seq)], |row| {
            row.get(0).map(ActorId)
        }))
    })
    .doing("look up who writes a journal")
}

/// The journal that an actor writes for, if a start here has named it.
pub(crate) fn owner_of(conn: &Connection, actor: &ActorId) -> TableResult<Option<ReplicaId>> {
    conn.prepare_cached("SELECT replica FROM actor WHERE actor = ?1")
        .and_then(|mut select| {
            optional(select.query_row([actor.0], |row| uint(row, 0).map(ReplicaId)))
        })
        .doing("look up an actor")
}

/// The machine and location of a journal held here.
pub(crate) fn home_of(
    conn: &Connection,
    replica: ReplicaId,
) -> TableResult<Option<(NodeId, LocationId)>> {
    conn.prepare_cached("SELECT node, location FROM journal WHERE replica = ?1")
        .and_then(|mut select| {
            optional(select.query_row([int(replica.0)], |row| {
                Ok((NodeId(uint(row, 0)?), text(row, 1)?))
            }))
        })
        .doing("look up whose a journal is")
}

/// Who wrote an entry of a machine at `location`. For one that is written again
/// the original journal must be known here and stand in the same location.
pub(crate) fn writer_of(
    conn: &Connection,
    entry: &Entry,
    location: &LocationId,
) -> TableResult<Option<ActorId>> {
    let Some((replica, seq)) = entry.reissue else {
        return actor_at(conn, entry.replica, entry.seq);
    };
    if replica == entry.replica {
        return actor_at(conn, replica, seq);
    }
    match home_of(conn, replica)? {
        Some((_, home)) if home == *location => actor_at(conn, replica, seq),
        _ => Ok(None),
    }
}
