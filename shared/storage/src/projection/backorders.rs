//! Lines that wait for supply, by product.
//!
//! Invariant: there is a row for each line of which the fold says that a part
//! waits, and for no other.

use std::collections::BTreeSet;

use evertill_domain::order::{ChannelId, FulfilmentKind, OrderState};
use evertill_domain::{DocumentId, LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, text};

/// A line that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBackorder {
    /// The order.
    pub document: DocumentId,
    /// Its line.
    pub line: u32,
    /// The only location that it can come from; any if none is named.
    pub only: Option<LocationId>,
    /// Where the order came from.
    pub channel: ChannelId,
    /// How much waits, in thousandths.
    pub quantity: i64,
    /// When everything is expected, as its customer was told.
    pub expected: Option<Timestamp>,
    /// When the order came, in the order of everything that did.
    pub arrival: i64,
}

/// Writes what waits of an order; gives the products of which something else
/// waits now.
pub(crate) fn refresh(
    conn: &Connection,
    document: &DocumentId,
    order: &OrderState,
    arrival: i64,
) -> TableResult<BTreeSet<Sku>> {
    let before = of_order(conn, document)?;
    let lines = order.lines.iter().filter(|line| line.backordered > 0);
    let now: BTreeSet<Row> = lines
        .map(|line| {
            let expected = line.expected.map(Timestamp::as_millis);
            let sku = line.line.sku.clone();
            (line.line.line, sku, line.backordered, expected)
        })
        .collect();
    for (line, ..) in before.difference(&now) {
        conn.prepare_cached("DELETE FROM backorder WHERE document = ?1 AND line = ?2")
            .and_then(|mut delete| delete.execute(params![document.as_bytes(), line]))
            .doing("take a waiting line off")?;
    }
    let fulfilment = &order.placed.fulfilment;
    let collected = fulfilment.kind == FulfilmentKind::Pickup;
    let only = fulfilment.location.as_ref().filter(|_| collected);
    for (line, sku, quantity, expected) in now.difference(&before) {
        conn.prepare_cached("INSERT INTO backorder VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .and_then(|mut insert| {
                insert.execute(params![
                    document.as_bytes(),
                    line,
                    sku.as_str(),
                    only.map(LocationId::as_str),
                    order.placed.channel.as_str(),
                    quantity,
                    expected,
                    arrival
                ])
            })
            .doing("list a line that waits")?;
    }
    let changed = before.symmetric_difference(&now);
    Ok(changed.map(|(_, sku, ..)| sku.clone()).collect())
}

/// A line, its product, how much waits, and until when.
type Row = (u32, Sku, i64, Option<i64>);

fn of_order(conn: &Connection, document: &DocumentId) -> TableResult<BTreeSet<Row>> {
    conn.prepare_cached("SELECT line, sku, quantity, expected FROM backorder WHERE document = ?1")
        .and_then(|mut select| {
            let rows = select.query_map([document.as_bytes()], |row| {
                Ok((row.get(0)?, text(row, 1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect()
        })
        .doing("read what waits of an order")
}

/// The lines that wait for a product, as they came.
///
/// # Errors
/// The table could not be read.
pub fn of_sku(conn: &Connection, sku: &Sku) -> TableResult<Vec<StoredBackorder>> {
    conn.prepare_cached(
        "SELECT document, line, location, channel, quantity, expected, arrival
         FROM backorder WHERE sku = ?1 ORDER BY arrival, document, line",
    )
    .and_then(|mut select| {
        let rows = select.query_map([sku.as_str()], |row| {
            let named: Option<String> = row.get(2)?;
            Ok(StoredBackorder {
                document: DocumentId::from_bytes(row.get(0)?),
                line: row.get(1)?,
                only: named.map(|_| text(row, 2)).transpose()?,
                channel: text(row, 3)?,
                quantity: row.get(4)?,
                expected: row.get::<_, Option<_>>(5)?.map(Timestamp::from_millis),
                arrival: row.get(6)?,
            })
        })?;
        rows.collect()
    })
    .doing("list the lines that wait for a product")
}

/// Notes products of which something else can be promised, those of a JSON list
/// for which anybody waits.
pub(crate) fn note(conn: &Connection, skus: &str) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO backorder_due
         SELECT value FROM json_each(?1)
         WHERE EXISTS (SELECT 1 FROM backorder WHERE sku = value)",
    )
    .and_then(|mut insert| insert.execute([skus]))
    .doing("note products that are waited for")
    .map(drop)
}

/// Some products that are waited for and were noted.
///
/// # Errors
/// The table could not be read.
pub fn due(conn: &Connection, limit: usize) -> TableResult<Vec<Sku>> {
    conn.prepare_cached("SELECT sku FROM backorder_due ORDER BY sku LIMIT ?1")
        .and_then(|mut select| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map([limit], |row| text(row, 0))?;
            rows.collect()
        })
        .doing("read which products are waited for")
}

/// Takes a product off: it was looked at in this transaction.
///
/// # Errors
/// The row could not be removed.
pub fn done(conn: &Connection, sku: &Sku) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM backorder_due WHERE sku = ?1")
        .and_then(|mut delete| delete.execute([sku.as_str()]))
        .doing("take a product off the list")
        .map(drop)
}
