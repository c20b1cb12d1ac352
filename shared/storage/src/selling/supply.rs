//! Goods that are to come.
//!
//! Invariant: a supply has one name; recording it again replaces it.

use evertill_domain::{LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, text};

/// Goods that are to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// Its name: a purchase order's line, a transfer.
    pub id: String,
    /// Where to.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// When it can be promised for.
    pub due: Timestamp,
    /// How much, in thousandths; zero takes it back.
    pub quantity: i64,
    /// Where it comes from, in words.
    pub source: String,
}

/// Records goods that are to come, in place of what was said of them before.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, supply: &Supply) -> TableResult<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO supply VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut insert| {
            insert.execute(params![
                supply.id,
                supply.location.as_str(),
                supply.sku.as_str(),
                supply.due.as_millis(),
                supply.quantity,
                supply.source
            ])
        })
        .doing("record goods that are to come")
        .map(drop)
}

/// What of a product is to come after `now`, the earliest first.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, sku: &Sku, now: Timestamp) -> TableResult<Vec<Supply>> {
    conn.prepare_cached(
        "SELECT id, location, sku, due, quantity, source FROM supply
         WHERE sku = ?1 AND due > ?2 AND quantity > 0 ORDER BY due, id",
    )
    .and_then(|mut select| {
        let rows = select.query_map(params![sku.as_str(), now.as_millis()], |row| {
            Ok(Supply {
                id: row.get(0)?,
                location: text(row, 1)?,
                sku: text(row, 2)?,
                due: Timestamp::from_millis(row.get(3)?),
                quantity: row.get(4)?,
                source: row.get(5)?,
            })
        })?;
        rows.collect()
    })
    .doing("read what is to come")
}
