//! Entries and feed items as they are stored, in the order of arrival.
//!
//! Invariant: a page has no gap; what arrived between its first and its last is
//! in it.

use evertill_domain::{ReplicaId, Seq};
use evertill_journal::Sealed;
use rusqlite::{Connection, Row, params};

use crate::feed::Item;
use crate::sql::{Doing, TableError, TableResult, optional, text, uint};

/// How many entries and items are read at a time.
const PAGE: i64 = 500;

/// An entry or feed item as stored.
pub(super) struct Stored {
    pub(super) arrival: i64,
    pub(super) content: Content,
}

pub(super) enum Content {
    Entry(Box<Sealed>),
    /// An item of a feed. Its bytes may be none, which is why it is parked.
    Item {
        hub: ReplicaId,
        location: String,
        seq: Seq,
        bytes: Vec<u8>,
    },
}

/// What was stored after an arrival.
pub(super) fn after(conn: &Connection, arrival: i64) -> TableResult<Vec<Stored>> {
    let columns = params![arrival, PAGE];
    let mut both: Vec<Stored> = conn
        .prepare_cached(
            "SELECT arrival, bytes FROM entry WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(columns, entry)?;
            rows.collect::<rusqlite::Result<_>>()
        })
        .doing("read the entries")?;
    let items: Vec<Stored> = conn
        .prepare_cached(
            "SELECT arrival, bytes, hub, location, seq FROM feed_item
             WHERE arrival > ?1 ORDER BY arrival LIMIT ?2",
        )
        .and_then(|mut select| {
            let rows = select.query_map(columns, item)?;
            rows.collect::<rusqlite::Result<_>>()
        })
        .doing("read the feed items")?;
    both.extend(items);
    both.sort_unstable_by_key(|stored| stored.arrival);
    // Behind the end of a full page of one kind, some of the other may be absent.
    both.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    Ok(both)
}

/// What was stored as one arrival.
pub(super) fn at(conn: &Connection, arrival: i64) -> TableResult<Stored> {
    let found = conn
        .prepare_cached("SELECT arrival, bytes FROM entry WHERE arrival = ?1")
        .and_then(|mut select| optional(select.query_row([arrival], entry)))
        .doing("read an entry")?;
    let found = match found {
        Some(found) => Some(found),
        None => conn
            .prepare_cached(
                "SELECT arrival, bytes, hub, location, seq FROM feed_item WHERE arrival = ?1",
            )
            .and_then(|mut select| optional(select.query_row([arrival], item)))
            .doing("read a feed item")?,
    };
    found.ok_or_else(|| TableError::Damaged {
        what: "the quarantine".to_owned(),
        detail: format!("it released arrival {arrival}, which is not stored"),
    })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let sealed = Sealed::decode(row.get(1)?).map_err(|error| {
        let kind = rusqlite::types::Type::Blob;
        rusqlite::Error::FromSqlConversionFailure(1, kind, Box::new(error))
    })?;
    Ok(Stored {
        arrival: row.get(0)?,
        content: Content::Entry(Box::new(sealed)),
    })
}

fn item(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        arrival: row.get(0)?,
        content: Content::Item {
            hub: ReplicaId(uint(row, 2)?),
            location: text(row, 3)?,
            seq: uint(row, 4)?,
            bytes: row.get(1)?,
        },
    })
}

/// The item in these bytes, which was applied once.
pub(super) fn decode(arrival: i64, bytes: &[u8]) -> TableResult<Item> {
    Item::decode(bytes).map_err(|error| TableError::Damaged {
        what: format!("the feed item that arrived as number {arrival}"),
        detail: error.to_string(),
    })
}
