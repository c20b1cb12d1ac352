//! Worklists: pairs and orders that something happened to, for whoever acts on
//! them.
//!
//! The apply path notes them in the transaction of the change, so nothing that
//! is owed is forgotten in a crash. Whoever takes one up looks at the tables as
//! they are then, and takes it off in the transaction in which it acted.
//!
//! Invariant: a worklist may name too much, never too little; taking something
//! up twice does nothing the second time.

use std::collections::BTreeSet;

use evertill_domain::order::ChannelId;
use evertill_domain::{DocumentId, LocationId, Sku};
use rusqlite::Connection;

use crate::sql::{Doing, TableResult, text};

/// Notes a pair whose rights are to be looked at.
///
/// # Errors
/// The row could not be written.
pub fn note_pair(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO rights_due VALUES (?1, ?2)")
        .and_then(|mut insert| insert.execute([location.as_str(), sku.as_str()]))
        .doing("note a pair to look at")
        .map(drop)
}

/// Notes every pair of a location that has stock or rights: its policies
/// changed, or it has just been given the right to mint.
///
/// # Errors
/// The rows could not be written.
pub fn note_location(conn: &Connection, location: &LocationId) -> TableResult<()> {
    for sql in [
        "INSERT OR IGNORE INTO rights_due
         SELECT DISTINCT location, sku FROM stock WHERE location = ?1",
        "INSERT OR IGNORE INTO rights_due
         SELECT DISTINCT location, sku FROM cell WHERE location = ?1",
    ] {
        conn.prepare_cached(sql)
            .and_then(|mut insert| insert.execute([location.as_str()]))
            .doing("note a location's pairs to look at")?;
    }
    Ok(())
}

/// Some pairs that are to be looked at, in their order.
///
/// # Errors
/// The table could not be read.
pub fn pairs(conn: &Connection, limit: usize) -> TableResult<Vec<(LocationId, Sku)>> {
    conn.prepare_cached("SELECT location, sku FROM rights_due ORDER BY location, sku LIMIT ?1")
        .and_then(|mut select| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map([limit], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
            rows.collect()
        })
        .doing("read which pairs to look at")
}

/// Takes a pair off: it was looked at in this transaction.
///
/// # Errors
/// The row could not be removed.
pub fn pair_done(conn: &Connection, location: &LocationId, sku: &Sku) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM rights_due WHERE location = ?1 AND sku = ?2")
        .and_then(|mut delete| delete.execute([location.as_str(), sku.as_str()]))
        .doing("take a pair off the list")
        .map(drop)
}

/// The pairs whose debt is left to their location's machine: few, if any.
///
/// # Errors
/// The table could not be read.
pub fn debts_left(conn: &Connection) -> TableResult<BTreeSet<(LocationId, Sku)>> {
    conn.prepare_cached("SELECT location, sku FROM debt_left")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
            rows.collect()
        })
        .doing("read which debts are left to machines")
}

/// Notes whether the debt of a pair is left to its location's machine.
///
/// # Errors
/// The row could not be written.
pub fn leave_debt(
    conn: &Connection,
    location: &LocationId,
    sku: &Sku,
    is_left: bool,
) -> TableResult<()> {
    let sql = if is_left {
        "INSERT OR IGNORE INTO debt_left VALUES (?1, ?2)"
    } else {
        "DELETE FROM debt_left WHERE location = ?1 AND sku = ?2"
    };
    conn.prepare_cached(sql)
        .and_then(|mut change| change.execute([location.as_str(), sku.as_str()]))
        .doing("note whether a debt is left to a machine")
        .map(drop)
}

/// Notes an order that may oblige somebody here.
///
/// # Errors
/// The row could not be written.
pub fn note_order(conn: &Connection, document: &DocumentId) -> TableResult<()> {
    conn.prepare_cached("INSERT OR IGNORE INTO order_due VALUES (?1)")
        .and_then(|mut insert| insert.execute([document.as_bytes()]))
        .doing("note an order to look at")
        .map(drop)
}

/// Notes every open order of a location: who stands for it has changed.
///
/// # Errors
/// The rows could not be written.
pub fn note_orders_of(conn: &Connection, location: &LocationId) -> TableResult<()> {
    conn.prepare_cached(
        "INSERT OR IGNORE INTO order_due
         SELECT document FROM order_location WHERE location = ?1 AND open = 1",
    )
    .and_then(|mut insert| insert.execute([location.as_str()]))
    .doing("note a location's orders to look at")
    .map(drop)
}

/// Some orders that are to be looked at.
///
/// # Errors
/// The table could not be read.
pub fn orders(conn: &Connection, limit: usize) -> TableResult<Vec<DocumentId>> {
    conn.prepare_cached("SELECT document FROM order_due ORDER BY document LIMIT ?1")
        .and_then(|mut select| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = select.query_map([limit], |row| row.get(0).map(DocumentId::from_bytes))?;
            rows.collect()
        })
        .doing("read which orders to look at")
}

/// An order that is to be looked at, and its place in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDue {
    /// The order.
    pub document: DocumentId,
    /// Where it came from; none before its beginning has arrived.
    pub channel: Option<ChannelId>,
    /// The place at which it came.
    pub arrival: i64,
}

/// All orders that are to be looked at, in no order.
///
/// # Errors
/// The tables could not be read.
pub fn orders_in_line(conn: &Connection) -> TableResult<Vec<OrderDue>> {
    conn.prepare_cached(
        "SELECT document, channel, ifnull(arrival, 0)
         FROM order_due LEFT JOIN customer_order USING (document)",
    )
    .and_then(|mut select| {
        let rows = select.query_map([], |row| {
            let channel: Option<String> = row.get(1)?;
            Ok(OrderDue {
                document: DocumentId::from_bytes(row.get(0)?),
                channel: channel.and_then(|channel| channel.parse().ok()),
                arrival: row.get(2)?,
            })
        })?;
        rows.collect()
    })
    .doing("read which orders to look at, and who came first")
}

/// Takes an order off: it was looked at in this transaction.
///
/// # Errors
/// The row could not be removed.
pub fn order_done(conn: &Connection, document: &DocumentId) -> TableResult<()> {
    conn.prepare_cached("DELETE FROM order_due WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document.as_bytes()]))
        .doing("take an order off the list")
        .map(drop)
}
