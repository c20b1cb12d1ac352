//! Receipts: where each number is found, and what goes back to it.
//!
//! A receipt itself stays in its entry; the tables only point there.
//!
//! Invariant: a number belongs to one receipt, for good.

mod page;

use evertill_domain::effects::ReceiptFacts;
use evertill_domain::event::{self, Event};
use evertill_domain::receipt::Receipt;
use evertill_domain::{DocumentId, ReceiptNumber, ReplicaId};
use rusqlite::{Connection, params};

pub use page::{NotAPosition, ReceiptPosition, page};

use super::documents::{self, Place};
use crate::sql::{Doing, TableError, TableResult, int, optional, uint};

/// A receipt and where it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its document.
    pub id: DocumentId,
    /// The receipt.
    pub receipt: Receipt,
    /// The entry that it came with.
    pub place: Place,
}

/// The receipt of a document.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn by_id(conn: &Connection, id: &DocumentId) -> TableResult<Option<StoredReceipt>> {
    let Some(place) = documents::opened_at(conn, id)? else {
        return Ok(None);
    };
    at(conn, place)
}

/// The receipt of a printed number.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn by_number(conn: &Connection, number: &ReceiptNumber) -> TableResult<Option<StoredReceipt>> {
    let place = conn
        .prepare_cached(
            "SELECT replica, seq, n FROM receipt
             WHERE location = ?1 AND register = ?2 AND code = ?3 AND number = ?4",
        )
        .and_then(|mut select| {
            let columns = params![
                number.location.as_str(),
                number.register.as_str(),
                number.code,
                int(number.seq)
            ];
            optional(select.query_row(columns, |row| {
                Ok(Place {
                    replica: ReplicaId(uint(row, 0)?),
                    seq: uint(row, 1)?,
                    n: row.get(2)?,
                })
            }))
        })
        .doing("look up a receipt number")?;
    place.map_or(Ok(None), |place| at(conn, place))
}

/// The returns and voids of a receipt, by their numbers.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn linked(conn: &Connection, original: &ReceiptNumber) -> TableResult<Vec<StoredReceipt>> {
    let numbers = conn
        .prepare_cached("SELECT number FROM receipt_link WHERE original = ?1")
        .and_then(|mut select| {
            let rows = select.query_map([original.to_string()], |row| crate::sql::text(row, 0))?;
            rows.collect::<rusqlite::Result<Vec<ReceiptNumber>>>()
        })
        .doing("list the returns of a receipt")?;
    let receipts = numbers
        .iter()
        .filter_map(|number| by_number(conn, number).transpose());
    receipts.collect()
}

fn at(conn: &Connection, place: Place) -> TableResult<Option<StoredReceipt>> {
    let part = documents::part_at(conn, place)?.part;
    receipt_of(part.document, &part.change, place)
}

/// The receipt in a change, if that is what it holds.
fn receipt_of(id: DocumentId, change: &[u8], place: Place) -> TableResult<Option<StoredReceipt>> {
    let damaged = |detail: String| TableError::Damaged {
        what: format!("entry {} of replica {}", place.seq, place.replica),
        detail,
    };
    let events = evertill_documents::read(change).map_err(|e| damaged(e.to_string()))?;
    for (_, bytes) in events {
        if let Event::Receipt(receipt) =
            event::decode(&bytes).map_err(|e| damaged(e.to_string()))?
        {
            let receipt = *receipt;
            return Ok(Some(StoredReceipt { id, receipt, place }));
        }
    }
    Ok(None)
}

/// Claims a receipt's number; `false` if it belongs to another receipt.
pub(crate) fn claim(conn: &Connection, facts: &ReceiptFacts, place: Place) -> TableResult<bool> {
    let number = &facts.number;
    let claimed = conn
        .prepare_cached("INSERT OR IGNORE INTO receipt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .and_then(|mut insert| {
            insert.execute(params![
                number.location.as_str(),
                number.register.as_str(),
                number.code,
                int(number.seq),
                int(place.replica.0),
                int(place.seq),
                place.n
            ])
        })
        .doing("store a receipt number")?;
    if claimed == 0 {
        return Ok(false);
    }
    if let Some(original) = &facts.original {
        conn.prepare_cached("INSERT OR IGNORE INTO receipt_link VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute([original.to_string(), number.to_string()]))
            .doing("link a return to its receipt")?;
    }
    Ok(true)
}

/// Takes back what [`claim`] wrote.
pub(crate) fn unclaim(conn: &Connection, facts: &ReceiptFacts) -> TableResult<()> {
    let number = &facts.number;
    conn.prepare_cached(
        "DELETE FROM receipt
         WHERE location = ?1 AND register = ?2 AND code = ?3 AND number = ?4",
    )
    .and_then(|mut delete| {
        delete.execute(params![
            number.location.as_str(),
            number.register.as_str(),
            number.code,
            int(number.seq)
        ])
    })
    .doing("take back a receipt number")?;
    if let Some(original) = &facts.original {
        conn.prepare_cached("DELETE FROM receipt_link WHERE original = ?1 AND number = ?2")
            .and_then(|mut delete| delete.execute([original.to_string(), number.to_string()]))
            .doing("take back a return's link")?;
    }
    Ok(())
}
