//! A hash of each projection: two databases compared without their rows.
//!
//! Invariant: it depends on the rows alone, not on the order in which they were
//! written.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::PROJECTIONS;
use crate::sql::{Doing, TableResult};

/// A hash of each projection, over all its rows in the order of their keys.
///
/// # Errors
/// The tables could not be read.
pub fn fingerprint(conn: &Connection) -> TableResult<BTreeMap<&'static str, [u8; 32]>> {
    let hashes = PROJECTIONS
        .iter()
        .map(|table| Ok((*table, hash_of(conn, table)?)));
    hashes.collect()
}

fn hash_of(conn: &Connection, table: &str) -> TableResult<[u8; 32]> {
    let mut select = conn
        .prepare(&format!("SELECT * FROM {table}"))
        .doing("read a projection")?;
    let columns = select.column_count();
    let order: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
    let sql = format!("SELECT * FROM {table} ORDER BY {}", order.join(", "));
    select = conn.prepare(&sql).doing("read a projection")?;
    let mut rows = select.query([]).doing("read a projection")?;
    let mut hasher = blake3::Hasher::new();
    while let Some(row) = rows.next().doing("read a projection")? {
        for column in 0..columns {
            let (kind, bytes): (u8, &[u8]) = match row.get_ref(column).doing("read a projection")? {
                ValueRef::Null => (0, &[]),
                ValueRef::Integer(number) => (1, &number.to_be_bytes()),
                ValueRef::Real(number) => (2, &number.to_be_bytes()),
                ValueRef::Text(bytes) => (3, bytes),
                ValueRef::Blob(bytes) => (4, bytes),
            };
            hasher
                .update(&[kind])
                .update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        }
    }
    Ok(*hasher.finalize().as_bytes())
}
