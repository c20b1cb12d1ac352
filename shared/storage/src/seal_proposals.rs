//! Seals that one person has proposed and another has to approve.
//!
//! Invariant: a replica has at most one proposal, the latest.

use evertill_domain::{ReplicaId, Seq, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, int, optional, uint};

/// A proposed seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealProposal {
    /// The replica that is to be sealed.
    pub replica: ReplicaId,
    /// The last entry that was held of it then.
    pub seq: Seq,
    /// Why, in words.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_at: Timestamp,
}

/// Keeps a proposal, in place of an earlier one.
///
/// # Errors
/// The row could not be written.
pub fn propose(conn: &Connection, proposal: &SealProposal) -> TableResult<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO seal_proposal VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut insert| {
            insert.execute(params![
                int(proposal.replica.0),
                int(proposal.seq),
                proposal.reason,
                proposal.proposed_by,
                proposal.proposed_at.as_millis()
            ])
        })
        .doing("keep a proposed seal")
        .map(drop)
}

/// The proposal for a replica.
///
/// # Errors
/// The table could not be read.
pub fn find(conn: &Connection, replica: ReplicaId) -> TableResult<Option<SealProposal>> {
    conn.prepare_cached(
        "SELECT seq, reason, proposed_by, proposed_at FROM seal_proposal WHERE replica = ?1",
    )
    .and_then(|mut select| {
        optional(select.query_row([int(replica.0)], |row| {
            Ok(SealProposal {
                replica,
                seq: uint(row, 0)?,
                reason: row.get(1)?,
                proposed_by: row.get(2)?,
                proposed_at: Timestamp::from_millis(row.get(3)?),
            })
        }))
    })
    .doing("look up a proposed seal")
}

/// Takes a proposal off: it was carried out.
///
/// # Errors
/// The row could not be removed.
pub fn done(conn: &Connection, replica: ReplicaId) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM seal_proposal WHERE replica = ?1")
        .and_then(|mut delete| delete.execute([int(replica.0)]))
        .doing("take a proposed seal off")
        .map(drop)
}
