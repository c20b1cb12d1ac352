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
    /// Why it was made: placed, changed, re-sourced, unsourced.
    pub cause: String,
    /// What was known.
    pub snapshot: String,
    /// The policy that decided.
    pub policy: String,
    /// What was decided.
    pub plan: String,
    /// The facts behind the figures; none for decisions of earlier releases.
    pub basis: Option<String>,
}

/// Keeps a decision; its number is given out here.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, decision: &Decision) -> TableResult<i64> {
    conn.prepare_cached(
        "INSERT INTO decision (document, at, cause, snapshot, policy, plan, basis)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            decision.document.as_bytes(),
            decision.at.as_millis(),
            decision.cause,
            decision.snapshot,
            decision.policy,
            decision.plan,
            decision.basis
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

/// Why the last decision about an order was made; none without one.
///
/// # Errors
/// The table could not be read.
pub fn last_cause(conn: &Connection, document: &DocumentId) -> TableResult<Option<String>> {
    conn.prepare_cached("SELECT cause FROM decision WHERE document = ?1 ORDER BY id DESC LIMIT 1")
        .and_then(|mut select| optional(select.query_row([document.as_bytes()], |row| row.get(0))))
        .doing("look up the last decision about an order")
}

/// The decisions about an order, the first one first.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Vec<Decision>> {
    conn.prepare_cached(
        "SELECT id, document, at, cause, snapshot, policy, plan, basis FROM decision
         WHERE document = ?1 ORDER BY id",
    )
    .and_then(|mut select| select.query_map([document.as_bytes()], read)?.collect())
    .doing("read the decisions about an order")
}

/// Decisions since a time, the newest first, before the one of a number.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<i64>,
    limit: usize,
) -> TableResult<Vec<Decision>> {
    conn.prepare_cached(
        "SELECT id, document, at, cause, snapshot, policy, plan, basis FROM decision
         WHERE at >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )
    .and_then(|mut select| {
        let from = since.map_or(i64::MIN, Timestamp::as_millis);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        select
            .query_map([from, before.unwrap_or(i64::MAX), limit], read)?
            .collect()
    })
    .doing("read decisions")
}

/// The orders of decisions since a time, as [`page`] gives them.
///
/// # Errors
/// The table could not be read.
pub fn documents(
    conn: &Connection,
    since: Option<Timestamp>,
    before: Option<i64>,
    limit: usize,
) -> TableResult<Vec<(i64, DocumentId)>> {
    conn.prepare_cached(
        "SELECT id, document FROM decision
         WHERE at >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
    )
    .and_then(|mut select| {
        let from = since.map_or(i64::MIN, Timestamp::as_millis);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([from, before.unwrap_or(i64::MAX), limit], |row| {
            Ok((row.get(0)?, DocumentId::from_bytes(row.get(1)?)))
        })?;
        rows.collect()
    })
    .doing("read which orders were decided")
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
        basis: row.get(7)?,
    })
}
