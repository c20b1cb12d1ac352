//! Lists of receipts, in the order in which they were stored here.
//!
//! Invariant: a receipt is listed once, and a list that is continued after a
//! position misses nothing that was applied before it began.

use std::fmt;
use std::str::FromStr;

use evertill_domain::{LocationId, ReplicaId, Seq};
use evertill_journal::Sealed;
use rusqlite::{Connection, params};

use super::{StoredReceipt, receipt_of};
use crate::projection::documents::{self, Place};
use crate::sql::{Doing, TableError, TableResult, int, optional, uint};

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
        for receipt in in_entry(conn, &sealed)? {
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
fn in_entry(conn: &Connection, sealed: &Sealed) -> TableResult<Vec<StoredReceipt>> {
    let entry = &sealed.entry;
    let mut receipts = Vec::new();
    for part in &entry.parts {
        let place = Place {
            replica: entry.replica,
            seq: entry.seq,
            n: part.n,
        };
        // What is written again is listed where it was first, if it is held there.
        let again = entry.reissue.is_some();
        if again && documents::opened_at(conn, &part.document)? != Some(place) {
            continue;
        }
        receipts.extend(receipt_of(part.document, &part.change, place)?);
    }
    Ok(receipts)
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
