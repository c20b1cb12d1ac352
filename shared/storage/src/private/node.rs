//! A node's side: who ordered what it has to hand over, kept for as long as it
//! has to.
//!
//! Invariant: the position moves in the transaction that keeps what it passes.

use std::collections::BTreeMap;

use evertill_domain::{DocumentId, LocationId, Timestamp};
use rusqlite::{Connection, Row as SqlRow, params};

use super::row::Row;
use super::{Customer, Position};
use crate::sql::{Doing, TableResult, int, optional, uint};

/// How long a node keeps who ordered when it has nothing more to do with the
/// order, in milliseconds; by then the hub has taken it back, unless the line was
/// cut all the time.
pub const KEEP_MS: i64 = 14 * 24 * 3_600_000;

/// How far the hub's changes are kept.
///
/// # Errors
/// The table could not be read.
pub fn position(conn: &Connection) -> TableResult<Position> {
    conn.prepare_cached("SELECT hub, version FROM private_position")
        .and_then(|mut select| {
            optional(select.query_row([], |row| {
                Ok(Position {
                    hub: uint(row, 0)?,
                    version: uint(row, 1)?,
                })
            }))
        })
        .doing("read how far the private stream is kept")
        .map(Option::unwrap_or_default)
}

/// Keeps changes that lead `from` one place `to` another.
///
/// # Errors
/// The tables could not be written.
pub fn keep(conn: &Connection, (from, to): (Position, Position), rows: &[Row]) -> TableResult<()> {
    if from == Position::default() {
        forget_all(conn)?;
    }
    for row in rows {
        match &row.customer {
            Some(customer) => insert(conn, &row.document, customer)?,
            None => conn
                .prepare_cached("DELETE FROM private_contact WHERE document = ?1")
                .and_then(|mut delete| delete.execute([row.document.as_bytes()]))
                .doing("forget who ordered")
                .map(drop)?,
        }
    }
    conn.prepare_cached("INSERT OR REPLACE INTO private_position VALUES (1, ?1, ?2)")
        .and_then(|mut insert| insert.execute([int(to.hub), int(to.version)]))
        .doing("note how far the private stream is kept")
        .map(drop)
}

fn insert(conn: &Connection, document: &DocumentId, customer: &Customer) -> TableResult<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO private_contact VALUES (?1, ?2, ?3, ?4, NULL)")
        .and_then(|mut insert| {
            insert.execute(params![
                document.as_bytes(),
                customer.name,
                customer.phone,
                customer.address
            ])
        })
        .doing("keep who ordered")
        .map(drop)
}

/// Forgets every customer and how far the changes were kept: the next contact
/// brings what is needed again.
///
/// # Errors
/// The rows could not be removed.
pub fn forget_all(conn: &Connection) -> TableResult<()> {
    for sql in [
        "DELETE FROM private_contact",
        "DELETE FROM private_position",
    ] {
        conn.execute(sql, []).doing("forget who ordered")?;
    }
    Ok(())
}

/// Who made an order, if that is known here.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Option<Customer>> {
    conn.prepare_cached("SELECT name, phone, address FROM private_contact WHERE document = ?1")
        .and_then(|mut select| {
            optional(select.query_row([document.as_bytes()], |row| customer(row, 0)))
        })
        .doing("look up who ordered")
}

/// Who made each order, as far as that is known here.
///
/// # Errors
/// The table could not be read.
pub fn all(conn: &Connection) -> TableResult<BTreeMap<DocumentId, Customer>> {
    conn.prepare_cached("SELECT document, name, phone, address FROM private_contact")
        .and_then(|mut select| {
            let rows = select.query_map([], |row| {
                Ok((DocumentId::from_bytes(row.get(0)?), customer(row, 1)?))
            })?;
            rows.collect()
        })
        .doing("look up who ordered")
}

fn customer(row: &SqlRow<'_>, first: usize) -> rusqlite::Result<Customer> {
    Ok(Customer {
        name: row.get(first)?,
        phone: row.get(first + 1)?,
        address: row.get(first + 2)?,
    })
}

/// Forgets, without the hub, customers whose orders have been over here for
/// [`KEEP_MS`]; gives how many.
///
/// # Errors
/// The tables could not be read or written.
pub fn sweep(conn: &Connection, location: &LocationId, now: Timestamp) -> TableResult<usize> {
    const OPEN: &str = "EXISTS (SELECT 1 FROM order_location AS o WHERE o.location = ?1
         AND o.document = private_contact.document AND o.open = 1)";
    let again = format!("UPDATE private_contact SET over_since = NULL WHERE {OPEN}");
    conn.execute(&again, [location.as_str()])
        .doing("note which orders are open")?;
    let over = format!(
        "UPDATE private_contact SET over_since = ?2 WHERE over_since IS NULL AND NOT {OPEN}"
    );
    conn.execute(&over, params![location.as_str(), now.as_millis()])
        .doing("note which orders are over")?;
    conn.execute(
        "DELETE FROM private_contact WHERE over_since <= ?1",
        [now.as_millis() - KEEP_MS],
    )
    .doing("forget who ordered")
}
