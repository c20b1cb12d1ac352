//! Since when money is owed to the customers of orders.
//!
//! The fold of an order says what is owed, not since when; a customer who waits
//! for their money must not have to wait longer because the order goes on.
//!
//! Invariant: the time stays while anything is owed.

use evertill_domain::{DocumentId, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult};

/// Notes whether money is owed to the customer of an order.
///
/// # Errors
/// The row could not be written.
pub fn note(
    conn: &Connection,
    document: &DocumentId,
    owed: bool,
    now: Timestamp,
) -> TableResult<()> {
    let noted = if owed {
        conn.prepare_cached("INSERT OR IGNORE INTO owed_refund VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute(params![document.as_bytes(), now.as_millis()]))
    } else {
        conn.prepare_cached("DELETE FROM owed_refund WHERE document = ?1")
            .and_then(|mut delete| delete.execute([document.as_bytes()]))
    };
    noted.doing("note a refund that is owed").map(drop)
}

/// Orders whose customers wait for money since before `before`, of which nobody
/// was told under [`key`]; who waits longest first.
///
/// # Errors
/// The table could not be read.
pub fn overdue(
    conn: &Connection,
    (before, now): (Timestamp, Timestamp),
    limit: usize,
) -> TableResult<Vec<(DocumentId, Timestamp)>> {
    conn.prepare_cached(
        "SELECT document, since FROM owed_refund AS o
         WHERE since < ?1 AND NOT EXISTS (
           SELECT 1 FROM exception AS e
           WHERE e.kind = 'refund_due' AND e.document = o.document
             AND (e.state <> 'resolved' OR e.again_at > ?2))
         ORDER BY since LIMIT ?3",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let columns = params![before.as_millis(), now.as_millis(), limit];
        let rows = select.query_map(columns, |row| {
            let since = Timestamp::from_millis(row.get(1)?);
            Ok((DocumentId::from_bytes(row.get(0)?), since))
        })?;
        rows.collect()
    })
    .doing("list refunds that are overdue")
}

/// The name of an overdue refund among the exceptions.
#[must_use]
pub fn key(document: &DocumentId) -> String {
    format!("refund_due:{document}")
}
