//! Goods that are to come.
//!
//! Invariant: a supply has one name; recording it again replaces it.

use std::fmt;
use std::str::FromStr;

use evertill_domain::supply::Supply;
use evertill_domain::{LocationId, Sku, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::sql::{Doing, TableResult, optional, text};

/// A place in the list of goods to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupplyPosition {
    due: i64,
    id: String,
}

/// A text that is no place in the list of goods to come.
#[derive(Debug, thiserror::Error)]
#[error("this is not a position in a list of goods to come")]
pub struct NotASupplyPosition;

impl SupplyPosition {
    /// The place of goods.
    #[must_use]
    pub fn of(supply: &Supply) -> Self {
        Self {
            due: supply.due.as_millis(),
            id: supply.id.clone(),
        }
    }
}

impl fmt::Display for SupplyPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.due, self.id)
    }
}

impl FromStr for SupplyPosition {
    type Err = NotASupplyPosition;

    fn from_str(text: &str) -> Result<Self, NotASupplyPosition> {
        let (due, id) = text.split_once('/').ok_or(NotASupplyPosition)?;
        Ok(Self {
            due: due.parse().map_err(|_| NotASupplyPosition)?,
            id: id.to_owned(),
        })
    }
}

/// Records goods that are to come, in place of what was said of them before;
/// zero takes them back. Gives the product that was spoken of before.
///
/// # Errors
/// The row could not be written.
pub fn record(conn: &Connection, supply: &Supply) -> TableResult<Option<Sku>> {
    let before = conn
        .prepare_cached("DELETE FROM supply WHERE id = ?1 RETURNING sku")
        .and_then(|mut delete| optional(delete.query_row([&supply.id], |row| text(row, 0))))
        .doing("replace goods that are to come")?;
    if supply.quantity > 0 {
        conn.prepare_cached("INSERT INTO supply VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
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
            .doing("record goods that are to come")?;
    }
    Ok(before)
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
        let rows = select.query_map(params![sku.as_str(), now.as_millis()], read)?;
        rows.collect()
    })
    .doing("read what is to come")
}

/// Goods to come of a product, at a location, or all, after a place in the list,
/// the earliest first; with what was due and did not come.
///
/// # Errors
/// The table could not be read.
pub fn page(
    conn: &Connection,
    (sku, location): (Option<&Sku>, Option<&LocationId>),
    after: Option<SupplyPosition>,
    limit: usize,
) -> TableResult<Vec<Supply>> {
    let (due, id) = after.map_or((i64::MIN, String::new()), |at| (at.due, at.id));
    conn.prepare_cached(
        "SELECT id, location, sku, due, quantity, source FROM supply
         WHERE (due, id) > (?1, ?2) AND quantity > 0
           AND (?3 IS NULL OR sku = ?3) AND (?4 IS NULL OR location = ?4)
         ORDER BY due, id LIMIT ?5",
    )
    .and_then(|mut select| {
        let columns = params![
            due,
            id,
            sku.map(Sku::as_str),
            location.map(LocationId::as_str),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ];
        select.query_map(columns, read)?.collect()
    })
    .doing("list what is to come")
}

fn read(row: &Row<'_>) -> rusqlite::Result<Supply> {
    Ok(Supply {
        id: row.get(0)?,
        location: text(row, 1)?,
        sku: text(row, 2)?,
        due: Timestamp::from_millis(row.get(3)?),
        quantity: row.get(4)?,
        source: row.get(5)?,
    })
}
