//! Why goods come from where they do.
//!
//! Each row holds everything that a plan was made from, so that a person can be
//! told why, and the plan can be made again.
//!
//! Invariant: planning the kept snapshot with the kept policy gives the kept
//! plan.

use evertill_domain::{DocumentId, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional};

/// A decision, its parts as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its number, in the order in which decisions were made.
    pub id: i64,
    /// The order.
    pub document: DocumentId,
    /// When.
    pub at: Timestamp,
    /// Why it was made: placed, changed, re-sourced.
    pub cause: String,
    /// What was known.
    pub snapshot: String,
    /// The policy that decided.
    pub policy: String,
    /// What was decided.
    pub plan: String,
}

/// Keeps a decision; its number is given out here.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, decision: &Decision) -> TableResult<i64> {
    conn.prepare_cached(
        "INSERT INTO decision (document, at, cause, snapshot, policy, plan)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            decision.document.as_bytes(),
            decision.at.as_millis(),
            decision.cause,
            decision.snapshot,
            decision.policy,
            decision.plan
        ])
    })
    .doing("keep a decision")
}

/// The number of the last decision; 0 before the first.
///
/// # Errors
/// The table could not be read.
pub fn last(conn: &Connection) -> TableResult<i64> {
    conn.prepare_cached("SELECT ifnull(max(id), 0) FROM decision")
        .and_then(|mut select| select.query_row([], |row| row.get(0)))
        .doing("look up the last decision")
}

/// When a decision was made; none of that number.
///
/// # Errors
/// The table could not be read.
pub fn made_at(conn: &Connection, id: i64) -> TableResult<Option<Timestamp>> {
    conn.prepare_cached("SELECT at FROM decision WHERE id = ?1")
        .and_then(|mut select| {
            optional(select.query_row([id], |row| row.get(0).map(Timestamp::from_millis)))
        })
        .doing("look up when a decision was made")
}

/// The decisions about an order, the first one first.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Decision>> {
    conn.prepare_cached(
        "SELECT id, document, at, cause, snapshot, policy, plan FROM decision
         WHERE document = ?1 ORDER BY id",
    )
    .and_then(|mut select| select.query_map([document.as_bytes()], read)?.collect())
    .doing("read the decisions about an order")
}

/// The last decisions since a time, the first one first.
///
/// # Errors
/// The table could not be read.
pub fn since(
    conn: &Connection,
    since: Option<Timestamp>,
    limit: usize,
) -> TableResult<Vec<Decision>> {
    let mut decisions: Vec<Decision> = conn
        .prepare_cached(
            "SELECT id, document, at, cause, snapshot, policy, plan FROM decision
             WHERE at >= ?1 ORDER BY id DESC LIMIT ?2",
        )
        .and_then(|mut select| {
            let from = since.map_or(i64::MIN, Timestamp::as_millis);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            select.query_map([from, limit], read)?.collect()
        })
        .doing("read decisions")?;
    decisions.reverse();
    Ok(decisions)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Decision> {
    Ok(Decision {
        id: row.get(0)?,
        document: DocumentId::from_bytes(row.get(1)?),
        at: Timestamp::from_millis(row.get(2)?),
        cause: row.get(3)?,
        snapshot: row.get(4)?,
        policy: row.get(5)?,
        plan: row.get(6)?,
    })
}
