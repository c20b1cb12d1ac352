//! Arrival numbers: one running number over everything that is stored here,
//! entries and feed items alike.
//!
//! Invariant: what has the higher number was applied later, unless quarantine
//! says otherwise; a rebuild follows this order.

use rusqlite::Connection;

use crate::sql::{Doing, TableResult};

/// The last number given out; 0 when nothing is stored.
///
/// # Errors
/// The tables could not be read.
pub(crate) fn last(conn: &Connection) -> TableResult<i64> {
    conn.prepare_cached(
        "SELECT max(ifnull((SELECT max(arrival) FROM entry), 0),
                    ifnull((SELECT max(arrival) FROM feed_item), 0))",
    )
    .and_then(|mut select| select.query_row([], |row| row.get(0)))
    .doing("read the last arrival")
}
