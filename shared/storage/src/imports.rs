//! Stock files that the hub has imported, and the costs that they named.
//!
//! A file is known by the hash of its bytes for good, so importing it again
//! changes nothing, however stock has moved since.
//!
//! Invariant: a file is noted in the transaction that posts its rows.

use evertill_domain::{LocationId, Money, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableError, TableResult, optional, text};

/// A file that was imported before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierImport {
    /// When.
    pub at: Timestamp,
    /// The lines of it that were refused then.
    pub refused: Vec<u64>,
}

/// Whether a file of this hash was imported before.
///
/// # Errors
/// The table could not be read, or the row is damaged.
pub fn earlier(conn: &Connection, hash: &[u8; 32]) -> TableResult<Option<EarlierImport>> {
    let row: Option<(i64, String)> = conn
        .prepare_cached("SELECT imported_at, refused FROM imported_file WHERE hash = ?1")
        .and_then(|mut select| {
            optional(select.query_row([hash], |row| Ok((row.get(0)?, row.get(1)?))))
        })
        .doing("look up an imported file")?;
    row.map(|(at, refused)| {
        let refused = serde_json::from_str(&refused).map_err(|error| TableError::Damaged {
            what: "the list of imported files".to_owned(),
            detail: error.to_string(),
        })?;
        let at = Timestamp::from_millis(at);
        Ok(EarlierImport { at, refused })
    })
    .transpose()
}

/// Notes a file that is imported in this transaction.
///
/// # Errors
/// The row could not be written, or the file is noted already.
///
/// # Panics
/// Never: a list of numbers is plain JSON.
pub fn record(
    conn: &Connection,
    hash: &[u8; 32],
    refused: &[u64],
    now: Timestamp,
) -> TableResult<()> {
    let refused = serde_json::to_string(refused).expect("invariant: numbers are plain JSON");
    conn.execute(
        "INSERT INTO imported_file VALUES (?1, ?2, ?3)",
        params![hash, now.as_millis(), refused],
    )
    .doing("note an imported file")?;
    Ok(())
}

/// Notes what one unit of a SKU costs at a location.
///
/// # Errors
/// The row could not be written.
pub fn set_cost(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    cost: Money,
    now: Timestamp,
) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT INTO stock_cost VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (location, sku) DO UPDATE
         SET unit_cost = ?3, currency = ?4, recorded_at = ?5",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            location.as_str(),
            sku.as_str(),
            cost.minor(),
            cost.currency().code(),
            now.as_millis()
        ])
    })
    .doing("note a cost")
    .map(drop)
}

/// What one unit of a SKU costs at a location, as the last file said.
///
/// # Errors
/// The table could not be read, or the row is damaged.
pub fn cost(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<Option<Money>> {
    let row = conn
        .prepare_cached(
            "SELECT unit_cost, currency FROM stock_cost WHERE location = ?1 AND sku = ?2",
        )
        .and_then(|mut select| {
            optional(select.query_row([location.as_str(), sku.as_str()], |row| {
                Ok((row.get::<_, i64>(0)?, text(row, 1)?))
            }))
        })
        .doing("look up a cost")?;
    row.map(|(minor, currency)| {
        Money::new(minor, currency).map_err(|error| TableError::Damaged {
            what: format!("the cost of {sku} at {location}"),
            detail: error.to_string(),
        })
    })
    .transpose()
}
