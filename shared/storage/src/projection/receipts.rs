//! Receipts: where each number is found, and what goes back to it.
//!
//! A receipt itself stays in its entry; the tables only point there.
//!
//! Invariant: a number belongs to one receipt, for good.

use std::fmt;
use std::str::FromStr;

use evertill_domain::effects::ReceiptFacts;
use evertill_domain::event::{self, Event};
use evertill_domain::receipt::Receipt;
use evertill_domain::{DocumentId, LocationId, ReceiptNumber, ReplicaId, Seq};
use evertill_journal::Sealed;
use rusqlite::{Connection, params};

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

/// A place in the order in which receipts were stored here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ReceiptPosition {
    /// Arrival number of the entry.
    pub arrival: i64,
    /// The part's number in it.
    pub n: u32,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a position in a list of receipts")]
pub struct NotAPosition;

impl fmt::Display for ReceiptPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.arrival, self.n)
    }
}

impl FromStr for ReceiptPosition {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (arrival, n) = text.split_once('.').ok_or(NotAPosition)?;
        Ok(Self {
            arrival: arrival.parse().map_err(|_| NotAPosition)?,
            n: n.parse().map_err(|_| NotAPosition)?,
        })
    }
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

/// Receipts in the order in which they were stored here, after a position: at
/// most `limit`.
///
/// # Errors
/// The tables could not be read, or an entry is damaged.
pub fn page(
    conn: &Connection,
    location: Option<&LocationId>,
    after: Option<ReceiptPosition>,
    limit: usize,
) -> TableResult<Vec<(ReceiptPosition, StoredReceipt)>> {
    let after = after.unwrap_or_default();
    let mut page = Vec::new();
    let mut take = |arrival: i64, bytes: Vec<u8>| -> TableResult<()> {
        let sealed = decode(bytes)?;
        for receipt in in_entry(&sealed)? {
            let position = ReceiptPosition {
                arrival,
                n: receipt.place.n,
            };
            if position > after {
                page.push((position, receipt));
            }
        }
        Ok(())
    };
    match location {
        None => {
            for (arrival, bytes) in entries_from(conn, after.arrival, limit + 1)? {
                take(arrival, bytes)?;
            }
        }
        Some(location) => {
            for (replica, head) in journals_of(conn, location)? {
                let first = first_seq_from(conn, replica, head, after.arrival)?;
                for (arrival, bytes) in entries_of(conn, replica, first, limit + 1)? {
                    take(arrival, bytes)?;
                }
            }
        }
    }
    page.sort_unstable_by_key(|(position, _)| *position);
    page.truncate(limit);
    Ok(page)
}

/// The receipts that an entry added.
fn in_entry(sealed: &Sealed) -> TableResult<Vec<StoredReceipt>> {
    let entry = &sealed.entry;
    let mut receipts = Vec::new();
    for part in &entry.parts {
        let place = Place {
            replica: entry.replica,
            seq: entry.seq,
            n: part.n,
        };
        receipts.extend(receipt_of(part.document, &part.change, place)?);
    }
    Ok(receipts)
}

fn at(conn: &Connection, place: Place) -> TableResult<Option<StoredReceipt>> {
    let (document, change) = documents::part_at(conn, place)?;
    receipt_of(document, &change, place)
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

fn decode(bytes: Vec<u8>) -> TableResult<Sealed> {
    Sealed::decode(bytes).map_err(|error| TableError::Damaged {
        what: "an entry".to_owned(),
        detail: error.to_string(),
    })
}

fn entries_from(conn: &Connection, arrival: i64, limit: usize) -> TableResult<Vec<(i64, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT arrival, bytes FROM entry WHERE arrival >= ?1 AND receipts > 0
         ORDER BY arrival LIMIT ?2",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = select.query_map([arrival, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    })
    .doing("list receipts")
}

fn entries_of(
    conn: &Connection,
    replica: ReplicaId,
    first: Seq,
    limit: usize,
) -> TableResult<Vec<(i64, Vec<u8>)>> {
    conn.prepare_cached(
        "SELECT arrival, bytes FROM entry WHERE replica = ?1 AND seq >= ?2 AND receipts > 0
         ORDER BY seq LIMIT ?3",
    )
    .and_then(|mut select| {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let columns = params![int(replica.0), int(first), limit];
        let rows = select.query_map(columns, |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    })
    .doing("list receipts")
}

fn journals_of(conn: &Connection, location: &LocationId) -> TableResult<Vec<(ReplicaId, Seq)>> {
    conn.prepare_cached("SELECT replica, head_seq FROM journal WHERE location = ?1")
        .and_then(|mut select| {
            let rows = select.query_map([location.as_str()], |row| {
                Ok((ReplicaId(uint(row, 0)?), uint(row, 1)?))
            })?;
            rows.collect()
        })
        .doing("list the journals of a location")
}

/// The first entry of a journal that arrived at `arrival` or later. A journal
/// arrives in its own order, so this is a binary search over the key that is
/// there anyway, and entries need no index by location.
fn first_seq_from(
    conn: &Connection,
    replica: ReplicaId,
    head: Seq,
    arrival: i64,
) -> TableResult<Seq> {
    let mut probe = conn
        .prepare_cached("SELECT arrival FROM entry WHERE replica = ?1 AND seq = ?2")
        .doing("list receipts")?;
    let (mut low, mut high) = (1, head + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<i64> =
            optional(probe.query_row([int(replica.0), int(middle)], |row| row.get(0)))
                .doing("list receipts")?;
        match found {
            Some(found) if found >= arrival => high = middle,
            _ => low = middle + 1,
        }
    }
    Ok(low)
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
