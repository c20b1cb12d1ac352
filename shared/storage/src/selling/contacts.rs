//! Who ordered, and where it goes.
//!
//! Invariant: erasing a row erases everything that names the person here.

use evertill_domain::DocumentId;
use rusqlite::{Connection, params};

use crate::sql::{Doing, TableResult, optional};

/// Who a customer is and where they live.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Their name.
    pub name: Option<String>,
    /// Where they can be written to.
    pub email: Option<String>,
    /// Where they can be called.
    pub phone: Option<String>,
    /// Their language.
    pub locale: Option<String>,
    /// Where it is shipped, as JSON.
    pub address: Option<String>,
}

/// Keeps who ordered.
///
/// # Errors
/// The row could not be written.
pub fn keep(conn: &Connection, document: &DocumentId, contact: &Contact) -> TableResult<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO order_contact VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut insert| {
            insert.execute(params![
                document.as_bytes(),
                contact.name,
                contact.email,
                contact.phone,
                contact.locale,
                contact.address
            ])
        })
        .doing("keep who ordered")
        .map(drop)
}

/// Who ordered, if that is kept.
///
/// # Errors
/// The table could not be read.
pub fn of(conn: &Connection, document: &DocumentId) -> TableResult<Option<Contact>> {
    conn.prepare_cached(
        "SELECT name, email, phone, locale, address FROM order_contact WHERE document = ?1",
    )
    .and_then(|mut select| {
        optional(select.query_row([document.as_bytes()], |row| {
            Ok(Contact {
                name: row.get(0)?,
                email: row.get(1)?,
                phone: row.get(2)?,
                locale: row.get(3)?,
                address: row.get(4)?,
            })
        }))
    })
    .doing("read who ordered")
}

/// Erases who ordered; true if it was kept.
///
/// # Errors
/// The row could not be removed.
pub fn erase(conn: &Connection, document: &DocumentId) -> TableResult<bool> {
    conn.prepare_cached("DELETE FROM order_contact WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document.as_bytes()]))
        .doing("erase who ordered")
        .map(|rows| rows == 1)
}
