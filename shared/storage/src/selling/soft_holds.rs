//! Goods kept for a time without a promise.
//!
//! Only this hub knows of them: they are subtracted from what it may promise and
//! write no counters. A promise takes their place in one transaction.
//!
//! Invariant: a hold that has expired counts for nothing.

use evertill_domain::{DocumentId, LocationId, Sku, Timestamp};
use rusqlite::{Connection, params};

use crate::changes;
use crate::sql::{Doing, TableResult, text};

/// Goods kept for a cart or an unpaid order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftHold {
    /// The order, where there is one.
    pub document: Option<DocumentId>,
    /// Its line.
    pub line: Option<u32>,
    /// Who sells it.
    pub channel: String,
    /// From where.
    pub location: LocationId,
    /// What.
    pub sku: Sku,
    /// How much, in thousandths.
    pub quantity: i64,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Keeps goods; gives the hold's number.
///
/// # Errors
/// The row could not be written.
pub fn keep(conn: &Connection, hold: &SoftHold) -> TableResult<i64> {
    changes::availability(conn, [&hold.sku])?;
    conn.prepare_cached(
        "INSERT INTO soft_hold (document, line, channel, location, sku, quantity, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            hold.document.as_ref().map(DocumentId::as_bytes),
            hold.line,
            hold.channel,
            hold.location.as_str(),
            hold.sku.as_str(),
            hold.quantity,
            hold.expires_at.as_millis()
        ])
    })
    .doing("keep goods for a cart")
}

/// How much of a pair is kept now.
///
/// # Errors
/// The table could not be read.
pub fn of_pair(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    now: Timestamp,
) -> TableResult<i64> {
    conn.prepare_cached(
        "SELECT ifnull(sum(quantity), 0) FROM soft_hold
         WHERE location = ?1 AND sku = ?2 AND expires_at > ?3",
    )
    .and_then(|mut select| {
        let columns = params![location.as_str(), sku.as_str(), now.as_millis()];
        select.query_row(columns, |row| row.get(0))
    })
    .doing("read what is kept for carts")
}

/// What is kept for an order and has not expired.
///
/// # Errors
/// The table could not be read.
pub fn of_order(
    conn: &Connection,
    document: &DocumentId,
    now: Timestamp,
) -> TableResult<Vec<SoftHold>> {
    conn.prepare_cached(
        "SELECT document, line, channel, location, sku, quantity, expires_at FROM soft_hold
         WHERE document = ?1 AND expires_at > ?2 ORDER BY id",
    )
    .and_then(|mut select| {
        let rows = select.query_map(params![document.as_bytes(), now.as_millis()], |row| {
            Ok(SoftHold {
                document: row.get::<_, Option<_>>(0)?.map(DocumentId::from_bytes),
                line: row.get(1)?,
                channel: row.get(2)?,
                location: text(row, 3)?,
                sku: text(row, 4)?,
                quantity: row.get(5)?,
                expires_at: Timestamp::from_millis(row.get(6)?),
            })
        })?;
        rows.collect()
    })
    .doing("read what is kept for an order")
}

/// Ends what is kept for an order.
///
/// # Errors
/// The rows could not be removed.
pub fn end_of_order(conn: &Connection, document: &DocumentId) -> TableResult<usize> {
    let ended = conn
        .prepare_cached("DELETE FROM soft_hold WHERE document = ?1 RETURNING sku")
        .and_then(|mut delete| skus(delete.query([document.as_bytes()])?))
        .doing("end what is kept for an order")?;
    told(conn, &ended)
}

/// Ends one hold; false if there is none of that number.
///
/// # Errors
/// The row could not be removed.
pub fn end(conn: &Connection, id: i64) -> TableResult<bool> {
    let ended = conn
        .prepare_cached("DELETE FROM soft_hold WHERE id = ?1 RETURNING sku")
        .and_then(|mut delete| skus(delete.query([id])?))
        .doing("end what is kept for a cart")?;
    Ok(told(conn, &ended)? == 1)
}

fn skus(rows: rusqlite::Rows<'_>) -> rusqlite::Result<Vec<Sku>> {
    rows.mapped(|row| text(row, 0)).collect()
}

/// Notes that more of some products can be promised; gives how many holds ended.
fn told(conn: &Connection, ended: &[Sku]) -> TableResult<usize> {
    changes::availability(conn, ended)?;
    Ok(ended.len())
}

/// Whether anything has expired.
///
/// # Errors
/// The table could not be read.
pub fn any_expired(conn: &Connection, now: Timestamp) -> TableResult<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM soft_hold WHERE expires_at <= ?1)")
        .and_then(|mut select| select.query_row([now.as_millis()], |row| row.get(0)))
        .doing("look for carts that ran out")
}

/// Throws away what has expired, and gives the orders that it was kept for.
///
/// # Errors
/// The rows could not be removed.
pub fn expire(conn: &Connection, now: Timestamp) -> TableResult<Vec<DocumentId>> {
    let ended: Vec<(Option<DocumentId>, Sku)> = conn
        .prepare_cached("DELETE FROM soft_hold WHERE expires_at <= ?1 RETURNING document, sku")
        .and_then(|mut delete| {
            let rows = delete.query_map([now.as_millis()], |row| {
                let document = row.get::<_, Option<_>>(0)?.map(DocumentId::from_bytes);
                Ok((document, text(row, 1)?))
            })?;
            rows.collect()
        })
        .doing("end what was kept for carts")?;
    let (documents, skus): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
    told(conn, &skus)?;
    Ok(documents.into_iter().flatten().collect())
}
