//! Policies that were proposed and are not in force yet.
//!
//! Invariant: a draft is approved once, by somebody else than its author.

use evertill_domain::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::reference::PolicyName;
use crate::sql::{Doing, TableResult, int, optional, text, uint};

/// A proposed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its number.
    pub id: i64,
    /// Which policy.
    pub name: PolicyName,
    /// The policy as JSON, every field written out.
    pub body: String,
    /// Who proposed it.
    pub author: String,
    /// Why, in words.
    pub reason: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// From when it is to hold.
    pub effective_from: Timestamp,
    /// `draft`, `approved`, `in_force` or `withdrawn`.
    pub state: String,
    /// The revision in force when it was proposed.
    pub base_revision: u64,
    /// Who approved it, and when.
    pub approved: Option<(String, Timestamp)>,
}

const COLUMNS: &str = "id, name, body, author, reason, created_at, effective_from, state,
     approved_by, approved_at, base_revision";

/// Keeps a proposal; its number, state and approval are given out here.
///
/// # Errors
/// The row could not be written.
pub fn propose(conn: &Connection, draft: &Draft) -> TableResult<i64> {
    conn.prepare_cached(
        "INSERT INTO policy_draft (name, body, author, reason, created_at, effective_from, state,
                                   base_revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'draft', ?7)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            draft.name.as_str(),
            draft.body,
            draft.author,
            draft.reason,
            draft.created_at.as_millis(),
            draft.effective_from.as_millis(),
            int(draft.base_revision)
        ])
    })
    .doing("keep a proposed policy")
}

/// Approves a proposal.
///
/// # Errors
/// The row could not be written.
pub fn approve(conn: &Connection, id: i64, by: &str, now: Timestamp) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE policy_draft SET state = 'approved', approved_by = ?2, approved_at = ?3
         WHERE id = ?1 AND state = 'draft'",
    )
    .and_then(|mut update| update.execute(params![id, by, now.as_millis()]))
    .doing("approve a proposed policy")
    .map(drop)
}

/// Notes that a proposal came into force.
///
/// # Errors
/// The row could not be written.
pub fn in_force(conn: &Connection, id: i64) -> TableResult<()> {
    conn.prepare_cached("UPDATE policy_draft SET state = 'in_force' WHERE id = ?1")
        .and_then(|mut update| update.execute([id]))
        .doing("note that a policy came into force")
        .map(drop)
}

/// Withdraws a proposal that is not in force.
///
/// # Errors
/// The row could not be written.
pub fn withdraw(conn: &Connection, id: i64) -> TableResult<()> {
    conn.prepare_cached(
        "UPDATE policy_draft SET state = 'withdrawn'
         WHERE id = ?1 AND state IN ('draft', 'approved')",
    )
    .and_then(|mut update| update.execute([id]))
    .doing("withdraw a proposed policy")
    .map(drop)
}

/// One proposal.
///
/// # Errors
/// The table could not be read.
pub fn find(conn: &Connection, id: i64) -> TableResult<Option<Draft>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM policy_draft WHERE id = ?1"))
        .and_then(|mut select| optional(select.query_row([id], read)))
        .doing("read a proposed policy")
}

/// Every proposal of a policy, the newest first.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, name: PolicyName) -> TableResult<Vec<Draft>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_draft WHERE name = ?1 ORDER BY id DESC");
    conn.prepare_cached(&sql)
        .and_then(|mut select| select.query_map([name.as_str()], read)?.collect())
        .doing("list proposed policies")
}

/// Approved proposals whose time has come, in the order in which they are to
/// hold.
///
/// # Errors
/// The table could not be read.
pub fn due(conn: &Connection, now: Timestamp) -> TableResult<Vec<Draft>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM policy_draft WHERE state = 'approved' AND effective_from <= ?1
         ORDER BY effective_from, id"
    );
    conn.prepare_cached(&sql)
        .and_then(|mut select| select.query_map([now.as_millis()], read)?.collect())
        .doing("look for policies whose time has come")
}

fn read(row: &Row<'_>) -> rusqlite::Result<Draft> {
    let by: Option<String> = row.get(8)?;
    let at: Option<i64> = row.get(9)?;
    Ok(Draft {
        id: row.get(0)?,
        name: text(row, 1)?,
        body: row.get(2)?,
        author: row.get(3)?,
        reason: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        effective_from: Timestamp::from_millis(row.get(6)?),
        state: row.get(7)?,
        approved: by.zip(at.map(Timestamp::from_millis)),
        base_revision: uint(row, 10)?,
    })
}
