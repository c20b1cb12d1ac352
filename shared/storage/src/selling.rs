//! What the hub keeps beside the journal to sell remotely: orders as they came,
//! who ordered, goods kept for carts, closed locations, goods to come, why each
//! decision was made, and what was refused.
//!
//! Invariant: nothing here is in an entry; a restored journal lacks none of its
//! facts without it.

pub mod contacts;
pub mod decisions;
pub mod intake;
pub mod refused;
pub mod soft_holds;
pub mod supply;

use evertill_domain::{LocationId, Timestamp};
use rusqlite::{Connection, params};

use crate::changes;
use crate::sql::{Doing, TableResult, text};

/// A location whose online selling is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Which one.
    pub location: LocationId,
    /// Why, in words.
    pub reason: Option<String>,
    /// Who closed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Closes a location's online selling.
///
/// # Errors
/// The row could not be written.
pub fn close(conn: &Connection, closed: &Closed) -> TableResult<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO selling_closed VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| {
            insert.execute(params![
                closed.location.as_str(),
                closed.reason,
                closed.by,
                closed.at.as_millis()
            ])
        })
        .doing("close a location's selling")?;
    changes::availability_at(conn, Some(&closed.location))
}

/// Opens a location's online selling again; false if it was open.
///
/// # Errors
/// The row could not be removed.
pub fn open(conn: &Connection, location: &LocationId) -> TableResult<bool> {
    let opened = conn
        .prepare_cached("DELETE FROM selling_closed WHERE location = ?1")
        .and_then(|mut delete| delete.execute([location.as_str()]))
        .doing("open a location's selling")?;
    changes::availability_at(conn, Some(location))?;
    Ok(opened == 1)
}

/// The locations whose online selling is closed.
///
/// # Errors
/// The table could not be read.
pub fn closed(conn: &Connection) -> TableResult<Vec<Closed>> {
    conn.prepare_cached("SELECT location, reason, closed_by, closed_at FROM selling_closed")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| {
                Ok(Closed {
                    location: text(row, 0)?,
                    reason: row.get(1)?,
                    by: row.get(2)?,
                    at: Timestamp::from_millis(row.get(3)?),
                })
            })?;
            rows.collect()
        })
        .doing("read where selling is closed")
}
