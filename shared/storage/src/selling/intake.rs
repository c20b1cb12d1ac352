//! Orders as they came, by channel and the channel's own name.
//!
//! Invariant: one name stands for one body, for ever.

use evertill_domain::DocumentId;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional};

/// The order that came under a name: its document and the digest of its body.
///
/// # Errors
/// The table could not be read.
pub fn find(
    conn: &Connection,
    channel: &str,
    external_id: &str,
) -> TableResult<Option<(DocumentId, [u8; 32])>> {
    conn.prepare_cached(
        "SELECT document, digest FROM order_intake WHERE channel = ?1 AND external_id = ?2",
    )
    .and_then(|mut select| {
        optional(select.query_row([channel, external_id], |row| {
            Ok((DocumentId::from_bytes(row.get(0)?), row.get(1)?))
        }))
    })
    .doing("look up an order by its channel's name")
}

/// Whether an order ever came from a channel.
///
/// # Errors
/// The table could not be read.
pub fn has_sold(conn: &Connection, channel: &str) -> TableResult<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM order_intake WHERE channel = ?1)")
        .and_then(|mut select| select.query_row([channel], |row| row.get(0)))
        .doing("look whether a channel sold anything")
}

/// Notes the order of a name.
///
/// # Errors
/// The row could not be written; the name is taken.
pub fn record(
    conn: &Connection,
    (channel, external_id): (&str, &str),
    digest: &[u8; 32],
    document: &DocumentId,
) -> TableResult<()> {
    conn.prepare_cached("INSERT INTO order_intake VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| {
            insert.execute(params![channel, external_id, digest, document.as_bytes()])
        })
        .doing("note an order's name")
        .map(drop)
}
